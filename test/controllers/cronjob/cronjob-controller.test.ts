import { afterEach, describe, expect, it } from 'vitest';
import { formatTime } from '../../../api/machinery/clock.ts';
import { cronJobController } from '../../../controllers/cronjob/cronjob-controller.ts';
import { cronJobs, jobs, type CronJob, type Job } from '../../../openapi/generated/batch-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const MINUTE_MS = 60_000;
type Spec = CronJob['spec'];

const template: Spec['jobTemplate'] = {
  metadata: { labels: { app: 'tick' }, annotations: { note: 'kept' } },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'image:1' }] } } },
};

/** Time begins at 2026-01-01T00:00:00Z, minute 29453760. */
async function create(spec: Partial<Spec> = {}): Promise<void> {
  harness = await startHarness([cronJobController]);
  await harness.client.create(cronJobs, {
    metadata: { name: 'tick', namespace: NAMESPACE },
    spec: { schedule: '*/5 * * * *', jobTemplate: template, ...spec },
  });
  await harness.settle();
}

const status = async (): Promise<CronJob['status']> => (await harness.get(cronJobs, 'tick')).status;
const names = async (): Promise<string[]> =>
  (await harness.list(jobs)).map(({ metadata }) => metadata.name!).sort();
const events = async (): Promise<string[]> => harness.events();

async function end(name: string, type: 'Complete' | 'Failed' = 'Complete'): Promise<void> {
  const now = formatTime(harness.clock.now());
  const condition = (kind: string): NonNullable<Job['status']['conditions']>[number] => ({
    type: kind,
    status: 'True',
    lastProbeTime: now,
    lastTransitionTime: now,
  });
  await harness.change(
    jobs,
    name,
    (job) => {
      job.status.startTime ??= now;
      job.status.conditions = [
        condition(type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'),
        condition(type),
      ];
      if (type === 'Complete') job.status.completionTime = now;
    },
    'status',
  );
  await harness.settle();
}

describe('a cron job', () => {
  it('starts a job at each time of its schedule', async () => {
    await create();
    await harness.advance(5 * MINUTE_MS);
    expect(await names()).toEqual([]);
    await harness.advance(100);
    expect(await names()).toEqual(['tick-29453765']);
    const cronJob = await harness.get(cronJobs, 'tick');
    const { metadata } = await harness.get(jobs, 'tick-29453765');
    expect(metadata).toMatchObject({
      labels: { app: 'tick' },
      annotations: {
        note: 'kept',
        'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:05:00Z',
      },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          name: 'tick',
          uid: cronJob.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
    expect(cronJob.status).toMatchObject({
      active: [{ kind: 'Job', name: 'tick-29453765', apiVersion: 'batch/v1', uid: metadata.uid }],
      lastScheduleTime: '2026-01-01T00:05:00Z',
    });
    await harness.advance(5 * MINUTE_MS);
    expect(await names()).toEqual(['tick-29453765', 'tick-29453770']);
    expect(await events()).toEqual([
      'Normal SuccessfulCreate Created job tick-29453765',
      'Normal SuccessfulCreate Created job tick-29453770',
    ]);
    expect(harness.logs).toEqual([]);
  });

  it('sees jobs end', async () => {
    await create();
    await harness.advance(5 * MINUTE_MS + 100);
    await harness.advance(30_000);
    await end('tick-29453765');
    expect(await status()).toEqual({
      lastScheduleTime: '2026-01-01T00:05:00Z',
      lastSuccessfulTime: '2026-01-01T00:05:30Z',
    });
    expect(await events()).toContain(
      'Normal SawCompletedJob Saw completed job: tick-29453765, condition: Complete',
    );
  });

  it('follows the clocks of its time zone', async () => {
    await create({ schedule: '0 9 * * *', timeZone: 'Asia/Tokyo' });
    await harness.advance(100);
    await harness.advance(24 * 60 * MINUTE_MS);
    const [job] = await harness.list(jobs);
    expect(job!.metadata.annotations).toMatchObject({
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-02T09:00:00+09:00',
    });
  });

  it('counts a new schedule from its next time on', async () => {
    await create({ schedule: '0 0 1 1 *' });
    await harness.advance(90_000);
    await harness.change(cronJobs, 'tick', ({ spec }) => void (spec.schedule = '* * * * *'));
    await harness.settle();
    expect(await names()).toEqual([]);
    await harness.advance(MINUTE_MS);
    expect(await names()).toEqual(['tick-29453762']);
  });

  it('does nothing while suspended, and makes the last start up afterwards', async () => {
    await create({ suspend: true });
    await harness.advance(12 * MINUTE_MS);
    expect(await names()).toEqual([]);
    await harness.change(cronJobs, 'tick', ({ spec }) => void (spec.suspend = false));
    await harness.settle();
    expect(await names()).toEqual(['tick-29453770']);
  });

  it('lets a start go by whose deadline passed while suspended', async () => {
    await create({ suspend: true, startingDeadlineSeconds: 60 });
    await harness.advance(12 * MINUTE_MS);
    await harness.change(cronJobs, 'tick', ({ spec }) => void (spec.suspend = false));
    await harness.settle();
    expect(await names()).toEqual([]);
    await harness.advance(3 * MINUTE_MS + 100);
    expect(await names()).toEqual(['tick-29453775']);
  });

  it('warns of many missed starts, and makes one up', async () => {
    await create({ suspend: true, schedule: '* * * * *' });
    await harness.advance(102 * MINUTE_MS);
    await harness.change(cronJobs, 'tick', ({ spec }) => void (spec.suspend = false));
    await harness.settle();
    expect(await names()).toEqual(['tick-29453862']);
    expect(await events()).toContain(
      'Warning TooManyMissedTimes too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    );
  });

  it('says that a schedule never comes', async () => {
    await create({ schedule: '59 23 31 2 *' });
    expect(await events()).toEqual([
      'Warning InvalidSchedule invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second',
    ]);
  });
});

describe('while a job is running', () => {
  it.each([
    {
      policy: 'Allow',
      left: ['tick-29453765', 'tick-29453770'],
      event: 'Normal SuccessfulCreate Created job tick-29453770',
    },
    {
      policy: 'Forbid',
      left: ['tick-29453765'],
      event:
        'Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid',
    },
    {
      policy: 'Replace',
      left: ['tick-29453770'],
      event: 'Normal SuccessfulDelete Deleted job tick-29453765',
    },
  ])('$policy', async ({ policy, left, event }) => {
    await create({ concurrencyPolicy: policy });
    await harness.advance(10 * MINUTE_MS + 100);
    expect(await names()).toEqual(left);
    expect(await events()).toContain(event);
    expect((await status()).active?.map(({ name }) => name)).toEqual(left);
  });

  it('notes one that is gone', async () => {
    await create();
    await harness.advance(5 * MINUTE_MS + 100);
    await harness.client.delete(
      jobs,
      { namespace: NAMESPACE, name: 'tick-29453765' },
      { propagationPolicy: 'Background' },
    );
    await harness.settle();
    expect((await status()).active).toBeUndefined();
    expect(await events()).toContain('Normal MissingJob Active job went missing: tick-29453765');
  });

  it('notes one that it did not make', async () => {
    await create();
    const { metadata } = await harness.get(cronJobs, 'tick');
    await harness.client.create(jobs, {
      metadata: {
        name: 'by-hand',
        namespace: NAMESPACE,
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: metadata.uid!, controller: true },
        ],
      },
      spec: template.spec!,
    });
    await harness.settle();
    expect(await events()).toContain(
      'Warning UnexpectedJob Saw a job that the controller did not create or forgot: by-hand',
    );
  });
});

it('keeps as many ended jobs as the limits say', async () => {
  await create({ schedule: '* * * * *', successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (let minute = 1; minute <= 8; minute++) {
    await harness.advance(minute === 1 ? MINUTE_MS + 100 : MINUTE_MS);
    await end(`tick-${29453760 + minute}`, minute % 2 === 0 ? 'Failed' : 'Complete');
  }
  expect(await names()).toEqual(['tick-29453765', 'tick-29453767', 'tick-29453768']);
});

it('starts each time once, also when the process stops between job and status', async () => {
  await create({ schedule: '* * * * *' });
  for (let minute = 1; minute <= 5; minute++) {
    await harness.advance(minute === 1 ? MINUTE_MS + 100 : MINUTE_MS);
    await harness.change(
      cronJobs,
      'tick',
      (cronJob) => void (cronJob.status = minute % 2 === 0 ? {} : cronJob.status),
      'status',
    );
    await harness.restart();
  }
  expect(await names()).toEqual([1, 2, 3, 4, 5].map((minute) => `tick-${29453760 + minute}`));
  expect(await status()).toMatchObject({ lastScheduleTime: '2026-01-01T00:05:00Z' });
  expect((await events()).filter((event) => event.includes('SuccessfulCreate'))).toHaveLength(5);
});
