/** The scale subresource: an autoscaling/v1 Scale made from, and written back to, the parent. */
import type { ResourceDefinition, ScaleMapping } from '../../api/definition.ts';
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import { newConflict, newInvalid } from '../../api/machinery/errors.ts';
import { formatGroupVersion, parseGroupVersion } from '../../api/machinery/gvk.ts';
import {
  managedFieldsOfUpdate,
  type FieldManagerScope,
  type Write,
} from '../../api/machinery/managed-fields/field-manager.ts';
import {
  parentEntries,
  SCALE_API_VERSION,
  scaleEntries,
} from '../../api/machinery/managed-fields/scale-entries.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import type { ResourceTarget } from './interface.ts';

const SCALE = 'io.k8s.api.autoscaling.v1.Scale';

/** How the kind is scaled. Throws when it is not. */
function scaleMappingOf(definition: ResourceDefinition): ScaleMapping {
  const mapping = definition.behaviour.scale;
  if (mapping === undefined) throw new Error(`${definition.names.plural} has no scale mapping`);
  return mapping;
}

export function scaleSchema(): ReturnType<typeof builtInSchema> {
  return builtInSchema(SCALE);
}

/** The Scale of an object. */
export function scaleOf(definition: ResourceDefinition, object: UnknownObject): UnknownObject {
  const mapping = scaleMappingOf(definition);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return canonicalize(scaleSchema(), {
    kind: 'Scale',
    apiVersion: SCALE_API_VERSION,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: mapping.specReplicas(object) },
    status: { replicas: mapping.statusReplicas(object), selector: mapping.selector(object) },
  });
}

let scope: FieldManagerScope | undefined;

/** Who manages a Scale is told apart as for any other kind. */
export function scaleScope(): FieldManagerScope {
  return (scope ??= {
    apiVersion: SCALE_API_VERSION,
    kind: 'Scale',
    subresource: 'scale',
    schemaAt: (apiVersion) => (apiVersion === SCALE_API_VERSION ? scaleSchema() : undefined),
    convert: (object) => object,
    empty: canonicalize(scaleSchema(), { kind: 'Scale', apiVersion: SCALE_API_VERSION }),
  });
}

/**
 * A copy of the parent with what `change` makes of its Scale, managers included: `change` says itself who they are
 * (apply), unless `write` does.
 */
export function changeScale(
  { definition, version }: ResourceTarget,
  parent: UnknownObject,
  change: (scale: UnknownObject) => UnknownObject,
  write?: Write,
): UnknownObject {
  const { group } = definition;
  const isVersion = (apiVersion: string): boolean => parseGroupVersion(apiVersion)?.group === group;
  const before = parent.metadata.managedFields;
  const old = scaleOf(definition, parent);
  const entries = scaleEntries(before, isVersion);
  if (entries !== undefined) old.metadata.managedFields = entries;
  const scale = change(old);
  const managedFields =
    write === undefined
      ? scale.metadata.managedFields
      : managedFieldsOfUpdate(scaleScope(), old, scale, { ...write, given: undefined });
  const changed = applyScale(definition, structuredCopy(parent), scale);
  const after = parentEntries(before, managedFields, formatGroupVersion(group, version), isVersion);
  if (after === undefined) delete changed.metadata.managedFields;
  else changed.metadata.managedFields = after;
  return changed;
}

/** Writes the replicas of `scale` into `object` (a copy), honouring UID and resourceVersion as preconditions. */
function applyScale(
  definition: ResourceDefinition,
  object: UnknownObject,
  scale: UnknownObject,
): UnknownObject {
  const resource = { group: definition.group, resource: definition.names.plural };
  const { name, uid, resourceVersion = '' } = scale.metadata;
  const replicas = (scale.spec as { replicas?: number } | undefined)?.replicas ?? 0;
  if (replicas < 0) {
    throw newInvalid('autoscaling', 'Scale', name ?? '', [
      invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  }
  if ((uid ?? '') !== '' && uid !== object.metadata.uid) {
    throw newConflict(
      resource,
      object.metadata.name!,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
    );
  }
  if (resourceVersion !== '' && resourceVersion !== object.metadata.resourceVersion)
    throw newConflict(resource, object.metadata.name!);
  scaleMappingOf(definition).setSpecReplicas(object, replicas);
  return object;
}
