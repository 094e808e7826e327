import type { Loose } from '../api.ts';
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
  {
    name: 'a cron job whose jobs overlap takes the place of one',
    run: async (session) => {
      await session.create(cronJob('tick', { concurrencyPolicy: 'Replace' }, sleeper(600)));
      const hasOne = ({ status }: Loose): boolean => status?.active?.length === 1;
      const first = (await session.has('CronJob', 'tick', hasOne)).status.active[0].name as string;
      await session.event('SuccessfulDelete');
      // Suspended before that, it would not make the other.
      const hasAnother = (cron: Loose): boolean => hasOne(cron) && cron.status.active[0].name !== first;
      await session.has('CronJob', 'tick', hasAnother);
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
      await session.count('Job', 1);
      await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a cron job whose jobs must not overlap',
    run: async (session) => {
      await session.create(cronJob('tick', { concurrencyPolicy: 'Forbid' }, sleeper(600)));
      await session.has('CronJob', 'tick', ({ status }) => status?.active?.length === 1);
      await session.event('JobAlreadyActive');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
  {
    name: 'a cron job whose jobs may overlap',
    run: async (session) => {
      await session.create(cronJob('tick', { concurrencyPolicy: 'Allow' }, sleeper(600)));
      await session.has('CronJob', 'tick', ({ status }) => status?.active?.length === 1);
      await session.has('CronJob', 'tick', ({ status }) => status?.active?.length === 2);
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
      await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a cron job is resumed within its deadline',
    run: async (session) => {
      await session.create(cronJob('tick', { suspend: true, startingDeadlineSeconds: 120 }));
      // The start that was missed meanwhile is made up for at once.
      await session.nextMinute();
      await session.patch('CronJob', 'tick', { spec: { suspend: false } });
      await session.event('SawCompletedJob');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
  {
    name: 'a cron job in a time zone, with labels and annotations for its jobs',
    run: async (session) => {
      const template = { spec: { restartPolicy: 'Never', containers: [task()] } };
      const metadata = { labels: { made: 'by-cron' }, annotations: { 'example.com/why': 'time' } };
      await session.create(
        cronJob('tick', { timeZone: 'Asia/Kathmandu', jobTemplate: { metadata, spec: { template } } }),
      );
      await session.event('SawCompletedJob');
      await session.patch('CronJob', 'tick', { spec: { suspend: true } });
    },
  },
  {
    name: 'a cron job sees a job that is not its own doing',
    run: async (session) => {
      const { metadata } = await session.create(cronJob('tick', { schedule: '0 0 1 1 *' }));
      const owner = {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        name: 'tick',
        uid: metadata.uid,
        controller: true,
      };
      const spec = { template: { spec: { restartPolicy: 'Never', containers: [sleeper(600)] } } };
      await session.create({ kind: 'Job', metadata: { name: 'by-hand', ownerReferences: [owner] }, spec });
      await session.event('UnexpectedJob');
      await session.has('Job', 'by-hand', ({ status }) => status?.ready === 1);
    },
  },
  {
    name: 'a cron job counts a job made by hand among its successes',
    run: async (session) => {
      const { metadata } = await session.create(cronJob('tick', { schedule: '0 0 1 1 *' }));
      const owner = {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        name: 'tick',
        uid: metadata.uid,
        controller: true,
      };
      const spec = { template: { spec: { restartPolicy: 'Never', containers: [task()] } } };
      await session.create({ kind: 'Job', metadata: { name: 'by-hand', ownerReferences: [owner] }, spec });
      await session.has('CronJob', 'tick', ({ status }) => status?.lastSuccessfulTime !== undefined);
    },
  },
  {
    name: 'a cron job is deleted with what it made',
    run: async (session) => {
      await session.create(cronJob('tick', {}, sleeper(600)));
      await session.has('CronJob', 'tick', ({ status }) => status?.active?.length === 1);
      await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
      await session.delete('CronJob', 'tick');
      await session.gone('CronJob', 'tick');
      await session.count('Job', 0);
      await session.count('Pod', 0);
    },
  },
];
