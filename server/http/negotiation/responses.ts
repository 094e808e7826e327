/** Answers: objects, lists and Statuses in the form that was negotiated. */
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { encodeObject } from '../../../api/machinery/codec.ts';
import type { Status } from '../../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { encodeEnvelope, encodeProtobuf } from '../../../api/machinery/protobuf.ts';
import type { StructSchema } from '../../../api/machinery/schema.ts';
import { isTrue } from '../request.ts';
import { MEDIA_TYPES, negotiate, type MediaType } from './accept.ts';

const gzipAsync = promisify(gzip);

/** Bodies beyond this are compressed for clients that take gzip. */
export const GZIP_SIZE_BYTES_MIN = 128 * 1024;

const NEWLINE = Buffer.from('\n');
const STATUS_SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

/** Something to send: JSON bytes that exist already, or an object. */
export interface Payload {
  readonly object: object;
  /** Compact JSON of the object, if at hand. */
  readonly bytes?: readonly Uint8Array[];
  /** For protobuf; without it the object can only be sent as JSON or YAML. */
  readonly schema?: StructSchema;
  readonly apiVersion: string;
  readonly kind: string;
}

export async function respond(request: Request, code: number, mediaType: MediaType, payload: Payload, headers: Record<string, string> = {}): Promise<Response> {
  const body = encodePayload(request, mediaType, payload);
  const all: Record<string, string> = { 'Content-Type': MEDIA_TYPES[mediaType], ...headers };
  if (body.length > GZIP_SIZE_BYTES_MIN && acceptsGzip(request)) {
    all['Content-Encoding'] = 'gzip';
    all['Vary'] = 'Accept-Encoding';
    return new Response((await gzipAsync(body, { level: 1 })) as Buffer<ArrayBuffer>, { status: code, headers: all });
  }
  return new Response(new Uint8Array(body.buffer, body.byteOffset, body.length) as Uint8Array<ArrayBuffer>, { status: code, headers: { ...all, 'Content-Length': String(body.length) } });
}

function encodePayload(request: Request, mediaType: MediaType, payload: Payload): Buffer {
  switch (mediaType) {
    case 'protobuf':
      return Buffer.from(encodeEnvelope(payload, encodeProtobuf(payload.schema!, payload.object)));
    case 'yaml':
      return Buffer.from(stringify(JSON.parse(JSON.stringify(payload.object)), { lineWidth: 0, aliasDuplicateObjects: false }));
    case 'json':
      if (isPretty(request)) return Buffer.from(`${JSON.stringify(payload.object, undefined, 2)}\n`);
      return Buffer.concat([...(payload.bytes ?? [encodeObject(payload.object)]), NEWLINE]);
  }
}

function acceptsGzip(request: Request): boolean {
  return /(^|,)\s*gzip\s*(;|,|$)/.test(request.headers.get('accept-encoding') ?? '');
}

/** Indented for people: when asked for, and for the tools people read raw answers with. */
function isPretty(request: Request): boolean {
  const wanted = new URL(request.url).searchParams.get('pretty');
  if (wanted !== null) return isTrue(wanted);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers.get('user-agent') ?? '');
}

/** A Status in a form the client takes; JSON when it takes none. */
export async function respondStatus(request: Request, status: Status): Promise<Response> {
  const headers: Record<string, string> = {};
  const retryAfter = status.details?.retryAfterSeconds ?? 0;
  if (retryAfter > 0) headers['Retry-After'] = String(retryAfter);
  if (status.code === 401 || status.code === 403) headers['X-Content-Type-Options'] = 'nosniff';
  let mediaType: MediaType = 'json';
  try {
    mediaType = negotiate(request.headers.get('accept'), { mediaTypes: ['json', 'yaml', 'protobuf'], transforms: ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'] }).mediaType;
  } catch {
    // An error is told even to who accepts nothing we have.
  }
  return respond(request, status.code, mediaType, { object: status, schema: builtInSchema(STATUS_SCHEMA), apiVersion: 'v1', kind: 'Status' }, headers);
}


/** Bytes of a list: the envelope around the stored bytes of its items, which lose their own kind and apiVersion. */
export function listBytes(
  list: { readonly kind: string; readonly apiVersion: string; readonly metadata: object },
  item: { readonly kind: string; readonly group: string; readonly version: string },
  items: readonly { readonly bytes: Buffer }[],
): Buffer[] {
  const prefix = Buffer.byteLength(itemPrefix(item));
  const head = JSON.stringify({ kind: list.kind, apiVersion: list.apiVersion, metadata: list.metadata });
  const chunks: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  items.forEach(({ bytes }, index) => {
    chunks.push(index === 0 ? OPEN : COMMA_OPEN, bytes.subarray(prefix));
  });
  chunks.push(CLOSE);
  return chunks;
}

const OPEN = Buffer.from('{');
const COMMA_OPEN = Buffer.from(',{');
const CLOSE = Buffer.from(']}');

/** What the bytes of every stored object begin with. */
function itemPrefix({ kind, group, version }: { readonly kind: string; readonly group: string; readonly version: string }): string {
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(formatGroupVersion(group, version))},`;
}

/** Warning headers, each text once, within upstream's limit. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const limit = 4096;
  let total = 0;
  const headers: string[] = [];
  for (const text of new Set(warnings)) {
    const shown = total < limit ? text : text.slice(0, 256);
    total += shown.length;
    headers.push(`299 - ${JSON.stringify(shown).replaceAll(/[^\x20-\x7e]/g, '?')}`);
  }
  return headers;
}

/** The object without its kind, as lists hold it. */
export function withoutType({ kind: _kind, apiVersion: _apiVersion, ...rest }: UnknownObject): object {
  return rest;
}
