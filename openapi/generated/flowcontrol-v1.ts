/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ExemptPriorityLevelConfiguration = Schemas['io.k8s.api.flowcontrol.v1.ExemptPriorityLevelConfiguration'];
export type FlowDistinguisherMethod = Schemas['io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod'];
export type FlowSchema = Schemas['io.k8s.api.flowcontrol.v1.FlowSchema'];
export type FlowSchemaCondition = Schemas['io.k8s.api.flowcontrol.v1.FlowSchemaCondition'];
export type FlowSchemaList = Schemas['io.k8s.api.flowcontrol.v1.FlowSchemaList'];
export type FlowSchemaSpec = Schemas['io.k8s.api.flowcontrol.v1.FlowSchemaSpec'];
export type FlowSchemaStatus = Schemas['io.k8s.api.flowcontrol.v1.FlowSchemaStatus'];
export type GroupSubject = Schemas['io.k8s.api.flowcontrol.v1.GroupSubject'];
export type LimitResponse = Schemas['io.k8s.api.flowcontrol.v1.LimitResponse'];
export type LimitedPriorityLevelConfiguration = Schemas['io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration'];
export type NonResourcePolicyRule = Schemas['io.k8s.api.flowcontrol.v1.NonResourcePolicyRule'];
export type PolicyRulesWithSubjects = Schemas['io.k8s.api.flowcontrol.v1.PolicyRulesWithSubjects'];
export type PriorityLevelConfiguration = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration'];
export type PriorityLevelConfigurationCondition = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition'];
export type PriorityLevelConfigurationList = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationList'];
export type PriorityLevelConfigurationReference = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference'];
export type PriorityLevelConfigurationSpec = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec'];
export type PriorityLevelConfigurationStatus = Schemas['io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus'];
export type QueuingConfiguration = Schemas['io.k8s.api.flowcontrol.v1.QueuingConfiguration'];
export type ResourcePolicyRule = Schemas['io.k8s.api.flowcontrol.v1.ResourcePolicyRule'];
export type ServiceAccountSubject = Schemas['io.k8s.api.flowcontrol.v1.ServiceAccountSubject'];
export type Subject = Schemas['io.k8s.api.flowcontrol.v1.Subject'];
export type UserSubject = Schemas['io.k8s.api.flowcontrol.v1.UserSubject'];

export const flowSchemas: ResourceType<FlowSchema> = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas', kind: 'FlowSchema', namespaced: false };
export const priorityLevelConfigurations: ResourceType<PriorityLevelConfiguration> = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'prioritylevelconfigurations', kind: 'PriorityLevelConfiguration', namespaced: false };
