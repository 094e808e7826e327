/** The workload controllers reach their goal although a third of their writes fail, and break no promise on the way. */
import { afterEach, describe, expect, it } from 'vitest';
import { randomInt, SeededRandom, type Random } from '../../../api/machinery/random.ts';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { jobController } from '../../../controllers/job/job-controller.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { deployments, replicaSets } from '../../../openapi/generated/apps-v1.ts';
import { jobs } from '../../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { withFaults, type Faults } from './faulty-client.ts';

let harness: Harness;
let faults: Faults;
let random: Random;
afterEach(() => harness.stop());

const SEEDS = Array.from({ length: 8 }, (_, seed) => ({ seed }));
const labels = { app: 'web' };

async function start(seed: number): Promise<void> {
  random = new SeededRandom(`choices ${seed}`);
  faults = { random: new SeededRandom(`faults ${seed}`), percent: 33, count: 0 };
  const controllers = [deploymentController, replicaSetController, jobController];
  harness = await startHarness(
    controllers.map((controller) => withFaults(controller, faults)),
    `convergence ${seed}`,
  );
}

const isGoing = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
const isRunning = ({ status }: Pod): boolean => status.phase === 'Running';
const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;

/** One step of what nodes do: a pod starts, or one that was told to is gone. */
async function step(): Promise<boolean> {
  const all = await harness.pods();
  const choices = all.filter((pod) => isGoing(pod) || pod.status.phase === 'Pending');
  if (choices.length === 0) return false;
  const pod = pick(choices);
  if (isGoing(pod)) await harness.remove(pod);
  else {
    if ((pod.spec.nodeName ?? '') === '') await harness.bind(pod);
    await harness.setReady(pod);
  }
  return true;
}

/** Nothing fails any more, and everything that waits is due. */
async function calmDown(): Promise<void> {
  faults.percent = 0;
  await harness.advance(3_000_000);
}

function podSpec(image: string): { containers: { name: string; image: string }[] } {
  return { containers: [{ name: 'main', image }] };
}

describe('a deployment', () => {
  it.each(SEEDS)('rolls out within its bounds: seed $seed', async ({ seed }) => {
    await start(seed);
    await harness.client.create(deployments, {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        replicas: 6,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec('image:1') },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } },
      },
    });
    let isUp = false;
    for (let round = 0; round < 400; round++) {
      if (round === 100 || round === 140) {
        await harness.change(
          deployments,
          'web',
          ({ spec }) => void (spec.template.spec = podSpec(`image:${round}`)),
        );
      }
      await harness.advance(randomInt(random, 200));
      const left = (await harness.pods()).filter((pod) => !isGoing(pod));
      isUp ||= left.filter(isRunning).length === 6;
      // A replica set whose deletions fail has more pods for a while than it is asked for.
      const asked = (await harness.list(replicaSets)).reduce(
        (sum, { spec }) => sum + (spec.replicas ?? 0),
        0,
      );
      expect(asked).toBeLessThanOrEqual(8);
      if (isUp) expect(left.filter(isRunning).length).toBeGreaterThanOrEqual(5);
      await step();
    }
    await calmDown();
    while (await step()) await harness.advance(1000);
    await calmDown();
    expect(faults.count).toBeGreaterThan(20);
    expect((await harness.pods()).map(({ spec }) => spec.containers[0]!.image)).toEqual(
      Array<string>(6).fill('image:140'),
    );
    const { status, metadata } = await harness.get(deployments, 'web');
    expect(status).toMatchObject({
      replicas: 6,
      updatedReplicas: 6,
      availableReplicas: 6,
      observedGeneration: metadata.generation,
    });
    const sets = await harness.list(replicaSets);
    const revisions = sets.map(
      ({ metadata: { annotations } }) => annotations!['deployment.kubernetes.io/revision'],
    );
    expect(revisions.toSorted((a, b) => Number(a) - Number(b))).toEqual(['1', '2', '3']);
  });
});

describe('a replica set', () => {
  it.each(SEEDS)('never has more pods than ever asked for: seed $seed', async ({ seed }) => {
    await start(seed);
    await harness.client.create(replicaSets, {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        replicas: 10,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec('image:1') },
      },
    });
    let replicas = 10;
    for (let round = 0; round < 200; round++) {
      if (randomInt(random, 20) === 0) {
        replicas = randomInt(random, 11);
        await harness.change(replicaSets, 'web', ({ spec }) => void (spec.replicas = replicas));
      }
      if (randomInt(random, 10) === 0) {
        const all = await harness.pods();
        if (all.length > 0) await harness.remove(pick(all));
      }
      await harness.advance(randomInt(random, 200));
      expect((await harness.pods()).filter((pod) => !isGoing(pod)).length).toBeLessThanOrEqual(10);
      await step();
    }
    await calmDown();
    while (await step()) await harness.advance(1000);
    await calmDown();
    expect(await harness.pods()).toHaveLength(replicas);
    const { status } = await harness.get(replicaSets, 'web');
    expect([status.replicas, status.readyReplicas ?? 0, status.terminatingReplicas]).toEqual([
      replicas,
      replicas,
      0,
    ]);
    expect(status.conditions).toBeUndefined();
  });
});

describe('a job', () => {
  it.each(SEEDS)('counts each pod once: seed $seed', async ({ seed }) => {
    await start(seed);
    const isIndexed = seed % 2 === 1;
    await harness.client.create(jobs, {
      metadata: { name: 'work', namespace: NAMESPACE },
      spec: {
        completions: 8,
        parallelism: 3,
        backoffLimit: 100,
        completionMode: isIndexed ? 'Indexed' : 'NonIndexed',
        template: { spec: { restartPolicy: 'Never', ...podSpec('image:1') } },
      },
    });
    const ends = { Succeeded: 0, Failed: 0 };
    const isDone = async (): Promise<boolean> =>
      (await harness.get(jobs, 'work')).status.completionTime !== undefined;
    for (let round = 0; round < 600 && !(await isDone()); round++) {
      await harness.advance(randomInt(random, 20_000));
      if (randomInt(random, 10) === 0) await harness.restart();
      const open = (await harness.pods()).filter(
        ({ status }) => status.phase === 'Pending' || status.phase === 'Running',
      );
      expect(open.length).toBeLessThanOrEqual(3);
      if (open.length === 0) continue;
      const phase = randomInt(random, 4) === 0 ? 'Failed' : 'Succeeded';
      const pod = pick(open);
      if (isGoing(pod)) continue;
      ends[phase]++;
      await harness.end(pod, phase);
    }
    await calmDown();
    const { status } = await harness.get(jobs, 'work');
    expect(ends.Succeeded).toBe(8);
    expect(status).toMatchObject({ succeeded: 8, uncountedTerminatedPods: {}, ready: 0, terminating: 0 });
    expect(status.failed ?? 0).toBe(ends.Failed);
    expect(status.active).toBeUndefined();
    expect(status.completedIndexes).toBe(isIndexed ? '0-7' : undefined);
    expect(status.conditions?.map(({ type }) => type)).toEqual(['SuccessCriteriaMet', 'Complete']);
    expect((await harness.pods()).flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    expect(faults.count).toBeGreaterThan(5);
  });
});
