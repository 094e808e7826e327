/** Tables of volumes and storage.k8s.io. Mirrors pkg/printers/internalversion/printers.go. */
import { isDefaultClass } from '../storage/default-class.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../openapi/generated/core-v1.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../../../openapi/generated/storage-v1.ts';
import type { KubeObject } from '../../machinery/object-meta.ts';
import { AGE, ageOf, column, defineTable, NAME, nameOf, wide } from './columns.ts';

const ACCESS_MODES: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

function accessModes(modes: readonly string[] | undefined): string {
  return ACCESS_MODES.filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function storageClassOf(object: KubeObject, className: string | undefined): string {
  return object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? className ?? '';
}

function phaseOf(object: KubeObject, phase: string | undefined): string {
  return object.metadata.deletionTimestamp === undefined ? (phase ?? '') : 'Terminating';
}

export const persistentVolumeTable = defineTable<PersistentVolume>({
  columns: [
    NAME,
    column('Capacity', 'Size of the volume.'),
    column('Access Modes', 'How the volume can be mounted.'),
    column('Reclaim Policy', 'What becomes of the volume when it is released.'),
    column('Status', 'Whether the volume is free or bound.'),
    column('Claim', 'Claim the volume is bound to.'),
    column('StorageClass', 'Storage class of the volume.'),
    column('VolumeAttributesClass', 'Volume attributes class of the volume.'),
    column('Reason', 'Why the volume is in its state.'),
    AGE,
    wide('VolumeMode', 'File system or block device.'),
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.capacity?.['storage'] ?? '0',
    accessModes(object.spec.accessModes),
    object.spec.persistentVolumeReclaimPolicy ?? '',
    phaseOf(object, object.status.phase),
    object.spec.claimRef === undefined
      ? ''
      : `${object.spec.claimRef.namespace ?? ''}/${object.spec.claimRef.name ?? ''}`,
    storageClassOf(object, object.spec.storageClassName),
    object.spec.volumeAttributesClassName ?? '<unset>',
    object.status.reason ?? '',
    ageOf(object, context),
    object.spec.volumeMode ?? '<unset>',
  ],
});

export const persistentVolumeClaimTable = defineTable<PersistentVolumeClaim>({
  columns: [
    NAME,
    column('Status', 'Whether the claim is bound.'),
    column('Volume', 'Volume the claim is bound to.'),
    column('Capacity', 'Size of the volume.'),
    column('Access Modes', 'How the volume can be mounted.'),
    column('StorageClass', 'Storage class of the claim.'),
    column('VolumeAttributesClass', 'Volume attributes class of the claim.'),
    AGE,
    wide('VolumeMode', 'File system or block device.'),
  ],
  cells(object, context) {
    const volumeName = object.spec.volumeName ?? '';
    return [
      nameOf(object),
      phaseOf(object, object.status.phase),
      volumeName,
      volumeName === '' ? '' : (object.status.capacity?.['storage'] ?? '0'),
      volumeName === '' ? '' : accessModes(object.status.accessModes),
      storageClassOf(object, object.spec.storageClassName),
      object.spec.volumeAttributesClassName ?? '<unset>',
      ageOf(object, context),
      object.spec.volumeMode ?? '<unset>',
    ];
  },
});

export const storageClassTable = defineTable<StorageClass>({
  columns: [
    NAME,
    column('Provisioner', 'Who makes volumes of the class.'),
    column('ReclaimPolicy', 'What becomes of its volumes when they are released.'),
    column('VolumeBindingMode', 'When claims are bound.'),
    column('AllowVolumeExpansion', 'Whether its volumes can grow.'),
    AGE,
  ],
  cells(object, context) {
    return [
      isDefaultClass(object) ? `${nameOf(object)} (default)` : nameOf(object),
      object.provisioner,
      object.reclaimPolicy ?? 'Delete',
      object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion ?? false,
      ageOf(object, context),
    ];
  },
});

export const volumeAttributesClassTable = defineTable<VolumeAttributesClass>({
  columns: [NAME, column('DriverName', 'Driver of the class.'), AGE],
  cells: (object, context) => [nameOf(object), object.driverName, ageOf(object, context)],
});

export const volumeAttachmentTable = defineTable<VolumeAttachment>({
  columns: [
    NAME,
    { ...column('Attacher', 'Driver that attaches.'), format: 'name' },
    column('PV', 'Volume to attach.'),
    column('Node', 'Node to attach to.'),
    column('Attached', 'Whether the volume is attached.', 'boolean'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.attacher,
    object.spec.source.persistentVolumeName ?? '',
    object.spec.nodeName,
    object.status.attached,
    ageOf(object, context),
  ],
});

export const csiNodeTable = defineTable<CSINode>({
  columns: [NAME, column('Drivers', 'Number of drivers on the node.', 'integer'), AGE],
  cells: (object, context) => [nameOf(object), object.spec.drivers?.length ?? 0, ageOf(object, context)],
});

export const csiDriverTable = defineTable<CSIDriver>({
  columns: [
    NAME,
    column('AttachRequired', 'Whether volumes must be attached before they are mounted.', 'boolean'),
    column('PodInfoOnMount', 'Whether the driver is told about the pod.', 'boolean'),
    column('StorageCapacity', 'Whether the driver publishes how much room there is.', 'boolean'),
    column('TokenRequests', 'Audiences of the tokens the driver gets.'),
    column('RequiresRepublish', 'Whether volumes are published again and again.', 'boolean'),
    column('Modes', 'Persistent, ephemeral or both.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.attachRequired ?? true,
    object.spec.podInfoOnMount ?? false,
    object.spec.storageCapacity ?? false,
    object.spec.tokenRequests?.map((request) => request.audience).join(',') ?? '<unset>',
    object.spec.requiresRepublish ?? false,
    object.spec.volumeLifecycleModes?.join(',') ?? '<none>',
    ageOf(object, context),
  ],
});

export const csiStorageCapacityTable = defineTable<CSIStorageCapacity>({
  columns: [
    NAME,
    column('StorageClassName', 'Storage class the room is for.'),
    column('Capacity', 'How much room there is.'),
  ],
  cells: (object) => [nameOf(object), object.storageClassName, object.capacity ?? '<unset>'],
});
