/** Counters of a stateful set, and its pods in their places. Mirrors computeReplicaStatus of stateful_set_control.go. */
import { nonZero } from '../runtime/counts.ts';
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../openapi/generated/apps-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodAvailable, isPodReady } from '../runtime/pods.ts';
import { revisionOf } from './identity.ts';

export interface Revisions {
  /** What pods below the partition have, and all had before the update under way. */
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status.phase === 'Running' && isPodReady(pod);
}

/** `deleted`: how many pods of old revisions this look took away. */
export function calculateStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  collisionCount: number,
  deleted: number,
  nowMs: number,
): StatefulSetStatus {
  const ready = pods.filter(isRunningAndReady);
  const available = ready.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length;
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const atRevision = ({ metadata }: ControllerRevision): number =>
    staying.filter((pod) => revisionOf(pod) === metadata.name).length;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: nonZero(ready.length),
    currentReplicas: nonZero(Math.max(0, atRevision(current) - deleted)),
    updatedReplicas: nonZero(atRevision(update)),
    currentRevision: current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount,
    availableReplicas: available,
    conditions: set.status.conditions,
  };
  return isUpdated(set, status)
    ? { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision }
    : status;
}

/** Every pod is new and ready: from here on the update revision is the current one. */
function isUpdated({ spec }: StatefulSet, status: StatefulSetStatus): boolean {
  const replicas = spec.replicas ?? 1;
  return (
    spec.updateStrategy?.type === 'RollingUpdate' &&
    status.replicas === replicas &&
    (status.updatedReplicas ?? 0) === replicas &&
    (status.readyReplicas ?? 0) === replicas
  );
}
