/**
 * managedFields of an object as its scale subresource shows them, and back. Mirrors apimachinery util/managedfields
 * scalehandler.go.
 */
import type { ManagedFieldsEntry } from '../object-meta.ts';
import { difference, fieldSet, hasPath, isEmptySet } from './field-set.ts';
import { decodeManaged, emptyManaged, encodeManaged, type Managed } from './managed-entries.ts';

export const SCALE_API_VERSION = 'autoscaling/v1';
/** Of a Scale, and of every kind that is built in. */
const REPLICAS = ['f:spec', 'f:replicas'];

/** Owners of the parent's replicas, as owners of the Scale's. `isVersion` tells versions of the parent. */
export function scaleEntries(
  parent: readonly ManagedFieldsEntry[] | undefined,
  isVersion: (apiVersion: string) => boolean,
): ManagedFieldsEntry[] | undefined {
  const { owners, times } = readEntries(parent);
  const scale = emptyManaged();
  for (const [manager, { set, apiVersion, applied }] of owners) {
    if (!isVersion(apiVersion) || !hasPath(set, REPLICAS)) continue;
    scale.owners.set(manager, { set: fieldSet(REPLICAS), apiVersion: SCALE_API_VERSION, applied });
    scale.times.set(manager, times.get(manager));
  }
  return encodeManaged(scale);
}

/** Owners of the parent, its replicas owned as the Scale says. `apiVersion` is the one the writer speaks. */
export function parentEntries(
  parent: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  isVersion: (apiVersion: string) => boolean,
): ManagedFieldsEntry[] | undefined {
  const before = readEntries(parent);
  const scaleOwners = readEntries(scale).owners;
  const after = emptyManaged();
  const keep = (manager: string, owner: Managed['owners'] extends Map<string, infer O> ? O : never): void => {
    after.owners.set(manager, owner);
    after.times.set(manager, before.times.get(manager));
  };
  for (const [manager, owner] of before.owners) {
    if (!isVersion(owner.apiVersion)) continue;
    if (!hasPath(owner.set, REPLICAS) || scaleOwners.has(manager)) {
      keep(manager, owner);
      if (hasPath(owner.set, REPLICAS)) scaleOwners.delete(manager);
      continue;
    }
    const set = difference(owner.set, fieldSet(REPLICAS));
    if (!isEmptySet(set)) keep(manager, { ...owner, set });
  }
  for (const [manager, { set, applied }] of scaleOwners) {
    if (hasPath(set, REPLICAS)) keep(manager, { set: fieldSet(REPLICAS), apiVersion, applied });
  }
  return encodeManaged(after);
}

function readEntries(entries: readonly ManagedFieldsEntry[] | undefined): Managed {
  return decodeManaged(entries, 'store') ?? emptyManaged();
}
