import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachDetachController } from '../../../controllers/attach-detach/attach-detach-controller.ts';
import { ephemeralVolumeController } from '../../../controllers/ephemeral-volume/ephemeral-volume-controller.ts';
import { persistentVolumeBinder } from '../../../controllers/persistent-volume-binder/persistent-volume-binder.ts';
import {
  claimProtectionController,
  volumeProtectionController,
} from '../../../controllers/volume-protection/volume-protection-controller.ts';
import { DRIVER } from '../../../controllers/volume-provisioner/simulated-driver.ts';
import { volumeProvisioner } from '../../../controllers/volume-provisioner/volume-provisioner.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../../openapi/generated/core-v1.ts';
import {
  csiNodes,
  storageClasses,
  volumeAttachments,
  type StorageClass,
} from '../../../openapi/generated/storage-v1.ts';
import { NAMESPACE } from '../harness.ts';
import { startSchedulerHarness, type SchedulerHarness } from '../scheduler/cluster.ts';
import { createClaim, createVolume } from './fixture.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness([
    persistentVolumeBinder,
    volumeProvisioner,
    attachDetachController,
    ephemeralVolumeController,
    claimProtectionController,
    volumeProtectionController,
  ]);
});
afterEach(() => harness.stop());

async function storageClass(name: string, more: Partial<StorageClass> = {}): Promise<void> {
  await harness.client.create(storageClasses, {
    metadata: { name },
    provisioner: DRIVER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
    ...more,
  });
}

const claim = (
  name: string,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
): Promise<PersistentVolumeClaim> => createClaim(harness, name, spec);
const volume = (name: string, spec: Partial<PersistentVolume['spec']> = {}): Promise<void> =>
  createVolume(
    harness,
    name,
    { persistentVolumeReclaimPolicy: 'Retain', ...spec },
    { labels: { tier: name } },
  );
const claimOf = (name: string): Promise<PersistentVolumeClaim> => harness.get(persistentVolumeClaims, name);
const volumeOf = (name: string): Promise<PersistentVolume | undefined> =>
  harness.client.get(persistentVolumes, { name }).catch(() => undefined);
const mounts = (claimName: string) => ({
  volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] as never,
});

async function removeClaim(name: string): Promise<void> {
  await harness.client.delete(persistentVolumeClaims, { namespace: NAMESPACE, name });
  await harness.settle();
}

describe('binding', () => {
  it.each<{
    name: string;
    volumes: Record<string, Partial<PersistentVolume['spec']>>;
    spec?: Partial<PersistentVolumeClaim['spec']>;
    bound: string | undefined;
  }>([
    {
      name: 'the smallest that is large enough',
      volumes: { a: { capacity: { storage: '5Gi' } }, b: { capacity: { storage: '2Gi' } } },
      bound: 'b',
    },
    { name: 'none that is too small', volumes: { a: { capacity: { storage: '500Mi' } } }, bound: undefined },
    {
      name: 'one with the mode asked for',
      volumes: { a: {}, b: { accessModes: ['ReadWriteMany'] } },
      spec: { accessModes: ['ReadWriteMany'] },
      bound: 'b',
    },
    {
      name: 'one of the class asked for',
      volumes: { a: {}, b: { storageClassName: 'gold' } },
      spec: { storageClassName: 'gold' },
      bound: 'b',
    },
    {
      name: 'one whose labels match',
      volumes: { a: {}, b: {} },
      spec: { selector: { matchLabels: { tier: 'b' } } },
      bound: 'b',
    },
    {
      name: 'one that is kept for it',
      volumes: { a: {}, b: { capacity: { storage: '9Gi' }, claimRef: { namespace: NAMESPACE, name: 'c' } } },
      bound: 'b',
    },
    {
      name: 'none that is kept for another',
      volumes: { a: { claimRef: { namespace: NAMESPACE, name: 'other' } } },
      bound: undefined,
    },
    { name: 'a raw one only when asked for', volumes: { a: { volumeMode: 'Block' } }, bound: undefined },
  ])('takes $name', async ({ volumes, spec = {}, bound }) => {
    for (const [name, each] of Object.entries(volumes)) await volume(name, each);
    await claim('c', { storageClassName: '', ...spec });
    const { spec: claimed, status } = await claimOf('c');
    expect(claimed.volumeName).toBe(bound);
    expect(status.phase).toBe(bound === undefined ? 'Pending' : 'Bound');
    if (bound !== undefined) expect((await volumeOf(bound))?.status.phase).toBe('Bound');
  });

  it('gives the default class to claims from before there was one', async () => {
    await claim('early');
    expect((await claimOf('early')).status.phase).toBe('Pending');
    await storageClass('standard', {
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    });
    await harness.settle();
    const { spec, status } = await claimOf('early');
    expect(spec.storageClassName).toBe('standard');
    expect(status.phase).toBe('Bound');
  });
});

describe('provisioning', () => {
  it('makes a volume for a claim, and says so as a driver does', async () => {
    await storageClass('fast', { mountOptions: ['ro'] });
    await claim('data', { storageClassName: 'fast', resources: { requests: { storage: '3Gi' } } });
    const { metadata, spec, status } = await claimOf('data');
    expect(spec.volumeName).toBe(`pvc-${metadata.uid}`);
    expect(status).toMatchObject({ phase: 'Bound', capacity: { storage: '3Gi' } });
    expect(await volumeOf(spec.volumeName!)).toMatchObject({
      metadata: {
        annotations: { 'pv.kubernetes.io/provisioned-by': DRIVER },
        finalizers: expect.arrayContaining(['kubernetes.io/pv-protection']) as string[],
      },
      spec: {
        csi: { driver: DRIVER },
        storageClassName: 'fast',
        persistentVolumeReclaimPolicy: 'Delete',
        mountOptions: ['ro'],
      },
      status: { phase: 'Bound' },
    });
    expect(await harness.events()).toEqual([
      `Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner '${DRIVER}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
      'Normal Provisioning External provisioner is provisioning volume for claim "default/data"',
      `Normal ProvisioningSucceeded Successfully provisioned volume pvc-${metadata.uid}`,
    ]);
  });

  it('waits for the first consumer, and then for no other node than its', async () => {
    await storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await claim('data', { storageClassName: 'late' });
    expect((await claimOf('data')).status.phase).toBe('Pending');
    expect(await harness.events()).toContain(
      'Normal WaitForFirstConsumer waiting for first consumer to be created before binding',
    );
    await harness.node('n1');
    await harness.pod('user', mounts('data'));
    const bound = await claimOf('data');
    expect(bound.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('n1');
    expect(bound.status.phase).toBe('Bound');
    expect(await harness.placeOf('user')).toBe('n1');
    expect(harness.logs).toEqual([]);
  });

  it('is not waited for on a node that goes', async () => {
    await storageClass('late', {
      provisioner: 'example.com/disk',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await claim('data', { storageClassName: 'late' });
    await harness.node('n1');
    await harness.pod('user', mounts('data'));
    await harness.client.delete(nodes, { name: 'n1' });
    await harness.settle();
    expect(await harness.problemOf('user')).toBe(
      'running PreBind plugin "VolumeBinding": binding volumes: failed to get node "n1": node "n1" not found',
    );
  });

  it('is placed anew with its pod when its driver can make nothing there', async () => {
    await storageClass('late', {
      provisioner: 'example.com/disk',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await claim('data', { storageClassName: 'late' });
    await harness.node('n1');
    await harness.pod('user', mounts('data'));
    const annotation = 'volume.kubernetes.io/selected-node';
    const selected = async () => (await claimOf('data')).metadata.annotations?.[annotation];
    expect(await selected()).toBe('n1');
    await harness.change(persistentVolumeClaims, 'data', ({ metadata }) => {
      delete metadata.annotations![annotation];
    });
    await harness.settle();
    expect(await harness.problemOf('user')).toBe(
      'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
    );
    await harness.advance(1000);
    expect(await selected()).toBe('n1');
    await removeClaim('data');
    expect(await harness.problemOf('user')).toBe(
      'running PreBind plugin "VolumeBinding": binding volumes: failed to check provisioning pvc: could not find v1.PersistentVolumeClaim "default/data"',
    );
  });

  it('leaves other provisioners’ claims alone', async () => {
    await storageClass('foreign', { provisioner: 'example.com/disk' });
    await claim('data', { storageClassName: 'foreign' });
    expect((await claimOf('data')).status.phase).toBe('Pending');
  });
});

describe('reclaiming', () => {
  it('deletes what was provisioned', async () => {
    await storageClass('fast');
    await claim('data', { storageClassName: 'fast' });
    const { volumeName } = (await claimOf('data')).spec;
    await removeClaim('data');
    expect(await volumeOf(volumeName!)).toBeUndefined();
  });

  it.each([
    { policy: 'Retain', phase: 'Released', reference: 'c' },
    { policy: 'Recycle', phase: 'Available', reference: undefined },
    { policy: 'Delete', phase: undefined, reference: undefined },
  ])('$policy', async ({ policy, phase, reference }) => {
    await volume('a', { persistentVolumeReclaimPolicy: policy, hostPath: { path: '/tmp/a' } });
    await claim('c', { storageClassName: '' });
    await removeClaim('c');
    const left = await volumeOf('a');
    expect(left?.status.phase).toBe(phase);
    expect(left?.spec.claimRef?.name).toBe(reference);
  });

  it('holds claims that pods use, and volumes that claims use', async () => {
    await storageClass('fast');
    await harness.node('n1');
    await claim('data', { storageClassName: 'fast' });
    await harness.pod('user', mounts('data'));
    const { volumeName } = (await claimOf('data')).spec;
    await removeClaim('data');
    await harness.client.delete(persistentVolumes, { name: volumeName! });
    await harness.settle();
    const isHeld = async (): Promise<void> => {
      expect((await claimOf('data')).metadata.deletionTimestamp).toBeDefined();
      expect((await volumeOf(volumeName!))?.metadata.deletionTimestamp).toBeDefined();
    };
    await isHeld();
    // A pod that is over may be read all the same.
    await harness.end(await harness.get(pods, 'user'), 'Succeeded');
    await harness.settle();
    await isHeld();
    await harness.remove(await harness.get(pods, 'user'));
    await harness.settle();
    await expect(claimOf('data')).rejects.toThrow('not found');
    expect(await volumeOf(volumeName!)).toBeUndefined();
  });
});

describe('a volume in use', () => {
  it('is attached to the node of its pod, and detached behind it', async () => {
    await storageClass('fast');
    await harness.node('n1');
    await claim('data', { storageClassName: 'fast' });
    await harness.pod('user', mounts('data'));
    const { volumeName } = (await claimOf('data')).spec;
    const attachments = async () => (await harness.client.list(volumeAttachments)).items;
    expect(await attachments()).toMatchObject([
      {
        spec: { attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: volumeName } },
        status: { attached: true },
      },
    ]);
    expect(await harness.events()).toContain(
      `Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "${volumeName}" `,
    );
    await harness.remove(await harness.get(pods, 'user'));
    await harness.settle();
    expect(await attachments()).toEqual([]);
  });

  it('counts against the limit of its driver on the node', async () => {
    await storageClass('fast');
    await harness.node('n1');
    const drivers = [{ name: DRIVER, nodeID: 'n1', allocatable: { count: 1 } }];
    await harness.client.create(csiNodes, { metadata: { name: 'n1' }, spec: { drivers } });
    for (const name of ['a', 'b']) await claim(name, { storageClassName: 'fast' });
    await harness.pod('first', mounts('a'));
    await harness.pod('second', mounts('b'));
    expect(await harness.placeOf('first')).toBe('n1');
    expect(await harness.problemOf('second')).toMatch(
      /^0\/1 nodes are available: 1 node\(s\) exceed max volume count\./,
    );
  });

  it('for one pod at a time keeps the second waiting', async () => {
    await storageClass('fast');
    await harness.node('n1');
    await claim('single', { storageClassName: 'fast', accessModes: ['ReadWriteOncePod'] });
    await harness.pod('first', mounts('single'));
    await harness.pod('second', mounts('single'));
    expect(await harness.problemOf('second')).toMatch(
      /1 node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod/,
    );
    await harness.remove(await harness.get(pods, 'first'));
    await harness.settle();
    expect(await harness.placeOf('second')).toBe('n1');
  });
});

it('an ephemeral volume has a claim of its own that its pod owns', async () => {
  await storageClass('fast');
  await harness.node('n1');
  const spec = {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    resources: { requests: { storage: '1Gi' } },
  };
  const pod = await harness.pod('user', {
    volumes: [
      { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec } } },
    ] as never,
  });
  const made = await claimOf('user-scratch');
  expect(made.metadata).toMatchObject({
    labels: { a: 'b' },
    ownerReferences: [{ kind: 'Pod', name: 'user', uid: pod.metadata.uid, controller: true }],
  });
  expect(await harness.placeOf('user')).toBe('n1');
});

it('an ephemeral volume whose claim belongs to nobody says so', async () => {
  await claim('user-scratch');
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  await harness.pod('user', {
    volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec } } }] as never,
  });
  expect(await harness.events()).toContain(
    'Warning FailedBinding ephemeral volume scratch: PVC default/user-scratch was not created for pod default/user (pod is not owner)',
  );
});
