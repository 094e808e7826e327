import { afterEach, describe, expect, it } from 'vitest';
import { statefulSetController } from '../../../controllers/statefulset/statefulset-controller.ts';
import { controllerRevisions, statefulSets, type StatefulSet } from '../../../openapi/generated/apps-v1.ts';
import { persistentVolumeClaims, pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const labels = { app: 'db' };
type Spec = StatefulSet['spec'];

function template(image: string): Spec['template'] {
  return { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } };
}

async function create(spec: Partial<Spec> = {}, annotations?: Record<string, string>): Promise<void> {
  harness = await startHarness([statefulSetController]);
  await createSet(spec, annotations);
}

async function createSet(spec: Partial<Spec>, annotations?: Record<string, string>): Promise<void> {
  await harness.client.create(statefulSets, {
    metadata: { name: 'db', namespace: NAMESPACE, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: labels },
      template: template('image:1'),
      ...spec,
    },
  });
  await harness.settle();
}

async function change(edit: (spec: Spec) => void): Promise<void> {
  await harness.change(statefulSets, 'db', ({ spec }) => edit(spec));
  await harness.settle();
}

const status = async (): Promise<StatefulSet['status']> => (await harness.get(statefulSets, 'db')).status;
/** `name image`, with `-` in front of those on their way out. */
const shape = async (): Promise<string[]> =>
  (await harness.pods())
    .map(({ metadata, spec }) => {
      const sign = metadata.deletionTimestamp === undefined ? '' : '-';
      return `${sign}${metadata.name} ${spec.containers[0]!.image!.slice('image:'.length)}`;
    })
    .sort();
const get = (name: string): Promise<Pod> => harness.get(pods, name);

/** A node starts the pod. */
async function run(name: string): Promise<void> {
  const pod = await get(name);
  if ((pod.spec.nodeName ?? '') === '') await harness.bind(pod);
  await harness.setReady(pod);
  await harness.settle();
}

/** A node is done with the pod. */
async function finish(name: string): Promise<void> {
  await harness.remove(await get(name));
  await harness.settle();
}

/** Nodes start what is new and end what is to go until nothing moves. */
async function settleNodes(): Promise<void> {
  for (;;) {
    const all = await harness.pods();
    const next = all.find(
      ({ metadata, status: { phase } }) => metadata.deletionTimestamp !== undefined || phase === 'Pending',
    );
    if (next === undefined) return;
    await (next.metadata.deletionTimestamp === undefined
      ? run(next.metadata.name!)
      : finish(next.metadata.name!));
  }
}

describe('an ordered set', () => {
  it('makes each pod when those before it are ready', async () => {
    await create();
    expect(await shape()).toEqual(['db-0 1']);
    await run('db-0');
    expect(await shape()).toEqual(['db-0 1', 'db-1 1']);
    await run('db-1');
    await run('db-2');
    const set = await harness.get(statefulSets, 'db');
    const revision = set.status.updateRevision!;
    expect(revision).toMatch(/^db-[b-z2-9]{6,10}$/);
    expect(set.status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    });
    const { metadata, spec } = await get('db-1');
    expect(metadata).toMatchObject({
      generateName: 'db-',
      labels: {
        app: 'db',
        'apps.kubernetes.io/pod-index': '1',
        'controller-revision-hash': revision,
        'statefulset.kubernetes.io/pod-name': 'db-1',
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', controller: true }],
    });
    expect(spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(await harness.events()).toEqual(
      [0, 1, 2].map((n) => `Normal SuccessfulCreate Create Pod db-${n} in StatefulSet db successful`),
    );
    expect(harness.logs).toEqual([]);
  });

  it('takes the highest away first, each when the one above is gone', async () => {
    await create();
    await settleNodes();
    await change((spec) => void (spec.replicas = 1));
    expect(await shape()).toEqual(['-db-2 1', 'db-0 1', 'db-1 1']);
    await finish('db-2');
    expect(await shape()).toEqual(['-db-1 1', 'db-0 1']);
    await finish('db-1');
    expect(await shape()).toEqual(['db-0 1']);
    expect(await harness.events()).toContain(
      'Normal SuccessfulDelete Delete Pod db-2 in StatefulSet db successful',
    );
  });

  it('does not shrink while a pod below is not ready', async () => {
    await create();
    await settleNodes();
    await harness.setReady(await get('db-0'), false);
    await change((spec) => void (spec.replicas = 2));
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 1']);
    await run('db-0');
    expect(await shape()).toEqual(['-db-2 1', 'db-0 1', 'db-1 1']);
  });

  it('makes a deleted pod again under its name, once it is gone', async () => {
    await create();
    await settleNodes();
    const before = await get('db-1');
    await harness.client.delete(pods, { namespace: NAMESPACE, name: 'db-1' });
    await harness.settle();
    expect(await shape()).toEqual(['-db-1 1', 'db-0 1', 'db-2 1']);
    await finish('db-1');
    expect((await get('db-1')).metadata.uid).not.toBe(before.metadata.uid);
  });

  it.each(['Failed', 'Succeeded'] as const)('replaces a pod that %s', async (phase) => {
    await create();
    await settleNodes();
    await harness.end(await get('db-0'), phase);
    await harness.settle();
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 1']);
    expect((await get('db-0')).status.phase).toBe('Pending');
  });

  it('waits for minReadySeconds, without an event', async () => {
    await create({ minReadySeconds: 10, replicas: 2 });
    await run('db-0');
    expect(await status()).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    await harness.advance(9_000);
    expect(await shape()).toEqual(['db-0 1']);
    await harness.advance(1_000);
    expect(await shape()).toEqual(['db-0 1', 'db-1 1']);
    expect(await status()).toMatchObject({ availableReplicas: 1 });
  });

  it('counts from its start ordinal, and moves when it changes', async () => {
    await create({ ordinals: { start: 5 }, replicas: 2 });
    await settleNodes();
    expect(await shape()).toEqual(['db-5 1', 'db-6 1']);
    await change((spec) => void (spec.ordinals = { start: 6 }));
    await settleNodes();
    expect(await shape()).toEqual(['db-6 1', 'db-7 1']);
  });
});

describe('a parallel set', () => {
  it('makes and takes away all at once', async () => {
    await create({ podManagementPolicy: 'Parallel' });
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 1']);
    await settleNodes();
    await change((spec) => void (spec.replicas = 1));
    expect(await shape()).toEqual(['-db-1 1', '-db-2 1', 'db-0 1']);
  });
});

describe('an update', () => {
  it('goes from the highest ordinal down, one pod at a time', async () => {
    await create();
    await settleNodes();
    const first = (await status()).updateRevision;
    await change((spec) => void (spec.template = template('image:2')));
    expect(await shape()).toEqual(['-db-2 1', 'db-0 1', 'db-1 1']);
    expect(await status()).toMatchObject({ currentRevision: first, currentReplicas: 2 });
    await finish('db-2');
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 2']);
    await run('db-2');
    expect(await shape()).toEqual(['-db-1 1', 'db-0 1', 'db-2 2']);
    await settleNodes();
    expect(await shape()).toEqual(['db-0 2', 'db-1 2', 'db-2 2']);
    const { currentRevision, updateRevision, currentReplicas, updatedReplicas } = await status();
    expect(currentRevision).toBe(updateRevision);
    expect([currentReplicas, updatedReplicas]).toEqual([3, 3]);
  });

  it('stops at the partition, below which pods come back as they were', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    await settleNodes();
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 2']);
    expect(await status()).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
    await finish('db-0');
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 2']);
    await settleNodes();
    await change(
      (spec) => void (spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }),
    );
    await settleNodes();
    expect(await shape()).toEqual(['db-0 2', 'db-1 2', 'db-2 2']);
  });

  it('on deletion waits for it', async () => {
    await create({ updateStrategy: { type: 'OnDelete' } });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    expect(await shape()).toEqual(['db-0 1', 'db-1 1', 'db-2 1']);
    await finish('db-1');
    expect(await shape()).toEqual(['db-0 1', 'db-1 2', 'db-2 1']);
  });

  it.each([
    { maxUnavailable: 2, gone: ['-db-3 1', '-db-4 1'] },
    { maxUnavailable: '50%', gone: ['-db-3 1', '-db-4 1'] },
    { maxUnavailable: '10%', gone: ['-db-4 1'] },
  ])('takes $maxUnavailable at a time', async ({ maxUnavailable, gone }) => {
    const rollingUpdate = { partition: 0, maxUnavailable };
    await create({ replicas: 5, updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    expect((await shape()).filter((pod) => pod.startsWith('-'))).toEqual(gone);
    await settleNodes();
    expect(new Set((await shape()).map((pod) => pod.split(' ')[1]))).toEqual(new Set(['2']));
  });

  it('back to an earlier template takes its revision up again', async () => {
    await create({ replicas: 1 }, { 'kubernetes.io/change-cause': 'first' });
    await settleNodes();
    const first = (await status()).updateRevision!;
    await change((spec) => void (spec.template = template('image:2')));
    await settleNodes();
    await change((spec) => void (spec.template = template('image:1')));
    await settleNodes();
    expect((await status()).updateRevision).toBe(first);
    const revisions = await harness.list(controllerRevisions);
    const numbers = new Map(revisions.map(({ metadata, revision }) => [revision, metadata.name === first]));
    expect([numbers.size, numbers.get(2), numbers.get(3)]).toEqual([2, false, true]);
    const { metadata, data } = revisions.find((revision) => revision.metadata.name === first)!;
    expect(metadata).toMatchObject({
      labels: { app: 'db', 'controller.kubernetes.io/hash': first.slice('db-'.length) },
      annotations: { 'kubernetes.io/change-cause': 'first' },
      ownerReferences: [{ kind: 'StatefulSet', name: 'db', controller: true }],
    });
    expect(JSON.stringify(data)).toMatch(
      /^\{"spec":\{"template":\{"\$patch":"replace","metadata":\{"labels":/,
    );
  });

  it('keeps as many old revisions as the limit says', async () => {
    await create({ replicas: 1, revisionHistoryLimit: 2 });
    for (let version = 2; version <= 6; version++) {
      await settleNodes();
      await change((spec) => void (spec.template = template(`image:${version}`)));
    }
    await settleNodes();
    const numbers = (await harness.list(controllerRevisions)).map(({ revision }) => revision);
    expect(new Set(numbers)).toEqual(new Set([4, 5, 6]));
  });
});

describe('claims', () => {
  const volumeClaimTemplates = [
    {
      metadata: { name: 'data', labels: { tier: 'slow' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      status: {},
    },
  ];
  const ownersOf = async (name: string): Promise<string[]> => {
    const { metadata } = await harness.get(persistentVolumeClaims, name);
    return (metadata.ownerReferences ?? []).map(({ kind, name: owner }) => `${kind} ${owner}`);
  };

  it('are made before the pod that mounts them, and kept', async () => {
    await create({ replicas: 1, volumeClaimTemplates });
    const claim = await harness.get(persistentVolumeClaims, 'data-db-0');
    expect(claim.metadata.labels).toEqual({ app: 'db', tier: 'slow' });
    expect(claim.spec.resources?.requests).toEqual({ storage: '1Gi' });
    expect((await get('db-0')).spec.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } },
    ]);
    expect(await ownersOf('data-db-0')).toEqual([]);
    expect(await harness.events()).toEqual([
      'Normal SuccessfulCreate Create Claim data-db-0 Pod db-0 in StatefulSet db success',
      'Normal SuccessfulCreate Create Pod db-0 in StatefulSet db successful',
    ]);
    await change((spec) => void (spec.replicas = 0));
    await settleNodes();
    expect(await harness.list(persistentVolumeClaims)).toHaveLength(1);
  });

  it.each([
    { whenDeleted: 'Retain', whenScaled: 'Retain', kept: [], scaled: [] },
    { whenDeleted: 'Delete', whenScaled: 'Retain', kept: ['StatefulSet db'], scaled: ['StatefulSet db'] },
    { whenDeleted: 'Retain', whenScaled: 'Delete', kept: [], scaled: ['Pod db-1'] },
    { whenDeleted: 'Delete', whenScaled: 'Delete', kept: ['StatefulSet db'], scaled: ['Pod db-1'] },
  ])('belong by policy: deleted $whenDeleted, scaled $whenScaled', async (row) => {
    const { kept, scaled, ...persistentVolumeClaimRetentionPolicy } = row;
    await create({ replicas: 2, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy });
    await settleNodes();
    expect([await ownersOf('data-db-0'), await ownersOf('data-db-1')]).toEqual([kept, kept]);
    await change((spec) => void (spec.replicas = 1));
    expect([await ownersOf('data-db-0'), await ownersOf('data-db-1')]).toEqual([kept, scaled]);
  });

  it('of another controller are left to it', async () => {
    await create({
      replicas: 0,
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    });
    const ownerReferences = [
      { apiVersion: 'example.com/v1', kind: 'Backup', name: 'nightly', uid: 'u', controller: true },
    ];
    await harness.client.create(persistentVolumeClaims, {
      metadata: { name: 'data-db-0', namespace: NAMESPACE, ownerReferences },
      spec: volumeClaimTemplates[0]!.spec,
    });
    await change((spec) => void (spec.replicas = 1));
    await settleNodes();
    expect(await ownersOf('data-db-0')).toEqual(['Backup nightly']);
  });

  it('on their way out hold the pod back until they are gone', async () => {
    await create({
      replicas: 1,
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' },
    });
    await settleNodes();
    await harness.change(
      persistentVolumeClaims,
      'data-db-0',
      ({ metadata }) => void (metadata.finalizers = ['example.com/hold']),
    );
    await harness.client.delete(persistentVolumeClaims, { namespace: NAMESPACE, name: 'data-db-0' });
    await finish('db-0');
    expect(await harness.pods()).toEqual([]);
    expect(await harness.events()).toContainEqual(
      'Warning FailedCreate Create Pod db-0 in StatefulSet db failed error: pvc data-db-0 is being deleted',
    );
    await harness.change(
      persistentVolumeClaims,
      'data-db-0',
      ({ metadata }) => void (metadata.finalizers = []),
    );
    await harness.advance(1_000_000);
    expect(await shape()).toEqual(['db-0 1']);
  });
});

describe('belonging', () => {
  it('takes in an orphan of its names only', async () => {
    harness = await startHarness([statefulSetController]);
    for (const name of ['db-0', 'other-0']) {
      await harness.client.create(pods, {
        metadata: { name, namespace: NAMESPACE, labels },
        spec: { containers: [{ name: 'main', image: 'image:0' }] },
      });
    }
    await createSet({ replicas: 1 });
    expect((await get('db-0')).metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'db' }]);
    expect((await get('other-0')).metadata.ownerReferences).toBeUndefined();
  });

  it('waits while another has the name', async () => {
    harness = await startHarness([statefulSetController]);
    await harness.client.create(pods, {
      metadata: { name: 'db-0', namespace: NAMESPACE },
      spec: { containers: [{ name: 'main', image: 'image:0' }] },
    });
    await createSet({ replicas: 1 });
    expect(await harness.events()).toEqual([]);
    await finish('db-0');
    await harness.advance(1_000_000);
    expect(await shape()).toEqual(['db-0 1']);
  });

  it('brings back the labels that make a pod the n-th', async () => {
    await create({ replicas: 1 });
    await run('db-0');
    await harness.change(
      pods,
      'db-0',
      ({ metadata }) => delete metadata.labels!['statefulset.kubernetes.io/pod-name'],
    );
    await harness.settle();
    expect((await get('db-0')).metadata.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-0',
    });
    expect(await harness.events()).toContain(
      'Normal SuccessfulUpdate Update Pod db-0 in StatefulSet db successful',
    );
  });
});

it('ends in the same state when the process restarts at any step of an update', async () => {
  const ends = new Set<string>();
  for (let restartAt = 0; restartAt < 9; restartAt++) {
    await create();
    await settleNodes();
    await harness.change(statefulSets, 'db', ({ spec }) => void (spec.template = template('image:2')));
    for (let step = 0; step < 9; step++) {
      if (step === restartAt) await harness.restart();
      else await harness.settle();
      const moving = (await harness.pods()).find(
        ({ metadata, status: { phase } }) => metadata.deletionTimestamp !== undefined || phase === 'Pending',
      );
      if (moving === undefined) continue;
      await (moving.metadata.deletionTimestamp === undefined
        ? run(moving.metadata.name!)
        : finish(moving.metadata.name!));
    }
    await settleNodes();
    ends.add(JSON.stringify([await shape(), await status()]));
    await harness.stop();
  }
  expect([...ends]).toHaveLength(1);
  expect(JSON.parse([...ends][0]!)[0]).toEqual(['db-0 2', 'db-1 2', 'db-2 2']);
});
