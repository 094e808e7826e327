/** Answers that hold a list. JSON is put together from the stored bytes, without parsing or writing objects anew. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import { encodeEnvelope, encodeProtobuf } from '../../api/machinery/protobuf.ts';
import { WireWriter } from '../../api/machinery/protobuf-wire.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import type { ListOutcome, ResultObject } from '../registry/interface.ts';
import { JSON_TYPE, PROTOBUF_TYPE, YAML_TYPE, type OutputFormat, type Transform } from './accept.ts';
import { finishJSON } from './encode.ts';
import type { ObjectForm } from './form.ts';
import { respondCompressible } from './respond.ts';
import { formatTable, includeObjectOf, partialMetadata } from './table.ts';
import { encodeText, newTransformNotAcceptable, PARTIAL_METADATA_TYPE, withPretty } from './write-object.ts';
import { formatYAML } from './yaml.ts';

const LIST_META_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;

interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

function listMetaOf(outcome: ListOutcome): ListMeta {
  return {
    resourceVersion: outcome.resourceVersion,
    ...(outcome.continue === undefined ? {} : { continue: outcome.continue }),
    ...(outcome.remainingItemCount === undefined ? {} : { remainingItemCount: outcome.remainingItemCount }),
  };
}

export function respondList(
  exchange: Exchange,
  clock: Clock,
  negotiated: OutputFormat,
  form: ObjectForm,
  outcome: ListOutcome,
): Answer {
  const format = withPretty(exchange, negotiated);
  const body = encodeList(exchange, clock, format, form, outcome);
  return respondCompressible(exchange, 200, { 'Content-Type': format.type }, body);
}

function encodeList(
  exchange: Exchange,
  clock: Clock,
  format: OutputFormat,
  form: ObjectForm,
  outcome: ListOutcome,
): Uint8Array {
  const meta = listMetaOf(outcome);
  const { transform } = format;
  switch (transform?.kind) {
    case undefined:
      return encodePlainList(format, form, meta, outcome.items);
    case 'PartialObjectMetadataList':
      return encodePartialList(format, transform.version, meta, outcome.items);
    case 'PartialObjectMetadata':
      throw newTransformNotAcceptable(
        `you requested PartialObjectMetadata, but the requested object is a list (${form.listKind})`,
      );
    case 'Table': {
      const request = {
        definition: form.table!,
        version: transform.version,
        include: includeObjectOf(exchange.query),
        context: { nowMs: clock.now() },
        withColumns: true,
      };
      return encodeText(formatTable(request, meta, outcome.items), format);
    }
  }
}

function encodePlainList(
  format: OutputFormat,
  form: ObjectForm,
  meta: ListMeta,
  items: readonly ResultObject[],
): Uint8Array {
  if (format.type === PROTOBUF_TYPE) {
    return encodeProtobufList(
      { apiVersion: form.apiVersion, kind: form.listKind },
      form.schema,
      meta,
      items.map(({ object }) => object),
    );
  }
  const json = joinList(form, meta, items, format.type === JSON_TYPE && !format.pretty);
  if (format.type === YAML_TYPE) return Buffer.from(formatYAML(JSON.parse(json.toString('utf8'))));
  return format.pretty ? finishJSON(json, true) : json;
}

/** Compact JSON of a list. Items of built-in kinds go without kind and apiVersion, those of custom kinds with them. */
function joinList(
  form: ObjectForm,
  meta: ListMeta,
  items: readonly ResultObject[],
  newline: boolean,
): Buffer {
  const kind = JSON.stringify(form.listKind);
  const apiVersion = JSON.stringify(form.apiVersion);
  const [head, tail] = form.typed
    ? [`{"kind":${kind},"apiVersion":${apiVersion},"metadata":${stringifyJSON(meta)},"items":[`, ']}']
    : [
        `{"apiVersion":${apiVersion},"items":[`,
        `],"kind":${kind},"metadata":${stringifyJSON(sortedMeta(meta))}}`,
      ];
  const prefix = form.typed
    ? Buffer.from(`{"kind":${JSON.stringify(form.kind)},"apiVersion":${apiVersion},`)
    : undefined;
  const parts = items.map((item) => (prefix === undefined ? item.bytes : withoutType(item, prefix)));
  const end = newline ? `${tail}\n` : tail;
  const braces = prefix === undefined ? 0 : parts.length;
  const size = parts.reduce((sum, part) => sum + part.length, 0) + braces + Math.max(0, parts.length - 1);
  const out = Buffer.allocUnsafe(Buffer.byteLength(head) + size + Buffer.byteLength(end));
  let at = out.write(head);
  parts.forEach((part, index) => {
    if (index > 0) out[at++] = COMMA;
    if (prefix !== undefined) out[at++] = OPEN_BRACE;
    at += part.copy(out, at);
  });
  out.write(end, at);
  return out;
}

/** The bytes of an object behind its kind and apiVersion, the opening brace left out. */
function withoutType(item: ResultObject, prefix: Buffer): Buffer {
  const { bytes } = item;
  if (bytes.length > prefix.length && prefix.compare(bytes, 0, prefix.length) === 0)
    return bytes.subarray(prefix.length);
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = item.object;
  return Buffer.from(stringifyJSON(rest)).subarray(1);
}

function sortedMeta(meta: ListMeta): object {
  return Object.fromEntries(Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function encodePartialList(
  format: OutputFormat,
  version: Transform['version'],
  meta: ListMeta,
  items: readonly ResultObject[],
): Uint8Array {
  const type = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}` };
  const partials = items.map(({ object }) => partialMetadata(object, version));
  if (format.type === PROTOBUF_TYPE)
    return encodeProtobufList(type, builtInSchema(PARTIAL_METADATA_TYPE), meta, partials);
  return encodeText(stringifyJSON({ ...type, metadata: meta, items: partials }), format);
}

/** Every list message has its ListMeta as field 1 and its items as field 2. */
function encodeProtobufList(
  type: { readonly kind: string; readonly apiVersion: string },
  schema: StructSchema,
  meta: ListMeta,
  items: readonly UnknownObject[],
): Uint8Array {
  const writer = new WireWriter();
  writer.bytes(1, encodeProtobuf(builtInSchema(LIST_META_TYPE), meta));
  for (const item of items) writer.bytes(2, encodeProtobuf(schema, item));
  return encodeEnvelope(type, writer.finish());
}
