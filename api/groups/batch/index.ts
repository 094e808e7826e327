import type { GroupBehaviours } from '../../definition.ts';
import { cronJob } from './cron-job.ts';
import { job } from './job.ts';

/** Behaviours of the batch group by plural name. */
export const batchBehaviours: GroupBehaviours = { cronjobs: cronJob, jobs: job };
