/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ControllerRevision = Schemas['io.k8s.api.apps.v1.ControllerRevision'];
export type ControllerRevisionList = Schemas['io.k8s.api.apps.v1.ControllerRevisionList'];
export type DaemonSet = Schemas['io.k8s.api.apps.v1.DaemonSet'];
export type DaemonSetCondition = Schemas['io.k8s.api.apps.v1.DaemonSetCondition'];
export type DaemonSetList = Schemas['io.k8s.api.apps.v1.DaemonSetList'];
export type DaemonSetSpec = Schemas['io.k8s.api.apps.v1.DaemonSetSpec'];
export type DaemonSetStatus = Schemas['io.k8s.api.apps.v1.DaemonSetStatus'];
export type DaemonSetUpdateStrategy = Schemas['io.k8s.api.apps.v1.DaemonSetUpdateStrategy'];
export type Deployment = Schemas['io.k8s.api.apps.v1.Deployment'];
export type DeploymentCondition = Schemas['io.k8s.api.apps.v1.DeploymentCondition'];
export type DeploymentList = Schemas['io.k8s.api.apps.v1.DeploymentList'];
export type DeploymentSpec = Schemas['io.k8s.api.apps.v1.DeploymentSpec'];
export type DeploymentStatus = Schemas['io.k8s.api.apps.v1.DeploymentStatus'];
export type DeploymentStrategy = Schemas['io.k8s.api.apps.v1.DeploymentStrategy'];
export type ReplicaSet = Schemas['io.k8s.api.apps.v1.ReplicaSet'];
export type ReplicaSetCondition = Schemas['io.k8s.api.apps.v1.ReplicaSetCondition'];
export type ReplicaSetList = Schemas['io.k8s.api.apps.v1.ReplicaSetList'];
export type ReplicaSetSpec = Schemas['io.k8s.api.apps.v1.ReplicaSetSpec'];
export type ReplicaSetStatus = Schemas['io.k8s.api.apps.v1.ReplicaSetStatus'];
export type RollingUpdateDaemonSet = Schemas['io.k8s.api.apps.v1.RollingUpdateDaemonSet'];
export type RollingUpdateDeployment = Schemas['io.k8s.api.apps.v1.RollingUpdateDeployment'];
export type RollingUpdateStatefulSetStrategy = Schemas['io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy'];
export type StatefulSet = Schemas['io.k8s.api.apps.v1.StatefulSet'];
export type StatefulSetCondition = Schemas['io.k8s.api.apps.v1.StatefulSetCondition'];
export type StatefulSetList = Schemas['io.k8s.api.apps.v1.StatefulSetList'];
export type StatefulSetOrdinals = Schemas['io.k8s.api.apps.v1.StatefulSetOrdinals'];
export type StatefulSetPersistentVolumeClaimRetentionPolicy = Schemas['io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy'];
export type StatefulSetSpec = Schemas['io.k8s.api.apps.v1.StatefulSetSpec'];
export type StatefulSetStatus = Schemas['io.k8s.api.apps.v1.StatefulSetStatus'];
export type StatefulSetUpdateStrategy = Schemas['io.k8s.api.apps.v1.StatefulSetUpdateStrategy'];

export const controllerRevisions: ResourceType<ControllerRevision> = { group: 'apps', version: 'v1', resource: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true };
export const daemonSets: ResourceType<DaemonSet> = { group: 'apps', version: 'v1', resource: 'daemonsets', kind: 'DaemonSet', namespaced: true };
export const deployments: ResourceType<Deployment> = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment', namespaced: true };
export const replicaSets: ResourceType<ReplicaSet> = { group: 'apps', version: 'v1', resource: 'replicasets', kind: 'ReplicaSet', namespaced: true };
export const statefulSets: ResourceType<StatefulSet> = { group: 'apps', version: 'v1', resource: 'statefulsets', kind: 'StatefulSet', namespaced: true };
