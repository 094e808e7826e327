/** Which volume fits a claim. Mirrors persistentvolume/index findMatchingVolume. */
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { compareQuantity, parseQuantity } from '../../api/machinery/quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';
import type { Informer } from '../runtime/controller.ts';

/** Volumes nobody has, by class; others by the claim they are for. */
const FREE_INDEX = 'free';

/** Lets `freeVolumesFor` find volumes without looking at all. Call before informers start; more than once is fine. */
export function indexFreeVolumes(volumes: Informer<PersistentVolume>): void {
  volumes.addIndex(FREE_INDEX, ({ spec: { claimRef, storageClassName = '' } }) => [
    claimRef === undefined ? `class ${storageClassName}` : `${claimRef.namespace}/${claimRef.name}`,
  ]);
}

/** Volumes of the claim's class that nobody has, and those that are kept for it. */
export function freeVolumesFor(
  { metadata, spec }: PersistentVolumeClaim,
  volumes: Informer<PersistentVolume>,
): PersistentVolume[] {
  return [
    ...volumes.byIndex(FREE_INDEX, `${metadata.namespace}/${metadata.name}`),
    ...volumes.byIndex(FREE_INDEX, `class ${spec.storageClassName ?? ''}`),
  ];
}

/** The smallest available volume that satisfies the claim; one reserved for the claim comes before all others. */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const reserved = volumes.find((volume) => isReservedFor(volume, claim));
  if (reserved !== undefined && fits(claim, reserved)) return reserved;
  const candidates = volumes.filter(
    (volume) =>
      volume.spec.claimRef === undefined &&
      volume.metadata.deletionTimestamp === undefined &&
      volume.status.phase === 'Available' &&
      fits(claim, volume),
  );
  return candidates.sort(
    (a, b) => compareQuantity(capacityOf(a), capacityOf(b)) || (a.metadata.name! < b.metadata.name! ? -1 : 1),
  )[0];
}

/** True when the volume's claimRef names the claim, and its UID if it has one. */
export function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec.claimRef;
  if (reference?.name !== metadata.name || reference?.namespace !== metadata.namespace) return false;
  return reference?.uid === undefined || reference.uid === '' || reference.uid === metadata.uid;
}

/** Size, modes, class and selector, whoever the volume is reserved for. */
export function fits(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const wanted = claim.spec.resources?.requests?.storage ?? '0';
  if (compareQuantity(capacityOf(volume), parseQuantity(wanted)) < 0) return false;
  if ((claim.spec.volumeMode ?? 'Filesystem') !== (volume.spec.volumeMode ?? 'Filesystem')) return false;
  if ((claim.spec.storageClassName ?? '') !== (volume.spec.storageClassName ?? '')) return false;
  const modes = volume.spec.accessModes ?? [];
  if (!(claim.spec.accessModes ?? []).every((mode) => modes.includes(mode))) return false;
  return (
    claim.spec.selector === undefined ||
    selectorFromLabelSelector(claim.spec.selector).matches(volume.metadata.labels ?? {})
  );
}

function capacityOf(volume: PersistentVolume): ReturnType<typeof parseQuantity> {
  return parseQuantity(volume.spec.capacity?.storage ?? '0');
}
