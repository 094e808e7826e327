/**
 * Claims, their templates and device classes. What an expression may cost at worst is not estimated.
 * Mirrors pkg/apis/resource/validation and v1/defaults.go.
 */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength, goJSON } from '../../machinery/go-format.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkLabelValue,
  checkQualifiedName,
} from '../../machinery/names.ts';
import {
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import { validateAnnotations, validateLabels } from '../../machinery/label-validation.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../../../openapi/generated/resource-v1.ts';
import { isExtendedResource } from '../common/resources.ts';
import { keepMetadata } from '../common/status.ts';
import { validateDriverName } from '../common/storage-names.ts';
import { isAbsent, validateEach, validateRequiredText } from '../common/text.ts';
import { compileDeviceSelector } from './device-selectors.ts';
import { TAINT_EFFECTS, validateFullAttributeName, validateSet, validateSlice } from './lists.ts';

const SPEC = path('spec');
const STATUS = path('status');
const REQUESTS_MAX = 32;
const ALTERNATIVES_MAX = 8;
const SELECTORS_MAX = 32;
const CONFIGS_MAX = 32;
const CONSTRAINTS_MAX = 32;
const RESERVATIONS_MAX = 256;
const EXPRESSION_LENGTH_MAX = 10 * 1024;
const PARAMETERS_LENGTH_MAX = 10 * 1024;
const ONE_KIND = 'exactly one of `exactly` or `firstAvailable` is required';
const NO_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

type Config = { readonly opaque?: OpaqueDeviceConfiguration; readonly requests?: readonly string[] };

export const resourceClaim = defineBehaviour<ResourceClaim>({
  setDefaults: ({ spec }) => setClaimDefaults(spec?.devices),
  prepareForStatusUpdate: keepMetadata,
  validate: ({ spec }) => validateClaim(spec?.devices, SPEC.child('devices')),
  validateUpdate: ({ spec }, { spec: old }) => validateImmutable(SPEC, spec, old),
  validateStatusUpdate: validateStatus,
});

export const resourceClaimTemplate = defineBehaviour<ResourceClaimTemplate>({
  setDefaults: ({ spec }) => setClaimDefaults(spec?.spec?.devices),
  validate: validateTemplate,
  validateUpdate: (object, old) => [
    ...validateTemplate(object),
    ...validateImmutable(SPEC, object.spec, old.spec),
  ],
});

export const deviceClass = defineBehaviour<DeviceClass>({
  // Upstream counts the length of these names in bytes, and says so.
  nameRule: (name) => checkDNS1123Subdomain(name).map((text) => text.replace(/characters$/, 'bytes')),
  validate: validateClass,
  validateUpdate: validateClass,
});

function setClaimDefaults(devices: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable = [] } of devices?.requests ?? []) {
    const requests: (ExactDeviceRequest | DeviceSubRequest)[] = [...firstAvailable];
    if (exactly !== undefined) requests.push(exactly);
    for (const request of requests) {
      if ((request.allocationMode ?? '') === '') request.allocationMode = 'ExactCount';
      if (request.allocationMode === 'ExactCount' && (request.count ?? 0) === 0) request.count = 1;
    }
  }
}

function validateTemplate({ spec }: ResourceClaimTemplate): FieldError[] {
  const at = SPEC.child('metadata');
  return [
    ...validateAnnotations(spec?.metadata?.annotations, at.child('annotations')),
    ...validateLabels(spec?.metadata?.labels, at.child('labels')),
    ...validateClaim(spec?.spec?.devices, SPEC.child('spec', 'devices')),
  ];
}

function validateClass({ spec }: DeviceClass): FieldError[] {
  const name = spec?.extendedResourceName;
  return [
    ...validateSelectors(spec?.selectors, SPEC.child('selectors')),
    ...validateSlice(spec?.config, CONFIGS_MAX, validateConfig, SPEC.child('config')),
    ...(isAbsent(name) || isExtendedResource(name)
      ? []
      : [invalid(SPEC.child('extendedResourceName'), name, 'must be a valid extended resource name')]),
  ];
}

function validateClaim(claim: DeviceClaim | undefined, at: FieldPath): FieldError[] {
  const names = requestNames(claim);
  const references = (requests: readonly string[] | undefined, place: FieldPath): FieldError[] =>
    validateSet(
      requests,
      REQUESTS_MAX,
      (name, item) => validateRequestReference(name, names, item),
      (name) => name,
      place,
    );
  return [
    ...validateSet(claim?.requests, REQUESTS_MAX, validateRequest, ({ name }) => name, at.child('requests')),
    ...validateSlice(
      claim?.constraints,
      CONSTRAINTS_MAX,
      (constraint, place) => [
        ...references(constraint.requests, place.child('requests')),
        ...validateConstraint(constraint, place),
      ],
      at.child('constraints'),
    ),
    ...validateSlice(
      claim?.config as readonly Config[] | undefined,
      CONFIGS_MAX,
      (config, place) => [
        ...references(config.requests, place.child('requests')),
        ...validateConfig(config, place),
      ],
      at.child('config'),
    ),
  ];
}

/** Names that may be referred to: requests, and requests with one of their alternatives. */
function requestNames(claim: DeviceClaim | undefined): ReadonlySet<string> {
  return new Set(
    (claim?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name}`),
    ]),
  );
}

function validateRequestReference(name: string, names: ReadonlySet<string>, at: FieldPath): FieldError[] {
  const segments = name.split('/');
  if (segments.length > 2) return [invalid(at, name, NO_REQUEST)];
  const errors = segments.flatMap((segment) => invalidEach(at, segment, checkDNS1123Label(segment)));
  return names.has(name) ? errors : [...errors, invalid(at, name, NO_REQUEST)];
}

function validateRequest(request: DeviceRequest, at: FieldPath): FieldError[] {
  const { name = '', exactly, firstAvailable = [] } = request;
  const errors = invalidEach(at.child('name'), name, checkDNS1123Label(name));
  if (isAbsent(exactly) && firstAvailable.length === 0) return [...errors, required(at, ONE_KIND)];
  if (!isAbsent(exactly) && firstAvailable.length > 0)
    return [...errors, invalid(at, null, `${ONE_KIND}, but multiple fields are set`)];
  if (!isAbsent(exactly)) return [...errors, ...validateExact(exactly, at.child('exactly'))];
  const check = (alternative: DeviceSubRequest, place: FieldPath): FieldError[] => [
    ...invalidEach(place.child('name'), alternative.name, checkDNS1123Label(alternative.name)),
    ...validateExact(alternative, place),
  ];
  const place = at.child('firstAvailable');
  return [...errors, ...validateSet(firstAvailable, ALTERNATIVES_MAX, check, (item) => item.name, place)];
}

function validateExact(request: ExactDeviceRequest | DeviceSubRequest, at: FieldPath): FieldError[] {
  const { allocationMode = '', count = 0 } = request;
  const errors = [
    ...validateRequiredText(at.child('deviceClassName'), request.deviceClassName, checkDNS1123Subdomain),
    ...validateSelectors(request.selectors, at.child('selectors')),
  ];
  if (allocationMode === 'All') {
    if (count !== 0)
      errors.push(invalid(at.child('count'), count, "must not be specified when allocationMode is 'All'"));
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(at.child('count'), count, 'must be greater than zero'));
  } else errors.push(notSupported(at.child('allocationMode'), allocationMode, ['All', 'ExactCount']));
  return [...errors, ...validateEach(request.tolerations, at.child('tolerations'), validateToleration)];
}

function validateSelectors(selectors: readonly DeviceSelector[] | undefined, at: FieldPath): FieldError[] {
  return validateSlice(
    selectors,
    SELECTORS_MAX,
    ({ cel }, place) => {
      if (isAbsent(cel)) return [required(place.child('cel'))];
      return validateExpression(cel.expression ?? '', place.child('cel', 'expression'));
    },
    at,
  );
}

function validateExpression(expression: string, at: FieldPath): FieldError[] {
  if (byteLength(expression) > EXPRESSION_LENGTH_MAX) return [tooLong(at, '', EXPRESSION_LENGTH_MAX)];
  const compiled = compileDeviceSelector(expression);
  return 'error' in compiled ? [invalid(at, expression, compiled.error)] : [];
}

function validateConstraint(constraint: DeviceConstraint, at: FieldPath): FieldError[] {
  const { matchAttribute, distinctAttribute } = constraint;
  if (!isAbsent(matchAttribute)) return validateFullAttributeName(matchAttribute, at.child('matchAttribute'));
  if (!isAbsent(distinctAttribute))
    return validateFullAttributeName(distinctAttribute, at.child('distinctAttribute'));
  const why =
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [required(at, why)];
}

function validateConfig({ opaque }: Config, at: FieldPath): FieldError[] {
  const place = at.child('opaque');
  if (isAbsent(opaque)) return [required(place)];
  return [
    ...validateDriverName(place.child('driver'), opaque.driver),
    ...validateObject(opaque.parameters, PARAMETERS_LENGTH_MAX, place.child('parameters')),
  ];
}

/** Free JSON that must be an object. */
function validateObject(value: unknown, max: number, at: FieldPath): FieldError[] {
  if (isAbsent(value)) return [required(at)];
  if (byteLength(goJSON(value)) > max) return [tooLong(at, '', max)];
  const isObject = typeof value === 'object' && !Array.isArray(value);
  return isObject ? [] : [invalid(at, '<value omitted>', 'must be a valid JSON object')];
}

function validateToleration(toleration: DeviceToleration, at: FieldPath): FieldError[] {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  const errors = key === '' ? [] : invalidEach(at.child('key'), key, checkQualifiedName(key));
  if (operator === 'Exists') {
    if (value !== '') errors.push(invalid(at.child('value'), value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal')
    errors.push(...invalidEach(at.child('value'), value, checkLabelValue(value)));
  else if (operator === '') errors.push(required(at.child('operator')));
  else errors.push(notSupported(at.child('operator'), operator, ['Equal', 'Exists']));
  if (effect !== '' && !TAINT_EFFECTS.has(effect))
    errors.push(notSupported(at.child('effect'), effect, TAINT_EFFECTS));
  return errors;
}

function validateStatus({ metadata, status }: ResourceClaim, { status: old }: ResourceClaim): FieldError[] {
  const at = STATUS.child('reservedFor');
  const consumers = status?.reservedFor ?? [];
  const errors = validateSet(
    consumers,
    RESERVATIONS_MAX,
    (consumer, place) =>
      (['resource', 'name', 'uid'] as const).flatMap((name) =>
        (consumer[name] ?? '') === '' ? [required(place.child(name))] : [],
      ),
    ({ uid }) => uid,
    at,
  );
  if (consumers.length > 0 && isAbsent(status?.allocation))
    errors.push(forbidden(at, 'may not be specified when `allocated` is not set'));
  else if (metadata.deletionTimestamp !== undefined) {
    const before = old?.reservedFor ?? [];
    if (consumers.some((consumer) => !before.some((other) => equalJSON(other, consumer)))) {
      const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
      errors.push(forbidden(at, why));
    }
  }
  if (!isAbsent(old?.allocation) && !isAbsent(status?.allocation))
    errors.push(...validateImmutable(STATUS.child('allocation'), status.allocation, old.allocation));
  return errors;
}
