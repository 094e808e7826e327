/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type HTTPIngressPath = Schemas['io.k8s.api.networking.v1beta1.HTTPIngressPath'];
export type HTTPIngressRuleValue = Schemas['io.k8s.api.networking.v1beta1.HTTPIngressRuleValue'];
export type IPAddress = Schemas['io.k8s.api.networking.v1beta1.IPAddress'];
export type IPAddressList = Schemas['io.k8s.api.networking.v1beta1.IPAddressList'];
export type IPAddressSpec = Schemas['io.k8s.api.networking.v1beta1.IPAddressSpec'];
export type Ingress = Schemas['io.k8s.api.networking.v1beta1.Ingress'];
export type IngressBackend = Schemas['io.k8s.api.networking.v1beta1.IngressBackend'];
export type IngressClass = Schemas['io.k8s.api.networking.v1beta1.IngressClass'];
export type IngressClassList = Schemas['io.k8s.api.networking.v1beta1.IngressClassList'];
export type IngressClassParametersReference = Schemas['io.k8s.api.networking.v1beta1.IngressClassParametersReference'];
export type IngressClassSpec = Schemas['io.k8s.api.networking.v1beta1.IngressClassSpec'];
export type IngressList = Schemas['io.k8s.api.networking.v1beta1.IngressList'];
export type IngressLoadBalancerIngress = Schemas['io.k8s.api.networking.v1beta1.IngressLoadBalancerIngress'];
export type IngressLoadBalancerStatus = Schemas['io.k8s.api.networking.v1beta1.IngressLoadBalancerStatus'];
export type IngressPortStatus = Schemas['io.k8s.api.networking.v1beta1.IngressPortStatus'];
export type IngressRule = Schemas['io.k8s.api.networking.v1beta1.IngressRule'];
export type IngressRuleValue = Schemas['io.k8s.api.networking.v1beta1.IngressRuleValue'];
export type IngressSpec = Schemas['io.k8s.api.networking.v1beta1.IngressSpec'];
export type IngressStatus = Schemas['io.k8s.api.networking.v1beta1.IngressStatus'];
export type IngressTLS = Schemas['io.k8s.api.networking.v1beta1.IngressTLS'];
export type ParentReference = Schemas['io.k8s.api.networking.v1beta1.ParentReference'];
export type ServiceCIDR = Schemas['io.k8s.api.networking.v1beta1.ServiceCIDR'];
export type ServiceCIDRList = Schemas['io.k8s.api.networking.v1beta1.ServiceCIDRList'];
export type ServiceCIDRSpec = Schemas['io.k8s.api.networking.v1beta1.ServiceCIDRSpec'];
export type ServiceCIDRStatus = Schemas['io.k8s.api.networking.v1beta1.ServiceCIDRStatus'];

export const ingressClasses: ResourceType<IngressClass> = { group: 'networking.k8s.io', version: 'v1beta1', resource: 'ingressclasses', kind: 'IngressClass', namespaced: false };
export const ingresses: ResourceType<Ingress> = { group: 'networking.k8s.io', version: 'v1beta1', resource: 'ingresses', kind: 'Ingress', namespaced: true };
export const ipAddresses: ResourceType<IPAddress> = { group: 'networking.k8s.io', version: 'v1beta1', resource: 'ipaddresses', kind: 'IPAddress', namespaced: false };
export const serviceCIDRs: ResourceType<ServiceCIDR> = { group: 'networking.k8s.io', version: 'v1beta1', resource: 'servicecidrs', kind: 'ServiceCIDR', namespaced: false };
