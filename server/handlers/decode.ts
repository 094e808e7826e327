/** Objects of request bodies. Mirrors apiserver handlers/create.go and rest.go, with the wording of Go's decoders. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import { decodeObject } from '../../api/machinery/codec.ts';
import { DecodeError } from '../../api/machinery/decode-error.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { formatGroupVersion, parseGroupVersion } from '../../api/machinery/gvk.ts';
import { JSONError, parseJSON } from '../../api/machinery/json.ts';
import { keepReset } from '../../api/machinery/managed-fields/managed-entries.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { decodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { decodeProtobuf } from '../../api/machinery/protobuf/decode.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { JSON_TYPE, PROTOBUF_TYPE, type BodyType } from '../negotiation/accept.ts';
import { parseYAML, warningsOfYAML, YAMLError } from '../negotiation/yaml.ts';
import type { FieldValidation } from './options.ts';
import { strictFindings } from './strict-findings.ts';

/** What an endpoint takes. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: StructSchema;
  /** Any group version with this kind will do (DeleteOptions). */
  readonly anyVersion?: boolean;
}

export interface DecodeRequest {
  readonly body: Buffer;
  readonly type: BodyType;
  readonly expected: ExpectedKind;
  readonly definitions: DefinitionSet;
  readonly fieldValidation: FieldValidation;
  /** Takes what Warn finds. */
  readonly warnings: string[];
}

const SCHEME = 'pkg/api/legacyscheme/scheme.go:30';
const HEAD_LENGTH_MAX = 30;

/** The object of a body in canonical form, its kind and apiVersion filled in. Throws 400 in upstream's words. */
export function decodeRequestObject(request: DecodeRequest): UnknownObject {
  return request.type === PROTOBUF_TYPE ? decodeBinary(request) : decodeText(request);
}

function decodeText(request: DecodeRequest): UnknownObject {
  const { body, expected } = request;
  const { value, duplicates } = parseText(request);
  if (typeof value !== 'object' || Array.isArray(value)) {
    const why = `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw unrecognized(expected, `couldn't get version/kind; json parse error: ${why}`, body);
  }
  const data = { ...(value as Record<string, unknown> | null) };
  for (const name of ['apiVersion', 'kind']) {
    const member = data[name];
    if (member === undefined || member === null || typeof member === 'string') continue;
    const why = `json: cannot unmarshal ${Array.isArray(member) ? 'array' : typeof member === 'boolean' ? 'bool' : typeof member} into Go struct field .${name} of type string`;
    throw unrecognized(expected, `couldn't get version/kind; json parse error: ${why}`, body);
  }
  const found = checkKind(request, (data['apiVersion'] ?? '') as string, (data['kind'] ?? '') as string);
  data['kind'] = found.kind;
  data['apiVersion'] = found.apiVersion;
  try {
    const { object, unknownFields } = decodeObject(expected.schema, data);
    keepReset(value, object);
    reportFindings(request, found, strictFindings(value, unknownFields, duplicates));
    return object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw cannotHandle(found, expected, error.message);
  }
}

function parseText({ body, type, expected }: DecodeRequest): {
  value: unknown;
  duplicates: readonly string[] | string;
} {
  // Bytes that are no UTF-8 become replacement characters, as in Go.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  try {
    if (type === JSON_TYPE) return parseJSON(text);
    const { value, duplicates = [] } = parseYAML(text);
    return { value, duplicates };
  } catch (error) {
    if (error instanceof JSONError) {
      throw unrecognized(expected, `couldn't get version/kind; json parse error: ${error.message}`, body);
    }
    if (error instanceof YAMLError) throw unrecognized(expected, error.message, body);
    throw error;
  }
}

function decodeBinary(request: DecodeRequest): UnknownObject {
  const { body, expected } = request;
  let found: FoundKind | undefined;
  try {
    const envelope = decodeEnvelope(body);
    found = checkKind(request, envelope.apiVersion, envelope.kind);
    const object = decodeProtobuf(expected.schema, envelope.raw);
    return { ...object, kind: found.kind, apiVersion: found.apiVersion };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw found === undefined
      ? unrecognized(expected, error.message, body)
      : cannotHandle(found, expected, error.message);
  }
}

interface FoundKind {
  readonly apiVersion: string;
  readonly version: string;
  readonly kind: string;
}

/** What the body says it is, with what it leaves out taken from the endpoint. Throws unless the endpoint takes it. */
function checkKind(
  { expected, definitions, body }: DecodeRequest,
  apiVersion: string,
  kind: string,
): FoundKind {
  const wanted = formatGroupVersion(expected.group, expected.version);
  const parsed = apiVersion === '' ? expected : parseGroupVersion(apiVersion);
  if (parsed === undefined)
    throw unrecognized(expected, `unexpected GroupVersion string: ${apiVersion}`, body);
  const found = {
    kind: kind === '' ? expected.kind : kind,
    version: parsed.version,
    apiVersion: apiVersion === '' ? wanted : apiVersion,
  };
  const isSameKind = found.kind === expected.kind;
  if (isSameKind && (found.apiVersion === wanted || expected.anyVersion === true)) return found;
  const isKnown = definitions
    .all()
    .some(
      ({ group, names, versions }) =>
        group === parsed.group &&
        (names.kind === found.kind || names.listKind === found.kind) &&
        versions.some(({ name }) => name === parsed.version),
    );
  if (!isKnown) {
    const why = `no kind ${goQuote(found.kind)} is registered for version ${goQuote(found.apiVersion)} in scheme ${goQuote(SCHEME)}`;
    throw cannotHandle(found, expected, why);
  }
  if (isSameKind && parsed.group === expected.group) {
    throw newBadRequest(
      `the API version in the data (${found.apiVersion}) does not match the expected API version (${wanted})`,
    );
  }
  const from = `${parsed.version}.${found.kind}`;
  const to = `${internalPackage(expected.group)}.${expected.kind}`;
  throw cannotHandle(found, expected, `converting (${from}) to (${to}): unknown conversion`);
}

function internalPackage(group: string): string {
  return group === '' ? 'core' : group.split('.', 1)[0]!;
}

function reportFindings(request: DecodeRequest, found: FoundKind, findings: readonly string[]): void {
  if (findings.length === 0 || request.fieldValidation === 'Ignore') return;
  if (request.fieldValidation === 'Warn') {
    request.warnings.push(...findings.flatMap(warningsOfYAML));
    return;
  }
  throw cannotHandle(found, request.expected, `strict decoding error: ${findings.join(', ')}`);
}

function cannotHandle(found: FoundKind, expected: ExpectedKind, why: string): Error {
  return newBadRequest(
    `${found.kind} in version ${goQuote(found.version)} cannot be handled as a ${expected.kind}: ${why}`,
  );
}

function unrecognized(expected: ExpectedKind, why: string, body: Buffer): Error {
  return newBadRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${headOf(body)})`,
  );
}

/** The start of a body for messages: as text when it looks like JSON, else in hexadecimal. */
function headOf(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const text = body.subarray(0, HEAD_LENGTH_MAX).toString(body[0] === 0x7b ? 'utf8' : 'hex');
  return body.length > HEAD_LENGTH_MAX ? `${text} ...` : text;
}
