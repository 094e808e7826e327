/** What the scheduler asks of a pod's claims before it looks at nodes, and of nodes for their volumes. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../openapi/generated/core-v1.ts';
import type { StorageClass } from '../../openapi/generated/storage-v1.ts';
import type { Informer } from '../runtime/controller.ts';
import { matchesTerm } from './filters/node-filters.ts';
import { unresolvable, type Rejection } from './filters/filter.ts';

export const SELECTED_NODE_ANNOTATION = 'volume.kubernetes.io/selected-node';

export interface VolumeCaches {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
}

/** Names of the claims a pod mounts, generic ephemeral volumes included. */
export function claimNames(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    if (volume.ephemeral !== undefined) return [`${pod.metadata.name}-${volume.name}`];
    return [];
  });
}

export interface PodVolumes {
  /** A reason that holds for every node. */
  readonly problem?: string;
  readonly bound: readonly PersistentVolume[];
  /** Claims that wait for a node to be chosen. */
  readonly waiting: readonly PersistentVolumeClaim[];
}

/** Sorts the claims of a pod. Mirrors volumebinding PreFilter. */
export function podVolumes(pod: Pod, caches: VolumeCaches): PodVolumes {
  const bound: PersistentVolume[] = [];
  const waiting: PersistentVolumeClaim[] = [];
  for (const name of claimNames(pod)) {
    const claim = caches.claims.get(`${pod.metadata.namespace}/${name}`);
    if (claim === undefined) return { problem: `persistentvolumeclaim "${name}" not found`, bound, waiting };
    if (claim.metadata.deletionTimestamp !== undefined)
      return { problem: `persistentvolumeclaim "${name}" is being deleted`, bound, waiting };
    if (claim.status.phase === 'Lost')
      return {
        problem: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`,
        bound,
        waiting,
      };
    const volume =
      claim.status.phase === 'Bound' ? caches.volumes.get(claim.spec.volumeName ?? '') : undefined;
    if (volume !== undefined) {
      bound.push(volume);
    } else if (waitsForConsumer(claim, caches)) {
      waiting.push(claim);
    } else {
      return { problem: 'pod has unbound immediate PersistentVolumeClaims', bound, waiting };
    }
  }
  return { bound, waiting };
}

function waitsForConsumer(claim: PersistentVolumeClaim, caches: VolumeCaches): boolean {
  const className = claim.spec.storageClassName ?? '';
  return className !== '' && caches.classes.get(className)?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Whether the node can reach the pod's bound volumes. */
export function rejectVolumes(volumes: PodVolumes, node: Node): Rejection | undefined {
  const unreachable = volumes.bound.some((volume) => {
    const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms;
    return terms !== undefined && !terms.some((term) => matchesTerm(term, node));
  });
  return unreachable ? unresolvable("node(s) didn't match PersistentVolume's node affinity") : undefined;
}
