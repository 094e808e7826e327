/** CSI drivers, nodes and capacities. Mirrors pkg/apis/storage/validation and the strategies of the kinds. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkQualifiedName } from '../../machinery/names.ts';
import {
  duplicate,
  invalid,
  invalidEach,
  notSupported,
  required,
  validateImmutable,
  validateNonnegative,
} from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  TokenRequest,
} from '../../../openapi/generated/storage-v1.ts';
import type { Findings } from '../common/findings.ts';
import { deprecatedNodeLabel } from '../common/node-selectors.ts';
import { addNonnegativeQuantity } from '../common/resources.ts';
import { validateDriverName } from '../common/storage-names.ts';
import { isAbsent, validateEach } from '../common/text.ts';

const SPEC = path('spec');
const FS_GROUP_POLICIES = new Set(['ReadWriteOnceWithFSType', 'File', 'None']);
const LIFECYCLE_MODES = ['Persistent', 'Ephemeral'];
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const UPDATE_PERIOD_SECONDS_MIN = 10;
const NODE_ID_LENGTH_MAX = 256;
const TOKENS_WARNING =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

export const csiDriver = defineBehaviour<CSIDriver>({
  setDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepareForCreate: ({ spec }) => dropDisabled(spec),
  countsGeneration: 'changes',
  prepareForUpdate: ({ spec }) => dropDisabled(spec),
  validate: ({ spec }) => validateDriver(spec),
  validateUpdate: ({ spec }, { spec: old }) => [
    ...validateDriver(spec),
    ...validateImmutable(SPEC.child('attachedRequired'), spec.attachRequired, old.attachRequired),
    ...validateImmutable(
      SPEC.child('volumeLifecycleModes'),
      spec.volumeLifecycleModes,
      old.volumeLifecycleModes,
    ),
  ],
  warnings: ({ spec }, old) => {
    const { tokenRequests = [], serviceAccountTokenInSecrets } = spec;
    const isOld = old !== undefined && equalJSON(old.spec.tokenRequests, spec.tokenRequests);
    return isOld || tokenRequests.length === 0 || serviceAccountTokenInSecrets !== undefined
      ? []
      : [TOKENS_WARNING];
  },
});

/** Fields of features that are off by default. */
function dropDisabled(spec: CSIDriverSpec): void {
  delete spec.preventPodSchedulingIfMissing;
}

function validateDriver(spec: CSIDriverSpec): FieldError[] {
  const { fsGroupPolicy, tokenRequests = [], serviceAccountTokenInSecrets: inSecrets } = spec;
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  const errors: FieldError[] = [];
  if (fsGroupPolicy !== undefined && !FS_GROUP_POLICIES.has(fsGroupPolicy))
    errors.push(notSupported(SPEC.child('fsGroupPolicy'), fsGroupPolicy, FS_GROUP_POLICIES));
  errors.push(...validateTokens(tokenRequests));
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!LIFECYCLE_MODES.includes(mode))
      errors.push(notSupported(SPEC.child('volumeLifecycleModes'), mode, LIFECYCLE_MODES));
  }
  if (period !== undefined && period < UPDATE_PERIOD_SECONDS_MIN) {
    const at = SPEC.child('nodeAllocatableUpdatePeriodSeconds');
    errors.push(invalid(at, period, 'must be greater than or equal to 10 seconds'));
  }
  if (inSecrets !== undefined && tokenRequests.length === 0) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    errors.push(invalid(SPEC.child('serviceAccountTokenInSecrets'), inSecrets, why));
  }
  return errors;
}

function validateTokens(requests: readonly TokenRequest[]): FieldError[] {
  const audiences = new Set<string>();
  return validateEach(requests, SPEC.child('tokenRequests'), ({ audience, expirationSeconds }, at) => {
    if (audiences.has(audience)) return [duplicate(at.child('audience'), audience)];
    audiences.add(audience);
    const place = at.child('expirationSeconds');
    if (expirationSeconds === undefined) return [];
    if (expirationSeconds < TOKEN_SECONDS_MIN)
      return [invalid(place, expirationSeconds, 'may not specify a duration less than 10 minutes')];
    if (expirationSeconds > TOKEN_SECONDS_MAX)
      return [invalid(place, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')];
    return [];
  });
}

export const csiNode = defineBehaviour<CSINode>({
  validate: ({ spec }) => validateNodeDrivers(spec?.drivers),
  validateUpdate: ({ spec }, { spec: old }) => {
    const errors = validateNodeDrivers(spec?.drivers);
    const view = ({ allocatable: _allocatable, ...rest }: CSINodeDriver): unknown => rest;
    for (const before of old?.drivers ?? []) {
      for (const driver of spec?.drivers ?? []) {
        if (driver.name === before.name)
          errors.push(...validateImmutable(SPEC.child('drivers'), view(driver), view(before)));
      }
    }
    return errors;
  },
});

function validateNodeDrivers(drivers: readonly CSINodeDriver[] | null | undefined): FieldError[] {
  const names = new Set<string>();
  return validateEach(drivers ?? [], SPEC.child('drivers'), (driver, at) => {
    const { name, nodeID = '', allocatable } = driver;
    const errors = validateDriverName(at.child('name'), name);
    if (nodeID === '') errors.push(required(at.child('nodeID')));
    if (byteLength(nodeID) > NODE_ID_LENGTH_MAX)
      errors.push(invalid(at.child('nodeID'), nodeID, `must be ${NODE_ID_LENGTH_MAX} characters or less`));
    if (!isAbsent(allocatable?.count))
      errors.push(...validateNonnegative(at.child('allocatable', 'count'), allocatable.count));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    return [...errors, ...validateTopologyKeys(driver.topologyKeys ?? [], at)];
  });
}

function validateTopologyKeys(keys: readonly string[], at: FieldPath): FieldError[] {
  return keys.flatMap((key, index) => [
    ...(key === '' ? [required(at)] : []),
    ...(keys.indexOf(key) < index ? [duplicate(at, key)] : []),
    ...invalidEach(at, key, checkQualifiedName(key)),
  ]);
}

export const csiStorageCapacity = defineBehaviour<CSIStorageCapacity>({
  validate: (object) => validateCapacity(object, false),
  validateUpdate: (object, old) => [
    ...validateCapacity(object, validateLabelSelector(old.nodeTopology, path()).length > 0),
    ...validateImmutable('nodeTopology', object.nodeTopology, old.nodeTopology),
    ...validateImmutable('storageClassName', object.storageClassName ?? '', old.storageClassName ?? ''),
  ],
  warnings: ({ nodeTopology }) => {
    const at = path('nodeTopology');
    const expressions = (nodeTopology?.matchExpressions ?? []).flatMap(({ key }, index) => {
      const text = deprecatedNodeLabel(key);
      const place = at.child('matchExpressions').index(index).child('key');
      return text === undefined ? [] : [`${String(place)}: ${key} is ${text}`];
    });
    const labels = Object.keys(nodeTopology?.matchLabels ?? {}).flatMap((key) => {
      const text = deprecatedNodeLabel(key);
      return text === undefined ? [] : [`${String(at.child('matchLabels', key))}: ${text}`];
    });
    return [...expressions, ...labels];
  },
});

function validateCapacity(object: CSIStorageCapacity, allowInvalidValues: boolean): FieldError[] {
  const { nodeTopology, storageClassName = '', capacity } = object;
  const errors: Findings = validateLabelSelector(nodeTopology, path('nodeTopology'), { allowInvalidValues });
  errors.push(...invalidEach('storageClassName', storageClassName, checkDNS1123Subdomain(storageClassName)));
  if (!isAbsent(capacity)) addNonnegativeQuantity(errors, path('capacity'), String(capacity));
  return errors;
}
