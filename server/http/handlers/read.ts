/** get, list and watch. */
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { formatGroupVersion } from '../../../api/machinery/gvk.ts';
import { randomInt } from '../../../api/machinery/random.ts';
import type { StructSchema } from '../../../api/machinery/schema.ts';
import type { ListOutcome, WatchReadOptions } from '../../registry/interface.ts';
import { MEDIA_TYPES, negotiate, type Negotiated } from '../negotiation/accept.ts';
import { listBytes, respond, withoutType } from '../negotiation/responses.ts';
import { newTable, parseIncludeObject, partialMetadata, tableOf, tableRow } from '../negotiation/transforms.ts';
import { WatchStream } from '../negotiation/watch-stream.ts';
import { negotiateList, negotiateObject, respondObject, type Call } from './call.ts';
import { integerOption, listOptions, watchOptions } from './options.ts';

/** A watch that says nothing about its length lasts between one and two of these. */
const WATCH_TIMEOUT_MIN_MS = 30 * 60 * 1000;

export async function handleGet(call: Call): Promise<Response> {
  const negotiated = negotiateObject(call);
  const { services, context, target, object, query } = call;
  const result = await services.registry.get(context, target, object, { resourceVersion: query.get('resourceVersion') ?? undefined });
  return respondObject(call, 200, negotiated, result);
}

export async function handleList(call: Call): Promise<Response> {
  const negotiated = negotiateList(call);
  const { services, context, target, scope, query } = call;
  const outcome = await services.registry.list(context, target, scope, listOptions(query));
  return respondList(call, negotiated, outcome);
}

export function respondList(call: Call, negotiated: Negotiated, outcome: ListOutcome): Promise<Response> {
  const { request, definition, version, query, services } = call;
  const metadata = {
    resourceVersion: outcome.resourceVersion,
    ...(outcome.continue === undefined ? {} : { continue: outcome.continue }),
    ...(outcome.remainingItemCount === undefined ? {} : { remainingItemCount: outcome.remainingItemCount }),
  };
  if (negotiated.transform === 'Table') {
    const table = tableOf(definition);
    const include = parseIncludeObject(query.get('includeObject'));
    const now = services.clock.now();
    const object = newTable(table, metadata, outcome.items.map((item) => tableRow(table, item.object, include, now)));
    return respond(request, 200, negotiated.mediaType, { object, apiVersion: 'meta.k8s.io/v1', kind: 'Table' });
  }
  if (negotiated.transform !== undefined) {
    const object = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: outcome.items.map((item) => partialMetadata(item.object)) };
    const schema = builtInSchema('io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList');
    return respond(request, 200, negotiated.mediaType, { object, schema, apiVersion: object.apiVersion, kind: object.kind });
  }
  const list = { kind: definition.names.listKind, apiVersion: formatGroupVersion(definition.group, version.name), metadata };
  const item = { kind: definition.names.kind, group: definition.group, version: version.name };
  const object = {
    ...list,
    get items() {
      return outcome.items.map((result) => withoutType(result.object));
    },
  };
  const bytes = negotiated.mediaType === 'json' ? listBytes(list, item, outcome.items) : undefined;
  return respond(request, 200, negotiated.mediaType, { object, bytes, schema: listSchema(version.schema), apiVersion: list.apiVersion, kind: list.kind });
}

const listSchemas = new WeakMap<StructSchema, StructSchema>();

/** Every list is its metadata and its items. */
function listSchema(items: StructSchema): StructSchema {
  let schema = listSchemas.get(items);
  if (schema === undefined) {
    const partial = builtInSchema('io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList');
    const fields = partial.fields.map((field) =>
      field.name === 'items' ? { ...field, schema: { kind: 'list' as const, items, listType: 'atomic' as const, mapKeys: [] } } : field,
    );
    const protobuf = partial.protobuf.map((entry) => ({ ...entry, field: fields.find(({ name }) => name === entry.field?.name) }));
    schema = { ...partial, name: `${items.name}List`, fields, byName: new Map(fields.map((field) => [field.name, field])), protobuf };
    listSchemas.set(items, schema);
  }
  return schema;
}

export async function handleWatch(call: Call): Promise<Response> {
  const { services, context, target, query, state, definition, version, request } = call;
  const negotiated = negotiate(request.headers.get('accept'), {
    mediaTypes: ['json', 'protobuf'],
    transforms: ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'],
  });
  const options = watchOptionsOf(call);
  const seconds = integerOption(query, 'timeoutSeconds');
  const timeoutMs = seconds !== undefined && seconds > 0 ? seconds * 1000 : WATCH_TIMEOUT_MIN_MS + randomInt(services.random, WATCH_TIMEOUT_MIN_MS);
  const stream = new WatchStream({
    definition,
    version: version.name,
    schema: version.schema,
    negotiated,
    includeObject: parseIncludeObject(query.get('includeObject')),
    allowBookmarks: options.allowWatchBookmarks === true,
    timeoutMs,
    clock: services.clock,
    signal: state.signal,
  });
  stream.attach(await services.registry.watch(context, target, call.scope, options, stream));
  const contentType = negotiated.mediaType === 'protobuf' ? `${MEDIA_TYPES.protobuf};stream=watch` : MEDIA_TYPES.json;
  return new Response(stream.body, { status: 200, headers: { 'Content-Type': contentType } });
}

/** Watching one item by its path is watching the collection for its name. */
function watchOptionsOf({ query, object }: Call): WatchReadOptions {
  const options = watchOptions(query);
  if (object.name === '') return options;
  const byName = `metadata.name=${object.name}`;
  return { ...options, fieldSelector: (options.fieldSelector ?? '') === '' ? byName : `${options.fieldSelector},${byName}` };
}

