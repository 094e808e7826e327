/** What happens to every new object before it is stored. Mirrors apiserver registry/rest/create.go BeforeCreate. */
import type { ResourceDefinition, WriteFacts } from '../../api/definition.ts';
import { applyDeclaredDefaults } from '../../api/machinery/declared-defaults.ts';
import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { newBadRequest, newInvalid, StatusError, type FieldError } from '../../api/machinery/errors.ts';
import type { OwnerReference, UnknownObject } from '../../api/machinery/object-meta.ts';
import { randomSuffix, randomUUID, type Random } from '../../api/machinery/random.ts';
import { validateFinalizerDomains, validateObjectMeta } from '../../api/machinery/object-meta-validation.ts';
import { path } from '../../api/machinery/field-path.ts';
import { equalJSON } from '../../api/machinery/equality.ts';

/** Longest prefix that generateName keeps, so that prefix and suffix fit in a label. */
const GENERATED_PREFIX_MAX = 58;

/** Refuses what a new object must not carry, and puts it into the namespace of the request. */
export function checkNewObject(object: UnknownObject, namespace: string): void {
  const meta = object.metadata;
  if ((meta.resourceVersion ?? '') !== '') {
    throw new StatusError('', 'resourceVersion should not be set on objects to be created');
  }
  matchNamespace(object, namespace);
}

/** The object's namespace must be the request's; an absent one is filled in, one on a cluster-scoped object dropped. */
export function matchNamespace(object: UnknownObject, namespace: string): void {
  const own = object.metadata.namespace ?? '';
  if (own === '' && namespace !== '') object.metadata.namespace = namespace;
  else if (namespace === '') delete object.metadata.namespace;
  else if (own !== namespace) {
    throw newBadRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
}

/** Gives the object its identity, dropping what only the server may set. */
export function fillSystemFields(
  object: UnknownObject,
  clock: Clock,
  random: Random,
  warnings: string[],
): void {
  const meta = object.metadata;
  if (meta.selfLink !== undefined) delete meta.selfLink;
  if (meta.deletionTimestamp !== undefined) delete meta.deletionTimestamp;
  if (meta.deletionGracePeriodSeconds !== undefined) delete meta.deletionGracePeriodSeconds;
  meta.uid = randomUUID(random);
  meta.creationTimestamp = formatTime(clock.now());
  dedupeOwnerReferences(object, warnings);
}

/** Keeps one of equal owner references, with upstream's warning. */
export function dedupeOwnerReferences(object: UnknownObject, warnings: string[]): void {
  const references = object.metadata.ownerReferences;
  if (references === undefined || references.length < 2) return;
  const kept: OwnerReference[] = [];
  for (const reference of references) {
    if (kept.some((other) => equalJSON(other, reference))) {
      warnings.push(
        `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; ` +
          `please fix your requests; duplicate UID(s) observed: ${reference.uid}`,
      );
    } else kept.push(reference);
  }
  object.metadata.ownerReferences = kept;
}

/** Declared defaults, then those of the kind. */
export function applyDefaults(definition: ResourceDefinition, object: UnknownObject): void {
  applyDeclaredDefaults(definition.storageVersion.schema, object);
  definition.behaviour.setDefaults?.(object);
}

/** Status is the server's to say; generation starts where it is counted. */
export function prepareForCreate(
  definition: ResourceDefinition,
  object: UnknownObject,
  facts: WriteFacts,
): void {
  const { behaviour } = definition;
  if (hasSubresource(definition, 'status') && behaviour.keepsStatusOnCreate !== true) delete object.status;
  if (behaviour.countsGeneration === true) object.metadata.generation = 1;
  behaviour.prepareForCreate?.(object, facts);
}

/** Whether the kind has a subresource of that name. */
export function hasSubresource(definition: ResourceDefinition, name: string): boolean {
  return definition.subresources.some((subresource) => subresource.name === name);
}

/** A name from generateName, or undefined when the object brings its own. */
export function generateName(object: UnknownObject, random: Random): string | undefined {
  const { name, generateName: prefix } = object.metadata;
  if ((name ?? '') !== '' || (prefix ?? '') === '') return undefined;
  return prefix!.slice(0, GENERATED_PREFIX_MAX) + randomSuffix(random);
}

/** Throws 422 with everything that is wrong with a new object; `faults` are known already and come first. */
export function validateNewObject(
  definition: ResourceDefinition,
  object: UnknownObject,
  version?: string,
  faults: readonly FieldError[] = [],
): void {
  const { behaviour, namespaced } = definition;
  const metadata = [
    ...validateObjectMeta(object.metadata, { namespaced, nameRule: behaviour.nameRule }),
    ...validateDomains(definition, object),
  ];
  const rest = behaviour.validate?.(object, version) ?? [];
  if (behaviour.checksMetadataLast === true) throwInvalid(definition, object, [...faults, ...rest]);
  throwInvalid(definition, object, [...faults, ...metadata, ...rest]);
}

/** The stricter rule for finalizers, where a kind has it. */
export function validateDomains(
  { behaviour }: ResourceDefinition,
  { metadata }: UnknownObject,
): FieldError[] {
  if (behaviour.allowBareFinalizers === true) return [];
  return validateFinalizerDomains(metadata.finalizers, path('metadata', 'finalizers'));
}

/** Throws 422 with all errors; does nothing when there are none. */
export function throwInvalid(
  definition: ResourceDefinition,
  object: UnknownObject,
  errors: readonly FieldError[],
): void {
  if (errors.length > 0)
    throw newInvalid(definition.group, definition.names.kind, object.metadata.name ?? '', errors);
}
