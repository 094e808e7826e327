/** What the managers of fields need to know of a resource, and the managedFields of a write to it. */
import type { ResetFields, ResourceDefinition, VersionDefinition } from '../../api/definition.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import {
  managedFieldsOfUpdate,
  type FieldManagerScope,
} from '../../api/machinery/managed-fields/field-manager.ts';
import {
  excludeFields,
  includeFields,
  type FieldFilter,
} from '../../api/machinery/managed-fields/reset-filter.ts';
import type { ManagedFieldsEntry, UnknownObject } from '../../api/machinery/object-meta.ts';
import { hasSubresource } from './before-create.ts';
import type { ResourceTarget, WriteOptions } from './interface.ts';
import { convertObject } from './results.ts';

const scopes = new WeakMap<ResourceDefinition, Map<string, FieldManagerScope>>();

/** The scope of writes to a resource at a version; `storing` is the definition that keeps its objects. */
export function fieldManagerScope(
  target: ResourceTarget,
  storing: ResourceDefinition,
  subresource: string,
): FieldManagerScope {
  const { definition, version } = target;
  let known = scopes.get(definition);
  if (known === undefined) scopes.set(definition, (known = new Map()));
  const name = `${version}/${subresource}`;
  let scope = known.get(name);
  if (scope === undefined) known.set(name, (scope = newScope(target, storing, subresource)));
  return scope;
}

function newScope(
  { definition, version }: ResourceTarget,
  storing: ResourceDefinition,
  subresource: string,
): FieldManagerScope {
  const apiVersion = formatGroupVersion(definition.group, version);
  const { kind } = definition.names;
  const filter = filterOf(definition, subresource);
  const versions = new Map<string, { definition: ResourceDefinition; version: VersionDefinition }>();
  for (const each of [storing, definition])
    for (const served of each.versions)
      versions.set(formatGroupVersion(each.group, served.name), { definition: each, version: served });
  const { schema } = versions.get(apiVersion)!.version;
  return {
    apiVersion,
    kind,
    subresource,
    schemaAt: (at) => versions.get(at)?.version.schema,
    convert: (object, to) => {
      const served = versions.get(to)!;
      return convertObject(
        { definition: served.definition, version: served.version.name },
        object,
        object.apiVersion!,
        to,
      );
    },
    empty: canonicalize(schema, { kind, apiVersion }),
    ...(filter === undefined ? {} : { filter }),
  };
}

function filterOf(definition: ResourceDefinition, subresource: string): FieldFilter | undefined {
  const reset =
    definition.behaviour.resetFields?.[subresource] ?? defaultResetFields(definition, subresource);
  if (reset === undefined) return undefined;
  return 'exclude' in reset ? excludeFields(reset.exclude) : includeFields(reset.include);
}

function defaultResetFields(definition: ResourceDefinition, subresource: string): ResetFields | undefined {
  if (subresource === 'status') return { exclude: ['spec'] };
  return subresource === '' && hasSubresource(definition, 'status') ? { exclude: ['status'] } : undefined;
}

/** An object as a write makes it, in the version it is stored in. */
interface TrackedWrite {
  /** '' for the main resource. */
  readonly subresource: string;
  /** As it is, in the version of the target; absent for a new object. */
  readonly live?: UnknownObject;
  readonly changed: UnknownObject;
  /** The managedFields that the caller gave. */
  readonly given: ManagedFieldsEntry[] | undefined;
}

/** Works out who manages what of a changed object, in place. */
export function trackWrite(
  { target, storing }: { readonly target: ResourceTarget; readonly storing: ResourceDefinition },
  { subresource, live, changed, given }: TrackedWrite,
  { tracked = true, fieldManager: manager }: WriteOptions,
  clock: Clock,
): void {
  if (!tracked) return;
  const scope = fieldManagerScope(target, storing, subresource);
  const versioned =
    changed.apiVersion === scope.apiVersion ? changed : scope.convert(changed, scope.apiVersion);
  const entries = managedFieldsOfUpdate(scope, live, versioned, { manager, nowMs: clock.now(), given });
  setManagedFields(changed.metadata, entries);
}

/** Sets managedFields, or takes them away when there are none. */
export function setManagedFields(
  metadata: UnknownObject['metadata'],
  entries: ManagedFieldsEntry[] | undefined,
): void {
  if (entries === undefined) delete metadata.managedFields;
  else metadata.managedFields = entries;
}

/**
 * Whether a write leaves the object as it was: times of managers alone are no change, and are then set back in
 * `changed`. Both are canonical. Mirrors handlers/fieldmanager/equality.go IgnoreManagedFieldsTimestampsTransformer.
 */
export function isUnchanged(changed: UnknownObject, old: UnknownObject): boolean {
  const { managedFields } = changed.metadata;
  const before = old.metadata.managedFields;
  if (!isSameButTimes(managedFields, before)) return false;
  if (before === undefined) return equalJSON(changed, old);
  changed.metadata.managedFields = before;
  const isSame = equalJSON(changed, old);
  if (!isSame && managedFields !== undefined) changed.metadata.managedFields = managedFields;
  return isSame;
}

function isSameButTimes(
  entries: readonly ManagedFieldsEntry[] | undefined,
  before: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (entries === before) return true;
  if (entries === undefined || entries.length !== before?.length) return false;
  return entries.every((entry, index) => {
    const other = before[index]!;
    return equalJSON({ ...entry, time: undefined }, { ...other, time: undefined });
  });
}
