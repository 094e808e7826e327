/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ApplyConfiguration = Schemas['io.k8s.api.admissionregistration.v1.ApplyConfiguration'];
export type AuditAnnotation = Schemas['io.k8s.api.admissionregistration.v1.AuditAnnotation'];
export type ExpressionWarning = Schemas['io.k8s.api.admissionregistration.v1.ExpressionWarning'];
export type JSONPatch = Schemas['io.k8s.api.admissionregistration.v1.JSONPatch'];
export type MatchCondition = Schemas['io.k8s.api.admissionregistration.v1.MatchCondition'];
export type MatchResources = Schemas['io.k8s.api.admissionregistration.v1.MatchResources'];
export type MutatingAdmissionPolicy = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy'];
export type MutatingAdmissionPolicyBinding = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding'];
export type MutatingAdmissionPolicyBindingList = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingList'];
export type MutatingAdmissionPolicyBindingSpec = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec'];
export type MutatingAdmissionPolicyList = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyList'];
export type MutatingAdmissionPolicySpec = Schemas['io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec'];
export type MutatingWebhook = Schemas['io.k8s.api.admissionregistration.v1.MutatingWebhook'];
export type MutatingWebhookConfiguration = Schemas['io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration'];
export type MutatingWebhookConfigurationList = Schemas['io.k8s.api.admissionregistration.v1.MutatingWebhookConfigurationList'];
export type Mutation = Schemas['io.k8s.api.admissionregistration.v1.Mutation'];
export type NamedRuleWithOperations = Schemas['io.k8s.api.admissionregistration.v1.NamedRuleWithOperations'];
export type ParamKind = Schemas['io.k8s.api.admissionregistration.v1.ParamKind'];
export type ParamRef = Schemas['io.k8s.api.admissionregistration.v1.ParamRef'];
export type Rule = Schemas['io.k8s.api.admissionregistration.v1.Rule'];
export type RuleWithOperations = Schemas['io.k8s.api.admissionregistration.v1.RuleWithOperations'];
export type ServiceReference = Schemas['io.k8s.api.admissionregistration.v1.ServiceReference'];
export type TypeChecking = Schemas['io.k8s.api.admissionregistration.v1.TypeChecking'];
export type ValidatingAdmissionPolicy = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy'];
export type ValidatingAdmissionPolicyBinding = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding'];
export type ValidatingAdmissionPolicyBindingList = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingList'];
export type ValidatingAdmissionPolicyBindingSpec = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec'];
export type ValidatingAdmissionPolicyList = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyList'];
export type ValidatingAdmissionPolicySpec = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec'];
export type ValidatingAdmissionPolicyStatus = Schemas['io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus'];
export type ValidatingWebhook = Schemas['io.k8s.api.admissionregistration.v1.ValidatingWebhook'];
export type ValidatingWebhookConfiguration = Schemas['io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration'];
export type ValidatingWebhookConfigurationList = Schemas['io.k8s.api.admissionregistration.v1.ValidatingWebhookConfigurationList'];
export type Validation = Schemas['io.k8s.api.admissionregistration.v1.Validation'];
export type Variable = Schemas['io.k8s.api.admissionregistration.v1.Variable'];
export type WebhookClientConfig = Schemas['io.k8s.api.admissionregistration.v1.WebhookClientConfig'];

export const mutatingAdmissionPolicies: ResourceType<MutatingAdmissionPolicy> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicies', kind: 'MutatingAdmissionPolicy', namespaced: false };
export const mutatingAdmissionPolicyBindings: ResourceType<MutatingAdmissionPolicyBinding> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicybindings', kind: 'MutatingAdmissionPolicyBinding', namespaced: false };
export const mutatingWebhookConfigurations: ResourceType<MutatingWebhookConfiguration> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations', kind: 'MutatingWebhookConfiguration', namespaced: false };
export const validatingAdmissionPolicies: ResourceType<ValidatingAdmissionPolicy> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', namespaced: false };
export const validatingAdmissionPolicyBindings: ResourceType<ValidatingAdmissionPolicyBinding> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', namespaced: false };
export const validatingWebhookConfigurations: ResourceType<ValidatingWebhookConfiguration> = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations', kind: 'ValidatingWebhookConfiguration', namespaced: false };
