/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type ServerStorageVersion = Schemas['io.k8s.api.apiserverinternal.v1alpha1.ServerStorageVersion'];
export type StorageVersion = Schemas['io.k8s.api.apiserverinternal.v1alpha1.StorageVersion'];
export type StorageVersionCondition = Schemas['io.k8s.api.apiserverinternal.v1alpha1.StorageVersionCondition'];
export type StorageVersionList = Schemas['io.k8s.api.apiserverinternal.v1alpha1.StorageVersionList'];
export type StorageVersionSpec = Schemas['io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec'];
export type StorageVersionStatus = Schemas['io.k8s.api.apiserverinternal.v1alpha1.StorageVersionStatus'];

export const storageVersions: ResourceType<StorageVersion> = { group: 'internal.apiserver.k8s.io', version: 'v1alpha1', resource: 'storageversions', kind: 'StorageVersion', namespaced: false };
