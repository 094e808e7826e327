/** The one place where responses are made. */
import { gzip as gzipWithCallback, constants } from 'node:zlib';
import { promisify } from 'node:util';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import { warningHeader } from './warnings.ts';

const gzip = promisify(gzipWithCallback);

/** Bodies above this are compressed for clients that accept it, as upstream does. */
const GZIP_THRESHOLD_BYTES = 128 * 1024;

/** A response with the headers every answer to this request carries. */
export function respond(
  exchange: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string | ReadableStream<Uint8Array> | null,
): Response {
  const all: Record<string, string> = { ...exchange.headers, ...headers };
  const warning = warningHeader(exchange.warnings);
  if (warning !== undefined) all['Warning'] = warning;
  const ResponseClass = exchange.environment.responseClass ?? Response;
  return new ResponseClass(body as BodyInit | null, { status, headers: all });
}

/** As `respond`, compressed when that pays and the client can read it. */
export function respondCompressible(
  exchange: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Answer {
  const isCompressed =
    body.length > GZIP_THRESHOLD_BYTES && acceptsGzip(exchange.request.headers.get('accept-encoding'));
  return isCompressed
    ? respondCompressed(exchange, status, headers, body)
    : respond(exchange, status, headers, body);
}

async function respondCompressed(
  exchange: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Response> {
  const compressed = await gzip(body, { level: constants.Z_BEST_SPEED });
  const vary = headers['Vary'] === undefined ? 'Accept-Encoding' : `${headers['Vary']}, Accept-Encoding`;
  return respond(exchange, status, { ...headers, 'Content-Encoding': 'gzip', Vary: vary }, compressed);
}

function acceptsGzip(header: string | null): boolean {
  if (header === null) return false;
  return header.split(',').some((part) => {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return coding === 'gzip' && !parameters.some((text) => /^q=0(\.0*)?$/.test(text));
  });
}

/** Text as Go's http.Error writes it: with a newline behind it. */
export function respondText(exchange: Exchange, status: number, text: string): Response {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  return respond(exchange, status, headers, `${text}\n`);
}
