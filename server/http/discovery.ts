/** What is served, as discovery tells it: the legacy documents and the aggregated one. */
import { createHash } from 'node:crypto';
import type { ResourceDefinition, SubresourceDefinition } from '../../api/definition.ts';
import type { DefinitionSet } from '../../api/definition-set.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import { newNotAcceptable } from '../../api/machinery/errors.ts';
import { parseAccept } from './negotiation/accept.ts';
import { respond } from './negotiation/responses.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export interface Discovery {
  /** GET of `/api`, `/apis`, `/apis/{group}`, `/api/v1`, `/apis/{group}/{version}`; undefined for what is not served. */
  serve(request: Request, path: string): Promise<Response> | undefined;
}

export function createDiscovery(definitions: DefinitionSet, serverAddress: () => string): Discovery {
  const aggregated = new Map<'api' | 'apis', { body: string; etag: string }>();
  definitions.onChange(() => aggregated.clear());
  const document = (root: 'api' | 'apis'): { body: string; etag: string } => {
    let found = aggregated.get(root);
    if (found === undefined) {
      const body = `${JSON.stringify(aggregatedDocument(definitions, root))}\n`;
      found = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      aggregated.set(root, found);
    }
    return found;
  };
  return {
    serve: (request, path) => {
      const parts = path.split('/').filter((part) => part !== '');
      const [root, first, second] = parts;
      if (root === 'api' && parts.length === 1) return serveRoot(request, 'api', document, () => apiVersions(serverAddress()));
      if (root === 'apis' && parts.length === 1) return serveRoot(request, 'apis', document, () => groupList(definitions));
      const legacy = root === 'api' && parts.length === 2 ? resourceList(definitions, '', first!) : root === 'apis' && parts.length === 2 ? groupDocument(definitions, first!) : root === 'apis' && parts.length === 3 ? resourceList(definitions, first!, second!) : undefined;
      return legacy === undefined ? undefined : send(request, legacy);
    },
  };
}

/** The first acceptable clause decides between the aggregated document and the legacy one. */
function serveRoot(
  request: Request,
  root: 'api' | 'apis',
  document: (root: 'api' | 'apis') => { body: string; etag: string },
  legacy: () => object,
): Promise<Response> {
  for (const { type, parameters } of parseAccept(request.headers.get('accept'))) {
    const isJSON = type === 'application/json' || type === '*/*' || type === 'application/*';
    if (!isJSON) continue;
    if (parameters['as'] === undefined) return send(request, legacy());
    if (parameters['g'] !== 'apidiscovery.k8s.io' || parameters['v'] !== 'v2' || parameters['as'] !== 'APIGroupDiscoveryList') continue;
    const { body, etag } = document(root);
    const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' };
    if (request.headers.get('if-none-match') === etag) return Promise.resolve(new Response(null, { status: 304, headers }));
    return Promise.resolve(new Response(body, { status: 200, headers: { ...headers, 'Content-Type': AGGREGATED } }));
  }
  throw newNotAcceptable(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
}

function send(request: Request, object: object): Promise<Response> {
  return respond(request, 200, 'json', { object, apiVersion: 'v1', kind: '' });
}

function apiVersions(serverAddress: string): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

function groupList(definitions: DefinitionSet): object {
  const groups = definitions.groups().filter(({ name }) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(({ name, versions }) => groupEntry(name, versions)) };
}

function groupDocument(definitions: DefinitionSet, name: string): object | undefined {
  const group = definitions.groups().find((entry) => entry.name === name && name !== '');
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name, group.versions) };
}

function groupEntry(name: string, versions: readonly string[]): object {
  const entries = versions.map((version) => ({ groupVersion: formatGroupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

function resourceList(definitions: DefinitionSet, group: string, version: string): object | undefined {
  const entry = definitions.groups().find(({ name }) => name === group);
  if (entry === undefined || !entry.versions.includes(version)) return undefined;
  const resources = entry.definitions
    .filter(({ versions }) => versions.some(({ name }) => name === version))
    .flatMap((definition) => [mainEntry(definition), ...definition.subresources.map((subresource) => subresourceEntry(definition, subresource))]);
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: formatGroupVersion(group, version), resources };
}

function mainEntry(definition: ResourceDefinition): object {
  const { names, namespaced, verbs } = definition;
  const isStored = verbs.includes('get') && verbs.includes('create');
  return {
    name: names.plural,
    singularName: names.singular,
    namespaced,
    kind: names.kind,
    verbs,
    ...(names.shortNames.length === 0 ? {} : { shortNames: names.shortNames }),
    ...(names.categories.length === 0 ? {} : { categories: names.categories }),
    ...(isStored ? { storageVersionHash: storageVersionHash(definition) } : {}),
  };
}

function subresourceEntry({ names, namespaced }: ResourceDefinition, { name, kind, verbs }: SubresourceDefinition): object {
  return {
    name: `${names.plural}/${name}`,
    singularName: '',
    namespaced,
    ...(kind === undefined || kind.group === '' ? {} : { group: kind.group, version: kind.version }),
    kind: kind?.kind ?? names.kind,
    verbs,
  };
}

/** First eight bytes of the SHA-256 of what is stored. */
function storageVersionHash({ storedAs, storageVersion, names }: ResourceDefinition): string {
  const version = storedAs.group === '' ? `/${storageVersion.name}` : `${storedAs.group}/${storageVersion.name}`;
  return createHash('sha256').update(`${version}/${names.kind}`).digest().subarray(0, 8).toString('base64');
}

function aggregatedDocument(definitions: DefinitionSet, root: 'api' | 'apis'): object {
  const items = definitions.groups().filter(({ name }) => (name === '') === (root === 'api'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: items.map(({ name, versions, definitions: all }) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((version) => ({
        version,
        resources: all.filter((definition) => definition.versions.some((served) => served.name === version)).map((definition) => aggregatedEntry(definition, version)),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedEntry({ group, names, namespaced, verbs, subresources }: ResourceDefinition, version: string): object {
  const own = { group, version, kind: names.kind };
  return {
    resource: names.plural,
    responseKind: own,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: names.singular,
    verbs,
    ...(names.shortNames.length === 0 ? {} : { shortNames: names.shortNames }),
    ...(names.categories.length === 0 ? {} : { categories: names.categories }),
    ...(subresources.length === 0
      ? {}
      : { subresources: subresources.map(({ name, kind, verbs: subresourceVerbs }) => ({ subresource: name, responseKind: kind ?? own, verbs: subresourceVerbs })) }),
  };
}
