/**
 * What a write to a kind or to a part of it takes no notice of, so that its managers do not own it. Where nothing stands
 * here, writes leave status alone, and writes of status leave spec alone. Mirrors GetResetFields and
 * GetResetFieldsFilter of the strategies below pkg/registry of Kubernetes 1.36.
 */
import type { ResetFields } from '../definition.ts';

/** By subresource; '' is the main resource. */
type KindResetFields = Readonly<Record<string, ResetFields>>;

const STATUS_ALONE: KindResetFields = { status: { exclude: ['metadata', 'spec'] } };

export const resetFields: Readonly<Record<string, KindResetFields>> = {
  'certificatesigningrequests.certificates.k8s.io': {
    '': { exclude: ['spec', 'status'] },
    status: { exclude: ['spec', 'status.conditions'] },
    approval: { exclude: ['spec', 'status.certificate'] },
  },
  'deployments.apps': { status: { exclude: ['spec', 'metadata.labels'] } },
  'devicetaintrules.resource.k8s.io': STATUS_ALONE,
  'flowschemas.flowcontrol.apiserver.k8s.io': STATUS_ALONE,
  namespaces: { finalize: { exclude: ['status'] } },
  pods: {
    status: { exclude: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'] },
    ephemeralcontainers: { include: ['spec.ephemeralContainers'] },
    resize: {
      include: [
        'spec.containers.*.resources',
        'spec.containers.*.resizePolicy',
        'spec.initContainers.*.resources',
        'spec.initContainers.*.resizePolicy',
      ],
    },
  },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': STATUS_ALONE,
  'resourceclaims.resource.k8s.io': STATUS_ALONE,
  'resourcepoolstatusrequests.resource.k8s.io': STATUS_ALONE,
  'servicecidrs.networking.k8s.io': STATUS_ALONE,
  'storageversionmigrations.storagemigration.k8s.io': STATUS_ALONE,
  'storageversions.internal.apiserver.k8s.io': STATUS_ALONE,
  'validatingadmissionpolicies.admissionregistration.k8s.io': STATUS_ALONE,
  'volumeattachments.storage.k8s.io': STATUS_ALONE,
};
