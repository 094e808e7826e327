/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ExtraValue = Schemas['io.k8s.api.authorization.v1.ExtraValue'];
export type FieldSelectorAttributes = Schemas['io.k8s.api.authorization.v1.FieldSelectorAttributes'];
export type LabelSelectorAttributes = Schemas['io.k8s.api.authorization.v1.LabelSelectorAttributes'];
export type LocalSubjectAccessReview = Schemas['io.k8s.api.authorization.v1.LocalSubjectAccessReview'];
export type NonResourceAttributes = Schemas['io.k8s.api.authorization.v1.NonResourceAttributes'];
export type NonResourceRule = Schemas['io.k8s.api.authorization.v1.NonResourceRule'];
export type ResourceAttributes = Schemas['io.k8s.api.authorization.v1.ResourceAttributes'];
export type ResourceRule = Schemas['io.k8s.api.authorization.v1.ResourceRule'];
export type SelfSubjectAccessReview = Schemas['io.k8s.api.authorization.v1.SelfSubjectAccessReview'];
export type SelfSubjectAccessReviewSpec = Schemas['io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec'];
export type SelfSubjectRulesReview = Schemas['io.k8s.api.authorization.v1.SelfSubjectRulesReview'];
export type SelfSubjectRulesReviewSpec = Schemas['io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec'];
export type SubjectAccessReview = Schemas['io.k8s.api.authorization.v1.SubjectAccessReview'];
export type SubjectAccessReviewSpec = Schemas['io.k8s.api.authorization.v1.SubjectAccessReviewSpec'];
export type SubjectAccessReviewStatus = Schemas['io.k8s.api.authorization.v1.SubjectAccessReviewStatus'];
export type SubjectRulesReviewStatus = Schemas['io.k8s.api.authorization.v1.SubjectRulesReviewStatus'];

export const localSubjectAccessReviews: ResourceType<LocalSubjectAccessReview> = { group: 'authorization.k8s.io', version: 'v1', resource: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', namespaced: true };
export const selfSubjectAccessReviews: ResourceType<SelfSubjectAccessReview> = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', namespaced: false };
export const selfSubjectRulesReviews: ResourceType<SelfSubjectRulesReview> = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview', namespaced: false };
export const subjectAccessReviews: ResourceType<SubjectAccessReview> = { group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false };
