import { afterEach, expect, it } from 'vitest';
import { ttlController } from '../../../controllers/ttl/ttl-controller.ts';
import { nodes } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness.stop());

async function create(from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index++)
    await harness.client.create(nodes, { metadata: { name: `node-${index}` }, spec: {} });
  await harness.settle();
}

async function ttlOf(name: string): Promise<string | undefined> {
  const node = await harness.client.get(nodes, { name });
  return node.metadata.annotations?.['node.alpha.kubernetes.io/ttl'];
}

async function touch(name: string): Promise<void> {
  await harness.client.patch(
    nodes,
    { name },
    { type: 'merge', body: { metadata: { labels: { touched: '' } } } },
  );
  await harness.settle();
}

it('annotates nodes by the size of the cluster, and does not go to and fro at a border', async () => {
  harness = await startHarness([ttlController]);
  await create(1, 100);
  expect(await ttlOf('node-1')).toBe('0');
  await create(101, 101);
  expect([await ttlOf('node-1'), await ttlOf('node-101')]).toEqual(['0', '15']);
  await touch('node-1');
  expect(await ttlOf('node-1')).toBe('15');
  for (let index = 90; index <= 100; index++) await harness.client.delete(nodes, { name: `node-${index}` });
  await harness.settle();
  await touch('node-2');
  expect(await ttlOf('node-2')).toBe('15');
  await harness.client.delete(nodes, { name: 'node-89' });
  await harness.settle();
  await touch('node-3');
  expect(await ttlOf('node-3')).toBe('0');
});

it('mends what somebody writes into the annotation, also after a restart', async () => {
  harness = await startHarness([ttlController]);
  await create(1, 1);
  for (const text of ['7', 'soon', '', '0x0']) {
    await harness.stopControllers();
    const body = { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': text } } };
    await harness.client.patch(nodes, { name: 'node-1' }, { type: 'merge', body });
    await harness.restart();
    expect(await ttlOf('node-1')).toBe('0');
  }
});
