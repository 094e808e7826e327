/** Claims and volumes as tests of storage need them. */
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, type Harness } from '../harness.ts';

/** A claim of 1Gi for one node, and what comes of it at once. */
export async function createClaim(
  { client, settle }: Pick<Harness, 'client' | 'settle'>,
  name: string,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
): Promise<PersistentVolumeClaim> {
  const made = await client.create(persistentVolumeClaims, {
    metadata: { name, namespace: NAMESPACE },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  });
  await settle();
  return made;
}

/** A volume of 1Gi for one node, on a path of the host unless the spec says where, and what comes of it at once. */
export async function createVolume(
  { client, settle }: Pick<Harness, 'client' | 'settle'>,
  name: string,
  spec: Partial<PersistentVolume['spec']> = {},
  metadata: PersistentVolume['metadata'] = {},
): Promise<void> {
  const isPlaced = [spec.csi, spec.nfs, spec.local].some((source) => source !== undefined);
  await client.create(persistentVolumes, {
    metadata: { name, ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      ...(isPlaced ? {} : { hostPath: { path: '/data' } }),
      ...spec,
    },
  });
  await settle();
}
