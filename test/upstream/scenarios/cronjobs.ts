import type { Scenario } from '../scenario.ts';
import { sleeper, task } from './objects.ts';

function cronJob(name: string, spec: object, container: object = task()): { kind: string; metadata: object } {
  const template = { spec: { restartPolicy: 'Never', containers: [container] } };
  return {
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec },
  } as { kind: string; metadata: object };
}

export const CRON_JOBS: readonly Scenario[] = [
  {
    name: 'a cron job runs',
    run: async (session) => {
      await session.create(cronJob('tick', {}));
      await session.event('SawCompletedJob');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
  {
    name: 'a cron job keeps no history',
    run: async (session) => {
      await session.create(cronJob('tick', { successfulJobsHistoryLimit: 0 }));
      await session.event('SuccessfulDelete');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
      await session.count('Job', 0);
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a cron job whose job fails',
    run: async (session) => {
      const template = { spec: { restartPolicy: 'Never', containers: [task(1)] } };
      await session.create(cronJob('tick', { jobTemplate: { spec: { backoffLimit: 0, template } } }));
      await session.event('SawCompletedJob');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
  {
    name: 'a suspended cron job',
    run: async (session) => {
      await session.create(cronJob('tick', { suspend: true }));
    },
  },
  {
    name: 'a cron job that never comes',
    run: async (session) => {
      await session.create(cronJob('tick', { schedule: '59 23 31 2 *' }));
      await session.event('InvalidSchedule');
    },
  },
  {
    name: 'a cron job whose jobs overlap, replaced',
    run: async (session) => {
      await session.create(cronJob('tick', { concurrencyPolicy: 'Replace' }, sleeper(600)));
      await session.has('CronJob', 'tick', ({ status }) => status?.active?.length === 1);
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
];
