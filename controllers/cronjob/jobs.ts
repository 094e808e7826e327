/** The jobs of a cron job. Mirrors cronjob/utils.go. */
import { parseTime } from '../../api/machinery/clock.ts';
import { controllerReference } from '../../api/machinery/object-meta.ts';
import { TimeZone } from '../../api/machinery/time-zone.ts';
import type { CronJob, Job } from '../../openapi/generated/batch-v1.ts';

const SCHEDULED_TIMESTAMP = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
export const CRON_JOB_GVK = { apiVersion: 'batch/v1', kind: 'CronJob' };

type ActiveJob = NonNullable<CronJob['status']['active']>[number];

/** The same start gives the same name: no start is made twice. */
export function jobName({ metadata }: CronJob, startMs: number): string {
  return `${metadata.name}-${Math.floor(startMs / 60_000)}`;
}

export function draftJob(cronJob: CronJob, startMs: number): Pick<Job, 'metadata' | 'spec'> {
  const { jobTemplate, timeZone = 'UTC' } = cronJob.spec;
  const { labels, annotations } = jobTemplate.metadata ?? {};
  return {
    metadata: {
      name: jobName(cronJob, startMs),
      namespace: cronJob.metadata.namespace,
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      annotations: { ...annotations, [SCHEDULED_TIMESTAMP]: new TimeZone(timeZone).format(startMs) },
      ownerReferences: [controllerReference(cronJob, CRON_JOB_GVK)],
    },
    spec: jobTemplate.spec!,
  };
}

export function referenceTo({ metadata: { namespace, name, uid, resourceVersion } }: Job): ActiveJob {
  return { kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
}

/** How a job ended; undefined when it has not. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const end = status.conditions?.find(
    ({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True',
  );
  return end?.type as 'Complete' | 'Failed' | undefined;
}

/** Ended jobs beyond the limits, the oldest of each kind. */
export function surplusJobs({ spec }: CronJob, all: readonly Job[]): Job[] {
  const surplus = (end: 'Complete' | 'Failed', limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    const ended = all.filter((job) => endOf(job) === end).sort(byStart);
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [
    ...surplus('Complete', spec.successfulJobsHistoryLimit),
    ...surplus('Failed', spec.failedJobsHistoryLimit),
  ];
}

/** Those that never started last. */
function byStart(a: Job, b: Job): number {
  const start = ({ status }: Job): number =>
    status.startTime === undefined ? Number.MAX_SAFE_INTEGER : parseTime(status.startTime);
  return start(a) - start(b) || (a.metadata.name! < b.metadata.name! ? -1 : 1);
}

/** The later of two times, either of which may be missing. */
export function laterOf(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return parseTime(b) > parseTime(a) ? b : a;
}
