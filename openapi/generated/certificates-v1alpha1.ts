/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ClusterTrustBundle = Schemas['io.k8s.api.certificates.v1alpha1.ClusterTrustBundle'];
export type ClusterTrustBundleList = Schemas['io.k8s.api.certificates.v1alpha1.ClusterTrustBundleList'];
export type ClusterTrustBundleSpec = Schemas['io.k8s.api.certificates.v1alpha1.ClusterTrustBundleSpec'];

export const clusterTrustBundles: ResourceType<ClusterTrustBundle> = { group: 'certificates.k8s.io', version: 'v1alpha1', resource: 'clustertrustbundles', kind: 'ClusterTrustBundle', namespaced: false };
