/** Which ended pods of a job are let go of and counted in one look. Mirrors trackJobStatusAndRemoveFinalizers of job_controller.go. */
import { isBeingDeleted } from '../../api/machinery/object-meta.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { failuresOf, indexOf, isIndexed } from './indexes.ts';
import { judgeFailure } from './policies.ts';
import type { Ending, Round } from './round.ts';

/** At most so many UIDs are noted in a status, which keeps them below 20 kB. */
const UNCOUNTED_MAX = 500;

export interface Batch {
  /** Lose their finalizer now. */
  readonly pods: readonly Pod[];
  /** Of those, the ones that are not yet noted. */
  readonly succeeded: readonly Pod[];
  readonly failed: readonly Pod[];
  /** There are more: the job cannot end with this look. */
  readonly isFull: boolean;
}

/** When a job ends or goes, its pods are let go of as they are: where it fails, those that still run fail with it. */
export function nextBatch(round: Round, ending: Ending | undefined): Batch {
  const { job } = round;
  const isOver = ending !== undefined || isBeingDeleted(job);
  const kept = isOver ? new Set<Pod>() : lastFailures(round);
  const cutShort = ending?.type === 'Failed' ? stillRunning(round) : [];
  const [newSucceeded, newFailed] = [new Set(round.newSucceeded), new Set([...round.newFailed, ...cutShort])];
  const { succeeded: notedSucceeded = [], failed: notedFailed = [] } =
    job.status.uncountedTerminatedPods ?? {};
  let noted = notedSucceeded.length + notedFailed.length;
  const [pods, succeeded, failed]: Pod[][] = [[], [], []];
  for (const pod of isOver ? round.held : round.ended) {
    if (kept.has(pod)) continue;
    pods!.push(pod);
    if (newSucceeded.has(pod)) succeeded!.push(pod);
    if (newFailed.has(pod)) failed!.push(pod);
    if (newSucceeded.has(pod) || newFailed.has(pod)) noted++;
    if (noted >= UNCOUNTED_MAX) break;
  }
  return { pods: pods!, succeeded: succeeded!, failed: failed!, isFull: noted >= UNCOUNTED_MAX };
}

/** Those whose failure counts once the job fails. */
function stillRunning({ job, held, ended }: Round): Pod[] {
  const { completions = 0, podFailurePolicy } = job.spec;
  const over = new Set(ended);
  const noted = new Set(job.status.uncountedTerminatedPods?.failed ?? []);
  return held.filter(
    (pod) =>
      !over.has(pod) &&
      !noted.has(pod.metadata.uid!) &&
      (!isIndexed(job) || indexOf(pod, completions) !== undefined) &&
      judgeFailure(podFailurePolicy, pod).action !== 'Ignore',
  );
}

/**
 * With backoffLimitPerIndex: of each index that waits for its next try the pod that failed last. How often it failed is
 * written on it and nowhere else until there is another.
 */
function lastFailures({ job, ended, active, succeededIndexes, failedIndexes }: Round): ReadonlySet<Pod> {
  if (job.spec.backoffLimitPerIndex === undefined || !isIndexed(job)) return new Set();
  const { completions = 0 } = job.spec;
  const running = new Set(active.map((pod) => indexOf(pod, completions)));
  const last = new Map<number, Pod>();
  for (const pod of ended) {
    const index = indexOf(pod, completions);
    if (index === undefined || pod.status.phase === 'Succeeded') continue;
    if (succeededIndexes.has(index) || failedIndexes.has(index) || running.has(index)) continue;
    const before = last.get(index);
    if (before === undefined || isLater(pod, before)) last.set(index, pod);
  }
  return new Set(last.values());
}

function isLater(pod: Pod, before: Pod): boolean {
  const [now, then] = [failuresOf(pod, true), failuresOf(before, true)];
  return then.count <= now.count && then.lastMs <= now.lastMs;
}
