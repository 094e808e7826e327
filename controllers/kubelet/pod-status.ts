/** Phase and conditions of a pod, from its containers. Pure. */
import type { ContainerStatus, Pod, PodCondition } from '../../openapi/generated/core-v1.ts';
import type { ContainerMachine } from './container-machine.ts';

/** A pod's phase by the rules of the kubelet (semantics: a terminal phase never changes again). */
export function podPhase(pod: Pod, containers: readonly ContainerMachine[], stopped: boolean): string {
  const apps = containers.filter(({ role }) => role === 'app');
  const inits = containers.filter(({ role }) => role === 'init');
  const policy = pod.spec.restartPolicy ?? 'Always';
  if (inits.some(({ exitCode }) => exitCode !== undefined && exitCode !== 0) && policy === 'Never')
    return 'Failed';
  if (!stopped && inits.some(({ exitCode }) => exitCode !== 0)) return 'Pending';
  if (
    !stopped &&
    apps.some((container) => container.state.waiting !== undefined && container.lastTerminated === undefined)
  )
    return 'Pending';
  if (apps.some(({ isRunning }) => isRunning)) return 'Running';
  if (!stopped && apps.some(({ state }) => state.waiting !== undefined)) return 'Running';
  const failed = apps.some(({ exitCode }) => exitCode !== 0);
  if (!stopped && (policy === 'Always' || (policy === 'OnFailure' && failed))) return 'Running';
  return failed ? 'Failed' : 'Succeeded';
}

/** Conditions a kubelet owns, in the order it writes them; others (gates) are kept from the status before. */
export function podConditions(
  pod: Pod,
  containers: readonly ContainerMachine[],
  phase: string,
  sandboxReady: boolean,
  now: string,
): PodCondition[] {
  const inits = containers.filter(({ role }) => role === 'init');
  const unfinished = inits.filter(({ exitCode }) => exitCode !== 0).map(({ spec }) => spec.name);
  const serving = containers.filter(({ role }) => role !== 'init');
  const unready = serving.filter(({ ready }) => !ready).map(({ spec }) => spec.name);
  const initialized: Draft =
    unfinished.length === 0 || phase === 'Succeeded'
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${unfinished.join(' ')}]`,
        };
  const containersReady = readiness(phase, unready);
  const missingGates = (pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .filter((type) => pod.status.conditions?.find((condition) => condition.type === type)?.status !== 'True');
  const ready: Draft =
    containersReady.status === 'True' && missingGates.length > 0
      ? {
          status: 'False',
          reason: 'ReadinessGatesNotReady',
          message: missingGates.map((type) => gateProblem(pod, type)).join(', '),
        }
      : containersReady;
  const drafts: Draft[] = [
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initialized,
    { ...ready, type: 'Ready' },
    { ...containersReady, type: 'ContainersReady' },
    // Whatever the scheduler believes of a binding that failed on its way back.
    { type: 'PodScheduled', status: 'True' },
  ];
  const own = new Set(drafts.map(({ type }) => type));
  const others = (pod.status.conditions ?? []).filter(({ type }) => !own.has(type));
  return [...drafts.map((draft) => stamp(pod, draft, now)), ...others];
}

interface Draft {
  readonly type?: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

function readiness(phase: string, unready: readonly string[]): Draft {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function gateProblem(pod: Pod, type: string): string {
  const exists = pod.status.conditions?.some((condition) => condition.type === type) ?? false;
  return exists
    ? `the status of pod readiness gate "${type}" is not "True", but False`
    : `corresponding condition of pod readiness gate "${type}" does not exist.`;
}

/** Keeps lastTransitionTime while the status stays the same. */
function stamp(pod: Pod, draft: Draft, now: string): PodCondition {
  const before = pod.status.conditions?.find(({ type }) => type === draft.type);
  return {
    type: draft.type!,
    observedGeneration: pod.metadata.generation,
    status: draft.status,
    lastProbeTime: null,
    lastTransitionTime: before?.status === draft.status ? before.lastTransitionTime : now,
    reason: draft.reason,
    message: draft.message,
  } as unknown as PodCondition;
}

/** A running container has what its spec asks for now: a simulated node grants every resize at once. */
export function withResources(status: ContainerStatus, { spec }: Pod): ContainerStatus {
  if (status.state?.running === undefined) return status;
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const resources = all.find(({ name }) => name === status.name)?.resources ?? {};
  const { requests } = resources;
  return { ...status, ...(requests === undefined ? {} : { allocatedResources: requests }), resources };
}
