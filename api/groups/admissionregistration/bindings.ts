/** Bindings of admission policies. Mirrors pkg/apis/admissionregistration/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain, checkPathSegmentName } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
} from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type {
  MutatingAdmissionPolicyBinding,
  ParamRef,
  ValidatingAdmissionPolicyBinding,
} from '../../../openapi/generated/admissionregistration-v1.ts';
import { validateEach, validateRequiredText } from '../common/text.ts';
import {
  defaultMatchResources,
  validateChoice,
  validateMatchResources,
  validateMutatingOperations,
} from './match.ts';
import { staticNameWarnings } from './static-names.ts';

const SPEC = path('spec');
const PARAM = SPEC.child('paramRef');
const MATCH = SPEC.child('matchResources');
const ACTIONS = new Set(['Audit', 'Deny', 'Warn']);
const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];
const EXCLUSIVE = 'name and selector are mutually exclusive';
const DENY_AND_WARN =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';

export const validatingAdmissionPolicyBinding = defineBehaviour<ValidatingAdmissionPolicyBinding>({
  allowBareFinalizers: true,
  setDefaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  validate: validateValidatingBinding,
  validateUpdate: validateValidatingBinding,
  warnings: staticNameWarnings,
});

export const mutatingAdmissionPolicyBinding = defineBehaviour<MutatingAdmissionPolicyBinding>({
  allowBareFinalizers: true,
  setDefaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  validate: validateMutatingBinding,
  validateUpdate: validateMutatingBinding,
  warnings: staticNameWarnings,
});

function validateCommon({ spec }: MutatingAdmissionPolicyBinding): FieldError[] {
  return [
    ...validateRequiredText(SPEC.child('policyName'), spec?.policyName, checkDNS1123Subdomain),
    ...(spec?.paramRef === undefined ? [] : validateParamRef(spec.paramRef)),
    ...validateMatchResources(spec?.matchResources, MATCH),
  ];
}

function validateMutatingBinding(object: MutatingAdmissionPolicyBinding): FieldError[] {
  return [...validateCommon(object), ...validateMutatingOperations(object.spec?.matchResources, MATCH)];
}

function validateValidatingBinding(object: ValidatingAdmissionPolicyBinding): FieldError[] {
  const actions = object.spec?.validationActions ?? [];
  const at = SPEC.child('validationActions');
  const errors = [
    ...validateCommon(object),
    ...validateEach(actions, at, (action, place, index) => [
      ...validateChoice(action, ACTIONS, place),
      ...(actions.indexOf(action) < index ? [duplicate(place, action)] : []),
    ]),
  ];
  if (actions.includes('Deny') && actions.includes('Warn')) errors.push(invalid(at, actions, DENY_AND_WARN));
  if (actions.length === 0) errors.push(required(at, 'at least one validation action is required'));
  return errors;
}

function validateParamRef({ name = '', selector, parameterNotFoundAction = '' }: ParamRef): FieldError[] {
  const errors: FieldError[] = [];
  if (name !== '') {
    errors.push(...invalidEach(PARAM.child('name'), name, checkPathSegmentName(name)));
    if (selector !== undefined) errors.push(forbidden(PARAM.child('name'), EXCLUSIVE));
  }
  errors.push(...validateLabelSelector(selector, PARAM.child('selector')));
  if (selector !== undefined && name !== '') errors.push(forbidden(PARAM.child('selector'), EXCLUSIVE));
  if (selector === undefined && name === '')
    errors.push(required(PARAM, 'one of name or selector must be specified'));
  const at = PARAM.child('parameterNotFoundAction');
  if (parameterNotFoundAction === '') errors.push(required(at));
  else if (!NOT_FOUND_ACTIONS.includes(parameterNotFoundAction))
    errors.push(notSupported(at, parameterNotFoundAction, NOT_FOUND_ACTIONS));
  return errors;
}
