/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type APIGroupDiscovery = Schemas['io.k8s.api.apidiscovery.v2.APIGroupDiscovery'];
export type APIGroupDiscoveryList = Schemas['io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList'];
export type APIResourceDiscovery = Schemas['io.k8s.api.apidiscovery.v2.APIResourceDiscovery'];
export type APISubresourceDiscovery = Schemas['io.k8s.api.apidiscovery.v2.APISubresourceDiscovery'];
export type APIVersionDiscovery = Schemas['io.k8s.api.apidiscovery.v2.APIVersionDiscovery'];
