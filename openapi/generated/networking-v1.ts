/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type HTTPIngressPath = Schemas['io.k8s.api.networking.v1.HTTPIngressPath'];
export type HTTPIngressRuleValue = Schemas['io.k8s.api.networking.v1.HTTPIngressRuleValue'];
export type IPAddress = Schemas['io.k8s.api.networking.v1.IPAddress'];
export type IPAddressList = Schemas['io.k8s.api.networking.v1.IPAddressList'];
export type IPAddressSpec = Schemas['io.k8s.api.networking.v1.IPAddressSpec'];
export type IPBlock = Schemas['io.k8s.api.networking.v1.IPBlock'];
export type Ingress = Schemas['io.k8s.api.networking.v1.Ingress'];
export type IngressBackend = Schemas['io.k8s.api.networking.v1.IngressBackend'];
export type IngressClass = Schemas['io.k8s.api.networking.v1.IngressClass'];
export type IngressClassList = Schemas['io.k8s.api.networking.v1.IngressClassList'];
export type IngressClassParametersReference = Schemas['io.k8s.api.networking.v1.IngressClassParametersReference'];
export type IngressClassSpec = Schemas['io.k8s.api.networking.v1.IngressClassSpec'];
export type IngressList = Schemas['io.k8s.api.networking.v1.IngressList'];
export type IngressLoadBalancerIngress = Schemas['io.k8s.api.networking.v1.IngressLoadBalancerIngress'];
export type IngressLoadBalancerStatus = Schemas['io.k8s.api.networking.v1.IngressLoadBalancerStatus'];
export type IngressPortStatus = Schemas['io.k8s.api.networking.v1.IngressPortStatus'];
export type IngressRule = Schemas['io.k8s.api.networking.v1.IngressRule'];
export type IngressRuleValue = Schemas['io.k8s.api.networking.v1.IngressRuleValue'];
export type IngressServiceBackend = Schemas['io.k8s.api.networking.v1.IngressServiceBackend'];
export type IngressSpec = Schemas['io.k8s.api.networking.v1.IngressSpec'];
export type IngressStatus = Schemas['io.k8s.api.networking.v1.IngressStatus'];
export type IngressTLS = Schemas['io.k8s.api.networking.v1.IngressTLS'];
export type NetworkPolicy = Schemas['io.k8s.api.networking.v1.NetworkPolicy'];
export type NetworkPolicyEgressRule = Schemas['io.k8s.api.networking.v1.NetworkPolicyEgressRule'];
export type NetworkPolicyIngressRule = Schemas['io.k8s.api.networking.v1.NetworkPolicyIngressRule'];
export type NetworkPolicyList = Schemas['io.k8s.api.networking.v1.NetworkPolicyList'];
export type NetworkPolicyPeer = Schemas['io.k8s.api.networking.v1.NetworkPolicyPeer'];
export type NetworkPolicyPort = Schemas['io.k8s.api.networking.v1.NetworkPolicyPort'];
export type NetworkPolicySpec = Schemas['io.k8s.api.networking.v1.NetworkPolicySpec'];
export type ParentReference = Schemas['io.k8s.api.networking.v1.ParentReference'];
export type ServiceBackendPort = Schemas['io.k8s.api.networking.v1.ServiceBackendPort'];
export type ServiceCIDR = Schemas['io.k8s.api.networking.v1.ServiceCIDR'];
export type ServiceCIDRList = Schemas['io.k8s.api.networking.v1.ServiceCIDRList'];
export type ServiceCIDRSpec = Schemas['io.k8s.api.networking.v1.ServiceCIDRSpec'];
export type ServiceCIDRStatus = Schemas['io.k8s.api.networking.v1.ServiceCIDRStatus'];

export const ingressClasses: ResourceType<IngressClass> = { group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses', kind: 'IngressClass', namespaced: false };
export const ingresses: ResourceType<Ingress> = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses', kind: 'Ingress', namespaced: true };
export const ipAddresses: ResourceType<IPAddress> = { group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses', kind: 'IPAddress', namespaced: false };
export const networkPolicies: ResourceType<NetworkPolicy> = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true };
export const serviceCIDRs: ResourceType<ServiceCIDR> = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs', kind: 'ServiceCIDR', namespaced: false };
