/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type StorageVersionMigration = Schemas['io.k8s.api.storagemigration.v1beta1.StorageVersionMigration'];
export type StorageVersionMigrationList = Schemas['io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationList'];
export type StorageVersionMigrationSpec = Schemas['io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationSpec'];
export type StorageVersionMigrationStatus = Schemas['io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationStatus'];

export const storageVersionMigrations: ResourceType<StorageVersionMigration> = { group: 'storagemigration.k8s.io', version: 'v1beta1', resource: 'storageversionmigrations', kind: 'StorageVersionMigration', namespaced: false };
