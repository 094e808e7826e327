import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { job, sleeper, task } from './objects.ts';

const never = (container: object, more: object = {}): object => ({
  template: { spec: { restartPolicy: 'Never', containers: [container], ...more } },
});

const many = { completions: 3, parallelism: 3, completionMode: 'Indexed' };

/** A pod that nobody runs ends. */
async function end(session: Session, { metadata }: Loose, phase: 'Succeeded' | 'Failed'): Promise<void> {
  await session.patch('Pod', metadata.name!, { status: { phase } }, 'status');
}

/** A job, and what it ends with. */
async function ends(session: Session, spec: object, condition: string, exitCode = 0): Promise<void> {
  await session.create(job('work', { ...spec }, exitCode));
  await session.condition('Job', 'work', condition, 'True');
}

export const JOBS: readonly Scenario[] = [
  { name: 'a job completes', run: (session) => ends(session, {}, 'Complete') },
  {
    name: 'a job completes several times in parallel',
    run: (session) => ends(session, { completions: 5, parallelism: 2 }, 'Complete'),
  },
  {
    name: 'an indexed job completes',
    run: (session) =>
      ends(session, { completions: 3, parallelism: 3, completionMode: 'Indexed' }, 'Complete'),
  },
  {
    name: 'a job reaches its backoff limit',
    run: (session) => ends(session, { backoffLimit: 0 }, 'Failed', 1),
  },
  {
    name: 'a job reaches its backoff limit at the second failure',
    run: (session) => ends(session, { backoffLimit: 1 }, 'Failed', 1),
  },
  {
    name: 'a job fails with others still running',
    run: async (session) => {
      await session.create(
        job('work', {
          backoffLimit: 0,
          parallelism: 2,
          completionMode: 'Indexed',
          completions: 2,
          ...never(sleeper(600)),
        }),
      );
      const [pod] = await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
      await session.delete('Pod', pod!.metadata.name!);
      await session.condition('Job', 'work', 'Failed', 'True');
      await session.count('Pod', 0, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a job runs out of its active deadline',
    run: (session) => ends(session, { activeDeadlineSeconds: 3, ...never(sleeper(600)) }, 'Failed'),
  },
  {
    name: 'a job restarts containers up to its backoff limit',
    run: (session) =>
      ends(
        session,
        { backoffLimit: 1, template: { spec: { restartPolicy: 'OnFailure', containers: [task(3)] } } },
        'Failed',
      ),
  },
  {
    name: 'a pod failure policy fails a job',
    run: (session) =>
      ends(
        session,
        {
          backoffLimit: 6,
          podFailurePolicy: {
            rules: [
              { action: 'FailJob', onExitCodes: { containerName: 'task', operator: 'In', values: [42] } },
            ],
          },
        },
        'Failed',
        42,
      ),
  },
  {
    name: 'a pod failure policy ignores disruptions',
    run: async (session) => {
      await session.create(
        job('work', {
          backoffLimit: 0,
          podFailurePolicy: {
            rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
          },
          ...never(sleeper(20)),
        }),
      );
      const [pod] = await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
      await session.evict(pod!.metadata.name!);
      await session.gone('Pod', pod!.metadata.name!);
      await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a pod failure policy fails one index',
    run: (session) =>
      ends(
        session,
        {
          completions: 2,
          parallelism: 2,
          completionMode: 'Indexed',
          backoffLimitPerIndex: 2,
          podFailurePolicy: {
            rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [7] } }],
          },
        },
        'Failed',
        7,
      ),
  },
  {
    name: 'indexes reach their backoff limits',
    run: (session) =>
      ends(
        session,
        { completions: 2, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 0 },
        'Failed',
        1,
      ),
  },
  {
    name: 'a job has too many failed indexes',
    run: (session) =>
      ends(
        session,
        {
          completions: 4,
          parallelism: 1,
          completionMode: 'Indexed',
          backoffLimitPerIndex: 0,
          maxFailedIndexes: 1,
        },
        'Failed',
        1,
      ),
  },
  {
    name: 'a success policy completes a job early',
    run: async (session) => {
      await session.create(
        job('work', {
          completions: 3,
          parallelism: 1,
          completionMode: 'Indexed',
          successPolicy: { rules: [{ succeededIndexes: '0' }] },
        }),
      );
      await session.condition('Job', 'work', 'Complete', 'True', 'SuccessPolicy');
    },
  },
  {
    name: 'a success policy counts',
    run: (session) =>
      ends(
        session,
        {
          completions: 4,
          parallelism: 1,
          completionMode: 'Indexed',
          successPolicy: { rules: [{ succeededCount: 2 }] },
        },
        'Complete',
      ),
  },
  {
    name: 'a job is made suspended',
    run: async (session) => {
      await session.create(job('work', { suspend: true }));
      await session.condition('Job', 'work', 'Suspended', 'True');
    },
  },
  {
    name: 'a job is suspended and resumed',
    run: async (session) => {
      await session.create(job('work', { parallelism: 2, ...never(sleeper(4)) }));
      await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
      await session.patch('Job', 'work', { spec: { suspend: true } });
      await session.condition('Job', 'work', 'Suspended', 'True');
      await session.count('Pod', 0);
      await session.patch('Job', 'work', { spec: { suspend: false } });
      await session.condition('Job', 'work', 'Complete', 'True');
    },
  },
  {
    name: 'a job goes when its time is over',
    run: async (session) => {
      await session.create(job('work', { ttlSecondsAfterFinished: 1 }));
      await session.event('Completed');
      await session.gone('Job', 'work');
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a job of no completions',
    run: (session) => ends(session, { completions: 0 }, 'Complete'),
  },
  {
    name: 'a job is scaled',
    run: async (session) => {
      await session.create(job('work', { parallelism: 1, completions: 4, ...never(sleeper(600)) }));
      await session.has('Job', 'work', ({ status }) => status?.ready === 1);
      await session.patch('Job', 'work', { spec: { parallelism: 3 } });
      await session.has('Job', 'work', ({ status }) => status?.ready === 3);
      await session.patch('Job', 'work', { spec: { parallelism: 1 } });
      await session.has('Job', 'work', ({ status }) => status?.active === 1 && status.terminating === 0);
    },
  },
  {
    name: 'a work queue of pods ends with the first success',
    run: (session) => ends(session, { parallelism: 3 }, 'Complete'),
  },
  {
    name: 'pods are replaced once they have failed',
    run: async (session) => {
      await session.create(job('work', { podReplacementPolicy: 'Failed', ...never(sleeper(600)) }));
      const [pod] = await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
      await session.delete('Pod', pod!.metadata.name!);
      await session.has('Job', 'work', ({ status }) => status?.failed === 1 && status.ready === 1);
    },
  },
  {
    name: 'a job that somebody else manages',
    run: async (session) => {
      await session.create(job('work', { managedBy: 'example.com/own' }));
    },
  },
  {
    name: 'a job is deleted without its pods',
    run: async (session) => {
      await session.create(job('work', never(sleeper(600))));
      await session.count('Pod', 1, ({ status }) => status?.phase === 'Running');
      await session.delete('Job', 'work', { propagationPolicy: 'Orphan' });
      await session.gone('Job', 'work');
      await session.count('Pod', 1, ({ metadata }) => metadata.ownerReferences === undefined);
    },
  },
  {
    name: 'a job finds its image missing',
    run: async (session) => {
      const missing = { name: 'task', image: 'does-not-exist:1' };
      await session.create(job('work', never(missing)));
      await session.has('Job', 'work', ({ status }) => status?.active === 1 && status.ready === 0);
    },
  },
  {
    name: 'a success policy completes a job while others wait',
    run: async (session) => {
      await session.create(
        job('work', {
          ...many,
          successPolicy: { rules: [{ succeededIndexes: '0' }] },
          ...never(task(), { schedulerName: 'nobody' }),
        }),
      );
      const all = await session.count('Pod', 3);
      await end(
        session,
        all.find(({ metadata }) => /-0-/.test(metadata.name!))!,
        'Succeeded',
      );
      await session.condition('Job', 'work', 'Complete', 'True', 'SuccessPolicy');
      await session.count('Pod', 1);
    },
  },
  {
    name: 'a job fails while others wait',
    run: async (session) => {
      await session.create(
        job('work', { parallelism: 3, backoffLimit: 0, ...never(task(), { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 3);
      await end(session, first!, 'Failed');
      await session.condition('Job', 'work', 'Failed', 'True');
      await session.count('Pod', 1);
    },
  },
  {
    name: 'a job waits before it tries again',
    run: async (session) => {
      await session.create(
        job('work', { parallelism: 2, completions: 2, ...never(task(), { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 2);
      await end(session, first!, 'Failed');
      await session.has('Job', 'work', ({ status }) => status?.failed === 1);
    },
  },
  {
    name: 'an index waits before it is tried again',
    run: async (session) => {
      const spec = never(task(), { schedulerName: 'nobody' });
      await session.create(job('work', { ...many, backoffLimitPerIndex: 2, ...spec }));
      const [first] = await session.count('Pod', 3);
      await end(session, first!, 'Failed');
      await session.has('Job', 'work', ({ status }) => (status?.active ?? 0) < 3);
    },
  },
  {
    name: 'a failure that is ignored is waited for all the same',
    run: async (session) => {
      const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
      await session.create(
        job('work', { podFailurePolicy: { rules }, ...never(task(), { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 1);
      const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'Test', message: 'test' }];
      await session.patch(
        'Pod',
        first!.metadata.name!,
        { status: { phase: 'Failed', conditions } },
        'status',
      );
      await session.has('Job', 'work', ({ status }) => (status?.active ?? 0) === 0);
    },
  },
  {
    name: 'a job is deleted with its pods',
    run: async (session) => {
      await session.create(job('work', { parallelism: 2, ...never(sleeper(600)) }));
      await session.has('Job', 'work', ({ status }) => status?.ready === 2);
      await session.delete('Job', 'work', { propagationPolicy: 'Foreground' });
      await session.gone('Job', 'work');
      await session.count('Pod', 0);
    },
  },
];
