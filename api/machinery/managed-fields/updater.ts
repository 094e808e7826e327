/**
 * Who owns which fields after a write. Mirrors structured-merge-diff merge/update.go: owners are sets of fields at an
 * apiVersion; values are compared in the version of each owner.
 */
import { equalJSON } from '../equality.ts';
import { compareValues, isSame, type Comparison } from './compare.ts';
import { fieldSetOf, reconcileWithType, withNamedFields } from './field-set-of.ts';
import {
  difference,
  EMPTY_SET,
  intersection,
  isEmptySet,
  pathsOf,
  union,
  type FieldSet,
} from './field-set.ts';
import { mergeValues } from './merge.ts';
import type { MergeType } from './merge-type.ts';
import { filterComparison, type FieldFilter } from './reset-filter.ts';
import { removeFields } from './remove.ts';

/** Fields that a manager owns, in the shape of one version. */
export interface VersionedSet {
  readonly set: FieldSet;
  readonly apiVersion: string;
  readonly applied: boolean;
}

/** By manager identifier. */
export type Owners = Map<string, VersionedSet>;

/** An object of one version with its type. */
export interface TypedObject {
  readonly value: unknown;
  readonly apiVersion: string;
  readonly type: MergeType;
}

export interface Conflict {
  readonly manager: string;
  /** Path elements. */
  readonly path: readonly string[];
}

/** Fields to be applied belong to others. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} conflicts`);
    this.conflicts = conflicts;
  }
}

export interface UpdaterOptions {
  /** The object in another version; undefined when that version is not served. */
  convert(object: TypedObject, apiVersion: string): TypedObject | undefined;
  /** Leaves out what the write cannot change. */
  readonly filter?: FieldFilter;
  /** The owners may be of another type than today's; false when they were stored under it. */
  readonly reconcile: boolean;
}

/**
 * Owners after `changed` was written over `live`. What the writer changed is owned by `manager`, a name that owned nothing
 * so far.
 */
export function updateOwners(
  options: UpdaterOptions,
  live: TypedObject,
  changed: TypedObject,
  owners: Owners,
  manager: string,
): Owners {
  const reconciled = reconcileOwners(options, live, owners);
  const comparison = compareFiltered(options, live, changed);
  if (isSame(comparison)) return reconciled;
  releaseChanged(options, live, changed, reconciled, manager, comparison, true);
  const set = comparison.written;
  if (!isEmptySet(set)) reconciled.set(manager, { set, apiVersion: changed.apiVersion, applied: false });
  return reconciled;
}

const keep: FieldFilter = (set) => set;

export interface Applied {
  /** Undefined when the object stays as it is. */
  readonly value: unknown;
  readonly owners: Owners;
}

/**
 * `live` with the configuration that `manager` applies, and the owners then. Throws {@link ConflictError} unless `force`,
 * TypedError for a configuration that does not fit its type.
 */
export function applyConfiguration(
  options: UpdaterOptions,
  live: TypedObject,
  config: TypedObject,
  owners: Owners,
  manager: string,
  force: boolean,
): Applied {
  const { apiVersion, type } = config;
  const reconciled = reconcileOwners(options, live, owners);
  const merged: TypedObject = { value: mergeValues(type, live.value, config.value), apiVersion, type };
  const last = reconciled.get(manager);
  const set = (options.filter ?? keep)(fieldSetOf(type, config.value));
  reconciled.set(manager, { set, apiVersion, applied: true });
  const pruned = prune(options, merged, reconciled, last, apiVersion);
  const comparison = compareFiltered(options, live, pruned);
  releaseChanged(options, live, pruned, reconciled, manager, comparison, force);
  return { value: equalJSON(live.value, pruned.value) ? undefined : pruned.value, owners: reconciled };
}

function compareFiltered({ filter }: UpdaterOptions, live: TypedObject, changed: TypedObject): Comparison {
  const comparison = compareValues(live.type, live.value, changed.value);
  return filter === undefined ? comparison : filterComparison(comparison, filter);
}

/** Owners in today's types; those of versions that are gone are dropped. */
function reconcileOwners(options: UpdaterOptions, live: TypedObject, owners: Owners): Owners {
  const reconciled: Owners = new Map();
  for (const [manager, owner] of owners) {
    const type =
      owner.apiVersion === live.apiVersion ? live.type : options.convert(live, owner.apiVersion)?.type;
    if (type === undefined) continue;
    const set = options.reconcile ? reconcileWithType(owner.set, type) : owner.set;
    reconciled.set(manager, set === owner.set ? owner : { ...owner, set });
  }
  return reconciled;
}

/** Takes from the other owners what was changed or removed, in place. */
function releaseChanged(
  options: UpdaterOptions,
  live: TypedObject,
  changed: TypedObject,
  owners: Owners,
  manager: string,
  comparison: Comparison,
  force: boolean,
): void {
  const comparisons = new Map([[changed.apiVersion, comparison]]);
  const kept = new Map<string, FieldSet>();
  const conflicts: Conflict[] = [];
  for (const [other, { set, apiVersion }] of owners) {
    if (other === manager) continue;
    const versioned = comparisonAt(options, live, changed, apiVersion, comparisons);
    if (versioned === undefined) {
      owners.delete(other);
      continue;
    }
    const lost = intersection(set, versioned.written);
    if (!force) for (const path of pathsOf(lost)) conflicts.push({ manager: other, path });
    kept.set(other, difference(difference(set, lost), versioned.removed));
  }
  if (conflicts.length > 0) throw new ConflictError(conflicts);
  for (const [other, set] of kept) {
    const owner = owners.get(other)!;
    if (set !== owner.set) owners.set(other, { ...owner, set });
  }
  for (const [other, { set }] of owners) if (isEmptySet(set)) owners.delete(other);
}

function comparisonAt(
  options: UpdaterOptions,
  live: TypedObject,
  changed: TypedObject,
  apiVersion: string,
  comparisons: Map<string, Comparison>,
): Comparison | undefined {
  const known = comparisons.get(apiVersion);
  if (known !== undefined) return known;
  const versionedLive = options.convert(live, apiVersion);
  const versionedChanged = options.convert(changed, apiVersion);
  if (versionedLive === undefined || versionedChanged === undefined) return undefined;
  const comparison = compareFiltered(options, versionedLive, versionedChanged);
  comparisons.set(apiVersion, comparison);
  return comparison;
}

/** Takes out what the manager applied last, and nobody owns any more. */
function prune(
  options: UpdaterOptions,
  merged: TypedObject,
  owners: Owners,
  last: VersionedSet | undefined,
  apiVersion: string,
): TypedObject {
  if (last === undefined || isEmptySet(last.set) || isOwned(last, owners, apiVersion)) return merged;
  const converted = options.convert(merged, last.apiVersion);
  if (converted === undefined) return merged;
  const pruned = without(converted, withNamedFields(last.set, converted.type));
  const owned = addBackOwned(options, converted, pruned, owners);
  const kept = addBackDangling(options, converted, owned, last);
  return options.convert(kept, apiVersion) ?? kept;
}

/** Whether every field is still owned by somebody, so that nothing has to go. Told only where versions are all one. */
function isOwned(last: VersionedSet, owners: Owners, apiVersion: string): boolean {
  let owned = EMPTY_SET;
  for (const owner of owners.values()) {
    if (owner.apiVersion !== apiVersion) return false;
    owned = union(owned, owner.set);
  }
  return last.apiVersion === apiVersion && isEmptySet(difference(last.set, owned));
}

function without(object: TypedObject, fields: FieldSet): TypedObject {
  return { ...object, value: removeFields(object.type, object.value, fields) };
}

/** What another owner has stays, in whatever version it has it. */
function addBackOwned(
  options: UpdaterOptions,
  merged: TypedObject,
  pruned: TypedObject,
  owners: Owners,
): TypedObject {
  const byVersion = new Map<string, FieldSet>([[merged.apiVersion, EMPTY_SET]]);
  for (const { set, apiVersion } of owners.values())
    byVersion.set(apiVersion, union(byVersion.get(apiVersion) ?? EMPTY_SET, set));
  let whole = merged;
  let rest = pruned;
  for (const [apiVersion, managed] of byVersion) {
    const versionedWhole = options.convert(whole, apiVersion);
    const versionedRest = options.convert(rest, apiVersion);
    if (versionedWhole === undefined || versionedRest === undefined) continue;
    const { type } = versionedWhole;
    const kept = union(
      withNamedFields(fieldSetOf(type, versionedRest.value), type),
      withNamedFields(managed, type),
    );
    const all = withNamedFields(fieldSetOf(type, versionedWhole.value), type);
    whole = versionedWhole;
    rest = without(versionedWhole, difference(all, kept));
  }
  return rest;
}

/** What went although the manager never applied it stays: it only hung on something that did go. */
function addBackDangling(
  options: UpdaterOptions,
  merged: TypedObject,
  pruned: TypedObject,
  last: VersionedSet,
): TypedObject {
  const converted = options.convert(pruned, last.apiVersion);
  if (converted === undefined) return merged;
  const { type } = merged;
  const gone = difference(
    withNamedFields(fieldSetOf(type, merged.value), type),
    withNamedFields(fieldSetOf(type, converted.value), type),
  );
  return without(merged, intersection(gone, withNamedFields(last.set, type)));
}
