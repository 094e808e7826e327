/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Lease = Schemas['io.k8s.api.coordination.v1beta1.Lease'];
export type LeaseCandidate = Schemas['io.k8s.api.coordination.v1beta1.LeaseCandidate'];
export type LeaseCandidateList = Schemas['io.k8s.api.coordination.v1beta1.LeaseCandidateList'];
export type LeaseCandidateSpec = Schemas['io.k8s.api.coordination.v1beta1.LeaseCandidateSpec'];
export type LeaseList = Schemas['io.k8s.api.coordination.v1beta1.LeaseList'];
export type LeaseSpec = Schemas['io.k8s.api.coordination.v1beta1.LeaseSpec'];

export const leaseCandidates: ResourceType<LeaseCandidate> = { group: 'coordination.k8s.io', version: 'v1beta1', resource: 'leasecandidates', kind: 'LeaseCandidate', namespaced: true };
export const leases: ResourceType<Lease> = { group: 'coordination.k8s.io', version: 'v1beta1', resource: 'leases', kind: 'Lease', namespaced: true };
