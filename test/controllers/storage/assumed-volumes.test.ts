/** What the scheduler's binder settles for one pod holds for the next before anything is written. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ControllerDefinition } from '../../../controllers/runtime/controller.ts';
import { volumeCaches } from '../../../controllers/scheduler/plugins/volumes.ts';
import { VolumeBinder, type Choice } from '../../../controllers/scheduler/volume-binder.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type Node,
  type PersistentVolumeClaim,
} from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
let binder: VolumeBinder;
const holder: ControllerDefinition = {
  name: 'holder',
  description: { does: '', watches: [], writes: [], events: [], leavesOut: [] },
  setup: (context) => {
    binder = new VolumeBinder(context, volumeCaches(context));
    return { start: () => undefined, stop: () => undefined };
  },
};
beforeEach(async () => {
  harness = await startHarness([holder]);
});
afterEach(() => harness.stop());

async function claim(name: string): Promise<PersistentVolumeClaim> {
  const made = await harness.client.create(persistentVolumeClaims, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'late',
      resources: { requests: { storage: '1Gi' } },
    },
  });
  await harness.settle();
  return made;
}

async function volume(name: string): Promise<void> {
  const made = await harness.client.create(persistentVolumes, {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'late',
      hostPath: { path: '/data' },
    },
  });
  const available = { ...made, status: { phase: 'Available' as const } };
  await harness.client.update(persistentVolumes, available, { subresource: 'status' });
  await harness.settle();
}

const node = (name: string): Node => ({ metadata: { name }, spec: {}, status: {} });
const namesOf = ({ volumes }: Choice): unknown[] => volumes.map(({ metadata }) => metadata.name);
const madeFor = ({ unbound }: Choice): unknown[] => unbound.map(({ metadata }) => metadata.name);

it('gives no volume to two claims, and gives it again once it is let go', async () => {
  await volume('v');
  const [a, b] = [await claim('a'), await claim('b')];
  const first = binder.assume([a], node('n1'));
  expect(namesOf(first)).toEqual(['v']);
  const second = binder.assume([b], node('n1'));
  expect([namesOf(second), madeFor(second)]).toEqual([[], ['b']]);
  first.forget();
  second.forget();
  expect(namesOf(binder.assume([b], node('n1')))).toEqual(['v']);
});

it('keeps a claim of two pods to the node of the first until it is let go', async () => {
  const a = await claim('a');
  const first = binder.assume([a], node('n1'));
  expect(madeFor(first)).toEqual(['a']);
  expect(madeFor(binder.assume([a], node('n2')))).toEqual([]);
  expect(madeFor(binder.assume([a], node('n1')))).toEqual(['a']);
  first.forget();
  expect(madeFor(binder.assume([a], node('n2')))).toEqual(['a']);
});

it('believes what it reads later of a volume, and lets nothing of that go', async () => {
  await volume('v');
  const [a, b] = [await claim('a'), await claim('b')];
  const first = binder.assume([a], node('n1'));
  const read = await harness.client.get(persistentVolumes, { name: 'v' });
  const metadata = { ...read.metadata, labels: { changed: 'yes' } };
  await harness.client.update(persistentVolumes, { ...read, metadata });
  await harness.settle();
  expect(namesOf(binder.assume([b], node('n1')))).toEqual(['v']);
  first.forget();
  expect(namesOf(binder.assume([a], node('n1')))).toEqual([]);
});
