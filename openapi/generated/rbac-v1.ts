/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type AggregationRule = Schemas['io.k8s.api.rbac.v1.AggregationRule'];
export type ClusterRole = Schemas['io.k8s.api.rbac.v1.ClusterRole'];
export type ClusterRoleBinding = Schemas['io.k8s.api.rbac.v1.ClusterRoleBinding'];
export type ClusterRoleBindingList = Schemas['io.k8s.api.rbac.v1.ClusterRoleBindingList'];
export type ClusterRoleList = Schemas['io.k8s.api.rbac.v1.ClusterRoleList'];
export type PolicyRule = Schemas['io.k8s.api.rbac.v1.PolicyRule'];
export type Role = Schemas['io.k8s.api.rbac.v1.Role'];
export type RoleBinding = Schemas['io.k8s.api.rbac.v1.RoleBinding'];
export type RoleBindingList = Schemas['io.k8s.api.rbac.v1.RoleBindingList'];
export type RoleList = Schemas['io.k8s.api.rbac.v1.RoleList'];
export type RoleRef = Schemas['io.k8s.api.rbac.v1.RoleRef'];
export type Subject = Schemas['io.k8s.api.rbac.v1.Subject'];

export const clusterRoleBindings: ResourceType<ClusterRoleBinding> = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false };
export const clusterRoles: ResourceType<ClusterRole> = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', kind: 'ClusterRole', namespaced: false };
export const roleBindings: ResourceType<RoleBinding> = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings', kind: 'RoleBinding', namespaced: true };
export const roles: ResourceType<Role> = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles', kind: 'Role', namespaced: true };
