/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Overhead = Schemas['io.k8s.api.node.v1.Overhead'];
export type RuntimeClass = Schemas['io.k8s.api.node.v1.RuntimeClass'];
export type RuntimeClassList = Schemas['io.k8s.api.node.v1.RuntimeClassList'];
export type Scheduling = Schemas['io.k8s.api.node.v1.Scheduling'];

export const runtimeClasses: ResourceType<RuntimeClass> = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false };
