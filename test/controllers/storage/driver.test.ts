/** What the simulated driver makes of claims that ask for more, for something else, or for a copy. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { persistentVolumeBinder } from '../../../controllers/persistent-volume-binder/persistent-volume-binder.ts';
import { DRIVER } from '../../../controllers/volume-provisioner/simulated-driver.ts';
import { volumeProvisioner } from '../../../controllers/volume-provisioner/volume-provisioner.ts';
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../../openapi/generated/core-v1.ts';
import { storageClasses, volumeAttributesClasses } from '../../../openapi/generated/storage-v1.ts';
import { startCluster } from '../../../server/cluster.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { createClaim } from './fixture.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([persistentVolumeBinder, volumeProvisioner]);
  await harness.client.create(storageClasses, {
    metadata: { name: 'fast' },
    provisioner: DRIVER,
    allowVolumeExpansion: true,
  });
});
afterEach(() => harness.stop());

type Spec = Partial<PersistentVolumeClaim['spec']>;

const claim = (name: string, spec: Spec = {}): Promise<PersistentVolumeClaim> =>
  createClaim(harness, name, { storageClassName: 'fast', ...spec });
const claimOf = (name: string): Promise<PersistentVolumeClaim> => harness.get(persistentVolumeClaims, name);

async function volumeOf(name: string): Promise<PersistentVolume> {
  return harness.client.get(persistentVolumes, { name: (await claimOf(name)).spec.volumeName! });
}

async function ask(name: string, spec: Spec): Promise<void> {
  await harness.client.patch(
    persistentVolumeClaims,
    { namespace: NAMESPACE, name },
    { type: 'merge', body: { spec } },
  );
  await harness.settle();
}

async function attributesClass(name: string, driverName = DRIVER): Promise<void> {
  await harness.client.create(volumeAttributesClasses, {
    metadata: { name },
    driverName,
    parameters: { iops: '1' },
  });
  await harness.settle();
}

/** Events of the driver about resizing and modification. */
async function said(): Promise<string[]> {
  return (await harness.events()).filter((text) => /Resiz|Resize|Modif|Failed/.test(text.split(' ')[1]!));
}

describe('a claim that asks for more', () => {
  it('gets a larger volume, whose file system a node is left to grow', async () => {
    await claim('data');
    await ask('data', { resources: { requests: { storage: '4Gi' } } });
    const { status } = await claimOf('data');
    expect((await volumeOf('data')).spec.capacity).toEqual({ storage: '4Gi' });
    expect(status).toEqual({
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      allocatedResources: { storage: '4Gi' },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
      conditions: [
        {
          type: 'FileSystemResizePending',
          status: 'True',
          lastProbeTime: null,
          lastTransitionTime: expect.any(String) as string,
          message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
        },
      ],
    });
    const volume = (await volumeOf('data')).metadata.name;
    expect(await said()).toEqual([
      `Normal Resizing External resizer is resizing volume ${volume}`,
      'Normal FileSystemResizeRequired Require file system resize of volume on node',
    ]);
  });

  it('has it at once where the volume is a block device, also by new controllers half-way', async () => {
    await claim('data', { volumeMode: 'Block' });
    await harness.stopControllers();
    await ask('data', { resources: { requests: { storage: '4Gi' } } });
    await harness.restart();
    const { status } = await claimOf('data');
    expect([status.capacity, status.conditions, status.allocatedResourceStatuses]).toEqual([
      { storage: '4Gi' },
      undefined,
      undefined,
    ]);
    expect((await said()).at(-1)).toBe('Normal VolumeResizeSuccessful Resize volume succeeded');
  });

  it('has it when a pod runs with it', async () => {
    const cluster = await startCluster({ clock: 'virtual', seed: 'grow' });
    try {
      const { client } = cluster;
      const namespace = 'default';
      const name = 'data';
      await client.create(persistentVolumeClaims, {
        metadata: { name, namespace },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      });
      await client.create(pods, {
        metadata: { name: 'user', namespace },
        spec: {
          containers: [{ name: 'main', image: 'app:1' }],
          volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }],
        },
      });
      await cluster.settled();
      await cluster.clock.step(10_000);
      const body = { spec: { resources: { requests: { storage: '4Gi' } } } };
      await client.patch(persistentVolumeClaims, { namespace, name }, { type: 'merge', body });
      await cluster.settled();
      const { spec, status } = await client.get(persistentVolumeClaims, { namespace, name });
      expect([status.capacity, status.conditions]).toEqual([{ storage: '4Gi' }, undefined]);
      const { items } = await client.list(events, { namespace });
      const grown = items.filter(({ reason }) => reason === 'FileSystemResizeSuccessful');
      const message = `MountVolume.NodeExpandVolume succeeded for volume "${spec.volumeName}" node-1`;
      expect(
        grown.map(({ involvedObject }) => involvedObject.kind).sort((a, b) => (a! < b! ? -1 : 1)),
      ).toEqual(['PersistentVolumeClaim', 'Pod']);
      expect(grown.map((event) => event.message)).toEqual([message, message]);
    } finally {
      await cluster.stop();
    }
  });
});

describe('a claim that asks for other attributes', () => {
  it('has them in its volume from the start', async () => {
    await attributesClass('silver');
    await claim('data', { volumeAttributesClassName: 'silver' });
    expect((await volumeOf('data')).spec.volumeAttributesClassName).toBe('silver');
    expect((await claimOf('data')).status.currentVolumeAttributesClassName).toBe('silver');
  });

  it('waits for their class, and has them then', async () => {
    await claim('data');
    await ask('data', { volumeAttributesClassName: 'gold' });
    const pending = (await claimOf('data')).status;
    expect(pending.modifyVolumeStatus).toEqual({
      targetVolumeAttributesClassName: 'gold',
      status: 'Pending',
    });
    expect(await said()).toEqual([]);
    await attributesClass('gold');
    const { status } = await claimOf('data');
    expect([status.currentVolumeAttributesClassName, status.modifyVolumeStatus, status.conditions]).toEqual([
      'gold',
      undefined,
      undefined,
    ]);
    expect((await volumeOf('data')).spec.volumeAttributesClassName).toBe('gold');
    expect(await said()).toEqual([
      'Normal VolumeModify external resizer is modifying volume data with vac gold',
      'Normal VolumeModifySuccessful external resizer modified volume data with vac gold successfully ',
    ]);
  });

  it('never has those of another driver', async () => {
    await attributesClass('alien', 'csi.example.com');
    await claim('data');
    await ask('data', { volumeAttributesClassName: 'alien' });
    expect((await claimOf('data')).status.modifyVolumeStatus?.status).toBe('Pending');
    expect((await volumeOf('data')).spec.volumeAttributesClassName).toBeUndefined();
  });
});

describe('a claim that asks for a copy', () => {
  const source = { kind: 'PersistentVolumeClaim', name: 'data' };
  const failed = 'Warning ProvisioningFailed failed to provision volume with StorageClass "fast":';

  it('gets one of a bound claim', async () => {
    await claim('data');
    await claim('copy', { dataSource: source });
    expect((await claimOf('copy')).status.phase).toBe('Bound');
  });

  it('waits for it to be there', async () => {
    await claim('copy', { dataSource: source });
    expect(await said()).toEqual([
      `${failed} error getting handle for DataSource Type PersistentVolumeClaim by Name data: error getting PVC data (namespace "default") from api server: persistentvolumeclaim "data" not found`,
    ]);
    await claim('data');
    await harness.advance(15_000);
    expect((await claimOf('copy')).status.phase).toBe('Bound');
  });

  it.each<{ name: string; spec: Spec; why: RegExp }>([
    {
      name: 'smaller than what it copies',
      spec: { resources: { requests: { storage: '1Mi' } } },
      why: /must be greater than or equal in size to the specified PVC data source/,
    },
    {
      name: 'of another mode',
      spec: { volumeMode: 'Block' },
      why: /must have the same volume mode for cloning/,
    },
    {
      name: 'of a snapshot',
      spec: { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' } },
      why: /DataSource Type VolumeSnapshot by Name s: kubemu's driver makes copies of claims only$/,
    },
  ])('gets none $name', async ({ spec, why }) => {
    await claim('data');
    await claim('copy', { dataSource: source, ...spec });
    expect((await claimOf('copy')).status.phase).toBe('Pending');
    expect((await said()).at(-1)).toMatch(why);
  });
});
