/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type CertificateSigningRequest = Schemas['io.k8s.api.certificates.v1.CertificateSigningRequest'];
export type CertificateSigningRequestCondition = Schemas['io.k8s.api.certificates.v1.CertificateSigningRequestCondition'];
export type CertificateSigningRequestList = Schemas['io.k8s.api.certificates.v1.CertificateSigningRequestList'];
export type CertificateSigningRequestSpec = Schemas['io.k8s.api.certificates.v1.CertificateSigningRequestSpec'];
export type CertificateSigningRequestStatus = Schemas['io.k8s.api.certificates.v1.CertificateSigningRequestStatus'];
export type ExtraValue = Schemas['io.k8s.api.certificates.v1.ExtraValue'];

export const certificateSigningRequests: ResourceType<CertificateSigningRequest> = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest', namespaced: false };
