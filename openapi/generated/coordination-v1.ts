/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Lease = Schemas['io.k8s.api.coordination.v1.Lease'];
export type LeaseList = Schemas['io.k8s.api.coordination.v1.LeaseList'];
export type LeaseSpec = Schemas['io.k8s.api.coordination.v1.LeaseSpec'];

export const leases: ResourceType<Lease> = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease', namespaced: true };
