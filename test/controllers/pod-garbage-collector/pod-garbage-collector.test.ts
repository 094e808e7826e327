import { afterEach, expect, it } from 'vitest';
import {
  definePodGarbageCollector,
  podGarbageCollector,
} from '../../../controllers/pod-garbage-collector/pod-garbage-collector.ts';
import { nodes, pods, type Node, type Pod } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

async function start(): Promise<void> {
  harness = await startHarness([podGarbageCollector]);
  await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: {} });
}

async function create(name: string, nodeName?: string, finalizers?: string[]): Promise<Pod> {
  return harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE, ...(finalizers === undefined ? {} : { finalizers }) },
    spec: {
      containers: [{ name: 'main', image: 'image:1' }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
  });
}

const names = async (): Promise<string[]> => (await harness.pods()).map(({ metadata }) => metadata.name!);

async function changeNode(edit: (node: Node) => void, subresource?: string): Promise<void> {
  const node = structuredClone(await harness.client.get(nodes, { name: 'n1' }));
  edit(node);
  await harness.client.update(nodes, node, subresource === undefined ? {} : { subresource });
}

it('removes the pods of a node that is gone for good', async () => {
  await start();
  await create('held', 'n1', ['example.com/hold']);
  await create('gone', 'n1');
  await create('unbound');
  await harness.client.delete(nodes, { name: 'n1' });
  await harness.advance(40_000);
  expect(await names()).toEqual(['gone', 'held', 'unbound']);
  await harness.advance(20_000);
  expect(await names()).toEqual(['held', 'unbound']);
  const { status } = await harness.get(pods, 'held');
  expect(status.phase).toBe('Failed');
  expect(status.conditions).toContainEqual({
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
    observedGeneration: 1,
    lastProbeTime: null,
    lastTransitionTime: '2026-01-01T00:01:00Z',
  });
  expect(harness.logs).toEqual([]);
});

it('leaves the pods of a node that comes back', async () => {
  await start();
  await create('kept', 'n1');
  await harness.client.delete(nodes, { name: 'n1' });
  await harness.advance(30_000);
  await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: {} });
  await harness.advance(100_000);
  expect(await names()).toEqual(['kept']);
});

it('finds pods whose node went while it did not run', async () => {
  await start();
  await create('gone', 'n1');
  await create('strange', 'never');
  await harness.client.delete(nodes, { name: 'n1' });
  await harness.restart();
  await harness.advance(60_000);
  expect(await names()).toEqual([]);
});

it('ends pods on their way out that no node has', async () => {
  await start();
  await create('held', undefined, ['example.com/hold']);
  await harness.client.delete(pods, { namespace: NAMESPACE, name: 'held' });
  await harness.advance(20_000);
  expect((await harness.get(pods, 'held')).status.phase).toBe('Failed');
});

it('looks when it starts', async () => {
  await start();
  await create('held', undefined, ['example.com/hold']);
  await harness.stopControllers();
  await harness.client.delete(pods, { namespace: NAMESPACE, name: 'held' });
  await harness.restart();
  expect((await harness.get(pods, 'held')).status.phase).toBe('Failed');
});

it('says in the place of another why a pod is taken away, and not when', async () => {
  await start();
  await create('held', 'n1', ['example.com/hold']);
  const before = '2025-12-01T00:00:00Z';
  const told = (type: string): object => ({
    type,
    status: 'True',
    reason: 'R',
    lastTransitionTime: before,
  });
  const body = { status: { conditions: [told('DisruptionTarget'), told('Mine')] } };
  const target = { namespace: NAMESPACE, name: 'held' };
  await harness.client.patch(pods, target, { type: 'merge', body }, { subresource: 'status' });
  await harness.client.delete(nodes, { name: 'n1' });
  await harness.advance(60_000);
  expect(
    (await harness.get(pods, 'held')).status.conditions?.map(({ type, reason, lastTransitionTime }) => [
      type,
      reason,
      lastTransitionTime,
    ]),
  ).toEqual([
    ['DisruptionTarget', 'DeletionByPodGC', before],
    ['Mine', 'R', before],
  ]);
});

it('ends pods on their way out whose node is out of service', async () => {
  await start();
  await create('stuck', 'n1');
  await create('running', 'n1');
  await harness.client.delete(pods, { namespace: NAMESPACE, name: 'stuck' });
  await harness.advance(60_000);
  expect(await names()).toEqual(['running', 'stuck']);
  await changeNode(
    ({ spec }) => void (spec.taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }]),
  );
  await harness.advance(20_000);
  expect(await names()).toEqual(['running']);
});

it('keeps a number of ended pods, evicted and old ones go first', async () => {
  harness = await startHarness([definePodGarbageCollector(2)]);
  for (const name of ['oldest', 'old', 'young', 'evicted', 'running']) {
    const pod = await create(name, 'n1');
    if (name !== 'running') await harness.end(pod, 'Failed');
    if (name === 'evicted')
      await harness.change(pods, name, ({ status }) => void (status.reason = 'Evicted'), 'status');
    await harness.advance(1_000);
  }
  await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: {} });
  await harness.advance(20_000);
  expect(await names()).toEqual(['old', 'running', 'young']);
});
