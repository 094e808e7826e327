/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type CertificateSigningRequest = Schemas['io.k8s.api.certificates.v1beta1.CertificateSigningRequest'];
export type CertificateSigningRequestCondition = Schemas['io.k8s.api.certificates.v1beta1.CertificateSigningRequestCondition'];
export type CertificateSigningRequestList = Schemas['io.k8s.api.certificates.v1beta1.CertificateSigningRequestList'];
export type CertificateSigningRequestSpec = Schemas['io.k8s.api.certificates.v1beta1.CertificateSigningRequestSpec'];
export type CertificateSigningRequestStatus = Schemas['io.k8s.api.certificates.v1beta1.CertificateSigningRequestStatus'];
export type ClusterTrustBundle = Schemas['io.k8s.api.certificates.v1beta1.ClusterTrustBundle'];
export type ClusterTrustBundleList = Schemas['io.k8s.api.certificates.v1beta1.ClusterTrustBundleList'];
export type ClusterTrustBundleSpec = Schemas['io.k8s.api.certificates.v1beta1.ClusterTrustBundleSpec'];
export type ExtraValue = Schemas['io.k8s.api.certificates.v1beta1.ExtraValue'];
export type PodCertificateRequest = Schemas['io.k8s.api.certificates.v1beta1.PodCertificateRequest'];
export type PodCertificateRequestList = Schemas['io.k8s.api.certificates.v1beta1.PodCertificateRequestList'];
export type PodCertificateRequestSpec = Schemas['io.k8s.api.certificates.v1beta1.PodCertificateRequestSpec'];
export type PodCertificateRequestStatus = Schemas['io.k8s.api.certificates.v1beta1.PodCertificateRequestStatus'];

export const certificateSigningRequests: ResourceType<CertificateSigningRequest> = { group: 'certificates.k8s.io', version: 'v1beta1', resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest', namespaced: false };
export const clusterTrustBundles: ResourceType<ClusterTrustBundle> = { group: 'certificates.k8s.io', version: 'v1beta1', resource: 'clustertrustbundles', kind: 'ClusterTrustBundle', namespaced: false };
export const podCertificateRequests: ResourceType<PodCertificateRequest> = { group: 'certificates.k8s.io', version: 'v1beta1', resource: 'podcertificaterequests', kind: 'PodCertificateRequest', namespaced: true };
