/* Made by openapi/generate.ts from the facts of Kubernetes 1.36.2. Do not edit. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { components } from './schemas.ts';

type Schemas = components['schemas'];

export type CSIDriver = Schemas['io.k8s.api.storage.v1.CSIDriver'];
export type CSIDriverList = Schemas['io.k8s.api.storage.v1.CSIDriverList'];
export type CSIDriverSpec = Schemas['io.k8s.api.storage.v1.CSIDriverSpec'];
export type CSINode = Schemas['io.k8s.api.storage.v1.CSINode'];
export type CSINodeDriver = Schemas['io.k8s.api.storage.v1.CSINodeDriver'];
export type CSINodeList = Schemas['io.k8s.api.storage.v1.CSINodeList'];
export type CSINodeSpec = Schemas['io.k8s.api.storage.v1.CSINodeSpec'];
export type CSIStorageCapacity = Schemas['io.k8s.api.storage.v1.CSIStorageCapacity'];
export type CSIStorageCapacityList = Schemas['io.k8s.api.storage.v1.CSIStorageCapacityList'];
export type StorageClass = Schemas['io.k8s.api.storage.v1.StorageClass'];
export type StorageClassList = Schemas['io.k8s.api.storage.v1.StorageClassList'];
export type TokenRequest = Schemas['io.k8s.api.storage.v1.TokenRequest'];
export type VolumeAttachment = Schemas['io.k8s.api.storage.v1.VolumeAttachment'];
export type VolumeAttachmentList = Schemas['io.k8s.api.storage.v1.VolumeAttachmentList'];
export type VolumeAttachmentSource = Schemas['io.k8s.api.storage.v1.VolumeAttachmentSource'];
export type VolumeAttachmentSpec = Schemas['io.k8s.api.storage.v1.VolumeAttachmentSpec'];
export type VolumeAttachmentStatus = Schemas['io.k8s.api.storage.v1.VolumeAttachmentStatus'];
export type VolumeAttributesClass = Schemas['io.k8s.api.storage.v1.VolumeAttributesClass'];
export type VolumeAttributesClassList = Schemas['io.k8s.api.storage.v1.VolumeAttributesClassList'];
export type VolumeError = Schemas['io.k8s.api.storage.v1.VolumeError'];
export type VolumeNodeResources = Schemas['io.k8s.api.storage.v1.VolumeNodeResources'];

export const csiDrivers: ResourceType<CSIDriver> = { group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers', kind: 'CSIDriver', namespaced: false };
export const csiNodes: ResourceType<CSINode> = { group: 'storage.k8s.io', version: 'v1', resource: 'csinodes', kind: 'CSINode', namespaced: false };
export const csiStorageCapacities: ResourceType<CSIStorageCapacity> = { group: 'storage.k8s.io', version: 'v1', resource: 'csistoragecapacities', kind: 'CSIStorageCapacity', namespaced: true };
export const storageClasses: ResourceType<StorageClass> = { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses', kind: 'StorageClass', namespaced: false };
export const volumeAttachments: ResourceType<VolumeAttachment> = { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false };
export const volumeAttributesClasses: ResourceType<VolumeAttributesClass> = { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses', kind: 'VolumeAttributesClass', namespaced: false };
