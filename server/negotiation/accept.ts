/** What a client accepts, and the form of the answer that follows. Mirrors endpoints/handlers/negotiation. */
import { newNotAcceptable, type StatusError } from '../../api/machinery/errors.ts';

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

export type BodyType = typeof JSON_TYPE | typeof YAML_TYPE | typeof PROTOBUF_TYPE;

/** One clause of an Accept header. */
export interface AcceptClause {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

export interface Transform {
  readonly kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Of meta.k8s.io. */
  readonly version: 'v1' | 'v1beta1';
}

/** The form an answer takes. */
export interface OutputFormat {
  readonly type: BodyType;
  readonly transform?: Transform;
  /** Indented; `pretty=1` in the clause, or settled later by query and user agent. */
  readonly pretty: boolean;
}

export interface Offer {
  /** Custom resources have no protobuf form, streams no YAML form. */
  readonly types: readonly BodyType[];
  readonly table: boolean;
  readonly partialMetadata: boolean;
  /** `stream=watch` is a fit. */
  readonly stream: boolean;
}

/** What Status and discovery documents come in. */
export const PLAIN_OFFER: Offer = {
  types: [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE],
  table: false,
  partialMetadata: false,
  stream: false,
};

const PARSED_HEADERS_MAX = 256;
const parsedHeaders = new Map<string, readonly AcceptClause[]>();

/** Clauses, best first: by quality, then the more specific, then as written. Malformed clauses are left out. */
export function parseAccept(header: string): readonly AcceptClause[] {
  let clauses = parsedHeaders.get(header);
  if (clauses === undefined) {
    // Clients repeat a handful of headers; a flood of odd ones must not grow the memory.
    if (parsedHeaders.size >= PARSED_HEADERS_MAX) parsedHeaders.clear();
    clauses = header
      .split(',')
      .flatMap((text) => parseClause(text) ?? [])
      .sort((a, b) => b.quality - a.quality || specificity(b) - specificity(a));
    parsedHeaders.set(header, clauses);
  }
  return clauses;
}

function specificity({ type, subtype }: AcceptClause): number {
  return type === '*' ? 0 : subtype === '*' ? 1 : 2;
}

function parseClause(text: string): AcceptClause | undefined {
  const [mediaType = '', ...rest] = text.split(';').map((part) => part.trim());
  const [type = '', subtype = '', more] = mediaType.split('/').map((part) => part.trim().toLowerCase());
  if (type === '*' && subtype === '') return clauseOf('*', '*', rest);
  if (type === '' || subtype === '' || more !== undefined || (type === '*' && subtype !== '*'))
    return undefined;
  return clauseOf(type, subtype, rest);
}

function clauseOf(type: string, subtype: string, parts: readonly string[]): AcceptClause {
  const parameters: Record<string, string> = {};
  let quality = 1;
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim().toLowerCase();
    const value = part
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (name !== 'q') parameters[name] = value;
    else if (/^\d*\.?\d+$/.test(value)) quality = Math.min(1, Number(value));
  }
  return { type, subtype, parameters, quality };
}

/** The first clause that the offer satisfies, as a format. Throws 406 naming what there is. */
export function negotiate(header: string | null, offer: Offer): OutputFormat {
  const format = tryNegotiate(header, offer);
  if (format === undefined) throw notAcceptable(offer);
  return format;
}

/** As `negotiate`, undefined when nothing fits. */
export function tryNegotiate(header: string | null, offer: Offer): OutputFormat | undefined {
  if (header === null || header === '') return { type: offer.types[0]!, pretty: false };
  for (const clause of parseAccept(header)) {
    for (const type of offer.types) {
      if (!covers(clause, type)) continue;
      const format = formatOf(clause, type, offer);
      if (format !== undefined) return format;
    }
  }
  return undefined;
}

export function notAcceptable(offer: Offer): StatusError {
  return newNotAcceptable(offer.types.map((type) => (offer.stream ? `${type};stream=watch` : type)));
}

/** Whether a clause asks for a media type, wildcards included. */
export function covers(clause: AcceptClause, mediaType: string): boolean {
  const [type, subtype] = mediaType.split('/');
  if (clause.type === '*') return true;
  return clause.type === type && (clause.subtype === '*' || clause.subtype === subtype);
}

function formatOf({ parameters }: AcceptClause, type: BodyType, offer: Offer): OutputFormat | undefined {
  const { as, g, v, stream, pretty } = parameters;
  if (stream !== undefined && !(offer.stream && stream === 'watch')) return undefined;
  const base = { type, pretty: pretty === '1' };
  if (as === undefined && g === undefined && v === undefined) return base;
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  if (as === 'Table') {
    return offer.table && type !== PROTOBUF_TYPE
      ? { ...base, transform: { kind: as, version: v } }
      : undefined;
  }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return offer.partialMetadata ? { ...base, transform: { kind: as, version: v } } : undefined;
  }
  return undefined;
}
