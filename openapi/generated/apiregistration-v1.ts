/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type APIService = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService'];
export type APIServiceCondition = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition'];
export type APIServiceList = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceList'];
export type APIServiceSpec = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec'];
export type APIServiceStatus = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus'];
export type ServiceReference = Schemas['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference'];

export const apiServices: ResourceType<APIService> = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices', kind: 'APIService', namespaced: false };
