/** Storage classes and volume attributes classes. Mirrors pkg/apis/storage/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkQualifiedName } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import type { StorageClass, VolumeAttributesClass } from '../../../openapi/generated/storage-v1.ts';
import { deprecatedNodeLabel } from '../common/node-selectors.ts';
import { validateEach } from '../common/text.ts';

type TopologyTerm = NonNullable<StorageClass['allowedTopologies']>[number];

const PARAMETERS_SIZE_BYTES_MAX = 256 * 1024;
const PARAMETERS_MAX = 512;
const PARAMETERS = path('parameters');
const TOPOLOGIES = path('allowedTopologies');
const RECLAIM_POLICIES = new Set(['Delete', 'Retain']);
const BINDING_MODES = new Set(['Immediate', 'WaitForFirstConsumer']);

export const storageClass = defineBehaviour<StorageClass>({
  setDefaults: (object) => {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate: validateClass,
  validateUpdate: (object, old) => [
    ...validateClass(object),
    ...(['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((name) =>
      validateImmutable(name, object[name], old[name]),
    ),
  ],
  warnings: ({ allowedTopologies }) =>
    (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, index) =>
      (matchLabelExpressions ?? []).flatMap(({ key }, place) => {
        const text = deprecatedNodeLabel(key);
        const at = TOPOLOGIES.index(index).child('matchLabelExpressions').index(place).child('key');
        return text === undefined ? [] : [`${String(at)}: ${text}`];
      }),
    ),
});

function validateClass(object: StorageClass): FieldError[] {
  const { reclaimPolicy, volumeBindingMode: mode } = object;
  const errors = [
    ...validateProvisioner(path('provisioner'), object.provisioner),
    ...validateParameters(object.parameters ?? {}, true),
  ];
  if ((reclaimPolicy ?? '') !== '' && !RECLAIM_POLICIES.has(reclaimPolicy!))
    errors.push(notSupported('reclaimPolicy', reclaimPolicy, RECLAIM_POLICIES));
  if (mode === undefined) errors.push(required('volumeBindingMode'));
  else if (!BINDING_MODES.has(mode)) errors.push(notSupported('volumeBindingMode', mode, BINDING_MODES));
  return [...errors, ...validateTopologies(object.allowedTopologies ?? [])];
}

function validateProvisioner(at: FieldPath, name: string | undefined): FieldError[] {
  if ((name ?? '') === '') return [required(at)];
  const lower = name!.toLowerCase();
  return invalidEach(at, lower, checkQualifiedName(lower));
}

function validateParameters(parameters: Readonly<Record<string, string>>, allowEmpty: boolean): FieldError[] {
  const entries = Object.entries(parameters);
  if (entries.length > PARAMETERS_MAX) return [tooLong(PARAMETERS, '', PARAMETERS_MAX)];
  const errors: FieldError[] = [];
  if (Object.hasOwn(parameters, '')) errors.push(invalid(PARAMETERS, '', 'field can not be empty.'));
  const size = entries.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  if (size > PARAMETERS_SIZE_BYTES_MAX) errors.push(tooLong(PARAMETERS, '', PARAMETERS_SIZE_BYTES_MAX));
  if (!allowEmpty && entries.length === 0)
    errors.push(required(PARAMETERS, 'must contain at least one key/value pair'));
  return errors;
}

function validateTopologies(terms: readonly TopologyTerm[]): FieldError[] {
  // Upstream compares with as many empty terms as there are terms: one without expressions is a duplicate.
  const seen: Record<string, string[]>[] = terms.length > 0 ? [{}] : [];
  return validateEach(terms, TOPOLOGIES, ({ matchLabelExpressions = [] }, at) => {
    const place = at.child('matchLabelExpressions');
    const keys: Record<string, string[]> = {};
    const errors = validateEach(matchLabelExpressions, place, ({ key, values }, item) => {
      const found = validateTopologyValues(values ?? [], item.child('values'));
      found.push(...invalidEach(item.child('key'), key, checkQualifiedName(key)));
      if (Object.hasOwn(keys, key)) found.push(duplicate(item.child('key'), key));
      keys[key] = [...new Set(values)].sort();
      return found;
    });
    if (seen.some((other) => equalJSON(other, keys))) errors.push(duplicate(place, ''));
    seen.push(keys);
    return errors;
  });
}

function validateTopologyValues(values: readonly string[], at: FieldPath): FieldError[] {
  if (values.length === 0) return [required(at)];
  return validateEach(values, at, (value, place, index) =>
    values.indexOf(value) < index ? [duplicate(place, value)] : [],
  );
}

export const volumeAttributesClass = defineBehaviour<VolumeAttributesClass>({
  validate: validateAttributes,
  validateUpdate: (object, old) => {
    const errors: FieldError[] = [];
    if ((object.driverName ?? '') !== (old.driverName ?? ''))
      errors.push(forbidden('driverName', 'updates to driverName are forbidden.'));
    if (!equalJSON(object.parameters, old.parameters))
      errors.push(forbidden('parameters', 'updates to parameters are forbidden.'));
    return [...errors, ...validateAttributes(object)];
  },
});

function validateAttributes({ driverName, parameters }: VolumeAttributesClass): FieldError[] {
  return [
    ...validateProvisioner(path('driverName'), driverName),
    ...validateParameters(parameters ?? {}, false),
  ];
}
