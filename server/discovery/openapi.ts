/** `/openapi/v2` and `/openapi/v3`. Mirrors kube-openapi handler and handler3. */
import type { Clock } from '../../api/machinery/clock.ts';
import { newNotAcceptable } from '../../api/machinery/errors.ts';
import type { Exchange } from '../exchange.ts';
import { covers, parseAccept, type AcceptClause } from '../negotiation/accept.ts';
import { respond, respondCompressible } from '../negotiation/respond.ts';

/** Worth following from the index. */
export const OPENAPI_PATHS: readonly string[] = ['/openapi/v2', '/openapi/v3', '/openapi/v3/'];

export interface HashedDocument {
  readonly body: Buffer;
  /** Changes whenever the document does; upper-case hexadecimal. */
  readonly hash: string;
}

/** The documents a server publishes, as JSON; it may hold protobuf forms as well. */
export interface OpenAPIDocuments {
  /** Every version 3 document by path (`api/v1`, `apis/apps/v1`, `version`). */
  index(): readonly { readonly path: string; readonly hash: string }[];
  document(path: string): Buffer | undefined;
  v2(): HashedDocument;
  /** As `document` and `v2`, in protobuf. */
  documentProtobuf?(path: string): Buffer | undefined;
  v2Protobuf?(): Buffer;
}

const JSON_TYPE = 'application/json';
const YEAR_MS = 365 * 24 * 3600 * 1000;

interface Variant {
  readonly type: string;
  readonly body: () => Buffer | undefined;
}

/** Answers OpenAPI requests; undefined when the path is none of them. */
export function createOpenAPI(documents: OpenAPIDocuments, clock: Clock) {
  return async (exchange: Exchange): Promise<Response | undefined> => {
    const path = exchange.info.path.replace(/\/+$/, '');
    if (path === '/openapi/v2') return respondV2(exchange, documents);
    if (path === '/openapi/v3') return respondIndex(exchange, documents);
    if (!path.startsWith('/openapi/v3/')) return undefined;
    return respondV3(exchange, documents, path.slice('/openapi/v3/'.length), clock);
  };
}

async function respondV2(exchange: Exchange, documents: OpenAPIDocuments): Promise<Response | undefined> {
  const { body, hash } = documents.v2();
  const variant = pickVariant(exchange, [
    { type: JSON_TYPE, body: () => body },
    ...protobufVariants('v2', documents.v2Protobuf === undefined ? undefined : () => documents.v2Protobuf!()),
  ]);
  return respondDocument(exchange, variant, hash, {});
}

async function respondIndex(exchange: Exchange, documents: OpenAPIDocuments): Promise<Response> {
  const paths = Object.fromEntries(
    documents.index().map(({ path, hash }) => [path, { serverRelativeURL: locationOf(path, hash) }]),
  );
  const body = Buffer.from(JSON.stringify({ paths }));
  return respondCompressible(exchange, 200, { 'Content-Type': JSON_TYPE }, body);
}

async function respondV3(
  exchange: Exchange,
  documents: OpenAPIDocuments,
  path: string,
  clock: Clock,
): Promise<Response | undefined> {
  const entry = documents.index().find((candidate) => candidate.path === path);
  if (entry === undefined) return undefined;
  const variant = pickVariant(exchange, [
    { type: JSON_TYPE, body: () => documents.document(path) },
    ...protobufVariants(
      'v3',
      documents.documentProtobuf === undefined ? undefined : () => documents.documentProtobuf!(path),
    ),
  ]);
  const asked = exchange.query.get('hash') ?? '';
  if (asked !== '' && asked !== entry.hash) {
    return respond(exchange, 301, { Location: locationOf(path, entry.hash) }, null);
  }
  // A location with the right hash never changes its content.
  const lasting: Record<string, string> =
    asked === ''
      ? {}
      : { 'Cache-Control': 'public, immutable', Expires: new Date(clock.now() + YEAR_MS).toUTCString() };
  return respondDocument(exchange, variant, entry.hash, lasting);
}

function locationOf(path: string, hash: string): string {
  return `/openapi/v3/${path}?hash=${hash}`;
}

/** Clients spell the protobuf type in two ways. */
function protobufVariants(version: 'v2' | 'v3', body: (() => Buffer | undefined) | undefined): Variant[] {
  if (body === undefined) return [];
  const name = `application/com.github.proto-openapi.spec.${version}`;
  return [
    { type: `${name}.v1.0+protobuf`, body },
    { type: `${name}@v1.0+protobuf`, body },
  ];
}

/** The variant of the first clause that can be met. Throws 406. */
function pickVariant({ request }: Exchange, variants: readonly Variant[]): Variant {
  const header = request.headers.get('accept');
  const clauses: readonly AcceptClause[] = header === null || header === '' ? [] : parseAccept(header);
  if (clauses.length === 0) return variants[0]!;
  for (const clause of clauses) {
    const variant = variants.find(({ type }) => covers(clause, type));
    if (variant !== undefined) return variant;
  }
  throw newNotAcceptable(variants.map(({ type }) => type));
}

async function respondDocument(
  exchange: Exchange,
  variant: Variant,
  hash: string,
  more: Readonly<Record<string, string>>,
): Promise<Response | undefined> {
  const body = variant.body();
  if (body === undefined) return undefined;
  // Go cannot parse the spelling with an at sign.
  const headers = {
    'Content-Type': variant.type.replace('@', '.'),
    ETag: `"${hash}"`,
    Vary: 'Accept',
    ...more,
  };
  if (exchange.request.headers.get('if-none-match') === headers.ETag)
    return respond(exchange, 304, headers, null);
  return respondCompressible(exchange, 200, headers, body);
}
