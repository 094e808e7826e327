/** Slices of devices that drivers publish. Mirrors pkg/apis/resource/validation. */
import { defineBehaviour } from '../../definition.ts';
import { formatTime } from '../../machinery/clock.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength, goQuote } from '../../machinery/go-format.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkLabelValue,
  checkQualifiedName,
} from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
  tooMany,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import type {
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  DeviceTaint,
  ResourcePool,
  ResourceSlice,
  ResourceSliceSpec,
} from '../../../openapi/generated/resource-v1.ts';
import { addNodeSelector, type NodeSelector } from '../common/node-selectors.ts';
import { validateDriverName } from '../common/storage-names.ts';
import { isAbsent, validateEach, validateRequiredText } from '../common/text.ts';
import {
  TAINT_EFFECTS,
  validateAttributeName,
  validatePoolName,
  validateSet,
  validateSlice,
} from './lists.ts';

const SPEC = path('spec');
const DEVICES_MAX = 128;
/** Devices with taints or counters take more room. */
const ADVANCED_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const CONSUMPTIONS_MAX = 2;
const TAINTS_MAX = 16;
const CONDITIONS_MAX = 4;
const ATTRIBUTES_MAX = 32;
const VALUE_LENGTH_MAX = 64;
const WHERE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const DEVICE_WHERE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const NUMERIC = '(0|[1-9]\\d*)';
const PRERELEASE = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const BUILD = '[0-9a-zA-Z-]+';
const SEMVER = new RegExp(
  `^${NUMERIC}\\.${NUMERIC}\\.${NUMERIC}(-${PRERELEASE}(\\.${PRERELEASE})*)?(\\+${BUILD}(\\.${BUILD})*)?$`,
);

export const resourceSlice = defineBehaviour<ResourceSlice>({
  prepareForCreate: ({ spec }, { nowMs }) => stampTaints(spec, nowMs),
  prepareForUpdate: ({ spec }, _old, { nowMs }) => stampTaints(spec, nowMs),
  validate: ({ spec }) => validateSpec(spec, undefined),
  validateUpdate: ({ spec }, { spec: old }) => validateSpec(spec, old),
  warnings: ({ spec: { driver = '' } }) =>
    driver === driver.toLowerCase()
      ? []
      : [`spec.driver: driver names should be lowercase; ${goQuote(driver)} contains uppercase characters`],
});

function stampTaints(spec: ResourceSliceSpec | undefined, nowMs: number): void {
  for (const { taints } of spec?.devices ?? [])
    for (const taint of taints ?? []) taint.timeAdded ??= formatTime(nowMs);
}

function validateSpec(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): FieldError[] {
  const { devices = [], sharedCounters } = spec;
  const errors = [
    ...validateDriverName(SPEC.child('driver'), spec.driver),
    ...validatePool(spec.pool ?? {}, SPEC.child('pool')),
  ];
  if (old !== undefined) {
    errors.push(
      ...validateImmutable(SPEC.child('pool', 'name'), spec.pool?.name ?? '', old.pool.name),
      ...validateImmutable(SPEC.child('driver'), spec.driver ?? '', old.driver),
      ...validateImmutable(SPEC.child('nodeName'), spec.nodeName, old.nodeName),
    );
  }
  errors.push(...validatePlace(spec));
  if (sharedCounters !== undefined && spec.devices !== undefined)
    errors.push(invalid(SPEC, '', 'only one of `sharedCounters` or `devices` is allowed'));
  const isAdvanced = devices.some(
    ({ taints = [], consumesCounters = [] }) => taints.length > 0 || consumesCounters.length > 0,
  );
  const perDevice = spec.perDeviceNodeSelection === true;
  return [
    ...errors,
    ...validateSet(
      devices,
      isAdvanced ? ADVANCED_DEVICES_MAX : DEVICES_MAX,
      (device, at) =>
        validateDevice(
          device,
          old?.devices?.find(({ name }) => name === device.name),
          perDevice,
          at,
        ),
      ({ name }) => name,
      SPEC.child('devices'),
    ),
    ...validateSet(
      sharedCounters,
      COUNTER_SETS_MAX,
      validateCounterSet,
      ({ name }) => name,
      SPEC.child('sharedCounters'),
    ),
  ];
}

function validatePool(pool: Partial<ResourcePool>, at: FieldPath): FieldError[] {
  const { name = '', resourceSliceCount: count = 0, generation = 0 } = pool;
  const errors = validatePoolName(name, at.child('name'));
  if (count <= 0) errors.push(invalid(at.child('resourceSliceCount'), count, 'must be greater than zero'));
  if (generation < 0)
    errors.push(invalid(at.child('generation'), generation, 'must be greater than or equal to zero'));
  return errors;
}

/** What names nodes, of a slice or of a device. */
interface Placed {
  readonly nodeName?: string;
  readonly nodeSelector?: unknown;
  readonly allNodes?: boolean;
  readonly perDeviceNodeSelection?: boolean;
}

function validateNodeSelector(selector: unknown, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  addNodeSelector(errors, at, selector as NodeSelector);
  return errors;
}

function validatePlace(spec: Placed): FieldError[] {
  const errors: FieldError[] = [];
  const set: string[] = [];
  const { nodeName, nodeSelector } = spec;
  const name = SPEC.child('nodeName');
  if (nodeName === '') errors.push(invalid(name, '', 'must be either unset or set to a non-empty string'));
  else if (!isAbsent(nodeName)) {
    set.push('`nodeName`');
    errors.push(...invalidEach(name, nodeName, checkDNS1123Subdomain(nodeName)));
  }
  if (!isAbsent(nodeSelector)) {
    set.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, SPEC.child('nodeSelector')));
    const terms = (nodeSelector as NodeSelector).nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      const at = SPEC.child('nodeSelector', 'nodeSelectorTerms');
      errors.push(invalid(at, terms, 'must have exactly one node selector term'));
    }
  }
  for (const member of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[member] === true) set.push(`\`${member}\``);
    else if (spec[member] === false)
      errors.push(invalid(SPEC.child(member), false, 'must be either unset or set to true'));
  }
  if (set.length === 0) errors.push(required(SPEC, WHERE));
  if (set.length > 1)
    errors.push(invalid(SPEC, `{${set.join(', ')}}`, `${WHERE}, but multiple fields are set`));
  return errors;
}

function validateDevice(
  device: Device,
  old: Device | undefined,
  perDevice: boolean,
  at: FieldPath,
): FieldError[] {
  const { attributes = {}, capacity = {} } = device;
  const errors = invalidEach(at.child('name'), device.name, checkDNS1123Label(device.name));
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > ATTRIBUTES_MAX) {
    const why = `the total number of attributes and capacities must not exceed ${ATTRIBUTES_MAX}`;
    errors.push(invalid(at, count, why));
  }
  errors.push(
    ...validateMap(attributes, validateAttributeName, validateAttribute, at.child('attributes')),
    ...validateMap(
      capacity,
      validateAttributeName,
      ({ requestPolicy }, place) =>
        isAbsent(requestPolicy) || device.allowMultipleAllocations === true
          ? []
          : [forbidden(place.child('requestPolicy'), 'allowMultipleAllocations must be true')],
      at.child('capacity'),
    ),
  );
  if (old === undefined || !equalJSON(old.taints, device.taints))
    errors.push(...validateSlice(device.taints, TAINTS_MAX, validateTaint, at.child('taints')));
  return [
    ...errors,
    ...validateSet(
      device.consumesCounters,
      CONSUMPTIONS_MAX,
      validateConsumption,
      ({ counterSet }) => counterSet,
      at.child('consumesCounters'),
    ),
    ...validateDevicePlace(device, perDevice, at),
    ...validateBinding(device, at),
  ];
}

function validateDevicePlace(device: Placed, perDevice: boolean, at: FieldPath): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!perDevice) {
    const isPlaced = [nodeName, nodeSelector, allNodes].some((value) => !isAbsent(value));
    const why =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return isPlaced ? [invalid(at, null, why)] : [];
  }
  const errors: FieldError[] = [];
  const set: string[] = [];
  const name = at.child('nodeName');
  if (nodeName === '') errors.push(invalid(name, '', 'must not be empty'));
  else if (!isAbsent(nodeName)) {
    set.push('`nodeName`');
    errors.push(...invalidEach(name, nodeName, checkDNS1123Subdomain(nodeName)));
  }
  if (!isAbsent(nodeSelector)) {
    set.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, at.child('nodeSelector')));
  }
  if (allNodes === true) set.push('`allNodes`');
  else if (allNodes === false)
    errors.push(invalid(at.child('allNodes'), false, 'must be either unset or set to true'));
  if (set.length === 0) errors.push(required(at, DEVICE_WHERE));
  if (set.length > 1) errors.push(invalid(at, `{${set.join(', ')}}`, DEVICE_WHERE));
  return errors;
}

/** Keys are told by the path of the map, values by their own. */
function validateMap<T>(
  map: Readonly<Record<string, T>>,
  checkKey: (key: string, at: FieldPath) => readonly FieldError[],
  check: (value: T, at: FieldPath) => readonly FieldError[],
  at: FieldPath,
): FieldError[] {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) => [...checkKey(key, at), ...check(value, at.key(key))]);
}

function validateAttribute(attribute: DeviceAttribute, at: FieldPath): FieldError[] {
  const { bool, int, string, version } = attribute;
  const errors: FieldError[] = [];
  if (!isAbsent(string) && byteLength(string) > VALUE_LENGTH_MAX)
    errors.push(tooLong(at.child('string'), string, VALUE_LENGTH_MAX));
  if (!isAbsent(version)) {
    const place = at.child('version');
    if (!SEMVER.test(version))
      errors.push(invalid(place, version, 'must be a string compatible with semver.org spec 2.0.0'));
    if (byteLength(version) > VALUE_LENGTH_MAX) errors.push(tooLong(place, version, VALUE_LENGTH_MAX));
  }
  const count = [bool, int, string, version].filter((value) => !isAbsent(value)).length;
  if (count === 1) return errors;
  return [...errors, invalid(at, count === 0 ? '' : attribute, 'exactly one value must be specified')];
}

function validateTaint({ key = '', value = '', effect = '' }: DeviceTaint, at: FieldPath): FieldError[] {
  const errors = invalidEach(at.child('key'), key, checkQualifiedName(key));
  if (value !== '') errors.push(...invalidEach(at.child('value'), value, checkLabelValue(value)));
  if (effect === '') return [...errors, required(at.child('effect'))];
  if (TAINT_EFFECTS.has(effect)) return errors;
  return [...errors, notSupported(at.child('effect'), effect, TAINT_EFFECTS)];
}

function validateCounters(counters: Readonly<Record<string, unknown>>, at: FieldPath): FieldError[] {
  const names = Object.keys(counters);
  if (names.length === 0) return [required(at)];
  if (names.length > COUNTERS_MAX) return [tooMany(at, names.length, COUNTERS_MAX)];
  return names.sort().flatMap((name) => invalidEach(at, name, checkDNS1123Label(name)));
}

function validateCounterSet({ name, counters }: CounterSet, at: FieldPath): FieldError[] {
  return [
    ...validateRequiredText(at.child('name'), name, checkDNS1123Label),
    ...validateCounters(counters ?? {}, at.child('counters')),
  ];
}

function validateConsumption(
  { counterSet, counters }: DeviceCounterConsumption,
  at: FieldPath,
): FieldError[] {
  return [
    ...validateRequiredText(at.child('counterSet'), counterSet, checkDNS1123Label),
    ...validateCounters(counters ?? {}, at.child('counters')),
  ];
}

function validateBinding(device: Device, at: FieldPath): FieldError[] {
  const { bindingConditions: conditions = [], bindingFailureConditions: failures = [] } = device;
  const name = (text: string, place: FieldPath): FieldError[] =>
    invalidEach(place, text, checkQualifiedName(text));
  const repeated = (list: readonly string[], place: FieldPath): FieldError[] =>
    validateEach(list, place, (text, item, index) =>
      list.indexOf(text) < index ? [duplicate(item, text)] : [],
    );
  const success = at.child('bindingConditions');
  const failure = at.child('bindingFailureConditions');
  const why = 'bindingFailureConditions must not overlap with bindingConditions';
  return [
    ...validateSlice(conditions, CONDITIONS_MAX, name, success),
    ...validateSlice(failures, CONDITIONS_MAX, name, failure),
    ...repeated(conditions, success),
    ...validateEach(failures, failure, (text, item, index) => [
      ...(failures.indexOf(text) < index ? [duplicate(item, text)] : []),
      ...(conditions.includes(text) ? [invalid(item, text, why)] : []),
    ]),
  ];
}
