import { afterEach, describe, expect, it } from 'vitest';
import { controllerOf } from '../../../api/machinery/object-meta.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { statefulSetController } from '../../../controllers/statefulset/statefulset-controller.ts';
import { replicaSets, statefulSets, type ReplicaSet } from '../../../openapi/generated/apps-v1.ts';
import { pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const labels = { app: 'web' };
const containers = [{ name: 'main', image: 'image:1' }];

async function create(spec: Partial<ReplicaSet['spec']> = {}): Promise<void> {
  const template = {
    metadata: {
      labels: { ...labels, extra: 'x' },
      annotations: { note: 'kept' },
      finalizers: ['example.com/hold'],
    },
    spec: { containers },
  };
  await harness.client.create(replicaSets, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { replicas: 3, selector: { matchLabels: labels }, template, ...spec },
  });
  await harness.settle();
}

const plain = { metadata: { labels }, spec: { containers } };
const withSidecar = {
  metadata: { labels },
  spec: { containers, initContainers: [{ name: 'side', image: 'image:1', restartPolicy: 'Always' }] },
};

async function scale(replicas: number): Promise<void> {
  await harness.change(replicaSets, 'web', ({ spec }) => void (spec.replicas = replicas));
  await harness.settle();
}

const status = async (): Promise<ReplicaSet['status']> => (await harness.get(replicaSets, 'web')).status;
const uidsOf = (list: readonly Pod[]): string[] => list.map(({ metadata }) => metadata.uid!).sort();

describe('pods', () => {
  it('are made from the template, owned, and counted', async () => {
    harness = await startHarness([replicaSetController]);
    await create();
    const [pod, ...more] = await harness.pods();
    expect(more).toHaveLength(2);
    const set = await harness.get(replicaSets, 'web');
    expect(pod!.metadata).toMatchObject({
      generateName: 'web-',
      labels: { app: 'web', extra: 'x' },
      annotations: { note: 'kept' },
      finalizers: ['example.com/hold'],
    });
    expect(pod!.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
    expect(pod!.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web',
        uid: set.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(set.status).toMatchObject({
      replicas: 3,
      fullyLabeledReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    await harness.setReady(pod!);
    await harness.settle();
    expect(await status()).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
    expect(await harness.events()).toContain(`Normal SuccessfulCreate Created pod: ${pod!.metadata.name}`);
    expect(harness.logs).toEqual([]);
  });

  it('are replaced when they end or are deleted, and never made twice', async () => {
    harness = await startHarness([replicaSetController]);
    await create({ replicas: 20, template: plain });
    const [ended, deleted] = await harness.pods();
    await harness.bind(deleted!);
    await harness.end(ended!, 'Failed');
    await harness.client.delete(pods, { namespace: NAMESPACE, name: deleted!.metadata.name! });
    await harness.settle();
    expect(await harness.pods()).toHaveLength(22);
    expect(await status()).toMatchObject({ replicas: 20, terminatingReplicas: 1 });
  });

  it('become available after minReadySeconds without an event', async () => {
    harness = await startHarness([replicaSetController]);
    await create({ replicas: 2, minReadySeconds: 10, template: plain });
    const [first, second] = await harness.pods();
    await harness.setReady(first!);
    await harness.advance(4_000);
    await harness.setReady(second!);
    await harness.settle();
    expect(await status()).toMatchObject({ readyReplicas: 2 });
    expect((await status()).availableReplicas).toBeUndefined();
    await harness.advance(6_000);
    expect((await status()).availableReplicas).toBe(1);
    await harness.advance(4_000);
    expect((await status()).availableReplicas).toBe(2);
  });
});

describe('scaling down', () => {
  const cases: { name: string; prepare(list: readonly Pod[]): Promise<void> }[] = [
    { name: 'keeps the pod on a node', prepare: async ([keep]) => harness.bind(keep!) },
    {
      name: 'keeps the ready pod',
      prepare: async ([keep, ...others]) => {
        for (const pod of [keep!, ...others]) await harness.bind(pod);
        await harness.setReady(keep!);
        for (const pod of others) await harness.setReady(pod, false);
      },
    },
    {
      name: 'keeps the pod that is dearer to delete',
      prepare: async ([keep]) => {
        await harness.change(
          pods,
          keep!.metadata.name!,
          ({ metadata }) =>
            void (metadata.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '10' }),
        );
      },
    },
    {
      name: 'keeps the pod ready for much longer',
      prepare: async ([keep, ...others]) => {
        await harness.setReady(keep!);
        await harness.advance(100_000);
        for (const pod of others) await harness.setReady(pod);
        await harness.advance(1_000);
      },
    },
    {
      name: 'keeps the pod whose sidecar restarted less often',
      prepare: async ([, ...others]) => {
        for (const pod of others) {
          await harness.change(
            pods,
            pod.metadata.name!,
            ({ status }) =>
              void (status.initContainerStatuses = [
                { name: 'side', image: 'image:1', imageID: '', ready: true, restartCount: 2 },
              ]),
            'status',
          );
        }
      },
    },
  ];
  it.each(cases)('$name', async ({ prepare }) => {
    harness = await startHarness([replicaSetController]);
    await create({ replicas: 4, template: withSidecar });
    // Without a reason the oldest go first.
    const all = [...(await harness.pods())].sort(
      (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
    );
    await prepare(all);
    await scale(1);
    const left = (await harness.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(uidsOf(left)).toEqual([all[0]!.metadata.uid]);
    expect(
      (await harness.events()).filter((event) =>
        event.startsWith('Normal SuccessfulDelete Deleted pod: web-'),
      ),
    ).toHaveLength(3);
  });
});

describe('belonging', () => {
  it('takes in matching orphans instead of making pods', async () => {
    harness = await startHarness([replicaSetController]);
    const orphan = await harness.client.create(pods, {
      metadata: { name: 'lone', namespace: NAMESPACE, labels },
      spec: { containers },
    });
    await create({ replicas: 2, template: plain });
    const all = await harness.pods();
    expect(all).toHaveLength(2);
    const adopted = all.find(({ metadata }) => metadata.uid === orphan.metadata.uid)!;
    expect(controllerOf(adopted)).toMatchObject({ kind: 'ReplicaSet', name: 'web' });
  });

  it('takes in an orphan that begins to match, and removes the surplus', async () => {
    harness = await startHarness([replicaSetController]);
    await create({ replicas: 1, template: plain });
    const [own] = await harness.pods();
    await harness.bind(own!);
    await harness.client.create(pods, {
      metadata: { name: 'lone', namespace: NAMESPACE },
      spec: { containers },
    });
    await harness.settle();
    expect(await harness.pods()).toHaveLength(2);
    await harness.change(pods, 'lone', ({ metadata }) => void (metadata.labels = labels));
    await harness.settle();
    expect(uidsOf(await harness.pods())).toEqual([own!.metadata.uid]);
  });

  it('lets go of a pod that no longer matches, and replaces it', async () => {
    harness = await startHarness([replicaSetController]);
    await create({ replicas: 1, template: plain });
    const [pod] = await harness.pods();
    await harness.change(
      pods,
      pod!.metadata.name!,
      ({ metadata }) => void (metadata.labels = { app: 'debug' }),
    );
    await harness.settle();
    const released = await harness.get(pods, pod!.metadata.name!);
    expect(released.metadata.ownerReferences).toBeUndefined();
    expect(await harness.pods()).toHaveLength(2);
  });

  it('leaves the pods of another controller alone', async () => {
    harness = await startHarness([replicaSetController]);
    const ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'another', controller: true },
    ];
    await harness.client.create(pods, {
      metadata: { name: 'foreign', namespace: NAMESPACE, labels, ownerReferences },
      spec: { containers },
    });
    await create({ replicas: 1, template: plain });
    expect(await harness.pods()).toHaveLength(2);
    expect((await harness.get(pods, 'foreign')).metadata.ownerReferences).toEqual(ownerReferences);
  });
});

it('says why pods cannot be made, until they can', async () => {
  harness = await startHarness([replicaSetController]);
  const template = { metadata: { labels }, spec: { containers, priorityClassName: 'missing' } };
  await create({ replicas: 2, template });
  const [condition] = (await status()).conditions!;
  expect(condition).toMatchObject({
    type: 'ReplicaFailure',
    status: 'True',
    reason: 'FailedCreate',
    message: expect.stringContaining('no PriorityClass with name missing was found') as string,
  });
  expect((await harness.events())[0]).toMatch(/^Warning FailedCreate Error creating: /);
  await harness.change(replicaSets, 'web', ({ spec }) => delete spec.template!.spec!.priorityClassName);
  await harness.settle();
  expect(await harness.pods()).toHaveLength(2);
  expect((await status()).conditions).toBeUndefined();
});

it('takes in a pod that a controller of another kind let go', async () => {
  harness = await startHarness([replicaSetController, statefulSetController]);
  const other = { app: 'other' };
  await harness.client.create(statefulSets, {
    metadata: { name: 'other', namespace: NAMESPACE },
    spec: {
      replicas: 1,
      serviceName: 'other',
      selector: { matchLabels: other },
      template: { metadata: { labels: other }, spec: { containers } },
    },
  });
  await create({ replicas: 1, template: plain });
  await harness.change(pods, 'other-0', ({ metadata }) => void (metadata.labels = labels));
  await harness.settle();
  // One of the two was too many.
  const selected = (await harness.pods()).filter(({ metadata }) => metadata.labels?.['app'] === 'web');
  expect(selected.map((pod) => controllerOf(pod)?.kind)).toEqual(['ReplicaSet']);
});
