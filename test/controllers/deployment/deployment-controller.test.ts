import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { controllerOf } from '../../../api/machinery/object-meta.ts';
import {
  deployments,
  replicaSets,
  type Deployment,
  type ReplicaSet,
} from '../../../openapi/generated/apps-v1.ts';
import { pods, resourceQuotas } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

type Spec = Partial<Deployment['spec']>;

async function create(name: string, spec: Spec = {}, annotations?: Record<string, string>): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image:1' }] } };
  await harness.client.create(deployments, {
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: { replicas: 3, selector: { matchLabels: labels }, template, ...spec },
  });
  await harness.settle();
}

async function setImage(name: string, image: string): Promise<void> {
  await harness.change(deployments, name, ({ spec }) => {
    spec.template.spec!.containers[0]!.image = image;
  });
  await harness.settle();
}

/** Makes every pod ready until nothing changes any more. */
async function runAll(): Promise<void> {
  for (;;) {
    await harness.settle();
    const waiting = (await harness.pods()).filter(({ status }) => status.phase !== 'Running');
    if (waiting.length === 0) return;
    for (const pod of waiting) await harness.setReady(pod);
  }
}

/** Follows every event of pods; the result tells the least number that worked at any instant. */
async function watchAvailable(working: Map<string, boolean>): Promise<() => number> {
  const { items, resourceVersion } = await harness.client.list(pods);
  for (const { metadata, status } of items) working.set(metadata.uid!, status.phase === 'Running');
  const count = (): number => [...working.values()].filter(Boolean).length;
  let least = count();
  harness.client.watch(
    pods,
    { resourceVersion },
    {
      event: (event) => {
        if (event.type === 'BOOKMARK') return;
        const { metadata, status } = event.object;
        working.set(metadata.uid!, event.type !== 'DELETED' && status.phase === 'Running');
        least = Math.min(least, count());
      },
      ended: () => {},
    },
  );
  await harness.settle();
  return () => least;
}

/** Replica sets by revision. */
async function revisions(): Promise<Record<string, ReplicaSet>> {
  const sets = await harness.list(replicaSets);
  return Object.fromEntries(
    sets.map((set) => [set.metadata.annotations!['deployment.kubernetes.io/revision']!, set]),
  );
}

const condition = ({ status }: Deployment, type: string): unknown => {
  const found = status.conditions?.find((entry) => entry.type === type);
  return found === undefined ? undefined : [found.status, found.reason, found.message];
};

describe('a new deployment', () => {
  it('makes a replica set with the hash of its template, and reports progress', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', {}, { note: 'copied', 'kubectl.kubernetes.io/last-applied-configuration': '{}' });
    const [set] = await harness.list(replicaSets);
    const hash = set!.metadata.labels!['pod-template-hash']!;
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(set!.metadata).toMatchObject({
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: {
        note: 'copied',
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
    });
    expect(set!.metadata.annotations).not.toHaveProperty('kubectl.kubernetes.io/last-applied-configuration');
    expect(set!.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    let web = await harness.get(deployments, 'web');
    expect(web.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' });
    expect(web.status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      unavailableReplicas: 3,
      terminatingReplicas: 0,
    });
    expect(condition(web, 'Available')).toEqual([
      'False',
      'MinimumReplicasUnavailable',
      'Deployment does not have minimum availability.',
    ]);
    expect(condition(web, 'Progressing')).toEqual([
      'True',
      'ReplicaSetUpdated',
      `ReplicaSet "web-${hash}" is progressing.`,
    ]);
    await runAll();
    web = await harness.get(deployments, 'web');
    expect(web.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3 });
    expect(web.status.unavailableReplicas).toBeUndefined();
    expect(condition(web, 'Available')).toEqual([
      'True',
      'MinimumReplicasAvailable',
      'Deployment has minimum availability.',
    ]);
    expect(condition(web, 'Progressing')).toEqual([
      'True',
      'NewReplicaSetAvailable',
      `ReplicaSet "web-${hash}" has successfully progressed.`,
    ]);
    expect(await harness.events()).toContain(
      `Normal ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`,
    );
    expect(harness.logs).toEqual([]);
  });

  it('adopts a replica set of its template that nobody owns', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web');
    const [set] = await harness.list(replicaSets);
    await harness.client.delete(
      deployments,
      { namespace: NAMESPACE, name: 'web' },
      { propagationPolicy: 'Background' },
    );
    await harness.change(replicaSets, set!.metadata.name!, ({ metadata }) => delete metadata.ownerReferences);
    await create('web');
    const [adopted, ...more] = await harness.list(replicaSets);
    expect(more).toEqual([]);
    expect(controllerOf(adopted!)?.uid).toBe((await harness.get(deployments, 'web')).metadata.uid);
  });
});

describe('a rolling update', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => ({ seed })))(
    'never goes below or above what is allowed: seed $seed',
    async ({ seed }) => {
      const [settings] = fc.sample(
        fc.record({
          replicas: fc.integer({ min: 1, max: 12 }),
          maxSurge: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('25%', '0%', '100%')),
          maxUnavailable: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('25%', '0%', '100%')),
          order: fc.array(fc.nat(), { minLength: 50, maxLength: 50 }),
        }),
        { numRuns: 1, seed },
      );
      const { replicas, order } = settings!;
      // Both zero is refused.
      const isStuck =
        parseInt(String(settings!.maxSurge), 10) === 0 &&
        parseInt(String(settings!.maxUnavailable), 10) === 0;
      const rollingUpdate = {
        maxSurge: settings!.maxSurge,
        maxUnavailable: isStuck ? 1 : settings!.maxUnavailable,
      };
      harness = await startHarness([deploymentController, replicaSetController], `rolling ${seed}`);
      await create('web', { replicas, strategy: { type: 'RollingUpdate', rollingUpdate } });
      await runAll();
      const amount = (value: number | string, round: (share: number) => number): number =>
        typeof value === 'number' ? value : round((parseInt(value, 10) * replicas) / 100);
      const surge = amount(rollingUpdate.maxSurge, Math.ceil);
      const unavailable = Math.min(replicas, amount(rollingUpdate.maxUnavailable, Math.floor));
      const least = replicas - (surge === 0 && unavailable === 0 ? 1 : unavailable);
      const leastSeen = await watchAvailable(new Map());
      const check = async (): Promise<void> => {
        const present = (await harness.pods()).filter(
          ({ metadata }) => metadata.deletionTimestamp === undefined,
        );
        expect(present.length).toBeLessThanOrEqual(replicas + surge);
        expect(leastSeen()).toBeGreaterThanOrEqual(least);
      };
      await setImage('web', 'image:2');
      let step = 0;
      for (;;) {
        await check();
        const waiting = (await harness.pods()).filter(({ status }) => status.phase !== 'Running');
        if (waiting.length === 0) break;
        await harness.setReady(waiting[order[step++ % order.length]! % waiting.length]!);
        await harness.settle();
      }
      const images = (await harness.pods()).map(({ spec }) => spec.containers[0]!.image);
      expect(images).toEqual(Array.from({ length: replicas }, () => 'image:2'));
      expect(condition(await harness.get(deployments, 'web'), 'Progressing')).toEqual(
        expect.arrayContaining(['True', 'NewReplicaSetAvailable']),
      );
    },
  );

  it('takes away old pods that do not work before the new ones are ready', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', {
      replicas: 4,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    });
    const [first, second] = await harness.pods();
    for (const pod of [first!, second!]) await harness.setReady(pod);
    await setImage('web', 'image:2');
    const { '1': old } = await revisions();
    const left = (await harness.pods()).filter(({ metadata }) =>
      metadata.name!.startsWith(old!.metadata.name!),
    );
    expect(left.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining([first!.metadata.name, second!.metadata.name]),
    );
    expect(left.length).toBe(3);
  });

  it('stops at a template that never gets ready, and says so at the deadline', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 2, progressDeadlineSeconds: 30 });
    await runAll();
    await setImage('web', 'broken');
    await harness.advance(29_000);
    const { '2': set } = await revisions();
    const name = set!.metadata.name;
    expect(condition(await harness.get(deployments, 'web'), 'Progressing')).toEqual([
      'True',
      'ReplicaSetUpdated',
      `ReplicaSet "${name}" is progressing.`,
    ]);
    await harness.advance(3_000);
    expect(condition(await harness.get(deployments, 'web'), 'Progressing')).toEqual([
      'False',
      'ProgressDeadlineExceeded',
      `ReplicaSet "${name}" has timed out progressing.`,
    ]);
    await runAll();
    expect(condition(await harness.get(deployments, 'web'), 'Progressing')).toEqual([
      'True',
      'NewReplicaSetAvailable',
      `ReplicaSet "${name}" has successfully progressed.`,
    ]);
  });
});

describe('going back', () => {
  it('takes the old replica set again, under the next revision', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1 });
    await runAll();
    const first = (await revisions())['1']!.metadata.name;
    for (const image of ['image:2', 'image:1', 'image:3', 'image:1']) {
      await setImage('web', image);
      await runAll();
    }
    const all = await revisions();
    expect(Object.keys(all)).toEqual(['2', '4', '5']);
    expect(all['5']!.metadata.name).toBe(first);
    expect(all['5']!.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision-history': '1,3',
    });
    expect((await harness.get(deployments, 'web')).metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '5',
    });
    expect(all['5']!.spec.replicas).toBe(1);
  });

  it('leaves a revision that is no number as somebody wrote it', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1 });
    await runAll();
    const { name } = (await revisions())['1']!.metadata;
    const key = 'deployment.kubernetes.io/revision';
    await harness.change(replicaSets, name!, ({ metadata }) => void (metadata.annotations![key] = 'golden'));
    await harness.settle();
    const noted = async (): Promise<unknown[]> => [
      (await harness.get(replicaSets, name!)).metadata.annotations![key],
      (await harness.get(deployments, 'web')).metadata.annotations![key],
    ];
    expect(await noted()).toEqual(['golden', 'golden']);
    // Others count without it.
    await setImage('web', 'image:2');
    await runAll();
    expect(Object.keys(await revisions()).sort()).toEqual(['1', 'golden']);
  });

  it('forgets what revisionHistoryLimit does not cover, the oldest first', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1, revisionHistoryLimit: 2 });
    await runAll();
    for (const image of ['image:2', 'image:3', 'image:4', 'image:5']) {
      await setImage('web', image);
      await runAll();
    }
    expect(Object.keys(await revisions())).toEqual(['3', '4', '5']);
  });

  it('counts old sets that still have pods into revisionHistoryLimit while paused', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1, revisionHistoryLimit: 1 });
    await runAll();
    await setImage('web', 'image:2');
    await runAll();
    await setImage('web', 'broken');
    expect(Object.keys(await revisions())).toEqual(['1', '2', '3']);
    await harness.change(deployments, 'web', ({ spec }) => void (spec.paused = true));
    await harness.settle();
    expect(Object.keys(await revisions())).toEqual(['2', '3']);
  });

  it('carries the cause of a change along', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1 }, { 'kubernetes.io/change-cause': 'first' });
    await runAll();
    await harness.change(deployments, 'web', ({ metadata, spec }) => {
      metadata.annotations!['kubernetes.io/change-cause'] = 'second';
      spec.template.spec!.containers[0]!.image = 'image:2';
    });
    await runAll();
    const causes = Object.values(await revisions()).map(
      ({ metadata }) => metadata.annotations!['kubernetes.io/change-cause'],
    );
    expect(causes).toEqual(['first', 'second']);
  });
});

describe('strategy Recreate', () => {
  it('makes new pods only when the old ones are gone', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 2, strategy: { type: 'Recreate' } });
    for (const pod of await harness.pods()) await harness.bind(pod);
    await runAll();
    await setImage('web', 'image:2');
    const old = await harness.pods();
    expect(
      old.map(({ metadata, spec }) => [spec.containers[0]!.image, metadata.deletionTimestamp !== undefined]),
    ).toEqual([
      ['image:1', true],
      ['image:1', true],
    ]);
    expect((await harness.get(deployments, 'web')).status.terminatingReplicas).toBe(2);
    await harness.remove(old[0]!);
    await harness.settle();
    expect((await harness.pods()).length).toBe(1);
    await harness.remove(old[1]!);
    await harness.settle();
    expect((await harness.pods()).map(({ spec }) => spec.containers[0]!.image)).toEqual([
      'image:2',
      'image:2',
    ]);
  });
});

describe('scaling', () => {
  it('announces both directions', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 3 });
    await runAll();
    for (const replicas of [1, 5, 0]) {
      await harness.change(deployments, 'web', ({ spec }) => void (spec.replicas = replicas));
      await runAll();
    }
    const { '1': set } = await revisions();
    const scalings = (await harness.events()).filter((event) => event.includes('ScalingReplicaSet'));
    expect(scalings).toEqual(
      [
        'up replica set X from 0 to 3',
        'down replica set X from 3 to 1',
        'up replica set X from 1 to 5',
        'down replica set X from 5 to 0',
      ].map((text) => `Normal ScalingReplicaSet Scaled ${text.replace('X', set!.metadata.name!)}`),
    );
    expect(set!.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/desired-replicas': '0' });
  });

  it('spreads a change in the middle of a rollout over both replica sets', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', {
      replicas: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    });
    await runAll();
    await setImage('web', 'broken');
    let sets = await revisions();
    expect([sets['1']!.spec.replicas, sets['2']!.spec.replicas]).toEqual([8, 5]);
    await harness.change(deployments, 'web', ({ spec }) => void (spec.replicas = 15));
    await harness.settle();
    sets = await revisions();
    expect([sets['1']!.spec.replicas, sets['2']!.spec.replicas]).toEqual([11, 7]);
  });

  it('works while paused, when nothing else moves', async () => {
    harness = await startHarness([deploymentController, replicaSetController]);
    await create('web', { replicas: 1 });
    await runAll();
    await harness.change(deployments, 'web', ({ spec }) => void (spec.paused = true));
    await setImage('web', 'image:2');
    await harness.change(deployments, 'web', ({ spec }) => void (spec.replicas = 2));
    await runAll();
    let web = await harness.get(deployments, 'web');
    expect(condition(web, 'Progressing')).toEqual(['Unknown', 'DeploymentPaused', 'Deployment is paused']);
    expect(web.status).toMatchObject({ replicas: 2, availableReplicas: 2, observedGeneration: 4 });
    expect(Object.keys(await revisions())).toEqual(['1']);
    await harness.change(deployments, 'web', ({ spec }) => delete spec.paused);
    await runAll();
    web = await harness.get(deployments, 'web');
    expect(condition(web, 'Progressing')).toEqual(expect.arrayContaining(['True', 'NewReplicaSetAvailable']));
    expect((await harness.pods()).map(({ spec }) => spec.containers[0]!.image)).toEqual([
      'image:2',
      'image:2',
    ]);
  });
});

it('of no replicas is complete and available, and takes a new template without pods', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  await create('web', { replicas: 0 });
  await setImage('web', 'image:2');
  const { status } = await harness.get(deployments, 'web');
  expect(status.conditions!.map(({ type, reason }) => [type, reason])).toEqual([
    ['Available', 'MinimumReplicasAvailable'],
    ['Progressing', 'NewReplicaSetAvailable'],
  ]);
  expect([status.replicas ?? 0, status.observedGeneration]).toEqual([0, 2]);
  expect(await harness.pods()).toEqual([]);
  expect(Object.keys(await revisions())).toEqual(['1', '2']);
});

it('notes its size on the old replica sets as well when it has reached it', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  await create('web', { replicas: 2 });
  await runAll();
  await setImage('web', 'broken');
  await harness.change(deployments, 'web', ({ spec }) => void (spec.replicas = 4));
  await harness.settle();
  const sizes = Object.values(await revisions()).map(
    ({ metadata }) => metadata.annotations!['deployment.kubernetes.io/desired-replicas'],
  );
  expect(sizes).toEqual(['4', '4']);
});

it('does not say how many pods are on their way out when a replica set does not', async () => {
  harness = await startHarness([deploymentController]);
  await create('web');
  const terminating = async (): Promise<unknown> =>
    (await harness.get(deployments, 'web')).status.terminatingReplicas;
  expect(await terminating()).toBe(0);
  const [set] = await harness.list(replicaSets);
  const { name } = set!.metadata;
  await harness.change(
    replicaSets,
    name!,
    ({ status }) => void Object.assign(status, { replicas: 3, observedGeneration: 1 }),
    'status',
  );
  await harness.settle();
  expect(await terminating()).toBeUndefined();
});

it('counts up when the name of a new replica set is taken by another template', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  await create('web', { replicas: 1 });
  const { name } = (await harness.list(replicaSets))[0]!.metadata;
  await harness.client.delete(deployments, { namespace: NAMESPACE, name: 'web' });
  await harness.change(replicaSets, name!, ({ metadata, spec }) => {
    delete metadata.ownerReferences;
    spec.template!.spec!.containers[0]!.image = 'other';
    spec.template!.metadata!.labels!.app = metadata.labels!.app = 'web';
  });
  await create('web', { replicas: 1 });
  await harness.advance(1000);
  expect((await harness.get(deployments, 'web')).status.collisionCount).toBe(1);
  expect(await harness.list(replicaSets)).toHaveLength(2);
});

it('shortens its name in that of a replica set, which would be too long', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  const name = 'a'.repeat(250);
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'image:1' }] } };
  await create(name, { selector: { matchLabels: labels }, template });
  const [set] = await harness.list(replicaSets);
  expect(set!.metadata.name).toMatch(/^a{242,}-[a-z0-9]+$/);
  expect(set!.metadata.name).toHaveLength(253);
});

it('says of its replica set since when pods cannot be made', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  const labels = { app: 'web' };
  const containers = [{ name: 'main', image: 'image:1' }];
  const template = { metadata: { labels }, spec: { containers, priorityClassName: 'missing' } };
  await create('web', { template });
  await harness.advance(5_000);
  await harness.change(deployments, 'web', ({ status }) => void (status.conditions = []), 'status');
  await harness.settle();
  const { status } = await harness.get(deployments, 'web');
  expect(status.conditions!.find(({ type }) => type === 'ReplicaFailure')).toMatchObject({
    status: 'True',
    reason: 'FailedCreate',
    lastUpdateTime: '2026-01-01T00:00:00Z',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
});

it('says why a replica set cannot be made', async () => {
  harness = await startHarness([deploymentController, replicaSetController]);
  const name = 'web';
  await harness.client.create(resourceQuotas, {
    metadata: { name: 'none', namespace: NAMESPACE },
    spec: { hard: { 'count/replicasets.apps': '0' } },
  });
  await harness.change(
    resourceQuotas,
    'none',
    (quota) => {
      quota.status = { hard: { 'count/replicasets.apps': '0' }, used: { 'count/replicasets.apps': '0' } };
    },
    'status',
  );
  await create(name);
  const [, reason, message] = condition(await harness.get(deployments, name), 'Progressing') as string[];
  expect(reason).toBe('ReplicaSetCreateError');
  expect(message).toMatch(
    /^Failed to create new replica set "web-[a-z0-9]+": replicasets.apps "web-[a-z0-9]+" is forbidden: exceeded quota: none/,
  );
  expect(await harness.events()).toContain(`Warning ReplicaSetCreateError ${message}`);
});
