/** What happens to every changed object before it is stored. Mirrors apiserver registry/rest/update.go BeforeUpdate. */
import type { ResourceDefinition, WriteFacts } from '../../api/definition.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { newBadRequest, newConflict, newInvalid, type FieldError } from '../../api/machinery/errors.ts';
import type { GroupResource } from '../../api/machinery/gvk.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../api/machinery/object-meta-validation.ts';
import { hasSubresource, matchNamespace, throwInvalid, validateDomains } from './before-create.ts';
import type { ObjectTarget } from './interface.ts';

/** The changed object must be the one of the URL; what it leaves out of its identity is filled in. */
export function matchIdentity(object: UnknownObject, target: ObjectTarget): void {
  const name = object.metadata.name ?? '';
  if (name === '') object.metadata.name = target.name;
  else if (name !== target.name) {
    throw newBadRequest(
      `the name of the object (${name}) does not match the name on the URL (${target.name})`,
    );
  }
  matchNamespace(object, target.namespace);
}

/** UID and resourceVersion of the changed object are preconditions on the stored one. */
export function checkPreconditions(
  definition: ResourceDefinition,
  object: UnknownObject,
  old: UnknownObject,
): void {
  const resource: GroupResource = { group: definition.group, resource: definition.names.plural };
  const { name, uid, resourceVersion = '' } = object.metadata;
  if ((uid ?? '') !== '' && uid !== old.metadata.uid) {
    throw newConflict(
      resource,
      name!,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    if (definition.behaviour.allowUnconditionalUpdate !== false) return;
    const error = invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw newInvalid(definition.group, definition.names.kind, name!, [error]);
  }
  if (!/^\d+$/.test(resourceVersion)) {
    const error = invalid(
      'metadata.resourceVersion',
      resourceVersion,
      `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
    throw newInvalid(definition.group, definition.names.kind, name!, [error]);
  }
  if (resourceVersion !== old.metadata.resourceVersion) throw newConflict(resource, name!);
}

/** Server-owned metadata comes from the stored object when it was left out; generation always does. */
export function keepSystemFields(object: UnknownObject, old: UnknownObject): void {
  const meta = object.metadata;
  const before = old.metadata;
  // Members without a value would make the metadata be written anew.
  if (meta.selfLink !== undefined) delete meta.selfLink;
  meta.uid = before.uid;
  meta.resourceVersion = before.resourceVersion;
  meta.creationTimestamp ??= before.creationTimestamp;
  if (before.deletionTimestamp !== undefined) meta.deletionTimestamp ??= before.deletionTimestamp;
  if (before.deletionGracePeriodSeconds !== undefined)
    meta.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds;
  if (meta.generation !== before.generation) meta.generation = before.generation;
}

/**
 * Main writes keep the stored status, status writes keep the stored rest, other parts say themselves what they take. A
 * binding was made by the server itself and touches both.
 */
export function keepOtherParts(
  definition: ResourceDefinition,
  subresource: string,
  object: UnknownObject,
  old: UnknownObject,
  facts: WriteFacts,
): void {
  const part = definition.behaviour.parts?.[subresource];
  if (part !== undefined) {
    part.prepareForUpdate(object, old, facts);
    return;
  }
  if (subresource === '') {
    if (!hasSubresource(definition, 'status')) return;
    replaceMember(object, 'status', old.status);
    return;
  }
  if (subresource === 'binding') return;
  for (const { name } of definition.storageVersion.schema.fields) {
    if (name === 'kind' || name === 'apiVersion' || name === 'metadata') continue;
    if (subresource === 'status' && name === 'status') continue;
    replaceMember(object, name, old[name]);
  }
}

function replaceMember(object: UnknownObject, name: string, value: unknown): void {
  if (value !== undefined) object[name] = value;
  else if (name in object) delete object[name];
}

/** Counts generation up when what the kind counts changed, by default anything but metadata and status. Both objects are canonical. */
export function countGeneration(
  definition: ResourceDefinition,
  object: UnknownObject,
  old: UnknownObject,
): void {
  const { countsGeneration, generationView } = definition.behaviour;
  if (countsGeneration === undefined || countsGeneration === false) return;
  const view = generationView ?? (({ metadata: _metadata, status: _status, ...rest }): unknown => rest);
  if (!equalJSON(view(object), view(old))) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** Throws 422 with everything that is wrong with the change; `faults` are known already and come behind those of metadata. */
export function validateChange(
  definition: ResourceDefinition,
  subresource: string,
  object: UnknownObject,
  old: UnknownObject,
  version?: string,
  faults: readonly FieldError[] = [],
): void {
  const { behaviour } = definition;
  const errors = [
    ...validateObjectMeta(object.metadata, { namespaced: definition.namespaced, nameRule: 'path-segment' }),
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...validateDomains(definition, object),
    ...faults,
  ];
  if (subresource === 'status') errors.push(...(behaviour.validateStatusUpdate?.(object, old) ?? []));
  else if (subresource === '') errors.push(...(behaviour.validateUpdate?.(object, old, version) ?? []));
  else errors.push(...(behaviour.parts?.[subresource]?.validateUpdate(object, old) ?? []));
  throwInvalid(definition, object, withoutRepeats(errors));
}

/** Metadata is looked at twice on updates; each finding is told once. */
function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  if (errors.length < 2) return errors;
  const seen = new Set<string>();
  return errors.filter(({ type, field, message }) => {
    const text = `${type} ${field} ${message}`;
    return !seen.has(text) && seen.add(text);
  });
}
