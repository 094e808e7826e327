import { afterEach, expect, it } from 'vitest';
import { formatTime } from '../../../api/machinery/clock.ts';
import { isNotFound } from '../../../api/machinery/errors.ts';
import { garbageCollectorController } from '../../../controllers/garbage-collector/garbage-collector.ts';
import { ttlAfterFinishedController } from '../../../controllers/ttl-after-finished/ttl-after-finished-controller.ts';
import { jobs } from '../../../openapi/generated/batch-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

async function create(name: string, ttlSecondsAfterFinished?: number): Promise<void> {
  await harness.client.create(jobs, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }),
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'image:1' }] } },
    },
  });
}

async function end(name: string, type: 'Complete' | 'Failed'): Promise<void> {
  const now = formatTime(harness.clock.now());
  const condition = { status: 'True', lastProbeTime: now, lastTransitionTime: now };
  await harness.change(
    jobs,
    name,
    ({ status }) => {
      const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
      status.startTime = now;
      if (type === 'Complete') status.completionTime = now;
      status.conditions = [
        { ...condition, type: before },
        { ...condition, type },
      ];
    },
    'status',
  );
  await harness.settle();
}

const exists = (name: string): Promise<boolean> =>
  harness.get(jobs, name).then(
    () => true,
    (error: unknown) => !isNotFound(error),
  );

it('deletes jobs that ended when their time is up', async () => {
  harness = await startHarness([ttlAfterFinishedController, garbageCollectorController]);
  await create('done', 60);
  await create('failed', 60);
  await create('running', 0);
  await create('kept');
  await end('done', 'Complete');
  await end('kept', 'Complete');
  await harness.advance(30_000);
  await end('failed', 'Failed');
  await harness.advance(29_999);
  expect(await exists('done')).toBe(true);
  await harness.advance(1);
  expect([await exists('done'), await exists('failed')]).toEqual([false, true]);
  await harness.advance(30_000);
  expect(await exists('failed')).toBe(false);
  expect([await exists('running'), await exists('kept')]).toEqual([true, true]);
  expect(harness.logs).toEqual([]);
});

it('heeds a time that was changed, and one that was there before it started', async () => {
  harness = await startHarness([ttlAfterFinishedController, garbageCollectorController]);
  await create('longer', 60);
  await end('longer', 'Complete');
  await harness.change(jobs, 'longer', ({ spec }) => void (spec.ttlSecondsAfterFinished = 120));
  await harness.advance(60_000);
  expect(await exists('longer')).toBe(true);
  await harness.restart();
  await harness.advance(60_000);
  expect(await exists('longer')).toBe(false);
});
