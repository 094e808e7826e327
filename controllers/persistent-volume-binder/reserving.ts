import { structuredCopy } from '../../api/machinery/client.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';
import { BOUND_BY_CONTROLLER_ANNOTATION } from './annotations.ts';

/**
 * The volume as it is written for the claim; the very one when it is the claim's already. Mirrors
 * pkg/controller/volume/persistentvolume/util GetBindVolumeToClaim.
 */
export function reservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  if (volume.spec.claimRef?.uid === claim.metadata.uid) return volume;
  const changed = structuredCopy(volume);
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  if (changed.spec.claimRef === undefined)
    changed.metadata.annotations = {
      ...changed.metadata.annotations,
      [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes',
    };
  changed.spec.claimRef = {
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    namespace,
    name,
    uid,
    resourceVersion,
  };
  return changed;
}
