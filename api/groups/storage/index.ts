import type { GroupBehaviours } from '../../definition.ts';
import { storageClass, volumeAttributesClass } from './classes.ts';
import { csiDriver, csiNode, csiStorageCapacity } from './csi.ts';
import { volumeAttachment } from './volume-attachment.ts';

/** Behaviours of the group storage.k8s.io by plural name. */
export const storageBehaviours: GroupBehaviours = {
  csidrivers: csiDriver,
  csinodes: csiNode,
  csistoragecapacities: csiStorageCapacity,
  storageclasses: storageClass,
  volumeattachments: volumeAttachment,
  volumeattributesclasses: volumeAttributesClass,
};
