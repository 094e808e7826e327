/** Discovery documents, made from the definitions. Mirrors apiserver endpoints/discovery and endpoints/installer.go. */
import { createHash } from 'node:crypto';
import { servesVersion, type GroupEntry } from '../../api/definition-set.ts';
import type { ResourceDefinition, SubresourceDefinition } from '../../api/definition.ts';
import { compareText } from '../../api/machinery/go-format.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

const HASH_BYTES = 8;

/** A discovery document: JSON with a kind; some have no metadata. */
export type Document = Omit<UnknownObject, 'metadata'>;

interface Entry {
  readonly name: string;
  readonly [member: string]: unknown;
}

/** `/api` */
export function apiVersions(versions: readonly string[], serverAddress: string): Document {
  return {
    kind: 'APIVersions',
    versions: [...versions],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `/apis` */
export function apiGroupList(groups: readonly GroupEntry[]): Document {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) };
}

/** `/apis/{group}` */
export function apiGroup(group: GroupEntry): Document {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

function groupEntry({ name, versions }: GroupEntry): object {
  const entries = versions.map((version) => ({ groupVersion: formatGroupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** `/api/v1`, `/apis/{group}/{version}` */
export function apiResourceList({ name: group, definitions }: GroupEntry, version: string): Document {
  const resources = definitions
    .filter((definition) => servesVersion(definition, version))
    .flatMap(resourceEntries)
    .sort((a, b) => compareText(a.name, b.name));
  return {
    kind: 'APIResourceList',
    // The core group's list goes without, as it always has.
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: formatGroupVersion(group, version),
    resources,
  };
}

function resourceEntries(definition: ResourceDefinition): Entry[] {
  const { names, namespaced, verbs, subresources } = definition;
  const main: Entry = {
    name: names.plural,
    singularName: names.singular,
    namespaced,
    kind: names.kind,
    verbs: [...verbs],
    ...(names.shortNames.length === 0 ? {} : { shortNames: [...names.shortNames] }),
    ...(names.categories.length === 0 ? {} : { categories: [...names.categories] }),
    ...(isStored(definition) ? { storageVersionHash: storageVersionHash(definition) } : {}),
  };
  return [main, ...subresources.map((subresource) => subresourceEntry(definition, subresource))];
}

function subresourceEntry(
  definition: ResourceDefinition,
  { name, kind, verbs }: SubresourceDefinition,
): Entry {
  const { names, namespaced, group } = definition;
  return {
    name: `${names.plural}/${name}`,
    singularName: '',
    namespaced,
    ...(kind === undefined || kind.group === group ? {} : { group: kind.group, version: kind.version }),
    kind: kind?.kind ?? names.kind,
    verbs: [...verbs],
  };
}

function isStored({ verbs }: ResourceDefinition): boolean {
  return verbs.includes('watch');
}

/** Tells apart what a resource is stored as. */
function storageVersionHash({ group, storageVersion, names }: ResourceDefinition): string {
  const text = `${group}/${storageVersion.name}/${names.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, HASH_BYTES).toString('base64');
}

/** The aggregated document of some groups, at `/api` and `/apis`. */
export function aggregatedDiscovery(groups: readonly GroupEntry[]): Document {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ name, versions, definitions }) => ({
      metadata: name === '' ? {} : { name },
      versions: versions.map((version) => ({
        version,
        resources: definitions
          .filter((definition) => servesVersion(definition, version))
          .map((definition) => aggregatedResource(definition, version)),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedResource(definition: ResourceDefinition, version: string): object {
  const { group, names, namespaced, verbs, subresources } = definition;
  return {
    resource: names.plural,
    responseKind: { group, version, kind: names.kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: names.singular,
    verbs: [...verbs],
    ...(names.shortNames.length === 0 ? {} : { shortNames: [...names.shortNames] }),
    ...(names.categories.length === 0 ? {} : { categories: [...names.categories] }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: [...subresources]
            .sort((a, b) => compareText(a.name, b.name))
            .map(({ name, kind, verbs: subresourceVerbs }) => ({
              subresource: name,
              responseKind: kind ?? { group, version, kind: names.kind },
              verbs: [...subresourceVerbs],
            })),
        }),
  };
}
