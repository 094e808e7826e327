import { isDefaultClass } from '../../api/groups/storage/default-class.ts';
import type { PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';
import type { StorageClass } from '../../openapi/generated/storage-v1.ts';
import type { AdmissionContext } from './index.ts';
import type { AdmissionPlugin } from './plugin.ts';

/** Claims that name no class get the default one, the newest if there are several. */
export function defaultStorageClass({ reader }: AdmissionContext): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    admit: ({ definition, operation, subresource, object }) => {
      if (
        operation !== 'CREATE' ||
        subresource !== '' ||
        definition.group !== '' ||
        definition.names.plural !== 'persistentvolumeclaims'
      )
        return;
      const claim = object as unknown as PersistentVolumeClaim;
      if (claim.spec.storageClassName !== undefined) return;
      const classes = reader.list({
        group: 'storage.k8s.io',
        resource: 'storageclasses',
      }) as unknown as readonly StorageClass[];
      const defaults = classes.filter(isDefaultClass);
      const newest = defaults.sort((a, b) =>
        a.metadata.creationTimestamp! < b.metadata.creationTimestamp! ? 1 : -1,
      )[0];
      if (newest !== undefined) claim.spec.storageClassName = newest.metadata.name;
    },
  };
}
