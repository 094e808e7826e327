/** Which volume fits a claim. Mirrors persistentvolume/index findMatchingVolume. */
import { compareAmounts } from '../../api/groups/common/resources.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
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

/**
 * The smallest available volume that satisfies the claim, of those with the fewest access modes beyond what it asks for; one
 * reserved for the claim comes before all others, whatever its class and labels.
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const reserved = volumes.find((volume) => isReservedFor(volume, claim));
  if (reserved !== undefined && isUsable(claim, reserved)) return reserved;
  const candidates = volumes.filter(
    (volume) =>
      volume.spec.claimRef === undefined && volume.status.phase === 'Available' && fits(claim, volume),
  );
  return candidates.sort(
    (a, b) =>
      modesOf(a).length - modesOf(b).length ||
      compareAmounts(a.spec.capacity?.storage, b.spec.capacity?.storage) ||
      (a.metadata.name! < b.metadata.name! ? -1 : 1),
  )[0];
}

/** True when the volume's claimRef names the claim, and its UID if it has one. */
export function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec.claimRef;
  if (reference?.name !== metadata.name || reference?.namespace !== metadata.namespace) return false;
  return reference?.uid === undefined || reference.uid === '' || reference.uid === metadata.uid;
}

/** Size, modes, class, attributes and selector, whoever the volume is reserved for. */
function fits(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  if (mismatchOf(claim, volume) !== undefined) return false;
  return (
    claim.spec.selector === undefined ||
    selectorFromLabelSelector(claim.spec.selector).matches(volume.metadata.labels ?? {})
  );
}

/** Why a volume that a claim names is not for it; undefined when it is. Mirrors pv_controller.go checkVolumeSatisfyClaim. */
export function mismatchOf(claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined)
    return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (!isLargeEnough(claim, volume)) return 'requested PV is too small';
  if ((claim.spec.storageClassName ?? '') !== (volume.spec.storageClassName ?? ''))
    return 'storageClassName does not match';
  if (differsInAttributes(claim, volume)) return 'volumeAttributesClassName does not match';
  if (differsInMode(claim, volume)) return 'incompatible volumeMode';
  return hasModes(claim, volume) ? undefined : 'incompatible accessMode';
}

function isUsable(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  if (volume.metadata.deletionTimestamp !== undefined || differsInMode(claim, volume)) return false;
  return !differsInAttributes(claim, volume) && isLargeEnough(claim, volume) && hasModes(claim, volume);
}

/** Whether one is a file system and the other a block device. */
export function differsInMode(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return (claim.spec.volumeMode ?? 'Filesystem') !== (volume.spec.volumeMode ?? 'Filesystem');
}

function differsInAttributes(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return (claim.spec.volumeAttributesClassName ?? '') !== (volume.spec.volumeAttributesClassName ?? '');
}

function isLargeEnough(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return compareAmounts(volume.spec.capacity?.storage, claim.spec.resources?.requests?.storage) >= 0;
}

function hasModes(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => modesOf(volume).includes(mode));
}

function modesOf({ spec }: PersistentVolume): readonly string[] {
  return spec.accessModes ?? [];
}
