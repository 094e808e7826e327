import { afterEach, describe, expect, it } from 'vitest';
import { jobController } from '../../../controllers/job/job-controller.ts';
import { jobs, type Job } from '../../../openapi/generated/batch-v1.ts';
import { pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

async function create(spec: Partial<Job['spec']> = {}, restartPolicy = 'Never'): Promise<void> {
  harness = await startHarness([jobController]);
  const template = { spec: { restartPolicy, containers: [{ name: 'main', image: 'image:1' }] } };
  await harness.client.create(jobs, {
    metadata: { name: 'work', namespace: NAMESPACE },
    spec: { template, ...spec },
  });
  await harness.settle();
}

const job = (): Promise<Job> => harness.get(jobs, 'work');
const status = async (): Promise<Job['status']> => (await job()).status;
const running = async (): Promise<Pod[]> =>
  (await harness.pods()).filter(
    ({ status: { phase }, metadata }) => phase === 'Pending' && metadata.deletionTimestamp === undefined,
  );
const conditions = async (): Promise<unknown[]> =>
  ((await status()).conditions ?? []).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);

/** Ends every pod that runs. */
async function endAll(phase: 'Succeeded' | 'Failed', exitCode?: number): Promise<void> {
  for (const pod of await running()) await harness.end(pod, phase, exitCode);
  await harness.settle();
}

it('notes at most 500 pods at once, and ends when all are counted', { timeout: 60_000 }, async () => {
  await create({ completions: 600, parallelism: 600 });
  await harness.settle();
  expect(await running()).toHaveLength(600);
  await harness.stopControllers();
  for (const pod of await running()) await harness.end(pod, 'Succeeded');
  const notes: number[] = [];
  const { resourceVersion } = await harness.client.list(jobs);
  const watch = harness.client.watch(
    jobs,
    { resourceVersion },
    {
      event: (event) => {
        if (event.type === 'MODIFIED')
          notes.push(event.object.status.uncountedTerminatedPods?.succeeded?.length ?? 0);
      },
      ended: () => {},
    },
  );
  await harness.restart();
  watch();
  expect(Math.max(...notes)).toBe(500);
  expect(notes).toContain(100);
  expect(await status()).toMatchObject({ succeeded: 600, uncountedTerminatedPods: {} });
  expect(await conditions()).toContain('Complete True CompletionsReached');
});

describe('a job', () => {
  it('makes its pods, tracks them and completes', async () => {
    await create({ completions: 3, parallelism: 2 });
    const [pod, ...more] = await harness.pods();
    expect(more).toHaveLength(1);
    expect(pod!.metadata).toMatchObject({
      generateName: 'work-',
      finalizers: ['batch.kubernetes.io/job-tracking'],
      labels: { 'job-name': 'work' },
    });
    expect(await status()).toEqual({
      startTime: '2026-01-01T00:00:00Z',
      active: 2,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
    });
    await harness.setReady(pod!);
    await harness.settle();
    expect(await status()).toMatchObject({ active: 2, ready: 1 });
    await harness.end(pod!, 'Succeeded');
    await harness.settle();
    expect(await status()).toMatchObject({ active: 2, ready: 0, succeeded: 1, uncountedTerminatedPods: {} });
    expect((await harness.get(pods, pod!.metadata.name!)).metadata.finalizers).toBeUndefined();
    await harness.advance(5_000);
    await endAll('Succeeded');
    const done = await status();
    expect(done).toMatchObject({
      succeeded: 3,
      ready: 0,
      terminating: 0,
      completionTime: '2026-01-01T00:00:05Z',
      uncountedTerminatedPods: {},
    });
    expect(done.active).toBeUndefined();
    expect(await conditions()).toEqual([
      'SuccessCriteriaMet True CompletionsReached',
      'Complete True CompletionsReached',
    ]);
    expect(done.conditions![1]!.message).toBe('Reached expected number of succeeded pods');
    const events = await harness.events();
    expect(
      events.filter((event) => event.startsWith('Normal SuccessfulCreate Created pod: work-')),
    ).toHaveLength(3);
    expect(events.at(-1)).toBe('Normal Completed Job completed');
    expect(harness.logs).toEqual([]);
  });

  it('without completions is done when one pod succeeded and no other runs', async () => {
    await create({ parallelism: 2 });
    const [first] = await running();
    await harness.end(first!, 'Succeeded');
    await harness.settle();
    expect(await status()).toMatchObject({ active: 1, succeeded: 1 });
    expect(await conditions()).toEqual([]);
    await endAll('Succeeded');
    expect(await status()).toMatchObject({ succeeded: 2 });
    expect(await conditions()).toContain('Complete True CompletionsReached');
  });

  it('follows a change of parallelism without counting what it stops', async () => {
    await create({ completions: 5, parallelism: 4 });
    await harness.change(jobs, 'work', ({ spec }) => void (spec.parallelism = 1));
    await harness.settle();
    expect(await running()).toHaveLength(1);
    const now = await status();
    expect(now).toMatchObject({ active: 1, terminating: 0 });
    expect(now.failed).toBeUndefined();
  });

  it('lets go of its pods when it is deleted', async () => {
    await create();
    const [pod] = await harness.pods();
    await harness.bind(pod!);
    await harness.client.delete(
      jobs,
      { namespace: NAMESPACE, name: 'work' },
      { propagationPolicy: 'Background' },
    );
    await harness.settle();
    expect((await harness.get(pods, pod!.metadata.name!)).metadata.finalizers).toBeUndefined();
  });

  it('leaves a job that another manager owns alone', async () => {
    await create({ managedBy: 'example.com/other' });
    expect(await harness.pods()).toEqual([]);
    expect((await status()).startTime).toBeUndefined();
  });
});

describe('failures', () => {
  it('are replaced after a delay that doubles, up to the limit', async () => {
    await create({ backoffLimit: 2 });
    for (const delayMs of [10_000, 20_000]) {
      await endAll('Failed');
      await harness.advance(delayMs - 1_000);
      expect(await running()).toEqual([]);
      await harness.advance(1_000);
      expect(await running()).toHaveLength(1);
    }
    expect(await status()).toMatchObject({ failed: 2, active: 1 });
    await endAll('Failed');
    expect(await status()).toMatchObject({ failed: 3 });
    expect(await conditions()).toEqual([
      'FailureTarget True BackoffLimitExceeded',
      'Failed True BackoffLimitExceeded',
    ]);
    expect((await status()).completionTime).toBeUndefined();
    expect((await harness.events()).at(-1)).toBe(
      'Warning BackoffLimitExceeded Job has reached the specified backoff limit',
    );
  });

  it('begin to count anew after a success', async () => {
    await create({ completions: 3 });
    await endAll('Failed');
    await harness.advance(10_000);
    await endAll('Failed');
    await harness.advance(20_000);
    await endAll('Succeeded');
    await harness.advance(1_000);
    await endAll('Failed');
    await harness.advance(10_000);
    expect(await running()).toHaveLength(1);
    expect(await status()).toMatchObject({ succeeded: 1, failed: 3 });
  });

  it('of containers that restart in place count by restarts', async () => {
    await create({ backoffLimit: 2 }, 'OnFailure');
    const [pod] = await running();
    await harness.bind(pod!);
    const restarted = async (restartCount: number): Promise<void> => {
      await harness.change(
        pods,
        pod!.metadata.name!,
        (object) => {
          object.status.phase = 'Running';
          object.status.containerStatuses = [
            { name: 'main', image: 'image:1', imageID: '', ready: false, restartCount },
          ];
        },
        'status',
      );
      await harness.settle();
    };
    await restarted(1);
    expect(await conditions()).toEqual([]);
    await restarted(2);
    expect(await conditions()).toEqual(['FailureTarget True BackoffLimitExceeded']);
    await harness.remove(pod!);
    await harness.settle();
    expect(await conditions()).toContain('Failed True BackoffLimitExceeded');
  });

  it('of many indexes outweigh a success policy that is met at the same time', async () => {
    await create({
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
      backoffLimit: 0,
      successPolicy: { rules: [{ succeededCount: 1 }] },
    });
    const [first, second] = await running();
    // Seen at one look: the controllers are away.
    await harness.stopControllers();
    await harness.end(first!, 'Succeeded');
    await harness.end(second!, 'Failed');
    await harness.restart();
    expect(await conditions()).toContain('Failed True BackoffLimitExceeded');
  });

  it.each([
    { name: 'end the job', action: 'FailJob', failed: 1, condition: 'Failed True PodFailurePolicy' },
    { name: 'do not count', action: 'Ignore', failed: undefined, condition: undefined },
    { name: 'count', action: 'Count', failed: 1, condition: 'Failed True BackoffLimitExceeded' },
  ])('$name as spec.podFailurePolicy says: $action', async ({ action, failed, condition }) => {
    await create({
      backoffLimit: 0,
      podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] },
    });
    await endAll('Failed', 42);
    expect((await status()).failed).toBe(failed);
    if (condition === undefined) {
      // It is waited for all the same.
      expect(await running()).toHaveLength(0);
      await harness.advance(10_000);
      expect(await running()).toHaveLength(1);
    } else expect(await conditions()).toContain(condition);
    if (action !== 'FailJob') return;
    const [pod] = await harness.pods();
    expect((await status()).conditions!.at(-1)!.message).toBe(
      `Container main for pod default/${pod!.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
    );
  });
});

describe('the deadline', () => {
  it('stops the pods, waits for them, and fails the job', async () => {
    await create({ activeDeadlineSeconds: 30 });
    const [pod] = await running();
    await harness.bind(pod!);
    await harness.advance(29_000);
    expect(await conditions()).toEqual([]);
    await harness.advance(1_000);
    expect(await conditions()).toEqual(['FailureTarget True DeadlineExceeded']);
    expect(await status()).toMatchObject({ terminating: 1 });
    await harness.end((await harness.pods())[0]!, 'Failed');
    await harness.settle();
    expect(await conditions()).toEqual([
      'FailureTarget True DeadlineExceeded',
      'Failed True DeadlineExceeded',
    ]);
    expect(await status()).toMatchObject({ failed: 1, terminating: 0, uncountedTerminatedPods: {} });
    expect((await harness.events()).at(-1)).toBe(
      'Warning DeadlineExceeded Job was active longer than specified deadline',
    );
  });

  it('does not count while the job is suspended', async () => {
    await create({ activeDeadlineSeconds: 30 });
    await harness.change(jobs, 'work', ({ spec }) => void (spec.suspend = true));
    await harness.advance(60_000);
    expect(await conditions()).toEqual(['Suspended True JobSuspended']);
    expect(await harness.pods()).toEqual([]);
    expect((await status()).failed).toBeUndefined();
    expect((await status()).startTime).toBeUndefined();
    await harness.change(jobs, 'work', ({ spec }) => void (spec.suspend = false));
    await harness.settle();
    expect(await conditions()).toEqual(['Suspended False JobResumed']);
    expect(await status()).toMatchObject({ active: 1, startTime: '2026-01-01T00:01:00Z' });
    await harness.advance(30_000);
    expect(await conditions()).toContain('Failed True DeadlineExceeded');
    const events = await harness.events();
    expect(events).toEqual(
      expect.arrayContaining(['Normal Suspended Job suspended', 'Normal Resumed Job resumed']),
    );
  });
});

describe('an indexed job', () => {
  const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 5 };
  const byIndex = async (index: number): Promise<Pod> =>
    (await running()).find(({ metadata }) => metadata.name!.startsWith(`work-${index}-`))!;

  it('gives each pod its index and records which are done', async () => {
    await create(indexed);
    const pod = await byIndex(3);
    expect(pod.metadata).toMatchObject({
      labels: { 'batch.kubernetes.io/job-completion-index': '3' },
      annotations: { 'batch.kubernetes.io/job-completion-index': '3' },
    });
    expect(pod.spec.hostname).toBe('work-3');
    expect(pod.spec.containers[0]!.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: {
          fieldRef: {
            apiVersion: 'v1',
            fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']",
          },
        },
      },
    ]);
    for (const index of [0, 2, 3, 4]) await harness.end(await byIndex(index), 'Succeeded');
    await harness.settle();
    expect(await status()).toMatchObject({ completedIndexes: '0,2-4', succeeded: 4, active: 1 });
    await harness.end(await byIndex(1), 'Failed');
    await harness.advance(10_000);
    await harness.end(await byIndex(1), 'Succeeded');
    await harness.settle();
    expect(await status()).toMatchObject({ completedIndexes: '0-4', succeeded: 5, failed: 1 });
    expect(await conditions()).toContain('Complete True CompletionsReached');
  });

  it('gives up an index after backoffLimitPerIndex, and fails when the others are done', async () => {
    await create({ ...indexed, completions: 2, backoffLimitPerIndex: 1 });
    expect((await status()).failedIndexes).toBe('');
    await harness.end(await byIndex(0), 'Failed');
    await harness.advance(10_000);
    expect((await byIndex(0)).metadata.annotations).toMatchObject({
      'batch.kubernetes.io/job-index-failure-count': '1',
    });
    await harness.end(await byIndex(0), 'Failed');
    await harness.advance(60_000);
    expect(await byIndex(0)).toBeUndefined();
    expect(await status()).toMatchObject({ failedIndexes: '0', failed: 2, active: 1 });
    await harness.end(await byIndex(1), 'Succeeded');
    await harness.settle();
    expect(await conditions()).toEqual(['FailureTarget True FailedIndexes', 'Failed True FailedIndexes']);
  });

  it('knows how often an index failed from its last pod, which stays until there is another', async () => {
    await create({ ...indexed, completions: 1, backoffLimitPerIndex: 1 });
    const first = await byIndex(0);
    await harness.end(first, 'Failed');
    await harness.settle();
    // Nobody but the pod knows, whether it was deleted or the process is a new one.
    await harness.client.delete(pods, { namespace: NAMESPACE, name: first.metadata.name! });
    await harness.restart();
    expect((await harness.get(pods, first.metadata.name!)).metadata.finalizers).toEqual([
      'batch.kubernetes.io/job-tracking',
    ]);
    expect((await status()).failed).toBeUndefined();
    await harness.advance(10_000);
    expect((await byIndex(0)).metadata.annotations).toMatchObject({
      'batch.kubernetes.io/job-index-failure-count': '1',
    });
    await expect(harness.get(pods, first.metadata.name!)).rejects.toThrow('not found');
    expect(await status()).toMatchObject({ failed: 1, active: 1 });
  });

  it('tries a failed index again before it begins a later one', async () => {
    await create({ ...indexed, completions: 2, parallelism: 1, backoffLimitPerIndex: 1 });
    await harness.end(await byIndex(0), 'Failed');
    await harness.advance(9_000);
    expect(await running()).toEqual([]);
    await harness.advance(1_000);
    expect((await running()).map(({ metadata }) => metadata.generateName)).toEqual(['work-0-']);
  });

  it('counts no pod as failed that success came before, and lets go of those that run', async () => {
    await create({ ...indexed, parallelism: 4, successPolicy: { rules: [{ succeededCount: 1 }] } });
    for (const pod of await running()) await harness.bind(pod);
    await harness.end(await byIndex(0), 'Succeeded');
    await harness.settle();
    const going = (await harness.pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    expect(going).toHaveLength(3);
    expect(going.flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    for (const pod of going) await harness.remove(pod);
    await harness.settle();
    expect((await status()).failed).toBeUndefined();
    expect(await conditions()).toContain('Complete True SuccessPolicy');
  });

  it('counts those that still run as failed as soon as it fails', async () => {
    await create({ ...indexed, parallelism: 4, backoffLimit: 0 });
    for (const pod of await running()) await harness.bind(pod);
    await harness.end(await byIndex(0), 'Failed');
    await harness.settle();
    expect(await status()).toMatchObject({ failed: 4, terminating: 3 });
    expect(await conditions()).toEqual(['FailureTarget True BackoffLimitExceeded']);
  });

  it('calls no pod active while it waits for its next try, as upstream does', async () => {
    await create({ ...indexed, parallelism: 4 });
    await harness.end(await byIndex(0), 'Failed');
    await harness.settle();
    expect(await status()).toMatchObject({ failed: 1 });
    expect((await status()).active).toBeUndefined();
    await harness.advance(10_000);
    expect(await status()).toMatchObject({ active: 4 });
  });

  it('ends early when spec.successPolicy is met', async () => {
    await create({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '1-3', succeededCount: 2 }] } });
    await harness.end(await byIndex(0), 'Succeeded');
    await harness.end(await byIndex(1), 'Succeeded');
    await harness.settle();
    expect(await conditions()).toEqual([]);
    await harness.end(await byIndex(3), 'Succeeded');
    await harness.settle();
    expect(await conditions()).toEqual([
      'SuccessCriteriaMet True SuccessPolicy',
      'Complete True SuccessPolicy',
    ]);
    expect((await status()).conditions![0]!.message).toBe('Matched rules at index 0');
    expect(await running()).toEqual([]);
  });
});
