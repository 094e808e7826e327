/** What one look at a job and its pods finds. Mirrors syncJobContext of job_controller.go. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Job, JobStatus } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodActive, isPodReady, isPodTerminating } from '../runtime/pods.ts';
import { delayLeft, type Failures } from './backoff.ts';
import { failuresOf, indexOf, isIndexed, parseIndexes } from './indexes.ts';
import { hasFinalizer, hasRestartedTooOften, isPodFailed } from './job-pods.ts';
import { judgeFailure, matchingSuccessRule } from './policies.ts';

export interface Round {
  readonly job: Job;
  readonly nowMs: number;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  /** Ended and not yet noted in the status. */
  readonly newSucceeded: readonly Pod[];
  /** Those whose failure counts. */
  readonly newFailed: readonly Pod[];
  /** Those whose failure the policy leaves out of the count; the next try waits for them all the same. */
  readonly newIgnored: readonly Pod[];
  /** Every pod that still has the finalizer. */
  readonly held: readonly Pod[];
  /** Of those, the ones that ended. */
  readonly ended: readonly Pod[];
  /** With the new ones. */
  readonly succeeded: number;
  readonly failed: number;
  readonly ready: number;
  readonly terminating: number;
  /** Empty without indexes. */
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  /** With backoffLimitPerIndex: failures of each index that failed. */
  readonly indexFailures: ReadonlyMap<number, Failures>;
}

/** Why a job ends. */
export interface Ending {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** `isTracked` is false for pods that lost the finalizer though the cache still shows it. */
export function examine(
  job: Job,
  pods: readonly Pod[],
  known: ReadonlyMap<number, Failures>,
  isTracked: (pod: Pod) => boolean,
  nowMs: number,
): Round {
  const { status, spec } = job;
  const completions = spec.completions ?? 0;
  const hasIndexes = isIndexed(job);
  const noted = new Set([
    ...(status.uncountedTerminatedPods?.succeeded ?? []),
    ...(status.uncountedTerminatedPods?.failed ?? []),
  ]);
  const held = pods.filter((pod) => hasFinalizer(pod) && isTracked(pod));
  const ended = held.filter((pod) => pod.status.phase === 'Succeeded' || isPodFailed(job, pod));
  const fresh = ended.filter(
    (pod) => !noted.has(pod.metadata.uid!) && (!hasIndexes || indexOf(pod, completions) !== undefined),
  );
  const newSucceeded = fresh.filter((pod) => pod.status.phase === 'Succeeded');
  const unsuccessful = fresh.filter((pod) => pod.status.phase !== 'Succeeded');
  const isIgnored = (pod: Pod): boolean => judgeFailure(spec.podFailurePolicy, pod).action === 'Ignore';
  const newFailed = unsuccessful.filter((pod) => !isIgnored(pod));
  const succeededIndexes = hasIndexes ? parseIndexes(status.completedIndexes) : new Set<number>();
  for (const index of succeededIndexes) if (index >= completions) succeededIndexes.delete(index);
  if (hasIndexes) for (const pod of newSucceeded) succeededIndexes.add(indexOf(pod, completions)!);
  const active = pods.filter(isPodActive);
  const failures = failuresPerIndex(job, pods, known);
  return {
    job,
    nowMs,
    pods,
    active,
    newSucceeded,
    newFailed,
    newIgnored: unsuccessful.filter(isIgnored),
    held,
    ended,
    succeeded: hasIndexes
      ? succeededIndexes.size
      : (status.succeeded ?? 0) +
        (status.uncountedTerminatedPods?.succeeded?.length ?? 0) +
        newSucceeded.length,
    failed: (status.failed ?? 0) + (status.uncountedTerminatedPods?.failed?.length ?? 0) + newFailed.length,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    succeededIndexes,
    failedIndexes: failedIndexes(job, fresh, succeededIndexes),
    indexFailures: failures,
  };
}

/** From the pods that are still there, and what was known of those that are not. */
function failuresPerIndex(
  job: Job,
  pods: readonly Pod[],
  known: ReadonlyMap<number, Failures>,
): Map<number, Failures> {
  const failures = new Map<number, Failures>();
  if (job.spec.backoffLimitPerIndex === undefined) return failures;
  for (const [index, before] of known) failures.set(index, before);
  for (const pod of pods) {
    const index = indexOf(pod, job.spec.completions ?? 0);
    if (index === undefined || !isPodFailed(job, pod)) continue;
    const found = failuresOf(pod, judgeFailure(job.spec.podFailurePolicy, pod).action !== 'Ignore');
    const before = failures.get(index);
    if (
      before === undefined ||
      found.count > before.count ||
      (found.count === before.count && found.lastMs > before.lastMs)
    )
      failures.set(index, found);
  }
  return failures;
}

function failedIndexes(job: Job, fresh: readonly Pod[], succeeded: ReadonlySet<number>): Set<number> {
  const { backoffLimitPerIndex, completions = 0, podFailurePolicy } = job.spec;
  if (backoffLimitPerIndex === undefined) return new Set();
  const failed = parseIndexes(job.status.failedIndexes);
  for (const pod of fresh) {
    const index = indexOf(pod, completions);
    if (index === undefined || pod.status.phase === 'Succeeded') continue;
    const { action } = judgeFailure(podFailurePolicy, pod);
    if (action === 'FailIndex' || (action !== 'Ignore' && failuresOf(pod, true).count > backoffLimitPerIndex))
      failed.add(index);
  }
  for (const index of failed) if (index >= completions || succeeded.has(index)) failed.delete(index);
  return failed;
}

/** Whether and why the job ends, success by completions aside: that is known only after its pods are managed. */
export function endingOf(round: Round): Ending | undefined {
  const { job, succeededIndexes, failed, nowMs } = round;
  const { spec, status } = job;
  const noted = status.conditions?.find(
    ({ type, status: value }) =>
      (type === 'FailureTarget' || type === 'SuccessCriteriaMet') && value === 'True',
  );
  if (noted !== undefined) {
    return {
      type: noted.type === 'FailureTarget' ? 'Failed' : 'Complete',
      reason: noted.reason ?? '',
      message: noted.message ?? '',
    };
  }
  const fatal = round.pods
    .filter((pod) => isPodFailed(job, pod))
    .map((pod) => judgeFailure(spec.podFailurePolicy, pod))
    .find(({ action }) => action === 'FailJob');
  if (fatal !== undefined) return { type: 'Failed', reason: 'PodFailurePolicy', message: fatal.message };
  if (failed > (spec.backoffLimit ?? 6) || hasRestartedTooOften(job, round.pods)) {
    return {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  }
  const left = deadlineLeft(job, status, nowMs);
  if (left !== undefined && left <= 0)
    return {
      type: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    };
  const failure = failureOfIndexes(round);
  if (failure !== undefined) return failure;
  const rule = matchingSuccessRule(spec, succeededIndexes);
  return rule === undefined
    ? undefined
    : { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
}

function failureOfIndexes({
  job: { spec },
  failedIndexes: failed,
  succeededIndexes,
}: Round): Ending | undefined {
  if (spec.maxFailedIndexes !== undefined && failed.size > spec.maxFailedIndexes) {
    return {
      type: 'Failed',
      reason: 'MaxFailedIndexesExceeded',
      message: 'Job has exceeded the specified maximal number of failed indexes',
    };
  }
  if (failed.size > 0 && failed.size + succeededIndexes.size >= (spec.completions ?? 0))
    return { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
  return undefined;
}

/** Success by the number of completions; `activeCount` is what is left after managing. */
export function completionOf({ job: { spec }, succeeded }: Round, activeCount: number): Ending | undefined {
  const isDone =
    activeCount === 0 && (spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions);
  return isDone
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined;
}

/** Milliseconds to spec.activeDeadlineSeconds; undefined when it does not count. */
export function deadlineLeft(
  { spec }: Job,
  { startTime, conditions }: JobStatus,
  nowMs: number,
): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || startTime === undefined || spec.suspend === true)
    return undefined;
  // Just resumed: the start is still that of the time before.
  if (conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True') === true)
    return undefined;
  return parseTime(startTime) + spec.activeDeadlineSeconds * 1000 - nowMs;
}

/** Pods that should run at once. */
export function wantedActive({ job: { spec }, succeeded, active, failedIndexes: failed }: Round): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - succeeded - failed.size));
}

/** Milliseconds until an index may be tried again. */
export function indexDelay({ indexFailures, nowMs }: Round, index: number): number {
  const failures = indexFailures.get(index);
  return failures === undefined ? 0 : delayLeft(failures, nowMs);
}
