/** The one place where responses are made. */
import { gzip as gzipWithCallback, constants } from 'node:zlib';
import { promisify } from 'node:util';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import { gzipped, streamOf, type BodySource } from './body-source.ts';
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
  const ResponseClass = exchange.environment.responseClass ?? Response;
  return new ResponseClass(body as BodyInit | null, { status, headers: headersOf(exchange, headers) });
}

function headersOf(exchange: Exchange, headers: Readonly<Record<string, string>>): Record<string, string> {
  const all: Record<string, string> = { ...exchange.headers, ...headers };
  const warning = warningHeader(exchange.warnings);
  if (warning !== undefined) all['Warning'] = warning;
  return all;
}

/** A response whose body comes piece by piece, straight to the connection where there is one. */
export function respondStream(
  exchange: Exchange,
  headers: Readonly<Record<string, string>>,
  source: BodySource,
): Response {
  const { environment } = exchange;
  if (environment.send === undefined) return respond(exchange, 200, headers, streamOf(source));
  return environment.send(200, headersOf(exchange, headers), source);
}

/** As `respondStream` for a body of known length, compressed when that pays and the client can read it. */
export function respondSource(
  exchange: Exchange,
  headers: Readonly<Record<string, string>>,
  source: BodySource & { readonly length: number },
): Response {
  if (!isCompressed(exchange, source.length)) {
    return respondStream(exchange, { ...headers, 'Content-Length': String(source.length) }, source);
  }
  return respondStream(exchange, compressedHeaders(headers), gzipped(source));
}

/** As `respond`, compressed when that pays and the client can read it. */
export function respondCompressible(
  exchange: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Answer {
  return isCompressed(exchange, body.length)
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
  return respond(exchange, status, compressedHeaders(headers), compressed);
}

function compressedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const vary = headers['Vary'] === undefined ? 'Accept-Encoding' : `${headers['Vary']}, Accept-Encoding`;
  return { ...headers, 'Content-Encoding': 'gzip', Vary: vary };
}

function isCompressed({ request }: Exchange, length: number): boolean {
  return length > GZIP_THRESHOLD_BYTES && acceptsGzip(request.headers.get('accept-encoding'));
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
