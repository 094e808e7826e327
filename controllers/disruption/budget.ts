/** The status of a budget. Mirrors updatePdbStatus of disruption.go. */
import { scaledUp } from '../runtime/counts.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../openapi/generated/policy-v1.ts';
import { isPodReady } from '../runtime/pods.ts';

/** How long an eviction may take until the pod is seen to go. */
const DELETION_TIMEOUT_MS = 120_000;
const CONDITION = 'DisruptionAllowed';

type Disrupted = NonNullable<PodDisruptionBudgetStatus['disruptedPods']>;

export interface Need {
  readonly expected: number;
  readonly desired: number;
}

/** Whether the controllers of the pods have to be asked. */
export function needsScale({ minAvailable, maxUnavailable }: PodDisruptionBudget['spec']): boolean {
  return maxUnavailable !== undefined || typeof minAvailable === 'string';
}

/** `scale` is what the controllers ask for, where they were asked. */
export function needOf(
  { minAvailable, maxUnavailable }: PodDisruptionBudget['spec'],
  scale: number,
  pods: number,
): Need {
  if (maxUnavailable !== undefined)
    return { expected: scale, desired: Math.max(0, scale - scaledUp(maxUnavailable, scale)) };
  if (minAvailable === undefined) return { expected: 0, desired: 0 };
  return typeof minAvailable === 'string'
    ? { expected: scale, desired: scaledUp(minAvailable, scale) }
    : { expected: pods, desired: minAvailable };
}

/** Evictions still under way, those that took too long, and when the next one has. */
export function sortDisrupted(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): { readonly disrupted: Disrupted; readonly late: Pod[]; readonly recheckAfterMs: number | undefined } {
  const disrupted: Disrupted = {};
  const late: Pod[] = [];
  let recheckAfterMs: number | undefined;
  for (const pod of pods) {
    const since = status.disruptedPods?.[pod.metadata.name!];
    if (since === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    const left = parseTime(since) + DELETION_TIMEOUT_MS - nowMs;
    if (left < 0) late.push(pod);
    else {
      disrupted[pod.metadata.name!] = since;
      // A millisecond later it is too late.
      recheckAfterMs = Math.min(recheckAfterMs ?? Infinity, left + 1);
    }
  }
  return { disrupted, late, recheckAfterMs };
}

/** The status as it should be. */
export function newStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, desired }: Need,
  disrupted: Disrupted,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const healthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      disrupted[pod.metadata.name!] === undefined &&
      isPodReady(pod),
  ).length;
  // A budget that matches no pods yet must not allow the first that come to go.
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  return {
    observedGeneration: budget.metadata.generation,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(
      budget.status,
      allowed > 0
        ? { status: 'True', reason: 'SufficientPods', message: '' }
        : { status: 'False', reason: 'InsufficientPods', message: '' },
      budget.metadata.generation,
      nowMs,
    ),
  };
}

/** Nothing may go while the budget cannot be worked out. */
export function failedStatus(
  { status }: PodDisruptionBudget,
  error: Error,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const condition = { status: 'False', reason: 'SyncFailed', message: error.message };
  return {
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(status, condition, status.observedGeneration, nowMs),
  };
}

function withCondition(
  { conditions = [] }: PodDisruptionBudgetStatus,
  change: { readonly status: string; readonly reason: string; readonly message: string },
  observedGeneration: number | undefined,
  nowMs: number,
): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const before = conditions.find(({ type }) => type === CONDITION);
  const lastTransitionTime = before?.status === change.status ? before.lastTransitionTime : formatTime(nowMs);
  const condition = {
    type: CONDITION,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    lastTransitionTime,
    ...change,
  };
  return before === undefined
    ? [...conditions, condition]
    : conditions.map((other) => (other === before ? condition : other));
}
