/**
 * The managers of an object through its writes: `managedFields` after an update, objects and `managedFields` after an
 * apply. Mirrors apimachinery util/managedfields internal/fieldmanager.go and the managers it stacks.
 */
import { structuredCopy } from '../client.ts';
import { formatTime } from '../clock.ts';
import { equalJSON } from '../equality.ts';
import { newBadRequest, StatusError } from '../errors.ts';
import { parseGroupVersion } from '../gvk.ts';
import type { ManagedFieldsEntry, UnknownObject } from '../object-meta.ts';
import type { StructSchema } from '../schema.ts';
import { capUpdateManagers } from './cap-managers.ts';
import { newApplyConflict } from './conflicts.ts';
import { difference, fieldSet, isEmptySet, union } from './field-set.ts';
import { conflictsBesidesLastApplied, LAST_APPLIED_MANAGER, updateLastApplied } from './last-applied.ts';
import {
  decodeManaged,
  emptyManaged,
  encodeManaged,
  isReset,
  managerIdentifier,
  type Managed,
} from './managed-entries.ts';
import { mergeTypeOf } from './merge-type.ts';
import type { FieldFilter } from './reset-filter.ts';
import { findMisfits, throwMisfits, TypedError } from './typed-value.ts';
import {
  applyConfiguration,
  ConflictError,
  updateOwners,
  type Applied,
  type Owners,
  type TypedObject,
  type UpdaterOptions,
} from './updater.ts';

/** What is written, and how its versions relate. */
export interface FieldManagerScope {
  /** Version the writer speaks, for example `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** '' for the main resource. */
  readonly subresource: string;
  /** Type of the kind in a version; undefined when that version is not served. */
  schemaAt(apiVersion: string): StructSchema | undefined;
  /** The object in another served version, new or shared; never changed. */
  convert(object: UnknownObject, to: string): UnknownObject;
  /** The object as nobody has written to it yet, in `apiVersion`. */
  readonly empty: UnknownObject;
  /** Leaves out what the write cannot change. */
  readonly filter?: FieldFilter;
}

export interface Write {
  readonly manager: string;
  readonly nowMs: number;
}

export interface UpdateWrite extends Write {
  /** What the writer says of managedFields itself. It counts, but not through a subresource. */
  readonly given: readonly ManagedFieldsEntry[] | undefined;
}

/** Metadata that nobody owns. Mirrors internal/stripmeta.go. */
const UNTRACKED = fieldSet(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
);

/** Stands for the writer while owners are told apart. */
const CURRENT_OPERATION = 'current-operation';
const BEFORE_APPLY_MANAGER = 'before-first-apply';

/**
 * `managedFields` after `changed` was written over `live` (undefined when it is created); undefined for none. Both are in
 * `scope.apiVersion`. Nothing is changed.
 */
export function managedFieldsOfUpdate(
  scope: FieldManagerScope,
  live: UnknownObject | undefined,
  changed: UnknownObject,
  write: UpdateWrite,
): ManagedFieldsEntry[] | undefined {
  const managed = managedOfWrite(scope, live?.metadata.managedFields, write.given);
  // What is not tracked so far is not tracked from now on, unless it is new.
  if (managed.owners.size === 0 && live !== undefined) return undefined;
  try {
    trackUpdate(scope, live ?? scope.empty, changed, managed, write);
  } catch (error) {
    // Objects that no owner can be named for are stored without owners.
    if (error instanceof TypedError) return undefined;
    throw error;
  }
  capUpdateManagers(managed);
  return encodeManaged(managed);
}

function managedOfWrite(
  { subresource }: FieldManagerScope,
  live: readonly ManagedFieldsEntry[] | undefined,
  given: readonly ManagedFieldsEntry[] | undefined,
): Managed {
  if (subresource === '' && !equalJSON(live, given)) {
    if (isReset(given)) return emptyManaged();
    const managed = decodeManaged(given, 'client');
    if (managed !== undefined && managed.owners.size > 0) return managed;
  }
  return decodeManaged(live, 'store') ?? emptyManaged();
}

/** Adds what `changed` changes to the fields of the writer, in place. */
function trackUpdate(
  scope: FieldManagerScope,
  live: UnknownObject,
  changed: UnknownObject,
  managed: Managed,
  { manager, nowMs }: Write,
): void {
  // Nobody owns managedFields; where they are the same no comparison meets them.
  const isSameManaged = live.metadata.managedFields === changed.metadata.managedFields;
  const asTyped = isSameManaged ? typedWhole : typed;
  const owners = updateOwners(
    // Types of what is stored are today's; what a client gives may be of any.
    updaterOptions(scope, managed.sources.size < managed.owners.size),
    asTyped(scope, live),
    asTyped(scope, changed),
    managed.owners,
    CURRENT_OPERATION,
  );
  const current = owners.get(CURRENT_OPERATION);
  owners.delete(CURRENT_OPERATION);
  const set = current === undefined ? undefined : difference(current.set, UNTRACKED);
  if (set !== undefined && !isEmptySet(set)) {
    const identifier = identifierOf(scope, manager, 'Update');
    const previous = owners.get(identifier);
    owners.set(identifier, {
      ...current!,
      set: previous === undefined ? set : union(previous.set, set),
    });
    managed.times.set(identifier, formatTime(nowMs));
  }
  replaceOwners(managed, owners);
}

function replaceOwners({ owners }: Managed, changed: Owners): void {
  owners.clear();
  for (const [manager, owner] of changed) owners.set(manager, owner);
}

function identifierOf(
  { apiVersion, subresource }: FieldManagerScope,
  manager: string,
  operation: 'Apply' | 'Update',
): string {
  return managerIdentifier({
    manager: manager === '' ? 'unknown' : manager,
    operation,
    apiVersion,
    subresource,
  });
}

/** The object without its managedFields, typed. */
function typed(scope: FieldManagerScope, object: UnknownObject): TypedObject {
  return typedWhole(scope, withoutManagedFields(object));
}

function typedWhole({ apiVersion, schemaAt }: FieldManagerScope, object: UnknownObject): TypedObject {
  return { value: object, apiVersion, type: mergeTypeOf(schemaAt(apiVersion)!) };
}

function withoutManagedFields(object: UnknownObject): UnknownObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function updaterOptions(scope: FieldManagerScope, reconcile: boolean): UpdaterOptions {
  return {
    reconcile,
    convert: (object, apiVersion) => {
      if (object.apiVersion === apiVersion) return object;
      const schema = scope.schemaAt(apiVersion);
      if (schema === undefined) return undefined;
      const value = scope.convert(object.value as UnknownObject, apiVersion);
      return { value, apiVersion, type: mergeTypeOf(schema) };
    },
    ...(scope.filter === undefined ? {} : { filter: scope.filter }),
  };
}

/**
 * The object after `config` is applied to `live` (undefined when it is created), with its managedFields; not canonical
 * and without defaults. Throws 400 for a configuration of another kind or with managedFields, 409 for conflicts, 500 in
 * upstream's words for one that does not fit its type.
 */
export function applyToObject(
  scope: FieldManagerScope,
  live: UnknownObject | undefined,
  config: UnknownObject,
  write: Write & { readonly force: boolean },
): UnknownObject {
  checkKind(scope, config);
  const current = live ?? scope.empty;
  const managed = decodeManaged(current.metadata.managedFields, 'store');
  if (managed === undefined) throw new StatusError('', 'failed to decode managed fields: error decoding set');
  if (managed.owners.size === 0) trackBeforeApply(scope, current, managed, write.nowMs);
  if (config.metadata?.managedFields !== undefined && config.metadata.managedFields !== null)
    throw newBadRequest('metadata.managedFields must be nil');
  const liveTyped = typed(scope, current);
  const configTyped = { ...liveTyped, value: config as unknown };
  checkTypes(scope, liveTyped, configTyped);
  const identifier = identifierOf(scope, write.manager, 'Apply');
  const { value, owners } = applyWithLastApplied(scope, liveTyped, configTyped, managed, identifier, write);
  stripUntracked(owners, identifier);
  const object = structuredCopy((value ?? liveTyped.value) as UnknownObject);
  if (value !== undefined) managed.times.set(identifier, formatTime(write.nowMs));
  if (write.manager === LAST_APPLIED_MANAGER) updateLastApplied(object, config);
  const managedFields = encodeManaged({ ...managed, owners });
  if (managedFields !== undefined) object.metadata.managedFields = managedFields;
  return object;
}

/** Fields of an object that was not tracked yet belong to a manager of their own. */
function trackBeforeApply(
  scope: FieldManagerScope,
  live: UnknownObject,
  managed: Managed,
  nowMs: number,
): void {
  try {
    trackUpdate(scope, scope.empty, live, managed, { manager: BEFORE_APPLY_MANAGER, nowMs });
  } catch (error) {
    if (!(error instanceof TypedError)) throw error;
    throw new StatusError('', `failed to create manager for existing fields: ${error.message}`);
  }
}

function checkKind({ apiVersion, kind }: FieldManagerScope, config: UnknownObject): void {
  const given = typeof config.apiVersion === 'string' ? config.apiVersion : '';
  const givenKind = typeof config.kind === 'string' ? config.kind : '';
  if (given === apiVersion && givenKind === kind) return;
  const { group = '', version = given } = parseGroupVersion(given) ?? {};
  throw newBadRequest(`invalid object type: ${group}/${version}, Kind=${givenKind}`);
}

function checkTypes(scope: FieldManagerScope, live: TypedObject, config: TypedObject): void {
  for (const [object, name, allowDuplicates] of [
    [config, 'patch', false],
    [live, 'live', true],
  ] as const) {
    try {
      throwMisfits(findMisfits(object.type, object.value, allowDuplicates));
    } catch (error) {
      if (!(error instanceof TypedError)) throw error;
      throw new StatusError(
        '',
        `failed to create typed ${name} object (${nameOf(scope, object.value as UnknownObject)}): ${error.message}`,
      );
    }
  }
}

function nameOf({ apiVersion, kind }: FieldManagerScope, { metadata }: UnknownObject): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${text(metadata?.namespace)}/${text(metadata?.name)}; ${version}, Kind=${kind}`;
}

/** Applies; for kubectl, conflicts with what its client-side apply left are none. */
function applyWithLastApplied(
  scope: FieldManagerScope,
  live: TypedObject,
  config: TypedObject,
  { owners }: Managed,
  identifier: string,
  { manager, force }: { readonly manager: string; readonly force: boolean },
): Applied {
  const options = updaterOptions(scope, true);
  try {
    return applyConfiguration(options, live, config, owners, identifier, force);
  } catch (error) {
    if (error instanceof TypedError) throw new StatusError('', `failed to merge config: ${error.message}`);
    if (!(error instanceof ConflictError)) throw error;
    if (manager !== LAST_APPLIED_MANAGER) throw newApplyConflict(error.conflicts);
    const conflicts = conflictsBesidesLastApplied(error.conflicts, live);
    if (conflicts.length > 0) throw newApplyConflict(conflicts);
    return applyConfiguration(options, live, config, owners, identifier, true);
  }
}

function stripUntracked(owners: Owners, identifier: string): void {
  const owner = owners.get(identifier);
  if (owner === undefined) return;
  const set = difference(owner.set, UNTRACKED);
  if (isEmptySet(set)) owners.delete(identifier);
  else owners.set(identifier, { ...owner, set });
}
