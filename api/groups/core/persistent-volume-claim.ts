/** Claims. Mirrors registry/core/persistentvolumeclaim and ValidatePersistentVolumeClaim of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path } from '../../machinery/field-path.ts';
import { checkQualifiedName } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../openapi/generated/core-v1.ts';
import { addEach, addImmutable, addLabelSelector, type Findings, sortedEntries } from '../common/findings.ts';
import { internalDiff } from '../common/internal-json.ts';
import {
  addBasicQuantity,
  addResourceQuantity,
  compareAmounts,
  isNativeResource,
  roundUpAmounts,
} from '../common/resources.ts';
import { addClaimSpec, claimSpecWarnings, setClaimDefaults } from './claim-spec.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const CHANGE_TEXT =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';

export const persistentVolumeClaim = defineBehaviour<PersistentVolumeClaim>({
  setDefaults: ({ spec, status }) => {
    if (status !== undefined) {
      status.phase ||= 'Pending';
      roundUpAmounts(status.capacity);
      roundUpAmounts(status.allocatedResources);
    }
    if (spec !== undefined) setClaimDefaults(spec);
  },
  prepareForCreate: (object) => {
    object.status = {};
    object.status.phase = 'Pending';
    prepareSources(object.spec);
  },
  prepareForUpdate: (object, old) => prepareSources(object.spec, old.spec),
  validate: ({ spec }) => {
    const errors: Findings = [];
    addClaimSpec(errors, path('spec'), spec);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    const selector: Findings = [];
    addLabelSelector(selector, path(), old.spec.selector);
    addClaimSpec(errors, path('spec'), object.spec, {
      allowInvalidSelectorValue: selector.length > 0,
      allowInvalidDataSourceGroup: hasGroup(old.spec.dataSource) || hasGroup(old.spec.dataSourceRef),
    });
    addChanges(errors, object, old);
    return errors;
  },
  validateStatusUpdate: (object) => {
    const errors: Findings = [];
    addStatus(errors, object);
    return errors;
  },
  warnings: ({ spec, metadata }, _old, subresource) => {
    if (subresource !== '') return [];
    const isAnnotated = metadata.annotations?.[CLASS_ANNOTATION] !== undefined;
    const text = 'deprecated since v1.8; use "storageClassName" attribute instead';
    return [
      ...(isAnnotated ? [`metadata.annotations[${CLASS_ANNOTATION}]: ${text}`] : []),
      ...claimSpecWarnings(path('spec'), spec),
    ];
  },
});

function hasGroup(source: { readonly apiGroup?: string | null } | undefined): boolean {
  return source?.apiGroup !== undefined && source.apiGroup !== null;
}

/** Two fields say where data comes from; either fills the other. What only the newer one can name, the older forgets. */
function prepareSources(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  if ((spec.dataSourceRef?.namespace ?? '') !== '' && old?.dataSourceRef === undefined)
    delete spec.dataSourceRef;
  const wasUsed = old?.dataSource !== undefined || old?.dataSourceRef !== undefined;
  const { dataSource } = spec;
  if (!wasUsed && spec.dataSourceRef === undefined && dataSource !== undefined) {
    const group = dataSource.apiGroup ?? '';
    const isKnown =
      (dataSource.kind === 'PersistentVolumeClaim' && group === '') ||
      (dataSource.kind === 'VolumeSnapshot' && group === SNAPSHOT_GROUP);
    if (!isKnown) delete spec.dataSource;
  }
  if (spec.dataSource !== undefined) spec.dataSourceRef ??= { ...spec.dataSource };
  else if (spec.dataSourceRef !== undefined && (spec.dataSourceRef.namespace ?? '') === '') {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { apiGroup, kind, name };
  }
}

function addChanges(errors: Findings, object: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const { spec } = object;
  const before = { ...old.spec };
  const now = { ...spec };
  if ((old.spec.volumeName ?? '') === '') before.volumeName = now.volumeName;
  addClassChange(errors, object, old, now);
  const isBound = object.status?.phase === 'Bound';
  const oldSize = old.spec.resources?.requests?.['storage'];
  if (isBound && now.resources?.requests !== undefined)
    now.resources = {
      ...now.resources,
      requests: { ...now.resources.requests, storage: oldSize ?? '0' },
    };
  if (isBound) now.volumeAttributesClassName = before.volumeAttributesClassName;
  if (!equalJSON(now, before)) {
    const diff = internalDiff('PersistentVolumeClaimSpec', before, now);
    errors.push(forbidden('spec', `${CHANGE_TEXT}\n${diff}`));
  }
  const size = spec.resources?.requests?.['storage'];
  const capacity = old.status?.capacity?.['storage'];
  if (compareAmounts(size, oldSize) < 0 && compareAmounts(size, capacity) <= 0)
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  addImmutable(errors, path('volumeMode'), spec.volumeMode, old.spec.volumeMode);
  addAttributesChange(errors, spec, old);
}

/** A storage class may be said where there was none, or only an annotation. `now` is made comparable. */
function addClassChange(
  errors: Findings,
  { spec, metadata }: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  now: PersistentVolumeClaimSpec,
): void {
  const note = metadata.annotations?.[CLASS_ANNOTATION];
  const oldNote = old.metadata.annotations?.[CLASS_ANNOTATION];
  const name = spec.storageClassName;
  const isFirst = old.spec.storageClassName === undefined && name !== undefined;
  if (isFirst && oldNote !== undefined && name === oldNote && (note === undefined || note === oldNote)) {
    now.storageClassName = undefined;
    return;
  }
  if ((note ?? '') !== (oldNote ?? '')) {
    const place = path('metadata', 'annotations', CLASS_ANNOTATION);
    errors.push(invalid(place, note ?? '', 'field is immutable'));
  }
  if (isFirst && (oldNote === undefined || name === oldNote)) now.storageClassName = undefined;
}

function addAttributesChange(
  errors: Findings,
  spec: PersistentVolumeClaimSpec,
  old: PersistentVolumeClaim,
): void {
  const name = spec.volumeAttributesClassName;
  const current = old.status?.currentVolumeAttributesClassName;
  if (name === old.spec.volumeAttributesClassName || current === undefined) return;
  const place = 'spec.volumeAttributesClassName';
  const when = 'is forbidden when status.currentVolumeAttributesClassName is not nil';
  if (name === undefined) errors.push(forbidden(place, `update to nil ${when}`));
  else if (name === '') errors.push(forbidden(place, `update to empty string ${when}`));
}

const RESIZE_STATUSES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort();

function addStatus(errors: Findings, { spec, status = {} }: PersistentVolumeClaim): void {
  if ((spec.accessModes ?? []).length === 0) errors.push(required('Spec.accessModes'));
  const at = path('status');
  for (const [name, value] of sortedEntries(status.capacity))
    addBasicQuantity(errors, at.child('capacity').key(name), value);
  for (const [name, value] of sortedEntries(status.allocatedResourceStatuses)) {
    const place = at.child('allocatedResourceStatuses');
    addResourceKey(errors, place, name);
    if (!RESIZE_STATUSES.includes(value)) errors.push(notSupported(place, name, RESIZE_STATUSES));
  }
  for (const [name, value] of sortedEntries(status.allocatedResources)) {
    const place = at.child('allocatedResources');
    if (!addResourceKey(errors, place, name)) continue;
    const before = errors.length;
    addBasicQuantity(errors, place.key(name), value);
    if (errors.length === before) addResourceQuantity(errors, place.key(name), 'storage', value);
  }
}

function addResourceKey(errors: Findings, at: ReturnType<typeof path>, name: string): boolean {
  const texts = checkQualifiedName(name);
  addEach(errors, at, name, texts);
  if (texts.length > 0) return false;
  if (!isNativeResource(name) || name === 'storage') return true;
  errors.push(notSupported(at, name, ['storage']));
  return false;
}
