/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type BasicSchedulingPolicy = Schemas['io.k8s.api.scheduling.v1alpha2.BasicSchedulingPolicy'];
export type GangSchedulingPolicy = Schemas['io.k8s.api.scheduling.v1alpha2.GangSchedulingPolicy'];
export type PodGroup = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroup'];
export type PodGroupList = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupList'];
export type PodGroupResourceClaim = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupResourceClaim'];
export type PodGroupResourceClaimStatus = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupResourceClaimStatus'];
export type PodGroupSchedulingConstraints = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupSchedulingConstraints'];
export type PodGroupSchedulingPolicy = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupSchedulingPolicy'];
export type PodGroupSpec = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupSpec'];
export type PodGroupStatus = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupStatus'];
export type PodGroupTemplate = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupTemplate'];
export type PodGroupTemplateReference = Schemas['io.k8s.api.scheduling.v1alpha2.PodGroupTemplateReference'];
export type TopologyConstraint = Schemas['io.k8s.api.scheduling.v1alpha2.TopologyConstraint'];
export type TypedLocalObjectReference = Schemas['io.k8s.api.scheduling.v1alpha2.TypedLocalObjectReference'];
export type Workload = Schemas['io.k8s.api.scheduling.v1alpha2.Workload'];
export type WorkloadList = Schemas['io.k8s.api.scheduling.v1alpha2.WorkloadList'];
export type WorkloadPodGroupTemplateReference = Schemas['io.k8s.api.scheduling.v1alpha2.WorkloadPodGroupTemplateReference'];
export type WorkloadSpec = Schemas['io.k8s.api.scheduling.v1alpha2.WorkloadSpec'];

export const podGroups: ResourceType<PodGroup> = { group: 'scheduling.k8s.io', version: 'v1alpha2', resource: 'podgroups', kind: 'PodGroup', namespaced: true };
export const workloads: ResourceType<Workload> = { group: 'scheduling.k8s.io', version: 'v1alpha2', resource: 'workloads', kind: 'Workload', namespaced: true };
