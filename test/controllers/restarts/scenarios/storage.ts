import { expect } from 'vitest';
import { persistentVolumeClaims, persistentVolumes, pods } from '../../../../openapi/generated/core-v1.ts';
import {
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../../../openapi/generated/storage-v1.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { claimSpec, edit, expectCount, template } from './objects.ts';

const mounting = (name: string, claimName: string): object =>
  template(name, 'nginx:1', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] });

const volume = (storage: string, policy: string): object => ({
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage },
    persistentVolumeReclaimPolicy: policy,
    hostPath: { path: '/data' },
    storageClassName: '',
  },
});

export const STORAGE: readonly Scenario[] = [
  {
    name: 'claims are bound to volumes that fit, which are released',
    of: ['persistentvolume-binder-controller', 'persistentvolume-protection-controller'],
    steps: [
      async (stage) => {
        await stage.make(persistentVolumes, 'small', volume('1Gi', 'Retain'));
        await stage.make(persistentVolumes, 'large', volume('5Gi', 'Retain'));
      },
      (stage) => stage.make(persistentVolumeClaims, 'one', claimSpec('1Gi', { storageClassName: '' })),
      (stage) => stage.make(persistentVolumeClaims, 'two', claimSpec('2Gi', { storageClassName: '' })),
      (stage) => stage.make(persistentVolumeClaims, 'none', claimSpec('9Gi', { storageClassName: '' })),
      (stage) => stage.remove(persistentVolumes, 'large'),
      (stage) => stage.remove(persistentVolumeClaims, 'one'),
      (stage) => stage.remove(persistentVolumeClaims, 'two'),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(persistentVolumes);
      expect(items.map(({ metadata, status }) => [metadata.name, status.phase])).toEqual([
        ['small', 'Released'],
      ]);
    },
  },
  {
    name: 'a volume is provisioned for the first consumer, attached, grown and deleted',
    of: [
      'simulated-volume-provisioner',
      'persistentvolume-expander-controller',
      'persistentvolume-attach-detach-controller',
      'persistentvolumeclaim-protection-controller',
      'persistentvolume-protection-controller',
      'scheduler',
    ],
    steps: [
      async (stage) => {
        await stage.make(persistentVolumeClaims, 'data', claimSpec());
        await stage.make(persistentVolumeClaims, 'kept', claimSpec());
      },
      (stage) => stage.make(pods, 'app', mounting('app', 'data')),
      (stage) => stage.make(pods, 'other', mounting('other', 'kept')),
      edit(persistentVolumeClaims, 'kept', { resources: { requests: { storage: '2Gi' } } }),
      (stage) => stage.remove(persistentVolumeClaims, 'data'),
      (stage) => stage.remove(pods, 'app'),
    ],
    check: async (stage) => {
      const claims = await stage.list(persistentVolumeClaims);
      expect(claims.map(({ metadata, status }) => [metadata.name, status.capacity])).toEqual([
        ['kept', { storage: '2Gi' }],
      ]);
      await expectBound(stage, 1);
    },
  },
  {
    name: 'a volume is provisioned at once and retained',
    of: ['simulated-volume-provisioner', 'persistentvolume-binder-controller'],
    steps: [
      (stage) =>
        stage.make(storageClasses, 'eager', {
          provisioner: 'csi.kubemu.io',
          reclaimPolicy: 'Retain',
          volumeBindingMode: 'Immediate',
        }),
      (stage) => stage.make(persistentVolumeClaims, 'data', claimSpec('1Gi', { storageClassName: 'eager' })),
      (stage) => stage.remove(persistentVolumeClaims, 'data'),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(persistentVolumes);
      expect(items.map(({ status }) => status.phase)).toEqual(['Released']);
    },
  },
  {
    name: 'a class of volumes stays while a claim names it',
    of: ['volumeattributesclass-protection-controller'],
    steps: [
      (stage) =>
        stage.make(volumeAttributesClasses, 'fast', { driverName: 'csi.kubemu.io', parameters: { a: 'b' } }),
      (stage) =>
        stage.make(persistentVolumeClaims, 'data', claimSpec('1Gi', { volumeAttributesClassName: 'fast' })),
      (stage) => stage.remove(volumeAttributesClasses, 'fast'),
      (stage) =>
        stage.make(volumeAttributesClasses, 'slow', { driverName: 'csi.kubemu.io', parameters: { a: 'b' } }),
      (stage) => stage.remove(persistentVolumeClaims, 'data'),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(volumeAttributesClasses);
      expect(items.map(({ metadata }) => metadata.name)).toEqual(['slow']);
    },
  },
  {
    name: 'an ephemeral volume lives as long as its pod',
    of: ['ephemeral-volume-controller', 'persistentvolume-attach-detach-controller'],
    steps: [
      async (stage) => {
        for (const name of ['brief', 'lasting'])
          await stage.make(
            pods,
            name,
            template(name, 'nginx:1', {
              volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: claimSpec() } }],
            }),
          );
      },
      (stage) => stage.remove(pods, 'brief'),
    ],
    check: async (stage) => {
      await expectCount(stage, persistentVolumeClaims, 1);
      await expectBound(stage, 1);
    },
  },
];

async function expectBound(stage: Stage, count: number): Promise<void> {
  const volumes = (await stage.client.list(persistentVolumes)).items;
  expect(volumes.map(({ status }) => status.phase)).toEqual(Array.from({ length: count }, () => 'Bound'));
  expect((await stage.client.list(volumeAttachments)).items).toHaveLength(count);
}
