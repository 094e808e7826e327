/** Operations and parameters of the published documents. */
import type { ResourceDefinition } from '../api/definition.ts';
import type { GroupVersionKind } from '../api/machinery/gvk.ts';
import type { JSONSchema } from './publish-schemas.ts';

export interface Operation {
  readonly definition: ResourceDefinition;
  readonly version: string;
  readonly verb: string;
  readonly gvk: GroupVersionKind;
  /** Reference to the object's schema, and to the list's. */
  readonly body: JSONSchema;
  readonly list: JSONSchema | undefined;
  readonly namespaced: boolean;
  readonly acrossNamespaces?: boolean;
  readonly subresource?: string;
}

type Release = 2 | 3;

const JSON_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const STREAM_TYPES = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** Type and meaning of each query parameter. */
const QUERY: Readonly<Record<string, readonly [type: string, description: string]>> = {
  allowWatchBookmarks: ['boolean', 'Asks for BOOKMARK events in a watch.'],
  continue: ['string', 'Token of the page before, to get the next one.'],
  dryRun: ['string', 'With the value All, nothing is stored.'],
  fieldManager: ['string', 'Name of who makes the change.'],
  fieldSelector: ['string', 'Limits the objects by their fields.'],
  fieldValidation: ['string', 'What happens on unknown or duplicate fields: Ignore, Warn or Strict.'],
  force: ['boolean', 'Takes over fields of others in an apply patch.'],
  gracePeriodSeconds: ['integer', 'Seconds an object gets to end.'],
  labelSelector: ['string', 'Limits the objects by their labels.'],
  limit: ['integer', 'Most objects in one answer.'],
  orphanDependents: ['boolean', 'Deprecated for propagationPolicy.'],
  propagationPolicy: ['string', 'What becomes of dependents: Orphan, Background or Foreground.'],
  resourceVersion: ['string', 'Version the answer must be at, or not older than.'],
  resourceVersionMatch: ['string', 'How resourceVersion is meant: Exact or NotOlderThan.'],
  sendInitialEvents: ['boolean', 'Begins a watch with the present state.'],
  timeoutSeconds: ['integer', 'Length of a list or watch.'],
  watch: ['boolean', 'Watch for changes to the described resources and return them as a stream.'],
  pretty: ['string', 'Indents the answer.'],
};

const LIST_QUERY = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
];
const VERB_QUERY: Readonly<Record<string, readonly string[]>> = {
  get: [],
  list: LIST_QUERY,
  create: ['dryRun', 'fieldManager', 'fieldValidation'],
  update: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'],
  deletecollection: [
    ...LIST_QUERY.filter((name) => name !== 'watch' && name !== 'allowWatchBookmarks'),
    'dryRun',
    'gracePeriodSeconds',
    'orphanDependents',
    'propagationPolicy',
  ],
};

const ACTIONS: Readonly<Record<string, string>> = {
  create: 'post',
  update: 'put',
  deletecollection: 'deletecollection',
  patch: 'patch',
  delete: 'delete',
  get: 'get',
  list: 'list',
};

/** Parameters of a path: names in it, and `pretty`. */
export function parametersOf(names: readonly string[], release: Release): object[] {
  return [
    ...names.map((name) =>
      parameter(
        name,
        'path',
        'string',
        name === 'name' ? 'name of the object' : 'object name and auth scope, such as for teams and projects',
        release,
      ),
    ),
    queryParameter('pretty', release),
  ];
}

function queryParameter(name: string, release: Release): object {
  const [type, description] = QUERY[name]!;
  return parameter(name, 'query', type, description, release);
}

function parameter(
  name: string,
  place: 'path' | 'query',
  type: string,
  description: string,
  release: Release,
): object {
  const required = place === 'path' ? { required: true } : {};
  return release === 3
    ? { name, in: place, description, ...required, schema: { type, uniqueItems: true } }
    : { uniqueItems: true, type, description, name, in: place, ...required };
}

export function operationOf(operation: Operation, release: Release): object {
  const { verb, gvk } = operation;
  const query = (VERB_QUERY[verb] ?? []).map((name) => queryParameter(name, release));
  const hasBody = verb === 'create' || verb === 'update' || verb === 'patch';
  const answer = verb === 'list' && operation.list !== undefined ? operation.list : operation.body;
  const produces = verb === 'list' ? [...JSON_TYPES, ...STREAM_TYPES] : JSON_TYPES;
  const code = verb === 'create' ? '201' : '200';
  const common = {
    tags: [tagOf(operation)],
    description: describe(operation),
    operationId: operationId(operation),
  };
  const kubernetes = {
    'x-kubernetes-action': ACTIONS[verb] ?? verb,
    'x-kubernetes-group-version-kind': { group: gvk.group, version: gvk.version, kind: gvk.kind },
  };
  if (release === 3) {
    const requestTypes = verb === 'patch' ? PATCH_TYPES : ['*/*'];
    const requestSchema = verb === 'patch' ? { type: 'object' } : operation.body;
    return {
      ...common,
      ...(query.length === 0 ? {} : { parameters: query }),
      ...(hasBody
        ? { requestBody: { content: contentOf(requestTypes, requestSchema), required: true } }
        : {}),
      responses: {
        [code]: { description: 'OK', content: contentOf(produces, answer) },
        '401': { description: 'Unauthorized' },
      },
      ...kubernetes,
    };
  }
  return {
    ...common,
    consumes: verb === 'patch' ? PATCH_TYPES : ['*/*'],
    produces,
    schemes: ['https'],
    parameters: [
      ...(hasBody
        ? [
            {
              name: 'body',
              in: 'body',
              required: true,
              schema: verb === 'patch' ? { type: 'object' } : operation.body,
            },
          ]
        : []),
      ...query,
    ],
    responses: { [code]: { description: 'OK', schema: answer }, '401': { description: 'Unauthorized' } },
    ...kubernetes,
  };
}

function contentOf(types: readonly string[], schema: JSONSchema | object): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

/** `core_v1`, `apps_v1`. */
function tagOf({ definition, version }: Operation): string {
  return `${camel(definition.group)}_${version}`;
}

function camel(group: string): string {
  if (group === '') return 'core';
  const [first = '', ...rest] = group.replace(/\.k8s\.io$/, '').split('.');
  return first + rest.map(capital).join('');
}

/** With a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function operationId({
  definition,
  version,
  verb,
  namespaced,
  acrossNamespaces,
  subresource,
}: Operation): string {
  const names: Readonly<Record<string, string>> = {
    get: 'read',
    update: 'replace',
    deletecollection: 'deleteCollection',
  };
  const scope = definition.namespaced && namespaced ? 'Namespaced' : '';
  return `${names[verb] ?? verb}${capital(camel(definition.group))}${capital(version)}${scope}${definition.names.kind}${capital(subresource ?? '')}${acrossNamespaces === true ? 'ForAllNamespaces' : ''}`;
}

function describe({ verb, definition, subresource }: Operation): string {
  const { kind } = definition.names;
  const what = subresource === undefined ? kind : `${subresource} of ${kind}`;
  switch (verb) {
    case 'list':
      return `list or watch objects of kind ${kind}`;
    case 'deletecollection':
      return `delete collection of ${kind}`;
    case 'create':
      return `create ${/^[AEIOU]/.test(what) ? 'an' : 'a'} ${what}`;
    case 'update':
      return `replace the specified ${what}`;
    case 'patch':
      return `partially update the specified ${what}`;
    default:
      return `${verb === 'get' ? 'read' : verb} the specified ${what}`;
  }
}
