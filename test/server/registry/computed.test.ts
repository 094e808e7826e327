/** The metrics API, from the client to the objects it is computed from. */
import { afterEach, expect, it } from 'vitest';
import { nodeMetrics, podMetrics } from '../../../api/groups/metrics/index.ts';
import { nodes, pods } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../../controllers/harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

async function run(name: string, app: string): Promise<void> {
  const pod = await harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE, labels: { app } },
    spec: { containers: [{ name: 'main', image: 'image:1' }] },
  });
  await harness.bind(pod);
  await harness.setReady(pod);
}

it('lists running pods by label and field, and gets them by name', async () => {
  harness = await startHarness([]);
  await run('a', 'web');
  await run('b', 'web');
  await run('c', 'db');
  await harness.client.create(pods, {
    metadata: { name: 'pending', namespace: NAMESPACE, labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'image:1' }] },
  });
  const names = async (options: object): Promise<unknown[]> =>
    (await harness.client.list(podMetrics, options)).items.map(({ metadata }) => metadata.name);
  expect(await names({})).toEqual(['a', 'b', 'c']);
  expect(await names({ namespace: NAMESPACE, labelSelector: 'app=web' })).toEqual(['a', 'b']);
  expect(await names({ namespace: NAMESPACE, fieldSelector: 'metadata.name=c' })).toEqual(['c']);
  expect(await names({ namespace: 'other' })).toEqual([]);
  const target = { namespace: NAMESPACE, name: 'a' };
  expect(await harness.client.get(podMetrics, target)).toMatchObject({
    kind: 'PodMetrics',
    containers: [{ name: 'main', usage: { cpu: '1m', memory: '16Mi' } }],
  });
  await expect(harness.client.get(podMetrics, { ...target, name: 'pending' })).rejects.toThrow(
    'podmetrics.metrics.k8s.io "default/pending" not found',
  );
});

it('lists ready nodes with the usage of their pods', async () => {
  harness = await startHarness([]);
  for (const name of ['node', 'other']) {
    const node = await harness.client.create(nodes, { metadata: { name }, spec: {} });
    const conditions = [{ type: 'Ready', status: name === 'node' ? 'True' : 'False' }];
    await harness.client.update(
      nodes,
      { ...node, status: { ...node.status, conditions } },
      { subresource: 'status' },
    );
  }
  await run('a', 'web');
  const { items } = await harness.client.list(nodeMetrics);
  expect(items.map(({ metadata, usage }) => [metadata.name, usage])).toEqual([
    ['node', { cpu: '101m', memory: '528Mi' }],
  ]);
  await expect(harness.client.get(nodeMetrics, { name: 'other' })).rejects.toThrow(
    'nodemetrics.metrics.k8s.io "other" not found',
  );
});
