/** How a delete begins. Mirrors apiserver registry/rest/delete.go BeforeDelete and generic/registry store.go. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { newConflict } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { DeleteOptions } from './interface.ts';

const FOREGROUND_FINALIZER = 'foregroundDeletion';
const ORPHAN_FINALIZER = 'orphan';

/** Throws a Conflict when the record is not the one the caller means. */
export function checkDeletePreconditions(
  definition: ResourceDefinition,
  object: UnknownObject,
  { preconditions }: DeleteOptions,
): void {
  // Upstream names the kind here, not the resource.
  const resource = { group: definition.group, resource: definition.names.kind };
  const { name, uid, resourceVersion } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw newConflict(resource, name!, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw newConflict(resource, name!, why);
  }
}

/**
 * Finalizers the delete leaves the object with: those of others, and the one of the propagation policy. Without a policy,
 * one that is there already decides, then the kind's default.
 */
function finalizersForDelete(
  definition: ResourceDefinition,
  object: UnknownObject,
  options: DeleteOptions,
): string[] {
  const current = object.metadata.finalizers ?? [];
  const others = current.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  // Events are never waited for.
  if (definition.names.kind === 'Event') return others;
  const wanted = propagationFinalizer(definition, current, options);
  return wanted === undefined ? others : [...others, wanted];
}

function propagationFinalizer(
  definition: ResourceDefinition,
  current: readonly string[],
  options: DeleteOptions,
): string | undefined {
  switch (options.propagationPolicy) {
    case 'Orphan':
      return ORPHAN_FINALIZER;
    case 'Foreground':
      return FOREGROUND_FINALIZER;
    case 'Background':
      return undefined;
    default:
      if (current.includes(ORPHAN_FINALIZER)) return ORPHAN_FINALIZER;
      if (current.includes(FOREGROUND_FINALIZER)) return FOREGROUND_FINALIZER;
      return definition.behaviour.defaultPropagation === 'Orphan' ? ORPHAN_FINALIZER : undefined;
  }
}

/**
 * Marks `object` (a copy with metadata of its own, sharing the rest) as being deleted, or shortens the grace period of one that is. Returns true when it may be
 * removed at once: no grace period left and nothing that holds it.
 */
export function beginDelete(
  definition: ResourceDefinition,
  object: UnknownObject,
  options: DeleteOptions,
  nowMs: number,
): boolean {
  const { behaviour } = definition;
  const meta = object.metadata;
  const finalizers = finalizersForDelete(definition, object, options);
  meta.finalizers = finalizers.length === 0 ? undefined : finalizers;
  const requested = options.gracePeriodSeconds;
  const graceSeconds = behaviour.gracePeriodSeconds?.(object, requested) ?? 0;
  const isHeld = finalizers.length > 0 || behaviour.isHeld?.(object) === true;
  if (meta.deletionTimestamp === undefined) {
    if (graceSeconds === 0 && !isHeld) return true;
    meta.deletionTimestamp = formatTime(nowMs + graceSeconds * 1000);
    meta.deletionGracePeriodSeconds = graceSeconds;
    if ((meta.generation ?? 0) > 0) meta.generation = meta.generation! + 1;
    behaviour.prepareForDeletion?.(object);
    return false;
  }
  shortenGrace(object, behaviour.gracePeriodSeconds === undefined ? 0 : requested);
  return (meta.deletionGracePeriodSeconds ?? 0) === 0 && !isHeld;
}

/** A later delete may only shorten the time that is left. */
function shortenGrace({ metadata }: UnknownObject, requested: number | undefined): void {
  const current = metadata.deletionGracePeriodSeconds ?? 0;
  if (requested === undefined || requested >= current) return;
  const beganMs = parseTime(metadata.deletionTimestamp!) - current * 1000;
  metadata.deletionTimestamp = formatTime(beganMs + requested * 1000);
  metadata.deletionGracePeriodSeconds = requested;
}
