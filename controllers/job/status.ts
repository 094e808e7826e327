/** What a look at a job makes of its status. */
import { nonZero } from '../runtime/counts.ts';
import type { Job, JobCondition, JobStatus } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { formatIndexes, isIndexed } from './indexes.ts';
import type { Batch } from './counting.ts';
import type { Round } from './round.ts';

/** What managing pods came to. */
export interface Outcome {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  readonly error?: Error;
  readonly waitMs?: number;
}

/** A status on its way, and the events to record once it is written. */
export interface StatusChange {
  readonly status: JobStatus;
  readonly events: readonly { readonly reason: string; readonly message: string }[];
}

/** Says that a job was suspended or resumed. Suspending takes its start away, resuming begins its time anew. */
export function suspension({ spec }: Job, status: JobStatus, now: string): StatusChange {
  const before = status.conditions?.find(({ type }) => type === 'Suspended')?.status;
  if (spec.suspend === true && before !== 'True') {
    const change = { reason: 'JobSuspended', message: 'Job suspended' };
    return {
      status: {
        ...status,
        startTime: undefined,
        conditions: withCondition(status.conditions, 'Suspended', change, now),
      },
      events: [{ reason: 'Suspended', message: change.message }],
    };
  }
  if (spec.suspend !== true && before === 'True') {
    const change = { reason: 'JobResumed', message: 'Job resumed' };
    const conditions = withCondition(status.conditions, 'Suspended', change, now, 'False');
    return {
      status: { ...status, startTime: now, conditions },
      events: [{ reason: 'Resumed', message: change.message }],
    };
  }
  return { status, events: [] };
}

/** Complete or failed: nothing more to do. */
export function isFinished({ status }: Job): boolean {
  return (
    status.conditions?.some(
      ({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True',
    ) ?? false
  );
}

/** Pods noted before, and the new ones; succeeded indexes need no note. */
export function uncountedOf(job: Job, batch: Batch): NonNullable<JobStatus['uncountedTerminatedPods']> {
  const uids = (list: readonly Pod[]): string[] => list.map(({ metadata }) => metadata.uid!);
  const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {};
  const allSucceeded = [...succeeded, ...(isIndexed(job) ? [] : uids(batch.succeeded))];
  const allFailed = [...failed, ...uids(batch.failed)];
  return {
    ...(allSucceeded.length === 0 ? {} : { succeeded: allSucceeded }),
    ...(allFailed.length === 0 ? {} : { failed: allFailed }),
  };
}

/** The counters of one look; what is counted in two steps comes later. */
export function countersOf(
  { job, succeededIndexes, failedIndexes }: Round,
  { active, ready, terminating }: Outcome,
): JobStatus {
  return {
    active: nonZero(active),
    ready,
    terminating,
    ...(isIndexed(job)
      ? {
          succeeded: nonZero(succeededIndexes.size),
          completedIndexes: formatIndexes(succeededIndexes) || undefined,
        }
      : {}),
    ...(job.spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(failedIndexes) }),
  };
}

/** Conditions with this one put in; one that has the status already stays as it was. */
export function withCondition(
  conditions: readonly JobCondition[] | undefined,
  type: string,
  { reason, message }: { readonly reason: string; readonly message: string },
  now: string,
  status = 'True',
): JobCondition[] {
  const before = conditions?.find((condition) => condition.type === type);
  if (before?.status === status) return [...conditions!];
  const others = (conditions ?? []).filter((condition) => condition.type !== type);
  return [...others, { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }];
}
