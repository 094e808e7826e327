/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type BoundObjectReference = Schemas['io.k8s.api.authentication.v1.BoundObjectReference'];
export type ExtraValue = Schemas['io.k8s.api.authentication.v1.ExtraValue'];
export type SelfSubjectReview = Schemas['io.k8s.api.authentication.v1.SelfSubjectReview'];
export type SelfSubjectReviewStatus = Schemas['io.k8s.api.authentication.v1.SelfSubjectReviewStatus'];
export type TokenRequest = Schemas['io.k8s.api.authentication.v1.TokenRequest'];
export type TokenRequestSpec = Schemas['io.k8s.api.authentication.v1.TokenRequestSpec'];
export type TokenRequestStatus = Schemas['io.k8s.api.authentication.v1.TokenRequestStatus'];
export type TokenReview = Schemas['io.k8s.api.authentication.v1.TokenReview'];
export type TokenReviewSpec = Schemas['io.k8s.api.authentication.v1.TokenReviewSpec'];
export type TokenReviewStatus = Schemas['io.k8s.api.authentication.v1.TokenReviewStatus'];
export type UserInfo = Schemas['io.k8s.api.authentication.v1.UserInfo'];

export const selfSubjectReviews: ResourceType<SelfSubjectReview> = { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews', kind: 'SelfSubjectReview', namespaced: false };
export const tokenReviews: ResourceType<TokenReview> = { group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', kind: 'TokenReview', namespaced: false };
