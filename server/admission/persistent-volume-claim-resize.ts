import { newForbidden } from '../../api/machinery/errors.ts';
import { compareAmounts } from '../../api/groups/common/resources.ts';
import type { PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';
import type { StorageClass } from '../../openapi/generated/storage-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin } from './plugin.ts';

/** Claims grow only where their storage class lets them. */
export function persistentVolumeClaimResize({ reader }: AdmissionContext): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    validate: ({ definition, operation, subresource, object, oldObject, name }) => {
      const isClaim = definition.group === '' && definition.names.plural === 'persistentvolumeclaims';
      if (!isClaim || operation !== 'UPDATE' || subresource !== '') return;
      const claim = object as unknown as PersistentVolumeClaim;
      const old = oldObject as unknown as PersistentVolumeClaim;
      if (compareAmounts(claim.spec.resources?.requests?.storage, old.spec.resources?.requests?.storage) <= 0)
        return;
      const refuse = (why: string): Error =>
        newForbidden({ group: '', resource: 'persistentvolumeclaims' }, name, why);
      if (old.status?.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded');
      const className = claim.spec.storageClassName ?? '';
      const storageClass = reader.get(
        { group: 'storage.k8s.io', resource: 'storageclasses' },
        '',
        className,
      ) as unknown as StorageClass | undefined;
      if (storageClass?.allowVolumeExpansion !== true) {
        throw refuse(
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        );
      }
    },
  };
}
