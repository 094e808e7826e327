/** Requests that look like those of clients, and what chance makes of them. */
import type { DefinitionSet } from '../../api/definition-set.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import { encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { formatYAML } from '../../server/negotiation/yaml.ts';
import type { Source } from './source.ts';
import { NAMES, ODD_KEYS, oddValue, valueOf } from './values.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const ODD_METHODS = ['HEAD', 'OPTIONS', 'QUERY'];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const ACCEPTS = [
  ...BODY_TYPES,
  '*/*',
  '',
  'text/html',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io',
  'application/json;q=0.1,application/yaml;q=0.9',
  ';;;,,=',
];
/** Parameters and values worth trying, the last ones of each being wrong. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  watch: ['1', 'true', '0', ''],
  timeoutSeconds: ['1', '0', '-1', 'x'],
  timeout: ['1s', '0', '1h', 'x', '-5s'],
  limit: ['1', '500', '0', '-1', '9'.repeat(30)],
  continue: ['', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0', 'bnVsbA', '!'],
  resourceVersion: ['', '0', '1', '5', '99999999', 'x', '-1', '1e3'],
  resourceVersionMatch: ['Exact', 'NotOlderThan', 'x', ''],
  sendInitialEvents: ['true', 'false', 'x'],
  allowWatchBookmarks: ['true', 'x'],
  labelSelector: ['a=b', 'a in (b,c)', '!a', 'a>1', 'a in (', ',,', '__proto__=x', 'x'.repeat(400)],
  fieldSelector: [
    'metadata.name=a',
    'metadata.namespace!=b',
    'status.phase=x',
    'nope=x',
    'a',
    '__proto__=x',
    '\\',
  ],
  dryRun: ['All', 'x', ''],
  fieldManager: ['me', '', 'x'.repeat(200), '\u0007'],
  fieldValidation: ['Strict', 'Warn', 'Ignore', 'x'],
  force: ['true', 'false', 'x'],
  pretty: ['true', 'x'],
  gracePeriodSeconds: ['0', '30', '-1', 'x'],
  propagationPolicy: ['Foreground', 'Background', 'Orphan', 'x'],
  orphanDependents: ['true', 'false'],
  includeObject: ['None', 'Metadata', 'Object', 'x'],
  ignoreStoreReadErrorWithClusterBreakingPotential: ['true'],
};
const OTHER_PATHS = [
  '/',
  '/api',
  '/apis',
  '/apis/apps',
  '/apis/apps/v1',
  '/api/v1',
  '/version',
  '/healthz',
  '/readyz?verbose&exclude=ping&exclude=x',
  '/livez/ping',
  '/openid/v1/jwks',
  '/.well-known/openid-configuration',
  '/metrics',
  '/api/v1/',
  '/api//v1/pods',
  '/api/v1/namespaces/%2e%2e/pods',
  '/api/v1/namespaces/default/pods/%',
  '/api/v1/namespaces/default/pods/a%2Fb',
  '/api/v1/proxy/x',
  '/apis/nope/v1/x',
  '/__proto__',
  '/api/v1/__proto__',
  '/api/v1/constructor/x',
  '/apis/__proto__/constructor/toString',
];

export function newRequest(source: Source, definitions: DefinitionSet): FuzzRequest {
  if (source.chance(0.06)) {
    const path = source.pick(OTHER_PATHS);
    return { method: source.pick(METHODS), path, headers: { accept: source.pick(ACCEPTS) } };
  }
  const definition = source.pick(definitions.all());
  const method = source.chance(0.02) ? source.pick(ODD_METHODS) : source.pick(METHODS);
  const path = pathOf(source, definition, method) + queryOf(source);
  return mutated(source, { method, path, ...bodyOf(source, definition, method) });
}

function pathOf(source: Source, definition: ResourceDefinition, method: string): string {
  const { group, names, namespaced, versions, subresources } = definition;
  const version = source.chance(0.95) ? source.pick(versions).name : 'v9';
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const watch = method === 'GET' && source.chance(0.05) ? '/watch' : '';
  const namespace =
    namespaced && source.chance(0.93)
      ? `/namespaces/${source.pick(['default', 'default', 'other', 'gone', '%20'])}`
      : '';
  const isCollection = method === 'POST' ? source.chance(0.8) : source.chance(0.3);
  if (isCollection) return `${root}${watch}${namespace}/${names.plural}`;
  const name = source.chance(0.95) ? source.pick(NAMES) : encodeURIComponent(source.pick(ODD_KEYS));
  const subresource =
    subresources.length > 0 && source.chance(0.25) ? `/${source.pick(subresources).name}` : '';
  return `${root}${watch}${namespace}/${names.plural}/${name}${subresource}`;
}

function queryOf(source: Source): string {
  if (source.chance(0.5)) return '';
  const names = Object.keys(PARAMETERS);
  const pairs = source.list(3, () => {
    const name = source.pick(names);
    return `${name}=${encodeURIComponent(source.pick(PARAMETERS[name]!))}`;
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function bodyOf(
  source: Source,
  definition: ResourceDefinition,
  method: string,
): Pick<FuzzRequest, 'headers' | 'body'> {
  const headers: Record<string, string> = {};
  if (source.chance(0.6)) headers['accept'] = source.pick(ACCEPTS);
  if (source.chance(0.1)) headers['user-agent'] = source.pick(['curl/8', '', 'kubectl/v1.33']);
  if (method === 'GET' || (method === 'DELETE' && source.chance(0.6))) return { headers };
  if (method === 'PATCH') {
    const type = source.pick(PATCH_TYPES);
    return {
      headers: { ...headers, 'content-type': type },
      body: JSON.stringify(patchOf(source, definition, type)),
    };
  }
  const object = method === 'DELETE' ? deleteOptionsOf(source) : objectOf(source, definition);
  const type = source.chance(0.03) ? 'text/plain' : source.pick(BODY_TYPES);
  return { headers: { ...headers, 'content-type': type }, body: encode(source, definition, object, type) };
}

function objectOf(source: Source, definition: ResourceDefinition): Record<string, unknown> {
  const { group, names, versions, subresources } = definition;
  const sub = source.chance(0.2) ? subresources.find(({ schema }) => schema !== undefined) : undefined;
  const schema = sub?.schema ?? source.pick(versions).schema;
  const object = valueOf(source, schema) as Record<string, unknown> | null;
  const metadata = { name: source.pick(NAMES), ...(source.chance(0.2) ? { generateName: 'x-' } : {}) };
  return {
    ...(typeof object === 'object' ? object : {}),
    apiVersion: source.chance(0.97)
      ? formatGroupVersion(sub?.kind?.group ?? group, sub?.kind?.version ?? source.pick(versions).name)
      : 'x/y/z',
    kind: sub?.kind?.kind ?? (source.chance(0.97) ? names.kind : 'Nope'),
    ...(source.chance(0.8) ? { metadata } : {}),
  };
}

function deleteOptionsOf(source: Source): Record<string, unknown> {
  const options: Record<string, unknown> = { kind: 'DeleteOptions', apiVersion: 'v1' };
  const values: Record<string, readonly unknown[]> = {
    gracePeriodSeconds: [0, 30, -1, 'x'],
    propagationPolicy: ['Foreground', 'Orphan', 'Background', 'x', 1],
    preconditions: [{ uid: 'x' }, { resourceVersion: '1' }, {}, []],
    dryRun: [['All'], ['x'], 'All'],
    orphanDependents: [true, 'x'],
  };
  for (const [name, choices] of Object.entries(values))
    if (source.chance(0.3)) options[name] = source.pick(choices);
  return options;
}

function patchOf(source: Source, definition: ResourceDefinition, type: string): unknown {
  if (type !== 'application/json-patch+json') {
    const object = objectOf(source, definition);
    if (source.chance(0.2))
      object[source.pick(['$patch', '$retainKeys', '$setElementOrder/x', '$deleteFromPrimitiveList/x'])] =
        oddValue(source);
    return source.chance(0.03) ? oddValue(source) : object;
  }
  const paths = [
    '/metadata/labels',
    '/metadata/labels/a',
    '/spec',
    '/spec/containers/0/image',
    '/data/x',
    '',
    '/',
    '/__proto__/x',
    '/constructor/prototype/x',
    '/metadata/name',
    '/a~1b',
    '/spec/-',
    '/99999999999',
  ];
  return source.list(4, () => ({
    op: source.pick(['add', 'remove', 'replace', 'test', 'move', 'copy', 'x']),
    path: source.pick(paths),
    ...(source.chance(0.8) ? { value: oddValue(source) } : {}),
    ...(source.chance(0.3) ? { from: source.pick(paths) } : {}),
  }));
}

function encode(
  source: Source,
  definition: ResourceDefinition,
  object: object,
  type: string,
): string | Uint8Array {
  if (type === 'application/yaml') return formatYAML(object);
  if (type !== 'application/vnd.kubernetes.protobuf') return JSON.stringify(object);
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  const { schema } = source.pick(definition.versions);
  try {
    return encodeEnvelope({ apiVersion, kind }, encodeProtobuf(schema, canonicalize(schema, object)));
  } catch {
    // What the types do not allow has no protobuf form.
    return encodeEnvelope({ apiVersion, kind }, new Uint8Array(source.list(20, () => source.int(256))));
  }
}

/** Breaks the body a little. */
function mutated(source: Source, request: FuzzRequest): FuzzRequest {
  const { body } = request;
  if (body === undefined || !source.chance(0.15)) return request;
  const bytes = Buffer.from(body);
  for (let count = source.int(4) + 1; count > 0 && bytes.length > 0; count--)
    bytes[source.int(bytes.length)] = source.int(256);
  const cut = source.chance(0.2) ? bytes.subarray(0, source.int(bytes.length + 1)) : bytes;
  const nested = source.chance(0.05) ? Buffer.from(`{"metadata":${'['.repeat(20_000)}`) : cut;
  return { ...request, body: nested };
}
