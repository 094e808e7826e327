/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type DeviceTaint = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaint'];
export type DeviceTaintRule = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaintRule'];
export type DeviceTaintRuleList = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaintRuleList'];
export type DeviceTaintRuleSpec = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaintRuleSpec'];
export type DeviceTaintRuleStatus = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaintRuleStatus'];
export type DeviceTaintSelector = Schemas['io.k8s.api.resource.v1alpha3.DeviceTaintSelector'];
export type PoolStatus = Schemas['io.k8s.api.resource.v1alpha3.PoolStatus'];
export type ResourcePoolStatusRequest = Schemas['io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest'];
export type ResourcePoolStatusRequestList = Schemas['io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestList'];
export type ResourcePoolStatusRequestSpec = Schemas['io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestSpec'];
export type ResourcePoolStatusRequestStatus = Schemas['io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestStatus'];

export const deviceTaintRules: ResourceType<DeviceTaintRule> = { group: 'resource.k8s.io', version: 'v1alpha3', resource: 'devicetaintrules', kind: 'DeviceTaintRule', namespaced: false };
export const resourcePoolStatusRequests: ResourceType<ResourcePoolStatusRequest> = { group: 'resource.k8s.io', version: 'v1alpha3', resource: 'resourcepoolstatusrequests', kind: 'ResourcePoolStatusRequest', namespaced: false };
