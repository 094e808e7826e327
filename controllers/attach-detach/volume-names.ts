/** Names that volumes have where they are attached. */
import { createHash } from 'node:crypto';
import type { PersistentVolume } from '../../openapi/generated/core-v1.ts';

/** As nodes report it. Mirrors volume/util GetUniqueVolumeName. Undefined for what is not attached. */
export function uniqueVolumeName({ spec }: PersistentVolume): string | undefined {
  return spec.csi === undefined ? undefined : `kubernetes.io/csi/${spec.csi.driver}^${spec.csi.volumeHandle}`;
}

/** Name of the object that attaches the volume to the node. Mirrors csi getAttachmentName. */
export function attachmentName({ spec }: PersistentVolume, node: string): string | undefined {
  if (spec.csi === undefined) return undefined;
  const hash = createHash('sha256').update(`${spec.csi.volumeHandle}${spec.csi.driver}${node}`).digest('hex');
  return `csi-${hash}`;
}

/** Whether the volume may be attached to several nodes. Mirrors volume/util IsMultiAttachAllowed. */
export function isMultiAttachAllowed({ spec }: PersistentVolume): boolean {
  const modes = spec.accessModes ?? [];
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}
