/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Eviction = Schemas['io.k8s.api.policy.v1.Eviction'];
export type PodDisruptionBudget = Schemas['io.k8s.api.policy.v1.PodDisruptionBudget'];
export type PodDisruptionBudgetList = Schemas['io.k8s.api.policy.v1.PodDisruptionBudgetList'];
export type PodDisruptionBudgetSpec = Schemas['io.k8s.api.policy.v1.PodDisruptionBudgetSpec'];
export type PodDisruptionBudgetStatus = Schemas['io.k8s.api.policy.v1.PodDisruptionBudgetStatus'];

export const podDisruptionBudgets: ResourceType<PodDisruptionBudget> = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true };
