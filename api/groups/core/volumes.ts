/** Persistent volumes and claims. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { parseQuantity } from '../../machinery/quantity.ts';
import {
  forbidden,
  invalid,
  notSupported,
  required,
  validateLabelSelector,
} from '../../machinery/validation.ts';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '../../../openapi/generated/core-v1.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];

export const persistentVolume = defineBehaviour<PersistentVolume>({
  setDefaults: ({ spec }) => {
    spec.persistentVolumeReclaimPolicy ??= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
    if (spec.claimRef !== undefined) spec.claimRef.kind ??= 'PersistentVolumeClaim';
  },
  prepareForCreate: (object) => {
    object.status = { phase: 'Pending' };
  },
  validate: validateVolume,
  validateUpdate: (object, old) => [
    ...validateVolume(object),
    ...(equalJSON(sourceOf(object), sourceOf(old))
      ? []
      : [
          forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'),
        ]),
  ],
});

/** Members of a volume's spec that are not its source. */
const NOT_SOURCE = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

function sourceOf({ spec }: PersistentVolume): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !NOT_SOURCE.has(name)));
}

function validateVolume(volume: PersistentVolume): FieldError[] {
  const { spec } = volume;
  const at = path('spec');
  const errors = validateAccessModes(spec.accessModes, at.child('accessModes'));
  const capacity = spec.capacity ?? {};
  if (Object.keys(capacity).length === 0) errors.push(required(at.child('capacity')));
  else if (capacity['storage'] === undefined || Object.keys(capacity).length > 1) {
    errors.push(notSupported(at.child('capacity'), capacity, ['storage']));
  } else if (parseQuantity(capacity['storage']).nano <= 0n) {
    errors.push(
      invalid(at.child('capacity').key('storage'), capacity['storage'], 'must be greater than zero'),
    );
  }
  if (!RECLAIM_POLICIES.includes(spec.persistentVolumeReclaimPolicy ?? '')) {
    errors.push(
      notSupported(
        at.child('persistentVolumeReclaimPolicy'),
        spec.persistentVolumeReclaimPolicy ?? '',
        RECLAIM_POLICIES,
      ),
    );
  }
  const sources = Object.keys(sourceOf(volume));
  if (sources.length === 0) errors.push(required(at, 'must specify a volume type'));
  if (sources.length > 1)
    errors.push(forbidden(at.child(sources[1]!), 'may not specify more than 1 volume type'));
  return errors;
}

function validateAccessModes(
  modes: readonly string[] | undefined,
  at: ReturnType<typeof path>,
): FieldError[] {
  if ((modes ?? []).length === 0) return [required(at, 'at least 1 access mode is required')];
  const errors = modes!
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(at, mode, ACCESS_MODES));
  if (modes!.includes('ReadWriteOncePod') && modes!.length > 1) {
    errors.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

export const persistentVolumeClaim = defineBehaviour<PersistentVolumeClaim>({
  setDefaults: ({ spec }) => {
    spec.volumeMode ??= 'Filesystem';
  },
  prepareForCreate: (object) => {
    object.status = { phase: 'Pending' };
  },
  validate: ({ spec }) => validateClaim(spec),
  validateUpdate: ({ spec }, { spec: old }) => {
    const bound = (old.volumeName ?? '') === '' ? { ...old, volumeName: spec.volumeName } : old;
    const comparable = {
      ...spec,
      resources: { ...spec.resources, requests: old.resources?.requests },
      volumeAttributesClassName: old.volumeAttributesClassName,
      storageClassName: old.storageClassName === undefined ? undefined : spec.storageClassName,
    };
    const errors = validateClaim(spec);
    if (!equalJSON(comparable, { ...bound, resources: { ...bound.resources } })) {
      errors.push(
        forbidden(
          'spec',
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      );
    }
    return errors;
  },
});

function validateClaim(spec: PersistentVolumeClaimSpec): FieldError[] {
  const at = path('spec');
  const errors = validateAccessModes(spec.accessModes, at.child('accessModes'));
  if (spec.selector !== undefined) errors.push(...validateLabelSelector(spec.selector, at.child('selector')));
  const storage = spec.resources?.requests?.['storage'];
  const place = at.child('resources').key('storage');
  if (storage === undefined) errors.push(required(place));
  else if (parseQuantity(storage).nano <= 0n)
    errors.push(invalid(place, storage, 'must be greater than zero'));
  return errors;
}
