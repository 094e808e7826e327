/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type PriorityClass = Schemas['io.k8s.api.scheduling.v1.PriorityClass'];
export type PriorityClassList = Schemas['io.k8s.api.scheduling.v1.PriorityClassList'];

export const priorityClasses: ResourceType<PriorityClass> = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses', kind: 'PriorityClass', namespaced: false };
