/** Status and conditions of a deployment. Mirrors deployment/sync.go calculateStatus and progress.go. */
import { nonZero } from '../runtime/counts.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../openapi/generated/apps-v1.ts';
import { availableReplicas, fenceposts } from './replica-sets.ts';

export function conditionOf({ conditions }: DeploymentStatus, type: string): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Conditions with this one put in; one that says the same as before stays as it was. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  change: {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  },
  nowMs: number,
): DeploymentCondition[] {
  const before = conditions.find(({ type }) => type === change.type);
  if (before?.status === change.status && before.reason === change.reason) return [...conditions];
  const now = formatTime(nowMs);
  const lastTransitionTime = before?.status === change.status ? before.lastTransitionTime : now;
  const { type, status, reason, message } = change;
  return [
    ...conditions.filter((condition) => condition.type !== type),
    { type, status, lastUpdateTime: now, lastTransitionTime, reason, message },
  ];
}

/** Counters and the Available condition; the others are carried over. */
export function calculateStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const sum = (pick: (set: ReplicaSet) => number | undefined): number =>
    sets.reduce((total, set) => total + (pick(set) ?? 0), 0);
  const available = availableReplicas(sets);
  const total = sum(({ spec }) => spec.replicas);
  const replicas = deployment.spec.replicas ?? 1;
  const isAvailable = available >= replicas - fenceposts(deployment).maxUnavailable;
  const conditions = withCondition(
    deployment.status.conditions ?? [],
    isAvailable
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  );
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: nonZero(sum(({ status }) => status.replicas)),
    updatedReplicas: nonZero(newSet?.status.replicas ?? 0),
    readyReplicas: nonZero(sum(({ status }) => status.readyReplicas)),
    availableReplicas: nonZero(available),
    unavailableReplicas: nonZero(Math.max(0, total - available)),
    terminatingReplicas: terminatingReplicas(sets),
    conditions,
    collisionCount: deployment.status.collisionCount,
  };
}

/** Undefined while a replica set that was looked at does not say how many: another's controller may not count them. */
function terminatingReplicas(sets: readonly ReplicaSet[]): number | undefined {
  const looked = sets.filter(
    ({ status }) => (status.observedGeneration ?? 0) > 0 || status.terminatingReplicas !== undefined,
  );
  if (looked.some(({ status }) => status.terminatingReplicas === undefined)) return undefined;
  return looked.reduce((total, { status }) => total + status.terminatingReplicas!, 0);
}

/** Every pod is new, available, and no old one is left. */
export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const replicas = spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

function isProgressing(deployment: Deployment, status: DeploymentStatus): boolean {
  const old = deployment.status;
  const outdated = (counts: DeploymentStatus): number =>
    (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(status) < outdated(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

/** The Progressing and ReplicaFailure conditions, and when to look again for the deadline. */
export function syncProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): { readonly status: DeploymentStatus; readonly requeueAfterMs?: number } {
  const progress = withProgress(deployment, status, newSet, nowMs);
  const conditions = withFailure(progress, newSet === undefined ? sets : [newSet, ...sets], nowMs);
  const next = { ...status, conditions };
  return { status: next, requeueAfterMs: deadlineWait(deployment, next, nowMs) };
}

function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentCondition[] {
  const progressing = conditionOf(deployment.status, 'Progressing');
  const { replicas = 0, updatedReplicas = 0, conditions = [] } = status;
  if (!hasDeadline(deployment)) return conditions.filter(({ type }) => type !== 'Progressing');
  const isRollout = replicas !== updatedReplicas || progressing?.reason !== 'NewReplicaSetAvailable';
  if (!isRollout) return conditions;
  const subject =
    newSet === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newSet.metadata.name}"`;
  const put = (value: string, reason: string, message: string): DeploymentCondition[] =>
    withCondition(conditions, { type: 'Progressing', status: value, reason, message }, nowMs);
  if (isComplete(deployment, status))
    return put('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
  if (isProgressing(deployment, status))
    return touched(conditions, progressing, `${subject} is progressing.`, nowMs);
  if (hasTimedOut(deployment, progressing, nowMs))
    return put('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  return conditions;
}

/** The first failure of the sets to make pods is the deployment's. */
function withFailure(
  conditions: DeploymentCondition[],
  sets: readonly ReplicaSet[],
  nowMs: number,
): DeploymentCondition[] {
  const [failure] = sets.flatMap(
    ({ status }) =>
      status.conditions?.filter(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True') ??
      [],
  );
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const { status, reason = '', message = '', lastTransitionTime = '' } = failure;
  const condition = { type: 'ReplicaFailure', status, reason, message };
  return withCondition(conditions, condition, parseTime(lastTransitionTime) || nowMs);
}

/** Progress moves lastUpdateTime; the condition changed to True only if it was not. */
function touched(
  conditions: readonly DeploymentCondition[],
  before: DeploymentCondition | undefined,
  message: string,
  nowMs: number,
): DeploymentCondition[] {
  const now = formatTime(nowMs);
  const lastTransitionTime = before?.status === 'True' ? before.lastTransitionTime : now;
  return [
    ...conditions.filter(({ type }) => type !== 'Progressing'),
    {
      type: 'Progressing',
      status: 'True',
      lastUpdateTime: now,
      lastTransitionTime,
      reason: 'ReplicaSetUpdated',
      message,
    },
  ];
}

export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2 ** 31 - 1;
}

function hasTimedOut(
  { spec }: Deployment,
  progressing: DeploymentCondition | undefined,
  nowMs: number,
): boolean {
  if (progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  return parseTime(progressing.lastUpdateTime ?? '') + spec.progressDeadlineSeconds! * 1000 < nowMs;
}

function deadlineWait(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = conditionOf(status, 'Progressing');
  if (!hasDeadline(deployment) || progressing === undefined || isComplete(deployment, status))
    return undefined;
  if (progressing.reason === 'NewReplicaSetAvailable' || progressing.reason === 'ProgressDeadlineExceeded')
    return undefined;
  const due = parseTime(progressing.lastUpdateTime ?? '') + deployment.spec.progressDeadlineSeconds! * 1000;
  // A second more: the deadline counts whole seconds.
  return Math.max(0, due - nowMs) + 1000;
}
