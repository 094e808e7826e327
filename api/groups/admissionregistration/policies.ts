/**
 * Validating and mutating admission policies. Expressions are asked to be there, not compiled. Mirrors
 * pkg/apis/admissionregistration/validation and v1/defaults.go.
 */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1035Label, checkDNS1123Subdomain, checkQualifiedName } from '../../machinery/names.ts';
import { duplicate, invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import type {
  AuditAnnotation,
  MatchCondition,
  MatchResources,
  MutatingAdmissionPolicy,
  Mutation,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyStatus,
  Validation,
  Variable,
} from '../../../openapi/generated/admissionregistration-v1.ts';
import { validateConditions } from '../common/conditions.ts';
import { keepMetadata } from '../common/status.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import {
  defaultMatchResources,
  FAILURE_POLICIES,
  REINVOCATION_POLICIES,
  validateChoice,
  validateMatchConditions,
  validateMatchResources,
  validateMutatingOperations,
  validateRequiredChoice,
} from './match.ts';
import { staticNameWarnings } from './static-names.ts';

const SPEC = path('spec');
const STATUS = path('status');
const CONSTRAINTS = SPEC.child('matchConstraints');
const REASONS = new Set(['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
const PATCH_TYPES = new Set(['ApplyConfiguration', 'JSONPatch']);
const AUDIT_ANNOTATIONS_MAX = 20;
const VALUE_EXPRESSION_LENGTH_MAX = 5 * 1024;
const NOTHING_TO_DO = 'validations or auditAnnotations must contain at least one item';
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

/** What both kinds of policy have. */
interface PolicySpec {
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly matchConditions?: readonly MatchCondition[];
  readonly variables?: readonly Variable[];
}

/** Conditions that stay as they are, with the parameters they may use, are not looked at again. */
function keepsConditions(spec: PolicySpec, old: PolicySpec): boolean {
  return equalJSON(spec.paramKind, old.paramKind) && equalJSON(spec.matchConditions, old.matchConditions);
}

export const validatingAdmissionPolicy = defineBehaviour<ValidatingAdmissionPolicy>({
  allowBareFinalizers: true,
  setDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  prepareForStatusUpdate: keepMetadata,
  validate: (object) => validateValidatingPolicy(object, false),
  validateUpdate: (object, old) =>
    validateValidatingPolicy(object, keepsConditions(object.spec ?? {}, old.spec ?? {})),
  validateStatusUpdate: ({ status }) => validateStatus(status),
  warnings: staticNameWarnings,
});

function validateCommon(
  spec: PolicySpec & { failurePolicy?: string },
  keepConditions: boolean,
  isMutating: boolean,
): FieldError[] {
  const errors = [
    ...validateRequiredChoice(spec.failurePolicy, FAILURE_POLICIES, SPEC.child('failurePolicy')),
    ...(spec.paramKind === undefined ? [] : validateParamKind(spec.paramKind)),
    ...validateConstraints(spec.matchConstraints),
  ];
  if (isMutating) errors.push(...validateMutatingOperations(spec.matchConstraints, CONSTRAINTS));
  if (!keepConditions)
    errors.push(...validateMatchConditions(spec.matchConditions, SPEC.child('matchConditions')));
  return [...errors, ...validateEach(spec.variables, SPEC.child('variables'), validateVariable)];
}

function validateConstraints(match: MatchResources | undefined): FieldError[] {
  if (match === undefined) return [required(CONSTRAINTS)];
  const errors = validateMatchResources(match, CONSTRAINTS);
  if ((match.resourceRules ?? []).length === 0) errors.push(required(CONSTRAINTS.child('resourceRules')));
  return errors;
}

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind): FieldError[] {
  const at = SPEC.child('paramKind');
  const errors = apiVersion === '' ? [required(at.child('apiVersion'))] : validateParamVersion(apiVersion);
  if (kind === '') return [...errors, required(at.child('kind'))];
  const texts = checkDNS1035Label(kind.toLowerCase());
  if (texts.length === 0) return errors;
  const why = `may have mixed case, but should otherwise match: ${texts.join(',')}`;
  return [...errors, invalid(at.child('kind'), kind, why)];
}

function validateParamVersion(apiVersion: string): FieldError[] {
  const at = SPEC.child('paramKind', 'apiVersion');
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  if (parts.length > 2) return [invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const version = parts.at(-1)!;
  const group = parts.length === 2 ? parts[0]! : '';
  const errors: FieldError[] = [];
  const groupTexts = group === '' ? [] : checkDNS1123Subdomain(group);
  if (groupTexts.length > 0) errors.push(invalid(at, group, groupTexts.join(',')));
  if (version === '') return [...errors, invalid(at, apiVersion, 'version must be specified')];
  const texts = checkDNS1035Label(version);
  return texts.length === 0 ? errors : [...errors, invalid(at, version, texts.join(','))];
}

function validateVariable({ name = '', expression = '' }: Variable, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (name.trim() === '') errors.push(required(at.child('name'), 'name is not specified'));
  else if (!IDENTIFIER.test(name) || RESERVED.has(name))
    errors.push(invalid(at.child('name'), name, 'must be a valid CEL identifier'));
  if (expression.trim() === '') errors.push(required(at.child('expression'), 'expression is not specified'));
  return errors;
}

function validateValidatingPolicy(
  { metadata, spec = {} }: ValidatingAdmissionPolicy,
  keepConditions: boolean,
): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const errors = validateCommon(spec, keepConditions, false);
  const annotations = SPEC.child('auditAnnotations');
  if (validations.length === 0 && auditAnnotations.length === 0) {
    return [
      ...errors,
      required(SPEC.child('validations'), NOTHING_TO_DO),
      required(annotations, NOTHING_TO_DO),
    ];
  }
  errors.push(...validateEach(validations, SPEC.child('validations'), validateValidation));
  if (auditAnnotations.length > AUDIT_ANNOTATIONS_MAX) {
    const why = `must not have more than ${AUDIT_ANNOTATIONS_MAX} auditAnnotations`;
    errors.push(invalid(annotations, auditAnnotations, why));
  }
  const keys = new Set<string>();
  return [
    ...errors,
    ...validateEach(auditAnnotations, annotations, (annotation, at) => {
      const found = validateAuditAnnotation(annotation, metadata.name ?? '', at);
      if (keys.has(annotation.key)) found.push(duplicate(at.child('key'), annotation.key));
      keys.add(annotation.key);
      return found;
    }),
  ];
}

function validateValidation(validation: Validation, at: FieldPath): FieldError[] {
  const { expression = '', messageExpression = '', message = '', reason } = validation;
  const errors: FieldError[] = [];
  const refuseBlank = (name: string, value: string): boolean => {
    const isBlank = value !== '' && value.trim() === '';
    if (isBlank) errors.push(invalid(at.child(name), value, 'must be non-empty if specified'));
    return isBlank;
  };
  if (expression.trim() === '') errors.push(required(at.child('expression'), 'expression is not specified'));
  refuseBlank('messageExpression', messageExpression);
  if (!refuseBlank('message', message) && /[\n\r]/.test(message.trim()))
    errors.push(invalid(at.child('message'), message, 'must not contain line breaks'));
  return [...errors, ...validateChoice(reason, REASONS, at.child('reason'))];
}

function validateAuditAnnotation(annotation: AuditAnnotation, policy: string, at: FieldPath): FieldError[] {
  const { key = '', valueExpression = '' } = annotation;
  const place = at.child('valueExpression');
  const full = `${policy}/${key}`;
  const errors =
    policy === ''
      ? [invalid(at.child('key'), key, 'requires metadata.name be non-empty')]
      : invalidEach(at.child('key'), full, checkQualifiedName(full));
  const length = byteLength(valueExpression.trim());
  if (length === 0) errors.push(required(place, 'valueExpression is not specified'));
  else if (length > VALUE_EXPRESSION_LENGTH_MAX)
    errors.push(required(place, `must not exceed ${VALUE_EXPRESSION_LENGTH_MAX} bytes in length`));
  return errors;
}

function validateStatus(status: ValidatingAdmissionPolicyStatus | undefined): FieldError[] {
  const at = STATUS.child('typeChecking', 'expressionWarnings');
  return [
    ...validateEach(
      status?.typeChecking?.expressionWarnings,
      at,
      ({ warning = '', fieldRef = '' }, place) => [
        ...(warning === '' ? [required(place.child('warning'))] : []),
        ...(fieldRef.trim() === '' ? [required(place.child('fieldRef'))] : []),
      ],
    ),
    ...validateConditions(status?.conditions, STATUS.child('conditions')),
  ];
}

export const mutatingAdmissionPolicy = defineBehaviour<MutatingAdmissionPolicy>({
  allowBareFinalizers: true,
  setDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  validate: (object) => validateMutatingPolicy(object, false),
  validateUpdate: (object, old) =>
    validateMutatingPolicy(object, keepsConditions(object.spec ?? {}, old.spec ?? {})),
  warnings: staticNameWarnings,
});

function validateMutatingPolicy(
  { spec = {} as MutatingAdmissionPolicy['spec'] }: MutatingAdmissionPolicy,
  keepConditions: boolean,
): FieldError[] {
  const { mutations = [], reinvocationPolicy = '' } = spec ?? {};
  const errors = validateCommon(spec ?? {}, keepConditions, true);
  const place = SPEC.child('mutations');
  if (mutations.length === 0) errors.push(required(place, 'mutations must contain at least one item'));
  errors.push(...validateEach(mutations, place, validateMutation));
  const policy = SPEC.child('reinvocationPolicy');
  if (reinvocationPolicy === '') return [...errors, required(policy)];
  return [...errors, ...validateChoice(reinvocationPolicy, REINVOCATION_POLICIES, policy)];
}

function validateMutation(mutation: Mutation, at: FieldPath): FieldError[] {
  const { patchType = '', jsonPatch, applyConfiguration } = mutation;
  if (patchType === '') return [required(at.child('patchType'))];
  if (!PATCH_TYPES.has(patchType)) return [notSupported(at.child('patchType'), patchType, PATCH_TYPES)];
  const [wanted, other] =
    patchType === 'JSONPatch'
      ? (['jsonPatch', 'applyConfiguration'] as const)
      : (['applyConfiguration', 'jsonPatch'] as const);
  const given = { jsonPatch, applyConfiguration };
  const errors: FieldError[] = [];
  const place = at.child(wanted);
  if (isAbsent(given[wanted]))
    errors.push(required(place, `must be specified when patchType is ${patchType}`));
  else if ((given[wanted].expression ?? '').trim() === '') errors.push(required(place.child('expression')));
  if (!isAbsent(given[other])) {
    const why = `must not be specified when patchType is ${patchType}`;
    errors.push(invalid(at.child(other), `{${other}}`, why));
  }
  return errors;
}
