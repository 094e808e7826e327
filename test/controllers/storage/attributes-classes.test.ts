import { afterEach, beforeEach, expect, it } from 'vitest';
import { isNotFound } from '../../../api/machinery/errors.ts';
import { persistentVolumeExpander } from '../../../controllers/persistent-volume-expander/persistent-volume-expander.ts';
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from '../../../controllers/volume-protection/volume-protection-controller.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../openapi/generated/core-v1.ts';
import { storageClasses, volumeAttributesClasses } from '../../../openapi/generated/storage-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([
    attributesClassProtectionController,
    claimProtectionController,
    volumeProtectionController,
    persistentVolumeExpander,
  ]);
  await harness.client.create(volumeAttributesClasses, {
    metadata: { name: 'fast' },
    driverName: 'csi.example.com',
    parameters: { iops: '4000' },
  });
  await harness.client.create(storageClasses, {
    metadata: { name: 'growing' },
    provisioner: 'csi.example.com',
    allowVolumeExpansion: true,
  });
  await harness.settle();
});
afterEach(() => harness.stop());

async function isThere(): Promise<boolean> {
  await harness.settle();
  return harness.client.get(volumeAttributesClasses, { name: 'fast' }).then(
    () => true,
    (error: unknown) => {
      if (!isNotFound(error)) throw error;
      return false;
    },
  );
}

const SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

it('keeps a class that is named by a claim until the claim is gone, also over a restart', async () => {
  await harness.client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: NAMESPACE },
    spec: { ...SPEC, volumeAttributesClassName: 'fast' },
  });
  await harness.client.delete(volumeAttributesClasses, { name: 'fast' });
  expect(await isThere()).toBe(true);
  await harness.restart();
  expect(await isThere()).toBe(true);
  await harness.client.delete(persistentVolumeClaims, { namespace: NAMESPACE, name: 'data' });
  expect(await isThere()).toBe(false);
});

it('keeps a class that a volume was made with, and lets one go that nothing names', async () => {
  await harness.client.create(persistentVolumes, {
    metadata: { name: 'disk' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      csi: { driver: 'csi.example.com', volumeHandle: 'disk' },
      volumeAttributesClassName: 'fast',
    },
  });
  await harness.client.delete(volumeAttributesClasses, { name: 'fast' });
  expect(await isThere()).toBe(true);
  await harness.client.delete(persistentVolumes, { name: 'disk' });
  expect(await isThere()).toBe(false);
});

it('says that a bound claim that wants to grow waits for its driver', async () => {
  await harness.client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: NAMESPACE },
    spec: { ...SPEC, storageClassName: 'growing', volumeName: 'disk' },
  });
  const { metadata } = await harness.get(persistentVolumeClaims, 'data');
  await harness.client.create(persistentVolumes, {
    metadata: { name: 'disk' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      csi: { driver: 'csi.example.com', volumeHandle: 'disk' },
      claimRef: { namespace: NAMESPACE, name: 'data', uid: metadata.uid },
    },
  });
  await harness.change(
    persistentVolumeClaims,
    'data',
    (claim) =>
      (claim.status = { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }),
    'status',
  );
  await harness.settle();
  expect(await harness.events()).toEqual([]);
  await harness.change(
    persistentVolumeClaims,
    'data',
    (claim) => (claim.spec.resources = { requests: { storage: '2Gi' } }),
  );
  await harness.settle();
  expect(await harness.events()).toEqual([
    'Normal ExternalExpanding waiting for an external controller to expand this PVC',
  ]);
});
