/** Answers that hold one object, in the form that was negotiated. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { encodeObject } from '../../api/machinery/codec.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { StatusError } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import { JSON_TYPE, negotiate, YAML_TYPE, type Offer, type OutputFormat, type Transform } from './accept.ts';
import { encodeDocument, finishJSON } from './encode.ts';
import type { ObjectForm } from './form.ts';
import { wantsPretty } from './pretty.ts';
import { respondCompressible } from './respond.ts';
import { formatTable, includeObjectOf, newTableRequest, partialMetadata } from './table.ts';
import { formatYAML } from './yaml.ts';

export const PARTIAL_METADATA_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata';

/** An object to write; `bytes` is its compact JSON when that is at hand. */
export interface WritableObject {
  readonly object: UnknownObject;
  readonly bytes?: Buffer;
  /** `bytes` and a newline, where they stand together. */
  readonly document?: Buffer;
}

/** `format` with `pretty` settled by the query and the user agent. */
export function withPretty(exchange: Exchange, format: OutputFormat): OutputFormat {
  const pretty = format.pretty || wantsPretty(exchange.query, exchange.request.headers.get('user-agent'));
  return pretty === format.pretty ? format : { ...format, pretty };
}

/**
 * The format for an answer that holds one object. Throws what would be wrong with the answer before anything is done:
 * upstream finds out when it writes the answer, by when the object has changed.
 */
export function negotiateObject({ request, query }: Exchange, offer: Offer): OutputFormat {
  const format = negotiate(request.headers.get('accept'), offer);
  if (format.transform?.kind === 'PartialObjectMetadataList') {
    throw newTransformNotAcceptable(
      'you requested PartialObjectMetadataList, but the requested object is not a list',
    );
  }
  if (format.transform?.kind === 'Table') includeObjectOf(query);
  return format;
}

/** A 406 for a transformation that makes no sense for what is to be written. */
export function newTransformNotAcceptable(message: string): StatusError {
  return new StatusError('NotAcceptable', message);
}

export function respondObject(
  exchange: Exchange,
  clock: Clock,
  negotiated: OutputFormat,
  form: ObjectForm,
  writable: WritableObject,
  status = 200,
): Answer {
  const format = withPretty(exchange, negotiated);
  const body = encodeAs(exchange, clock, format, form, writable);
  return respondCompressible(exchange, status, { 'Content-Type': format.type }, body);
}

function encodeAs(
  exchange: Exchange,
  clock: Clock,
  format: OutputFormat,
  form: ObjectForm,
  writable: WritableObject,
): Uint8Array {
  const { transform } = format;
  switch (transform?.kind) {
    case undefined:
      return encodePlain(format, form, writable);
    case 'PartialObjectMetadata':
      return encodePartialMetadata(writable.object, transform.version, format);
    case 'PartialObjectMetadataList':
      throw new Error('negotiateObject lets no lists through');
    case 'Table': {
      const request = newTableRequest(exchange, clock, form, transform.version);
      const { object } = writable;
      const metadata = { resourceVersion: object.metadata.resourceVersion };
      const item = { object, bytes: writable.bytes ?? encodeObject(object) };
      return encodeText(formatTable(request, metadata, [item]), format);
    }
  }
}

/** JSON comes from the bytes at hand; other types need the object. */
function encodePlain(format: OutputFormat, form: ObjectForm, writable: WritableObject): Uint8Array {
  const { bytes, document } = writable;
  if (format.type !== JSON_TYPE || bytes === undefined) {
    return encodeDocument(form.schema, writable.object, format);
  }
  return document !== undefined && !format.pretty ? document : finishJSON(bytes, format.pretty);
}

function encodePartialMetadata(
  object: UnknownObject,
  version: Transform['version'],
  format: OutputFormat,
): Uint8Array {
  return encodeDocument(builtInSchema(PARTIAL_METADATA_TYPE), partialMetadata(object, version), format);
}

/** Compact JSON text in a textual media type. */
export function encodeText(json: string, format: OutputFormat): Uint8Array {
  if (format.type === YAML_TYPE) return Buffer.from(formatYAML(JSON.parse(json)));
  return finishJSON(Buffer.from(json), format.pretty);
}
