/** Controllers of kube-controller-manager 1.36 that are not here, by the names its --controllers takes. */
import type { AbsentController } from './runtime/manager.ts';

const GATED = 'its feature gate is off by default and its API is not served';
const CLOUD = 'it needs a cloud provider, without which kube-controller-manager skips it';

/** Mirrors cmd/kube-controller-manager names.go and the descriptors of its app. */
export const ABSENT_CONTROLLERS: readonly AbsentController[] = [
  { name: 'cloud-node-lifecycle-controller', aliases: ['cloud-node-lifecycle'], why: CLOUD },
  { name: 'kube-apiserver-serving-clustertrustbundle-publisher-controller', why: GATED },
  { name: 'node-route-controller', aliases: ['route'], why: CLOUD },
  { name: 'podcertificaterequest-cleaner-controller', why: GATED },
  { name: 'podgroup-protection-controller', why: GATED },
  { name: 'resourcepoolstatusrequest-controller', why: GATED },
  {
    name: 'selinux-warning-controller',
    why: 'it is off by default, and simulated nodes have no SELinux',
  },
  { name: 'storage-version-migrator-controller', aliases: ['svm'], why: GATED },
  { name: 'storageversion-garbage-collector-controller', aliases: ['storage-version-gc'], why: GATED },
  {
    name: 'validatingadmissionpolicy-status-controller',
    why: 'expressions of policies are not checked yet',
  },
];
