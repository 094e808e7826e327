import type { AdmissionPlugin } from './plugin.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
};

/** New volumes and claims are held while something uses them. */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    admit: ({ definition, operation, subresource, object }) => {
      if (operation !== 'CREATE' || subresource !== '' || definition.group !== '') return;
      const finalizer = Object.hasOwn(FINALIZERS, definition.names.plural)
        ? FINALIZERS[definition.names.plural]!
        : undefined;
      if (finalizer === undefined || object!.metadata.finalizers?.includes(finalizer) === true) return;
      object!.metadata.finalizers = [...(object!.metadata.finalizers ?? []), finalizer];
    },
  };
}
