/** Who owns the claims of a stateful set, by its retention policy. Mirrors updateClaimOwnerRefForSetAndPod. */
import { POD_GVK } from '../runtime/pods.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import {
  controllerReference,
  type KubeObject,
  type OwnerReference,
} from '../../api/machinery/object-meta.ts';
import type { StatefulSet } from '../../openapi/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../openapi/generated/core-v1.ts';
import { isInRange, STATEFUL_SET_GVK } from './identity.ts';

type GVK = typeof POD_GVK;

export function retentionPolicy({ spec }: StatefulSet): {
  readonly whenDeleted: string;
  readonly whenScaled: string;
} {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  return { whenDeleted, whenScaled };
}

/** Names the object, whichever of that name it is. */
function means(reference: OwnerReference, object: KubeObject, { apiVersion, kind }: GVK): boolean {
  return (
    reference.apiVersion === apiVersion && reference.kind === kind && reference.name === object.metadata.name
  );
}

/** Names an earlier object of that name: the garbage collector will see to the claim. `uid` undefined: not made yet. */
export function isStale(claim: PersistentVolumeClaim, owner: KubeObject, gvk: GVK = POD_GVK): boolean {
  return (claim.metadata.ownerReferences ?? []).some(
    (reference) => means(reference, owner, gvk) && reference.uid !== owner.metadata.uid,
  );
}

/** Owned by something that is neither the set nor the pod, where a policy wants to decide. */
export function hasOtherController(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean {
  const { whenDeleted, whenScaled } = retentionPolicy(set);
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false;
  return (claim.metadata.ownerReferences ?? []).some((reference) => {
    if (means(reference, set, STATEFUL_SET_GVK)) return reference.uid !== set.metadata.uid;
    if (means(reference, pod, POD_GVK)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

/** The owners the claim of this pod should have; undefined when it has them, or when they are not ours to change. */
export function newOwners(
  claim: PersistentVolumeClaim,
  set: StatefulSet,
  pod: Pod,
  ordinal: number,
): OwnerReference[] | undefined {
  if (isStale(claim, set, STATEFUL_SET_GVK) || isStale(claim, pod)) return undefined;
  const before = claim.metadata.ownerReferences ?? [];
  const others = before.filter(
    (reference) => !means(reference, set, STATEFUL_SET_GVK) && !means(reference, pod, POD_GVK),
  );
  const wanted = hasOtherController(claim, set, pod) ? [] : ownersByPolicy(set, pod, ordinal);
  const after = [...others, ...wanted];
  const isCurrent =
    before.length === after.length &&
    after.every((reference) => before.some((other) => equalJSON(reference, other)));
  return isCurrent ? undefined : after;
}

function ownersByPolicy(set: StatefulSet, pod: Pod, ordinal: number): OwnerReference[] {
  const { whenDeleted, whenScaled } = retentionPolicy(set);
  if (whenScaled === 'Delete' && !isInRange(set, ordinal)) return [controllerReference(pod, POD_GVK)];
  return whenDeleted === 'Delete' ? [controllerReference(set, STATEFUL_SET_GVK)] : [];
}
