/** Where pods go for the sake of volumes that are yet to be bound or made. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { persistentVolumeBinder } from '../../../controllers/persistent-volume-binder/persistent-volume-binder.ts';
import { DRIVER } from '../../../controllers/volume-provisioner/simulated-driver.ts';
import { volumeProvisioner } from '../../../controllers/volume-provisioner/volume-provisioner.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
} from '../../../openapi/generated/core-v1.ts';
import {
  csiDrivers,
  csiStorageCapacities,
  storageClasses,
  type CSIStorageCapacity,
} from '../../../openapi/generated/storage-v1.ts';
import { NAMESPACE } from '../harness.ts';
import { startSchedulerHarness, type SchedulerHarness } from '../scheduler/cluster.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness([persistentVolumeBinder, volumeProvisioner]);
});
afterEach(() => harness.stop());

async function lateClass(provisioner: string): Promise<void> {
  await harness.client.create(storageClasses, {
    metadata: { name: 'late' },
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
  });
}

async function claim(name: string, storage = '1Gi'): Promise<void> {
  await harness.client.create(persistentVolumeClaims, {
    metadata: { name, namespace: NAMESPACE },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'late', resources: { requests: { storage } } },
  });
}

async function volume(name: string, spec: Partial<PersistentVolume['spec']> = {}): Promise<void> {
  await harness.client.create(persistentVolumes, {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'late',
      hostPath: { path: '/data' },
      ...spec,
    },
  });
  await harness.settle();
}

const mounts = (...claimNames: string[]) => ({
  volumes: claimNames.map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  })) as never,
});

const volumeOf = async (name: string): Promise<string | undefined> =>
  (await harness.get(persistentVolumeClaims, name)).spec.volumeName;

describe('room that a driver has for new volumes', () => {
  const capacity = (change: Partial<CSIStorageCapacity>): Promise<CSIStorageCapacity> =>
    harness.client.create(csiStorageCapacities, {
      metadata: { name: 'c', namespace: NAMESPACE },
      storageClassName: 'late',
      nodeTopology: { matchLabels: { zone: 'a' } },
      ...change,
    });
  const driver = (storageCapacity: boolean): Promise<unknown> =>
    harness.client.create(csiDrivers, { metadata: { name: DRIVER }, spec: { storageCapacity } });
  const NONE = '0/1 nodes are available: 1 node(s) did not have enough free storage.';

  beforeEach(async () => {
    await lateClass(DRIVER);
    await claim('data', '2Gi');
    await harness.node('n1', { labels: { zone: 'a' } });
  });

  it.each<{ name: string; room?: Partial<CSIStorageCapacity>; optsIn?: boolean; isThere: boolean }>([
    { name: 'of which nothing is said is none', isThere: false },
    { name: 'is not asked for when the driver does not publish it', optsIn: false, isThere: true },
    { name: 'for just the size is enough', room: { capacity: '2Gi' }, isThere: true },
    { name: 'for less is not', room: { capacity: '2047Mi' }, isThere: false },
    { name: 'without a size is none', room: {}, isThere: false },
    {
      name: 'is what one volume may have, not what all may',
      room: { capacity: '9Gi', maximumVolumeSize: '1Gi' },
      isThere: false,
    },
    {
      name: 'of another class does not count',
      room: { capacity: '9Gi', storageClassName: 'x' },
      isThere: false,
    },
    {
      name: 'near other nodes does not count',
      room: { capacity: '9Gi', nodeTopology: { matchLabels: { zone: 'b' } } },
      isThere: false,
    },
    {
      name: 'near no nodes does not count',
      room: { capacity: '9Gi', nodeTopology: undefined },
      isThere: false,
    },
    { name: 'near all nodes counts', room: { capacity: '9Gi', nodeTopology: {} }, isThere: true },
  ])('$name', async ({ room, optsIn = true, isThere }) => {
    await driver(optsIn);
    if (room !== undefined) await capacity(room);
    await harness.pod('user', mounts('data'));
    expect(await harness.placeOf('user')).toBe(isThere ? 'n1' : '');
    if (!isThere) expect(await harness.problemOf('user')).toContain(NONE);
  });

  it('is looked at again when there is more', async () => {
    await driver(true);
    const published = await capacity({ capacity: '1Gi' });
    await harness.pod('user', mounts('data'));
    expect(await harness.placeOf('user')).toBe('');
    await harness.client.update(csiStorageCapacities, { ...published, capacity: '3Gi' });
    await harness.advance(60_000);
    expect(await harness.placeOf('user')).toBe('n1');
  });

  it('is not needed for a volume that is there', async () => {
    await driver(true);
    await volume('v', { capacity: { storage: '2Gi' } });
    await harness.pod('user', mounts('data'));
    expect(await harness.placeOf('user')).toBe('n1');
    expect(await volumeOf('data')).toBe('v');
  });
});

describe('volumes that are there', () => {
  beforeEach(() => lateClass('kubernetes.io/no-provisioner'));

  /** They wait for a node, and are looked at one behind the other when it comes. */
  async function podsAtOnce(...names: string[]): Promise<void> {
    for (const name of names) await harness.pod(name, mounts(name));
    await harness.node('n1');
  }

  it('are given to one pod each, also when pods come at once', async () => {
    for (const name of ['a', 'b', 'c']) await claim(name);
    for (const name of ['u', 'v', 'w']) await volume(name);
    await podsAtOnce('a', 'b', 'c');
    const given = await Promise.all(['a', 'b', 'c'].map(volumeOf));
    expect(new Set(given)).toEqual(new Set(['u', 'v', 'w']));
    for (const name of ['a', 'b', 'c']) expect(await harness.placeOf(name)).toBe('n1');
  });

  it('are missed at once by the pod that comes last', async () => {
    for (const name of ['a', 'b']) await claim(name);
    await volume('v');
    await podsAtOnce('a', 'b');
    expect(await harness.placeOf('a')).toBe('n1');
    expect(await harness.problemOf('b')).toContain(
      "1 node(s) didn't find available persistent volumes to bind",
    );
  });

  it('go to the smaller claims of a pod first', async () => {
    await claim('large', '2Gi');
    await claim('small');
    await harness.node('n1');
    await volume('v1', { capacity: { storage: '3Gi' } });
    await volume('v2', { capacity: { storage: '2Gi' } });
    await harness.pod('user', mounts('large', 'small'));
    expect([await volumeOf('small'), await volumeOf('large')]).toEqual(['v2', 'v1']);
  });
});
