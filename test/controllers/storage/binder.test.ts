/** What the binder says and does about claims and volumes that do not simply fit, as kube-controller-manager 1.36 does. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../api/machinery/errors.ts';
import { persistentVolumeBinder } from '../../../controllers/persistent-volume-binder/persistent-volume-binder.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../../openapi/generated/core-v1.ts';
import { storageClasses } from '../../../openapi/generated/storage-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { createClaim, createVolume } from './fixture.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([persistentVolumeBinder]);
});
afterEach(() => harness.stop());

type ClaimSpec = Partial<PersistentVolumeClaim['spec']>;
type VolumeSpec = Partial<PersistentVolume['spec']>;

const claim = (name: string, spec: ClaimSpec = {}): Promise<PersistentVolumeClaim> =>
  createClaim(harness, name, { storageClassName: '', ...spec });
const volume = (
  name: string,
  spec: VolumeSpec = {},
  annotations: Record<string, string> = {},
): Promise<void> => createVolume(harness, name, spec, { annotations });

async function storageClass(
  name: string,
  provisioner: string,
  volumeBindingMode = 'Immediate',
): Promise<void> {
  await harness.client.create(storageClasses, { metadata: { name }, provisioner, volumeBindingMode });
}

const claimOf = (name: string): Promise<PersistentVolumeClaim> => harness.get(persistentVolumeClaims, name);
const volumeOf = (name: string): Promise<PersistentVolume | undefined> =>
  harness.client.get(persistentVolumes, { name }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });

describe('a claim that names its volume', () => {
  it.each<{ name: string; spec?: VolumeSpec; asks?: ClaimSpec; said: string }>([
    {
      name: 'too small',
      spec: { capacity: { storage: '500Mi' } },
      said: 'VolumeMismatch Cannot bind to requested volume "v": requested PV is too small',
    },
    {
      name: 'of another class',
      spec: { storageClassName: 'gold' },
      said: 'VolumeMismatch Cannot bind to requested volume "v": storageClassName does not match',
    },
    {
      name: 'with other attributes',
      spec: { csi: { driver: 'd', volumeHandle: 'h' }, volumeAttributesClassName: 'fast' },
      said: 'VolumeMismatch Cannot bind to requested volume "v": volumeAttributesClassName does not match',
    },
    {
      name: 'a block device',
      spec: { volumeMode: 'Block' },
      said: 'VolumeMismatch Cannot bind to requested volume "v": incompatible volumeMode',
    },
    {
      name: 'without the access mode',
      asks: { accessModes: ['ReadWriteMany'] },
      said: 'VolumeMismatch Cannot bind to requested volume "v": incompatible accessMode',
    },
    {
      name: 'of somebody else',
      spec: { claimRef: { namespace: NAMESPACE, name: 'other' } },
      said: 'FailedBinding volume "v" already bound to a different claim.',
    },
  ])('$name, stays pending and is told why', async ({ spec, asks, said }) => {
    await volume('v', spec);
    await claim('c', { ...asks, volumeName: 'v' });
    expect((await claimOf('c')).status.phase).toBe('Pending');
    expect(await harness.events()).toEqual([`Warning ${said}`]);
  });

  it('gets it whatever it selects, once it is there', async () => {
    await claim('c', { volumeName: 'v', selector: { matchLabels: { a: 'b' } } });
    expect([(await claimOf('c')).status.phase, await harness.events()]).toEqual(['Pending', []]);
    await volume('v');
    expect((await claimOf('c')).status.phase).toBe('Bound');
  });
});

describe('a claim without a volume', () => {
  it.each([
    ['kubernetes.io/no-provisioner', 'no volume plugin matched name: kubernetes.io/no-provisioner'],
    ['kubernetes.io/glusterfs', 'no volume plugin matched name: kubernetes.io/glusterfs'],
  ])('of a class with %s is told that nobody makes one', async (provisioner, message) => {
    await storageClass('odd', provisioner);
    await claim('c', { storageClassName: 'odd' });
    expect(await harness.events()).toEqual([`Warning ProvisioningFailed ${message}`]);
  });

  it('is given to the driver that stands in for a provisioner of the tree', async () => {
    await storageClass('cloud', 'kubernetes.io/aws-ebs');
    await claim('c', { storageClassName: 'cloud' });
    const { annotations } = (await claimOf('c')).metadata;
    expect(annotations?.['volume.kubernetes.io/storage-provisioner']).toBe('ebs.csi.aws.com');
    expect((await harness.events())[0]).toMatch(/by the external provisioner 'ebs.csi.aws.com' or manually/);
  });

  it('says which pods it waits for', async () => {
    await storageClass('late', 'd', 'WaitForFirstConsumer');
    await claim('c', { storageClassName: 'late' });
    for (const name of ['b', 'a'])
      await harness.client.create(pods, {
        metadata: { name, namespace: NAMESPACE },
        spec: {
          containers: [{ name: 'main', image: 'app:1' }],
          volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
        },
      });
    await harness.advance(15_000);
    expect(await harness.events()).toEqual([
      'Normal WaitForFirstConsumer waiting for first consumer to be created before binding',
      'Normal WaitForPodScheduled waiting for pods a,b to be scheduled',
    ]);
  });

  it('without a class takes a volume without one before it gets the default class', async () => {
    await harness.stopControllers();
    await volume('v');
    await harness.client.patch(
      persistentVolumes,
      { name: 'v' },
      { type: 'merge', body: { status: { phase: 'Available' } } },
      { subresource: 'status' },
    );
    await claim('c', { storageClassName: undefined });
    await harness.client.create(storageClasses, {
      metadata: {
        name: 'standard',
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      },
      provisioner: 'd',
    });
    await harness.restart();
    const { spec } = await claimOf('c');
    expect([spec.volumeName, spec.storageClassName]).toEqual(['v', undefined]);
  });

  it('takes the volume that can least else before a smaller one', async () => {
    await volume('wide', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] });
    await volume('large', { capacity: { storage: '9Gi' } });
    await claim('c');
    expect((await claimOf('c')).spec.volumeName).toBe('large');
  });

  it('takes the volume that is reserved for it, whatever its class', async () => {
    await volume('v', { storageClassName: 'gold', claimRef: { namespace: NAMESPACE, name: 'c' } });
    await claim('c', { selector: { matchLabels: { a: 'b' } } });
    expect((await claimOf('c')).spec.volumeName).toBe('v');
  });
});

describe('a bound claim', () => {
  it('whose volume forgot it is bound again, also by new controllers', async () => {
    await volume('v');
    await claim('c');
    await harness.stopControllers();
    await harness.client.patch(
      persistentVolumes,
      { name: 'v' },
      { type: 'merge', body: { spec: { claimRef: null } } },
    );
    await harness.restart();
    const found = await volumeOf('v');
    expect([found?.spec.claimRef?.name, found?.status.phase]).toEqual(['c', 'Bound']);
  });

  it.each(['volume', 'phase', 'claim', 'claim phase'])(
    'is bound when the process ends before the %s is written',
    async (step) => {
      await harness.stopControllers();
      await volume('v');
      const { metadata } = await claim('c');
      const steps = ['volume', 'phase', 'claim', 'claim phase'].indexOf(step);
      const claimRef = {
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        namespace: NAMESPACE,
        name: 'c',
        uid: metadata.uid,
      };
      const byController = { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } };
      if (steps > 0)
        await harness.client.patch(
          persistentVolumes,
          { name: 'v' },
          { type: 'merge', body: { metadata: byController, spec: { claimRef } } },
        );
      if (steps > 1)
        await harness.client.patch(
          persistentVolumes,
          { name: 'v' },
          { type: 'merge', body: { status: { phase: 'Bound' } } },
          { subresource: 'status' },
        );
      if (steps > 2)
        await harness.change(persistentVolumeClaims, 'c', (object) => {
          object.spec.volumeName = 'v';
          object.metadata.annotations = {
            ...byController.annotations,
            'pv.kubernetes.io/bind-completed': 'yes',
          };
        });
      await harness.restart();
      expect((await claimOf('c')).status).toEqual({
        phase: 'Bound',
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
      });
      expect((await volumeOf('v'))?.status.phase).toBe('Bound');
    },
  );

  it('that lost its volume has neither size nor modes', async () => {
    await volume('v');
    await claim('c');
    await harness.client.delete(persistentVolumes, { name: 'v' });
    await harness.client.patch(
      persistentVolumes,
      { name: 'v' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await harness.settle();
    expect((await claimOf('c')).status).toEqual({ phase: 'Lost' });
    expect(await harness.events()).toEqual([
      'Warning ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });
});

describe('a volume whose claim is gone', () => {
  const nobody = 'error getting deleter volume plugin for volume "v":';
  it.each<{ spec: VolumeSpec; annotations?: Record<string, string>; phase?: string; said?: string }>([
    { spec: { hostPath: { path: '/tmp/x' } } },
    {
      spec: { hostPath: { path: '/data' } },
      phase: 'Failed',
      said: 'host_path deleter only supports /tmp/.+ but received provided /data',
    },
    { spec: { csi: { driver: 'd', volumeHandle: 'h' } }, phase: 'Released' },
    {
      spec: { nfs: { server: 's', path: '/x' } },
      phase: 'Failed',
      said: `${nobody} no deletable volume plugin matched`,
    },
    {
      spec: { csi: { driver: 'd', volumeHandle: 'h' } },
      annotations: { 'pv.kubernetes.io/provisioned-by': 'd' },
      phase: 'Released',
    },
    {
      spec: { hostPath: { path: '/tmp/x' } },
      annotations: { 'pv.kubernetes.io/provisioned-by': 'kubernetes.io/odd' },
      phase: 'Failed',
      said: 'no volume plugin matched name: kubernetes.io/odd',
    },
  ])('is deleted by whoever can: $spec $annotations', async ({ spec, annotations, phase, said }) => {
    await volume('v', { ...spec, persistentVolumeReclaimPolicy: 'Delete' }, annotations);
    await claim('c');
    await harness.client.delete(persistentVolumeClaims, { namespace: NAMESPACE, name: 'c' });
    const body = { metadata: { finalizers: null } };
    await harness.client.patch(
      persistentVolumeClaims,
      { namespace: NAMESPACE, name: 'c' },
      { type: 'merge', body },
    );
    await harness.settle();
    const found = await volumeOf('v');
    const isGone = found === undefined || found.metadata.deletionTimestamp !== undefined;
    expect(isGone ? undefined : found.status.phase).toBe(phase);
    expect(isGone ? undefined : found.status.message).toBe(said);
  });
});
