/** A target with the definition that keeps its objects: where those are in the store, and in which form. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { decodeObject } from '../../api/machinery/codec.ts';
import { formatGroupVersion, type GroupResource } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { KeyRange } from '../../storage/interface.ts';
import { namespaceRange, resourceRange, singleKeyRange } from '../../storage/keys.ts';
import type { ObjectTarget, ResourceTarget, Scope } from './interface.ts';
import type { RegistryOptions } from './registry-options.ts';
import { convertObject } from './results.ts';
import type { Selection } from './selection.ts';

export interface ResolvedTarget {
  readonly target: ResourceTarget;
  readonly storing: ResourceDefinition;
  readonly resource: GroupResource;
  /** Group and version the caller speaks. */
  readonly apiVersion: string;
  /** Name of the cluster in every key. */
  readonly cluster: string;
}

/** Finds the definition that keeps the objects of a target, which may be of another group. */
export function resolveTarget(
  { definitions, cluster }: RegistryOptions,
  target: ResourceTarget,
): ResolvedTarget {
  const { definition } = target;
  const resource = { group: definition.group, resource: definition.names.plural };
  const apiVersion = formatGroupVersion(definition.group, target.version);
  return { target, storing: definitions.storing(definition), resource, apiVersion, cluster };
}

/** Key of an object; undefined for a name that no object can have. */
export function keyOfTarget(
  { storing, cluster }: ResolvedTarget,
  { namespace, name }: ObjectTarget,
): string | undefined {
  if (!isPart(name) || (storing.namespaced && !isPart(namespace))) return undefined;
  const prefix = prefixOf(cluster, storing);
  return storing.namespaced ? `${prefix}${namespace}/${name}` : `${prefix}${name}`;
}

function isPart(text: string): boolean {
  return text !== '' && !text.includes('/');
}

const prefixes = new WeakMap<ResourceDefinition, Map<string, string>>();

/** What all keys of a resource begin with; made once for each cluster. */
function prefixOf(cluster: string, definition: ResourceDefinition): string {
  let known = prefixes.get(definition);
  if (known === undefined) prefixes.set(definition, (known = new Map()));
  let prefix = known.get(cluster);
  if (prefix === undefined) {
    prefix = resourceRange({ cluster, group: definition.group, resource: definition.names.plural }).start;
    known.set(cluster, prefix);
  }
  return prefix;
}

/** Keys of the objects in a scope; the only one, where the selection names it. */
export function rangeOfTarget(
  resolved: ResolvedTarget,
  { namespace }: Scope,
  selection?: Selection,
): KeyRange {
  const { storing, cluster } = resolved;
  const resource = { cluster, group: storing.group, resource: storing.names.plural };
  if (selection?.name !== undefined && (namespace !== '' || !storing.namespaced)) {
    const key = keyOfTarget(resolved, { namespace, name: selection.name });
    if (key !== undefined) return singleKeyRange(key);
  }
  if (namespace === '') return resourceRange(resource);
  return namespaceRange({ ...resource, namespace });
}

/** The caller's object in the shape it is stored in; a copy whenever shapes differ. */
export function toStoredShape({ target, storing }: ResolvedTarget, object: UnknownObject): UnknownObject {
  const from = formatGroupVersion(target.definition.group, target.version);
  const to = formatGroupVersion(storing.group, storing.storageVersion.name);
  object.metadata ??= {};
  if (from === to) {
    object.kind = storing.names.kind;
    object.apiVersion = to;
    return object;
  }
  const converted = convertObject(target, object, from, to);
  converted.kind = storing.names.kind;
  return converted;
}

/** Canonical, with a place for the resourceVersion, of an object that is given away; shares with `old` what it has of it. */
export function toCanonical(
  definition: ResourceDefinition,
  object: UnknownObject,
  old?: UnknownObject,
): UnknownObject {
  object.metadata.resourceVersion = '0';
  return decodeObject(definition.storageVersion.schema, object, { base: old, isTaking: true }).object;
}
