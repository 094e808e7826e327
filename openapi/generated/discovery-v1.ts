/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type Endpoint = Schemas['io.k8s.api.discovery.v1.Endpoint'];
export type EndpointConditions = Schemas['io.k8s.api.discovery.v1.EndpointConditions'];
export type EndpointHints = Schemas['io.k8s.api.discovery.v1.EndpointHints'];
export type EndpointPort = Schemas['io.k8s.api.discovery.v1.EndpointPort'];
export type EndpointSlice = Schemas['io.k8s.api.discovery.v1.EndpointSlice'];
export type EndpointSliceList = Schemas['io.k8s.api.discovery.v1.EndpointSliceList'];
export type ForNode = Schemas['io.k8s.api.discovery.v1.ForNode'];
export type ForZone = Schemas['io.k8s.api.discovery.v1.ForZone'];

export const endpointSlices: ResourceType<EndpointSlice> = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', kind: 'EndpointSlice', namespaced: true };
