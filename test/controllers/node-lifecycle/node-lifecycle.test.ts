import { afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../api/machinery/client.ts';
import { formatMicroTime, formatTime } from '../../../api/machinery/clock.ts';
import { nodeLifecycleController } from '../../../controllers/node-lifecycle/node-lifecycle-controller.ts';
import { Zones } from '../../../controllers/node-lifecycle/zones.ts';
import { taintEvictionController } from '../../../controllers/taint-eviction/taint-eviction-controller.ts';
import { leases } from '../../../openapi/generated/coordination-v1.ts';
import { events, namespaces, nodes, pods, type Node, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness, type HarnessOptions } from '../harness.ts';

let harness: Harness;
afterEach(() => harness.stop());

async function start(options: HarnessOptions = {}): Promise<void> {
  harness = await startHarness([nodeLifecycleController, taintEvictionController], 'test', options);
  await harness.client.create(namespaces, { metadata: { name: 'kube-node-lease' }, spec: {} });
}

async function node(name: string, status?: string): Promise<void> {
  const created = await harness.client.create(nodes, { metadata: { name }, spec: {} });
  await heartbeat(created.metadata.name!, status);
  await harness.settle();
}

/** What a kubelet posts. */
async function heartbeat(name: string, status = 'True'): Promise<void> {
  const now = formatTime(harness.clock.now());
  const current = await harness.client.get(nodes, { name });
  const conditions = [
    {
      type: 'Ready',
      status,
      lastHeartbeatTime: now,
      lastTransitionTime: now,
      reason: 'KubeletReady',
      message: '',
    },
  ];
  await harness.client.update(
    nodes,
    { ...current, status: { ...current.status, conditions } },
    { subresource: 'status' },
  );
}

/** Keeps a node alive by its lease while time goes on. */
async function advance(ms: number, alive: readonly string[]): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    for (const name of alive) {
      const target = { namespace: 'kube-node-lease', name };
      const spec = { renewTime: formatMicroTime(harness.clock.now()) };
      const lease = await harness.client.get(leases, target).catch(() => undefined);
      if (lease === undefined) await harness.client.create(leases, { metadata: target, spec });
      else await harness.client.update(leases, { ...lease, spec });
    }
    await harness.settle();
    await harness.advance(Math.min(left, 10_000));
  }
}

async function podOn(nodeName: string, tolerations?: Pod['spec']['tolerations']): Promise<string> {
  const name = `on-${nodeName}`;
  const pod = await harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE },
    spec: { nodeName, containers: [{ name: 'main', image: 'app:1' }], ...(tolerations && { tolerations }) },
  });
  await harness.setReady(pod);
  await harness.settle();
  return name;
}

const taintsOf = async (name: string): Promise<string[]> =>
  ((await harness.client.get(nodes, { name })) as Node).spec.taints?.map(
    ({ key, effect }) => `${key}:${effect}`,
  ) ?? [];
const readyOf = async (name: string): Promise<string | undefined> =>
  (await harness.client.get(nodes, { name })).status.conditions?.find(({ type }) => type === 'Ready')?.status;
const podOf = (name: string): Promise<Pod | undefined> => harness.get(pods, name).catch(() => undefined);

describe('a node', () => {
  it('loses the not-ready taint when it is ready', async () => {
    await start();
    await node('n1', 'False');
    expect(await taintsOf('n1')).toEqual(['node.kubernetes.io/not-ready:NoSchedule']);
    await heartbeat('n1');
    await harness.settle();
    expect(await taintsOf('n1')).toEqual([]);
    expect(await harness.events()).toContain(
      'Normal RegisteredNode Node n1 event: Registered Node n1 in Controller',
    );
  });

  it('that falls silent is unknown after 50 s; its pods are not ready, then evicted', async () => {
    await start();
    await node('n1');
    await node('n2');
    const pod = await podOn('n1');
    await advance(60_000, ['n2']);
    const { status } = await harness.client.get(nodes, { name: 'n1' });
    expect(status.conditions?.map(({ type, status: value, reason }) => [type, value, reason])).toEqual([
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ]);
    expect(await taintsOf('n1')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(await taintsOf('n2')).toEqual([]);
    const events = await harness.events();
    expect(events).toContain('Normal NodeNotReady Node n1 status is now: NodeNotReady');
    expect(events).toContain('Warning NodeNotReady Node is not ready');
    expect((await podOf(pod))?.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    // Every pod tolerates an unreachable node for 300 s, by admission.
    expect((await podOf(pod))?.metadata.deletionTimestamp).toBeUndefined();
    await advance(300_000, ['n2']);
    const evicted = await podOf(pod);
    expect(evicted?.metadata.deletionTimestamp).toBeDefined();
    expect(evicted?.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
      }),
    );
    expect(await harness.events()).toContain(
      `Normal TaintManagerEviction Marking for deletion Pod default/${pod}`,
    );
  });

  it('that comes back in time keeps its pods', async () => {
    await start();
    await node('n1');
    await node('n2');
    const pod = await podOn('n1');
    await advance(120_000, ['n2']);
    await heartbeat('n1');
    await harness.settle();
    expect(await taintsOf('n1')).toEqual([]);
    expect(await harness.events()).toContain(
      `Normal TaintManagerEviction Cancelling deletion of Pod default/${pod}`,
    );
    await advance(600_000, ['n1', 'n2']);
    expect((await podOf(pod))?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('keeps its pods when no node is well any more', async () => {
    await start();
    await node('n1');
    await node('n2');
    const pod = await podOn('n1');
    await advance(900_000, []);
    expect(await taintsOf('n1')).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    expect((await podOf(pod))?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('is evicted from ten seconds after the one before', async () => {
    await start();
    for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) await node(name);
    await heartbeat('n1', 'False');
    await heartbeat('n2', 'False');
    await harness.settle();
    const evicted = async () =>
      (await Promise.all(['n1', 'n2'].map(taintsOf))).filter((taints) =>
        taints.includes('node.kubernetes.io/not-ready:NoExecute'),
      ).length;
    expect(await evicted()).toBe(1);
    await harness.advance(10_000);
    expect(await evicted()).toBe(2);
  });
});

describe('a node with no kubelet', () => {
  it('is not taken for ill before it has said so', async () => {
    await start();
    const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({
      key: 'node.kubernetes.io/not-ready',
      effect,
    }));
    await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: { taints } });
    await harness.settle();
    expect(await taintsOf('n1')).toEqual([]);
    await harness.client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } });
    await harness.settle();
    expect(await taintsOf('n1')).toEqual(['node.kubernetes.io/not-ready:NoExecute']);
  });

  it('that was ready from its birth is given up like others', async () => {
    await start();
    const now = formatTime(harness.clock.now());
    const ready = {
      type: 'Ready',
      status: 'True',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
      reason: 'Said',
      message: '',
    };
    await harness.client.create(nodes, {
      metadata: { name: 'n1' },
      spec: {},
      status: { conditions: [ready] },
    });
    await harness.advance(49_000);
    expect(await readyOf('n1')).toBe('True');
    await harness.advance(2_000);
    expect(await readyOf('n1')).toBe('Unknown');
  });

  it('keeps other conditions that are written once it was given up', async () => {
    await start();
    await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: {} });
    await harness.advance(61_000);
    const { status } = await harness.client.get(nodes, { name: 'n1' });
    const conditions = status.conditions!.map((condition) =>
      condition.type === 'DiskPressure' ? { ...condition, status: 'False' } : condition,
    );
    const body = { status: { conditions } };
    await harness.client.patch(nodes, { name: 'n1' }, { type: 'merge', body }, { subresource: 'status' });
    await harness.advance(60_000);
    expect((await harness.client.get(nodes, { name: 'n1' })).status.conditions).toEqual(conditions);
  });
});

it('a node whose kubelet says it is not ready keeps its pods ready', async () => {
  await start();
  await node('n1');
  await node('n2');
  const pod = await podOn('n1');
  await heartbeat('n1', 'False');
  await harness.settle();
  expect(await taintsOf('n1')).toEqual([
    'node.kubernetes.io/not-ready:NoSchedule',
    'node.kubernetes.io/not-ready:NoExecute',
  ]);
  expect((await podOf(pod))?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'True' }),
  );
  expect((await harness.events()).filter((event) => event.includes('NodeNotReady'))).toEqual([]);
});

it('pods of which it is not known whether they are ready are not, on a node that falls silent', async () => {
  await start();
  await node('n1');
  await node('n2');
  const pod = await podOn('n1');
  const body = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
  const target = { namespace: NAMESPACE, name: pod };
  await harness.client.patch(pods, target, { type: 'strategic', body }, { subresource: 'status' });
  await advance(60_000, ['n2']);
  expect((await podOf(pod))?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False' }),
  );
});

it('pods of a node that falls silent are marked in the end when a write fails', async () => {
  let failures = 1;
  const failing = (client: Client): Client => {
    const own: Pick<Client, 'as' | 'patch'> = {
      as: (component) => failing(client.as(component)),
      patch: (resource, ...rest) => {
        if (resource.resource === 'pods' && failures-- > 0) throw new Error('lost');
        return client.patch(resource, ...rest);
      },
    };
    return new Proxy(client, {
      get: (_, key) => {
        const value: unknown = Reflect.get(key in own ? own : client, key);
        return typeof value === 'function' ? value.bind(client) : value;
      },
    });
  };
  await start({ clientFor: failing });
  await node('n1');
  await node('n2');
  const pod = await podOn('n1');
  await advance(60_000, ['n2']);
  expect(failures).toBeLessThan(1);
  expect((await podOf(pod))?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False' }),
  );
});

it('taints keep their places; those that conditions call for come behind, in the order of the conditions', async () => {
  await start();
  await node('n1');
  await node('n2');
  const conditions = ['DiskPressure', 'MemoryPressure'].map((type) => ({ type, status: 'True' }));
  const mine = ['node.kubernetes.io/unschedulable', 'mine'].map((key) => ({ key, effect: 'NoSchedule' }));
  await harness.client.patch(
    nodes,
    { name: 'n1' },
    { type: 'merge', body: { spec: { unschedulable: true, taints: mine } } },
  );
  const patch = { type: 'strategic', body: { status: { conditions } } } as const;
  await harness.client.patch(nodes, { name: 'n1' }, patch, { subresource: 'status' });
  await harness.settle();
  const order = (await harness.client.get(nodes, { name: 'n1' })).status.conditions!.flatMap(({ type }) =>
    type === 'DiskPressure' ? ['disk'] : type === 'MemoryPressure' ? ['memory'] : [],
  );
  expect(await taintsOf('n1')).toEqual([
    'node.kubernetes.io/unschedulable:NoSchedule',
    'mine:NoSchedule',
    ...order.map((what) => `node.kubernetes.io/${what}-pressure:NoSchedule`),
  ]);
});

it('older labels say the same as newer ones', async () => {
  await start();
  await harness.client.create(nodes, {
    metadata: {
      name: 'n1',
      labels: {
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'arm64',
        'beta.kubernetes.io/arch': 'amd64',
      },
    },
    spec: {},
  });
  await harness.settle();
  expect((await harness.client.get(nodes, { name: 'n1' })).metadata.labels).toMatchObject({
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': 'arm64',
  });
});

it('nodes with a label of their own do not count when it is judged whether all are ill', async () => {
  await start();
  await node('n1');
  await node('n2');
  const body = { metadata: { labels: { 'node.kubernetes.io/exclude-disruption': '' } } };
  await harness.client.patch(nodes, { name: 'n2' }, { type: 'merge', body });
  await heartbeat('n1', 'False');
  await harness.settle();
  expect(await taintsOf('n1')).toEqual(['node.kubernetes.io/not-ready:NoSchedule']);
});

it('events about nodes tell of no version', async () => {
  await start();
  await node('n1');
  await harness.client.delete(nodes, { name: 'n1' });
  await harness.settle();
  const { items } = await harness.client.list(events, { namespace: NAMESPACE });
  expect(items.map(({ reason, involvedObject }) => [reason, involvedObject.resourceVersion])).toEqual([
    ['RegisteredNode', undefined],
    ['RemovingNode', undefined],
  ]);
});

describe('a NoExecute taint', () => {
  const taint = (value: string) => ({ key: 'maintenance', value, effect: 'NoExecute' });
  const give = async (value: string): Promise<void> => {
    const current = await harness.client.get(nodes, { name: 'n1' });
    await harness.client.update(nodes, { ...current, spec: { taints: [taint(value)] } });
    await harness.settle();
  };

  it.each([
    { name: 'none at all', tolerations: [], goneAfterMs: 0 },
    {
      name: 'another value',
      tolerations: [{ key: 'maintenance', value: 'b', effect: 'NoExecute' }],
      goneAfterMs: 0,
    },
    { name: 'for ever', tolerations: [{ key: 'maintenance', operator: 'Exists' }], goneAfterMs: Infinity },
    {
      name: 'for a while',
      tolerations: [{ key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
      goneAfterMs: 60_000,
    },
  ])('tolerated $name', async ({ tolerations, goneAfterMs }) => {
    await start();
    await node('n1');
    await node('n2');
    const pod = await podOn('n1', tolerations);
    await give('a');
    const isGoing = async () => (await podOf(pod))?.metadata.deletionTimestamp !== undefined;
    expect(await isGoing()).toBe(goneAfterMs === 0);
    if (goneAfterMs === 0) return;
    await advance(50_000, ['n1', 'n2']);
    expect(await isGoing()).toBe(false);
    await advance(20_000, ['n1', 'n2']);
    expect(await isGoing()).toBe(goneAfterMs === 60_000);
  });

  it('reaches pods that come to the node later', async () => {
    await start();
    await node('n1');
    await give('a');
    const pod = await podOn('n1');
    expect((await podOf(pod))?.metadata.deletionTimestamp).toBeDefined();
  });
});

describe('zones', () => {
  it.each([
    { name: 'all well', ready: 3, ill: 0, state: 'normal', wait: 0 },
    { name: 'two of three ill', ready: 1, ill: 2, state: 'normal', wait: 0 },
    { name: 'three of four ill', ready: 1, ill: 3, state: 'partly-disrupted', wait: undefined },
    { name: 'most of a large zone ill', ready: 20, ill: 40, state: 'partly-disrupted', wait: 0 },
    { name: 'all ill', ready: 0, ill: 2, state: 'disrupted', wait: 0 },
  ])('$name', async ({ ready, ill, state, wait }) => {
    await start();
    const zones = new Zones();
    for (let i = 0; i < ready; i++) zones.set(`ready-${i}`, 'a', true);
    for (let i = 0; i < ill; i++) zones.set(`ill-${i}`, 'a', false);
    expect(zones.stateOf('a')).toBe(state);
    expect(zones.allDisrupted).toBe(ready === 0);
    expect(zones.admit('a', 1000)).toBe(wait);
    if (wait === 0) expect(zones.admit('a', 2000)).toBe(state === 'partly-disrupted' ? 99_000 : 9000);
  });
});
