/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type LeaseCandidate = Schemas['io.k8s.api.coordination.v1alpha2.LeaseCandidate'];
export type LeaseCandidateList = Schemas['io.k8s.api.coordination.v1alpha2.LeaseCandidateList'];
export type LeaseCandidateSpec = Schemas['io.k8s.api.coordination.v1alpha2.LeaseCandidateSpec'];

export const leaseCandidates: ResourceType<LeaseCandidate> = { group: 'coordination.k8s.io', version: 'v1alpha2', resource: 'leasecandidates', kind: 'LeaseCandidate', namespaced: true };
