/** Bodies of requests: reading, media types, decoding and strictness. */
import { parseDocument } from 'yaml';
import { canonicalize, decodeObject, DecodeError } from '../../../api/machinery/codec.ts';
import { newBadRequest, newRequestEntityTooLarge, newUnsupportedMediaType } from '../../../api/machinery/errors.ts';
import { formatGroupVersion, parseGroupVersion } from '../../../api/machinery/gvk.ts';
import { parseJSON } from '../../../api/machinery/json.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { decodeEnvelope, decodeProtobuf } from '../../../api/machinery/protobuf.ts';
import type { StructSchema } from '../../../api/machinery/schema.ts';
import type { MediaType } from './accept.ts';

/** Largest body that is read, as the API server has it. */
export const BODY_SIZE_BYTES_MAX = 3 * 1024 * 1024;

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** The whole body. Throws 413 as soon as it grows beyond the limit. */
export async function readBody(request: Request): Promise<Buffer> {
  const tooLarge = (): Error => newRequestEntityTooLarge(`limit is ${BODY_SIZE_BYTES_MAX}`);
  if (Number(request.headers.get('content-length') ?? 0) > BODY_SIZE_BYTES_MAX) throw tooLarge();
  if (request.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > BODY_SIZE_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const ACCEPTED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** Media type of a body; JSON when nothing is said. Throws 415. */
export function bodyMediaType(contentType: string | null): MediaType {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  switch (type) {
    case '':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    default:
      throw newUnsupportedMediaType(ACCEPTED);
  }
}

/** A value from JSON or YAML text, and the keys that stood twice. Throws an Error with the parser's words. */
export function parseText(mediaType: 'json' | 'yaml', text: string): { value: unknown; duplicates: readonly string[] } {
  return mediaType === 'json' ? parseJSON(text) : parseYAML(text);
}

function parseYAML(text: string): { value: unknown; duplicates: readonly string[] } {
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, strict: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new Error(`error converting YAML to JSON: yaml: ${problem.message.split('\n', 1)[0]}`);
  const strict = parseDocument(text, { version: '1.1', uniqueKeys: true });
  const duplicates = strict.errors.filter(({ code }) => code === 'DUPLICATE_KEY').map(() => 'key already set in map');
  // Through JSON, so that dates and other YAML types become what they are written as.
  return { value: JSON.parse(JSON.stringify(document.toJS() ?? null)) as unknown, duplicates };
}

/** What an endpoint expects in its body. */
export interface Expected {
  readonly schema: StructSchema;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Any API group may stand before the kind (DeleteOptions). */
  readonly anyGroup?: boolean;
  /** Says whether a kind exists at all, for the message about a wrong one. */
  knows(apiVersion: string, kind: string): boolean;
}

export interface StrictFindings {
  readonly unknownFields: readonly string[];
  readonly duplicates: readonly string[];
}

/** Decodes an object. Throws 400 in upstream's words when the body is not what the endpoint expects. */
export function decodeBody(body: Buffer, mediaType: MediaType, expected: Expected): { object: UnknownObject } & StrictFindings {
  if (mediaType === 'protobuf') return decodeProtobufBody(body, expected);
  let parsed: { value: unknown; duplicates: readonly string[] };
  try {
    parsed = parseText(mediaType, body.toString('utf8'));
  } catch (error) {
    throw unrecognized(expected, `couldn't get version/kind; json parse error: ${(error as Error).message}`, body);
  }
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    throw unrecognized(
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
      body,
    );
  }
  const typed = value as Record<string, unknown>;
  checkType(expected, stringOf(typed['apiVersion']), stringOf(typed['kind']));
  const { object, unknownFields } = decodeTyped(expected, typed);
  return { object, unknownFields, duplicates: parsed.duplicates };
}

function decodeProtobufBody(body: Buffer, expected: Expected): { object: UnknownObject } & StrictFindings {
  try {
    const envelope = decodeEnvelope(body);
    checkType(expected, envelope.apiVersion, envelope.kind);
    const object = decodeProtobuf(expected.schema, envelope.raw);
    return { object: named(expected, object), unknownFields: [], duplicates: [] };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw unrecognized(expected, error.message, body);
  }
}

/** Decodes an already parsed value, as after a patch. */
export function decodeTyped(expected: Expected, value: Record<string, unknown>): { object: UnknownObject; unknownFields: readonly string[] } {
  try {
    const { object, unknownFields } = decodeObject(expected.schema, value);
    return { object: named(expected, object), unknownFields };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw newBadRequest(cannotBeHandled(expected, expected.kind, formatGroupVersion(expected.group, expected.version), error.message));
  }
}

/** Kind and apiVersion of what is expected, first in the object. */
function named(expected: Expected, object: UnknownObject): UnknownObject {
  if (!expected.schema.byName.has('kind')) return object;
  return canonicalize(expected.schema, { ...object, kind: expected.kind, apiVersion: formatGroupVersion(expected.group, expected.version) });
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function checkType(expected: Expected, apiVersion: string, kind: string): void {
  const wanted = formatGroupVersion(expected.group, expected.version);
  const found = apiVersion === '' ? wanted : apiVersion;
  const foundKind = kind === '' ? expected.kind : kind;
  if (expected.anyGroup === true && foundKind === expected.kind) return;
  if (foundKind === expected.kind && found === wanted) return;
  if (parseGroupVersion(found) === undefined) {
    throw newBadRequest(cannotBeHandled(expected, foundKind, found, `unexpected GroupVersion string: ${found}`));
  }
  if (!expected.knows(found, foundKind)) {
    const why = `no kind ${JSON.stringify(foundKind)} is registered for version ${JSON.stringify(found)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
    throw newBadRequest(cannotBeHandled(expected, foundKind, found, why));
  }
  if (foundKind === expected.kind) {
    throw newBadRequest(`the API version in the data (${found}) does not match the expected API version (${wanted})`);
  }
  const why = `converting (${goType(found, foundKind)}) to (${goType(wanted, expected.kind)}): unknown conversion`;
  throw newBadRequest(cannotBeHandled(expected, foundKind, found, why));
}

function goType(apiVersion: string, kind: string): string {
  return `${apiVersion.split('/').at(-1)}.${kind}`;
}

function cannotBeHandled(expected: Expected, kind: string, apiVersion: string, why: string): string {
  return `${kind} in version ${JSON.stringify(apiVersion.split('/').at(-1))} cannot be handled as a ${expected.kind}: ${why}`;
}

function unrecognized({ kind }: Expected, why: string, body: Buffer): Error {
  const head = body.subarray(0, 30).toString('hex');
  return newBadRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${head}${body.length > 30 ? ' ...' : ''})`);
}

/** Refuses, warns about or overlooks unknown and duplicate fields, as fieldValidation says. */
export function applyFieldValidation(mode: FieldValidation, findings: StrictFindings, expected: Expected, warnings: string[]): void {
  if (mode === 'Ignore') return;
  const texts = [
    ...findings.unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
    ...findings.duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
  ];
  if (texts.length === 0) return;
  if (mode === 'Warn') {
    warnings.push(...texts);
    return;
  }
  const apiVersion = formatGroupVersion(expected.group, expected.version);
  throw newBadRequest(cannotBeHandled(expected, expected.kind, apiVersion, `strict decoding error: ${texts.join(', ')}`));
}
