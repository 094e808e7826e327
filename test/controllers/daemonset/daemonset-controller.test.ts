import { afterEach, describe, expect, it } from 'vitest';
import { daemonSetController } from '../../../controllers/daemonset/daemonset-controller.ts';
import { controllerRevisions, daemonSets, type DaemonSet } from '../../../openapi/generated/apps-v1.ts';
import { nodes, pods, type Node, type Pod, type Taint } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const labels = { app: 'agent' };
type Spec = DaemonSet['spec'];
type PodSpec = NonNullable<Spec['template']['spec']>;

function template(image: string, more: Partial<PodSpec> = {}): Spec['template'] {
  return { metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...more } };
}

/** A node that is ready: admission taints new ones. */
async function addNode(
  name: string,
  more: Partial<Node['metadata']> = {},
  taints: Taint[] = [],
): Promise<void> {
  const node = await harness.client.create(nodes, { metadata: { name, ...more }, spec: {} });
  await harness.client.update(nodes, { ...node, spec: taints.length > 0 ? { taints } : {} });
  await harness.settle();
}

async function start(count: number): Promise<void> {
  harness = await startHarness([daemonSetController]);
  for (let n = 1; n <= count; n++) await addNode(`n${n}`);
}

async function create(spec: Partial<Spec> = {}): Promise<void> {
  await harness.client.create(daemonSets, {
    metadata: { name: 'agent', namespace: NAMESPACE },
    spec: { selector: { matchLabels: labels }, template: template('image:1'), ...spec },
  });
  await harness.settle();
}

async function change(edit: (spec: Spec) => void): Promise<void> {
  await harness.change(daemonSets, 'agent', ({ spec }) => edit(spec));
  await harness.settle();
}

async function changeNode(name: string, edit: (node: Node) => void): Promise<void> {
  const node = structuredClone(await harness.client.get(nodes, { name }));
  edit(node);
  await harness.client.update(nodes, node);
  await harness.settle();
}

const status = async (): Promise<DaemonSet['status']> => (await harness.get(daemonSets, 'agent')).status;

/** The node a pod is meant for. */
function meantFor({ spec }: Pod): string {
  const required = spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
  return required.nodeSelectorTerms[0]!.matchFields![0]!.values![0]!;
}

/** `node version`, with `-` in front of those on their way out. */
const shape = async (): Promise<string[]> =>
  (await harness.pods())
    .map((pod) => {
      const sign = pod.metadata.deletionTimestamp === undefined ? '' : '-';
      return `${sign}${meantFor(pod)} ${pod.spec.containers[0]!.image!.slice('image:'.length)}`;
    })
    .sort();

async function place(pod: Pod): Promise<void> {
  const { namespace, name } = pod.metadata;
  await harness.client.createSubresource(pods, { namespace, name: name! }, 'binding', {
    metadata: { name },
    target: { kind: 'Node', name: meantFor(pod) },
  });
}

async function run(pod: Pod): Promise<void> {
  if ((pod.spec.nodeName ?? '') === '') await place(pod);
  await harness.setReady(pod);
  await harness.settle();
}

const find = async (shown: string): Promise<Pod> => {
  const all = await harness.pods();
  const [node, version] = shown.split(' ');
  return all.find((pod) => meantFor(pod) === node && pod.spec.containers[0]!.image === `image:${version}`)!;
};

/** Nodes start what is new and end what is to go, one thing at a time, until nothing moves. */
async function settleNodes(afterEach: () => Promise<void> = async () => undefined): Promise<void> {
  for (;;) {
    const next = (await harness.pods()).find(
      ({ metadata, status: { phase } }) => metadata.deletionTimestamp !== undefined || phase === 'Pending',
    );
    if (next === undefined) return;
    if (next.metadata.deletionTimestamp === undefined) await run(next);
    else await harness.remove(next);
    await harness.settle();
    await afterEach();
  }
}

describe('placement', () => {
  it('puts a pod on every node, through the scheduler', async () => {
    await start(2);
    await create();
    expect(await shape()).toEqual(['n1 1', 'n2 1']);
    const [pod] = await harness.pods();
    const set = await harness.get(daemonSets, 'agent');
    const [revision] = await harness.list(controllerRevisions);
    const hash = revision!.metadata.labels!['controller-revision-hash'];
    expect(revision!.metadata.name).toBe(`agent-${hash}`);
    expect(pod!.metadata).toMatchObject({
      generateName: 'agent-',
      labels: { app: 'agent', 'controller-revision-hash': hash, 'pod-template-generation': '1' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', controller: true }],
    });
    expect(pod!.spec.nodeName).toBeUndefined();
    expect(pod!.spec.tolerations!.map(({ key, effect }) => `${key?.split('/')[1]}:${effect}`)).toEqual([
      'not-ready:NoExecute',
      'unreachable:NoExecute',
      'disk-pressure:NoSchedule',
      'memory-pressure:NoSchedule',
      'pid-pressure:NoSchedule',
      'unschedulable:NoSchedule',
    ]);
    expect(set.metadata.annotations).toEqual({ 'deprecated.daemonset.template.generation': '1' });
    await settleNodes();
    expect(await status()).toEqual({
      currentNumberScheduled: 2,
      desiredNumberScheduled: 2,
      numberMisscheduled: 0,
      numberReady: 2,
      numberAvailable: 2,
      updatedNumberScheduled: 2,
      observedGeneration: 1,
    });
    expect(
      (await harness.events()).filter((event) => event.startsWith('Normal SuccessfulCreate')),
    ).toHaveLength(2);
    expect(harness.logs).toEqual([]);
  });

  it('follows nodes that come and go', async () => {
    await start(1);
    await create();
    await addNode('n2');
    expect(await shape()).toEqual(['n1 1', 'n2 1']);
    await harness.client.delete(nodes, { name: 'n2' });
    await harness.settle();
    expect(await shape()).toEqual(['n1 1']);
    expect(await status()).toMatchObject({ desiredNumberScheduled: 1 });
  });

  it('follows labels', async () => {
    await start(1);
    await addNode('n2', { labels: { disk: 'ssd' } });
    await create({ template: template('image:1', { nodeSelector: { disk: 'ssd' } }) });
    expect(await shape()).toEqual(['n2 1']);
    await changeNode('n1', ({ metadata }) => void (metadata.labels = { disk: 'ssd' }));
    expect(await shape()).toEqual(['n1 1', 'n2 1']);
    await settleNodes();
    await changeNode('n2', ({ metadata }) => void (metadata.labels = {}));
    expect(await shape()).toEqual(['-n2 1', 'n1 1']);
  });

  it.each([
    {
      name: 'cordoned',
      taint: { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
      runs: true,
    },
    { name: 'not ready', taint: { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }, runs: true },
    { name: 'tainted', taint: { key: 'example.com/gpu', effect: 'NoSchedule' }, runs: false },
    { name: 'avoided', taint: { key: 'example.com/slow', effect: 'PreferNoSchedule' }, runs: true },
    {
      name: 'without network',
      taint: { key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' },
      runs: false,
    },
  ])('on a node that is $name: $runs', async ({ taint, runs }) => {
    await start(0);
    await addNode('n1', {}, [taint]);
    await create();
    expect(await shape()).toEqual(runs ? ['n1 1'] : []);
    expect(await status()).toMatchObject({ desiredNumberScheduled: runs ? 1 : 0 });
  });

  it('with the network of the host tolerates that there is no other', async () => {
    await start(0);
    await addNode('n1', {}, [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }]);
    await create({ template: template('image:1', { hostNetwork: true }) });
    expect(await shape()).toEqual(['n1 1']);
  });

  it('leaves a pod on a node that was tainted against new ones, and counts it as misplaced', async () => {
    await start(1);
    await create();
    await settleNodes();
    await changeNode('n1', ({ spec }) => void (spec.taints = [{ key: 'x', effect: 'NoSchedule' }]));
    expect(await shape()).toEqual(['n1 1']);
    expect(await status()).toMatchObject({ desiredNumberScheduled: 0, numberMisscheduled: 1 });
    await changeNode('n1', ({ spec }) => void (spec.taints = [{ key: 'x', effect: 'NoExecute' }]));
    expect(await shape()).toEqual(['-n1 1']);
  });

  it('takes an orphan in instead of making a pod, and removes the second of a node', async () => {
    await start(1);
    for (const name of ['old', 'older']) {
      await harness.client.create(pods, {
        metadata: { name, namespace: NAMESPACE, labels },
        spec: { containers: [{ name: 'main', image: 'image:0' }], nodeName: 'n1' },
      });
    }
    await create({ updateStrategy: { type: 'OnDelete' } });
    const left = (await harness.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(left.map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.name])).toEqual([
      ['old', 'agent'],
    ]);
  });

  it('replaces pods that fail, less and less often', async () => {
    await start(1);
    await create();
    const times: number[] = [];
    const begin = harness.clock.now();
    for (let round = 0; round < 5; round++) {
      const [pod] = await harness.pods();
      await place(pod!);
      await harness.end(pod!, 'Failed');
      await harness.settle();
      while ((await harness.pods())[0]?.metadata.uid === pod!.metadata.uid) await harness.advance(100);
      times.push((harness.clock.now() - begin) / 1000);
    }
    expect(times).toEqual([0, 1, 3, 7, 15]);
    expect(
      (await harness.events()).filter((event) => event.startsWith('Warning FailedDaemonPod'))[0],
    ).toMatch(
      /^Warning FailedDaemonPod Found failed daemon pod default\/agent-\w+ on node n1, will try to kill it$/,
    );
  });
});

it('names the node that a failed pod was meant for', async () => {
  await start(1);
  await create();
  const [pod] = await harness.pods();
  await harness.end(pod!, 'Failed');
  await harness.settle();
  expect(await harness.events()).toContain(
    `Warning FailedDaemonPod Found failed daemon pod default/${pod!.metadata.name} on node n1, will try to kill it`,
  );
});

it('says nothing of a failed pod whose node is not for the set any more', async () => {
  await start(1);
  await create({ template: template('image:1', { nodeSelector: { disk: 'fast' } }) });
  await changeNode('n1', ({ metadata }) => void (metadata.labels = { disk: 'fast' }));
  const [pod] = await harness.pods();
  await run(pod!);
  await harness.end(pod!, 'Failed');
  await changeNode('n1', ({ metadata }) => void (metadata.labels = {}));
  expect((await harness.events()).filter((event) => event.includes('FailedDaemonPod'))).toEqual([]);
});

it('makes a revision again that somebody deleted', async () => {
  await start(1);
  await create();
  const [revision] = await harness.list(controllerRevisions);
  const { namespace, name } = revision!.metadata;
  await harness.client.delete(controllerRevisions, { namespace, name: name! });
  await harness.settle();
  expect((await harness.list(controllerRevisions)).map(({ metadata }) => metadata.name)).toEqual([name]);
});

describe('an update', () => {
  it('replaces one pod at a time', async () => {
    await start(3);
    await create();
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    expect((await shape()).filter((pod) => pod.startsWith('-'))).toHaveLength(1);
    await settleNodes(async () => {
      expect((await status()).numberAvailable).toBeGreaterThanOrEqual(2);
    });
    expect(await shape()).toEqual(['n1 2', 'n2 2', 'n3 2']);
    expect(await status()).toMatchObject({ updatedNumberScheduled: 3, observedGeneration: 2 });
    expect((await harness.get(daemonSets, 'agent')).metadata.annotations).toEqual({
      'deprecated.daemonset.template.generation': '2',
    });
  });

  it.each([
    { maxUnavailable: 2, gone: 2 },
    { maxUnavailable: '50%', gone: 2 },
    { maxUnavailable: '51%', gone: 3 },
  ])('with maxUnavailable $maxUnavailable takes $gone of four', async ({ maxUnavailable, gone }) => {
    await start(4);
    await create({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge: 0 } },
    });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    expect((await shape()).filter((pod) => pod.startsWith('-'))).toHaveLength(gone);
  });

  it('replaces pods that do not work first, beyond the limit', async () => {
    await start(3);
    await create();
    await settleNodes();
    await harness.setReady(await find('n2 1'), false);
    await harness.setReady(await find('n3 1'), false);
    await harness.settle();
    await change((spec) => void (spec.template = template('image:2')));
    expect(await shape()).toEqual(['-n2 1', '-n3 1', 'n1 1']);
  });

  it('with a surge has the new pod ready before the old one goes', async () => {
    await start(2);
    await create({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    const before = await shape();
    expect(before).toHaveLength(3);
    const [node] = before.find((pod) => pod.endsWith(' 2'))!.split(' ');
    await run(await find(`${node} 2`));
    expect((await shape()).filter((pod) => pod.includes(node!))).toEqual([`-${node} 1`, `${node} 2`]);
    const isReady = ({ status: { conditions = [] } }: Pod): boolean =>
      conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');
    await settleNodes(async () => {
      expect((await harness.pods()).filter(isReady).length).toBeGreaterThanOrEqual(2);
    });
    expect(await shape()).toEqual(['n1 2', 'n2 2']);
  });

  it('on deletion waits for it', async () => {
    await start(2);
    await create({ updateStrategy: { type: 'OnDelete' } });
    await settleNodes();
    await change((spec) => void (spec.template = template('image:2')));
    expect(await shape()).toEqual(['n1 1', 'n2 1']);
    await harness.remove(await find('n1 1'));
    await harness.settle();
    expect(await shape()).toEqual(['n1 2', 'n2 1']);
    expect(await status()).toMatchObject({ updatedNumberScheduled: 1 });
  });

  it('waits for minReadySeconds between pods', async () => {
    await start(2);
    await create({ minReadySeconds: 10 });
    await settleNodes();
    await harness.advance(10_000);
    await change((spec) => void (spec.template = template('image:2')));
    await settleNodes();
    expect((await shape()).filter((pod) => pod.endsWith('2'))).toHaveLength(1);
    await harness.advance(10_000);
    await settleNodes();
    expect(await shape()).toEqual(['n1 2', 'n2 2']);
  });

  it('back takes the revision up again; the limit keeps old ones', async () => {
    await start(1);
    await create({ revisionHistoryLimit: 1 });
    for (const image of ['image:2', 'image:3', 'image:2']) {
      await settleNodes();
      await change((spec) => void (spec.template = template(image)));
    }
    await settleNodes();
    const numbers = (await harness.list(controllerRevisions)).map(({ revision }) => revision);
    expect(new Set(numbers)).toEqual(new Set([3, 4]));
  });
});

it('counts revisions that pods are still of against the limit, and keeps those', async () => {
  await start(2);
  await create({ revisionHistoryLimit: 1, updateStrategy: { type: 'OnDelete' } });
  const [first] = await harness.pods();
  for (const image of ['image:2', 'image:3']) await change((spec) => void (spec.template = template(image)));
  await harness.remove(first!);
  await harness.settle();
  const numbers = (await harness.list(controllerRevisions)).map(({ revision }) => revision);
  expect(numbers.sort((a, b) => a - b)).toEqual([1, 3]);
});

it('does nothing for a set on its way out', async () => {
  await start(1);
  await create();
  await harness.change(
    daemonSets,
    'agent',
    ({ metadata }) => void (metadata.finalizers = ['example.com/hold']),
  );
  await harness.client.delete(daemonSets, { namespace: NAMESPACE, name: 'agent' });
  await addNode('n2');
  expect(await shape()).toEqual(['n1 1']);
});

it('ends in the same state when the process restarts at any step of an update', async () => {
  const ends = new Set<string>();
  for (let restartAt = 0; restartAt < 8; restartAt++) {
    await start(3);
    await create({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
    await settleNodes();
    await harness.change(daemonSets, 'agent', ({ spec }) => void (spec.template = template('image:2')));
    let step = 0;
    if (restartAt === 0) await harness.restart();
    await harness.settle();
    await settleNodes(async () => {
      if (++step === restartAt) await harness.restart();
    });
    ends.add(JSON.stringify([await shape(), await status()]));
    await harness.stop();
  }
  expect([...ends]).toHaveLength(1);
  expect(JSON.parse([...ends][0]!)[0]).toEqual(['n1 2', 'n2 2', 'n3 2']);
});
