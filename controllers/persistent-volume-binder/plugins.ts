/** What kube-controller-manager 1.36 knows of provisioners and volumes of its own tree. */
import type { PersistentVolume } from '../../openapi/generated/core-v1.ts';

const TREE_PREFIX = 'kubernetes.io/';

/** CSI drivers that stand in for provisioners of the tree. Mirrors csi-translation-lib. */
const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** Kinds of volumes that drivers stand in for, which also see to their end. */
const MIGRATED_SOURCES = [
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'cinder',
  'gcePersistentDisk',
  'portworxVolume',
  'vsphereVolume',
] as const;

/** Name of the driver that is to provision, or undefined when nobody can. */
export function provisionerOf(provisioner: string): string | undefined {
  return MIGRATED[provisioner] ?? (provisioner.startsWith(TREE_PREFIX) ? undefined : provisioner);
}

export type Deletion =
  | { readonly by: 'controller' | 'driver' }
  | { readonly by: 'nobody'; readonly why: string };

/** Who removes a volume that is over. Mirrors pv_controller.go findDeletablePlugin and host_path Delete. */
export function deletionOf(
  { metadata, spec }: PersistentVolume,
  provisionedBy: string | undefined,
): Deletion {
  if (provisionedBy !== undefined && provisionedBy !== '') {
    return provisionedBy.startsWith(TREE_PREFIX)
      ? { by: 'nobody', why: `no volume plugin matched name: ${provisionedBy}` }
      : { by: 'driver' };
  }
  if (spec.csi !== undefined || MIGRATED_SOURCES.some((source) => spec[source] !== undefined))
    return { by: 'driver' };
  if (spec.hostPath !== undefined) {
    const { path } = spec.hostPath;
    if (/^\/tmp\/.+$/.test(path)) return { by: 'controller' };
    return { by: 'nobody', why: `host_path deleter only supports /tmp/.+ but received provided ${path}` };
  }
  const isKnown = spec.nfs !== undefined || spec.iscsi !== undefined || spec.fc !== undefined;
  const why = isKnown ? 'no deletable volume plugin matched' : 'no volume plugin matched';
  return { by: 'nobody', why: `error getting deleter volume plugin for volume "${metadata.name}": ${why}` };
}

/** Whether the volume can be wiped for other claims. */
export function isRecyclable({ spec }: PersistentVolume): boolean {
  return spec.hostPath !== undefined || spec.nfs !== undefined;
}
