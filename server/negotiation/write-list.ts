/** Answers that hold a list. JSON is put together from the stored bytes, without parsing or writing objects anew. */
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import { encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { WireWriter } from '../../api/machinery/protobuf/wire-writer.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filters/filter.ts';
import type { ListOutcome, ResultObject } from '../registry/interface.ts';
import {
  JSON_TYPE,
  negotiate,
  PROTOBUF_TYPE,
  YAML_TYPE,
  type OutputFormat,
  type Transform,
} from './accept.ts';
import { finishJSON } from './encode.ts';
import type { ObjectForm } from './form.ts';
import { ListBody } from './list-body.ts';
import { respondCompressible, respondSource } from './respond.ts';
import {
  formatPartialList,
  formatTable,
  includeObjectOf,
  newTableRequest,
  partialMetadata,
} from './table.ts';
import { encodeText, newTransformNotAcceptable, PARTIAL_METADATA_TYPE, withPretty } from './write-object.ts';
import { formatYAML } from './yaml.ts';

const LIST_META_TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

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

/** The format for an answer that holds a list. Throws what would be wrong with the answer before anything is done. */
export function negotiateList({ request, query }: Exchange, form: ObjectForm): OutputFormat {
  const format = negotiate(request.headers.get('accept'), form.offer);
  if (format.transform?.kind === 'PartialObjectMetadata') {
    throw newTransformNotAcceptable(
      `you requested PartialObjectMetadata, but the requested object is a list (${form.listKind})`,
    );
  }
  if (format.transform?.kind === 'Table') includeObjectOf(query);
  return format;
}

export function respondList(
  exchange: Exchange,
  clock: Clock,
  negotiated: OutputFormat,
  form: ObjectForm,
  outcome: ListOutcome,
): Answer {
  const format = withPretty(exchange, negotiated);
  if (format.type === JSON_TYPE && format.transform === undefined && !format.pretty) {
    const body = listBody(form, listMetaOf(outcome), outcome.items, '\n');
    return respondSource(exchange, { 'Content-Type': format.type }, body);
  }
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
      throw new Error('negotiateList lets no single objects through');
    case 'Table': {
      const request = newTableRequest(exchange, clock, form, transform.version);
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
  const json = listBody(form, meta, items, '').whole();
  if (format.type === YAML_TYPE) return Buffer.from(formatYAML(JSON.parse(json.toString('utf8'))));
  return finishJSON(json, format.pretty);
}

/** JSON of a list. Items of built-in kinds go without kind and apiVersion, those of custom kinds with them. */
function listBody(form: ObjectForm, meta: ListMeta, items: readonly ResultObject[], end: string): ListBody {
  const kind = JSON.stringify(form.listKind);
  const apiVersion = JSON.stringify(form.apiVersion);
  if (!form.typed) {
    return new ListBody({
      head: `{"apiVersion":${apiVersion},"items":[`,
      open: '',
      items: items.map(({ bytes }) => bytes),
      tail: `],"kind":${kind},"metadata":${stringifyJSON(sortedMeta(meta))}}${end}`,
    });
  }
  const prefix = Buffer.from(`{"kind":${JSON.stringify(form.kind)},"apiVersion":${apiVersion},`);
  return new ListBody({
    head: `{"kind":${kind},"apiVersion":${apiVersion},"metadata":${stringifyJSON(meta)},"items":[`,
    open: '{',
    items: items.map((item) => withoutType(item, prefix)),
    tail: `]}${end}`,
  });
}

/** The bytes of an object behind its kind and apiVersion, the opening brace left out. */
function withoutType(item: ResultObject, prefix: Buffer): Buffer {
  const { document } = item;
  const bytes = document ?? item.bytes;
  if (bytes.length > prefix.length && prefix.compare(bytes, 0, prefix.length) === 0)
    return bytes.subarray(prefix.length, document === undefined ? undefined : -1);
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
  if (format.type !== PROTOBUF_TYPE) return encodeText(formatPartialList(version, meta, items), format);
  const type = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}` };
  const partials = items.map(({ object }) => partialMetadata(object, version));
  return encodeProtobufList(type, builtInSchema(PARTIAL_METADATA_TYPE), meta, partials);
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
