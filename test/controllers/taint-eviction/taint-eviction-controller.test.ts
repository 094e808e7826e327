import { afterEach, beforeEach, expect, it } from 'vitest';
import { taintEvictionController } from '../../../controllers/taint-eviction/taint-eviction-controller.ts';
import { events, nodes, pods, type Pod, type Taint } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

const MARKING = 'Normal TaintManagerEviction Marking for deletion Pod default/p';
const CANCELLING = 'Normal TaintManagerEviction Cancelling deletion of Pod default/p';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([taintEvictionController]);
  await harness.client.create(nodes, { metadata: { name: 'n' }, spec: {} });
});
afterEach(() => harness.stop());

const maintenance = (value: string): Taint => ({ key: 'maintenance', value, effect: 'NoExecute' });
const forSeconds = (value: string, tolerationSeconds: number) => ({
  ...maintenance(value),
  tolerationSeconds,
});

async function run(tolerations: NonNullable<Pod['spec']['tolerations']>): Promise<void> {
  await harness.client.create(pods, {
    metadata: { name: 'p', namespace: NAMESPACE },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], tolerations },
  });
  await harness.settle();
}

async function taint(...taints: Taint[]): Promise<void> {
  const node = await harness.client.get(nodes, { name: 'n' });
  await harness.client.update(nodes, { ...node, spec: { ...node.spec, taints } });
  await harness.settle();
}

const isGoing = async (): Promise<boolean> =>
  (await harness.get(pods, 'p')).metadata.deletionTimestamp !== undefined;

it('a pod that is deleted while its time runs is no longer to be deleted, and the event says so', async () => {
  await run([forSeconds('a', 60)]);
  await taint(maintenance('a'));
  await harness.client.delete(pods, { namespace: NAMESPACE, name: 'p' }, { gracePeriodSeconds: 0 });
  await harness.advance(1000);
  expect(await harness.events()).toEqual([CANCELLING]);
});

it('another taint that is not tolerated ends the time that runs, and the pod', async () => {
  await run([forSeconds('a', 60)]);
  await taint(maintenance('a'));
  await taint(maintenance('a'), { ...maintenance('b'), key: 'other' });
  expect(await isGoing()).toBe(true);
  expect(await harness.events()).toEqual([CANCELLING, MARKING]);
});

it('the first toleration of a taint counts', async () => {
  await run([
    forSeconds('a', 60),
    { key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 },
  ]);
  await taint(maintenance('a'));
  await harness.advance(20_000);
  expect(await isGoing()).toBe(false);
  await harness.advance(45_000);
  expect(await isGoing()).toBe(true);
});

it('the time that runs is not changed by a taint that is tolerated for less', async () => {
  await run([forSeconds('a', 60), forSeconds('b', 10)]);
  await taint(maintenance('a'));
  await harness.advance(5000);
  await taint(maintenance('b'));
  await harness.advance(30_000);
  expect(await isGoing()).toBe(false);
  await harness.advance(30_000);
  expect(await isGoing()).toBe(true);
});

it('the time that runs goes on when the node is deleted', async () => {
  await run([forSeconds('a', 60)]);
  await taint(maintenance('a'));
  await harness.client.delete(nodes, { name: 'n' });
  await harness.advance(65_000);
  expect(await isGoing()).toBe(true);
  expect(await harness.events()).toEqual([MARKING]);
});

it('the pod is named in the event without its UID, and its condition with the generation it is of', async () => {
  await run([]);
  await taint(maintenance('a'));
  const [event] = await harness.list(events);
  expect(event?.involvedObject).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'p',
    namespace: NAMESPACE,
  });
  const { status } = await harness.get(pods, 'p');
  const target = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  expect(target?.observedGeneration).toBe(1);
});

it('the time of a pod begins when it comes, however long the node has been tainted', async () => {
  await taint({ ...maintenance('a'), timeAdded: '2025-01-01T00:00:00Z' });
  await run([forSeconds('a', 60)]);
  await harness.advance(55_000);
  expect(await isGoing()).toBe(false);
  await harness.advance(10_000);
  expect(await isGoing()).toBe(true);
});

it('a pod on its way out is told once why', async () => {
  await run([]);
  await taint(maintenance('a'));
  const { resourceVersion } = (await harness.get(pods, 'p')).metadata;
  await harness.advance(5000);
  await taint(maintenance('b'));
  expect((await harness.get(pods, 'p')).metadata.resourceVersion).toBe(resourceVersion);
  expect(await harness.events()).toEqual([MARKING]);
});
