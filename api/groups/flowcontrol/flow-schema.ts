/** Flow schemas. Mirrors pkg/apis/flowcontrol/validation and registry/flowcontrol/flowschema strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
} from '../../machinery/field-errors.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../../openapi/generated/flowcontrol-v1.ts';
import { keepMetadata } from '../common/status.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import { MANDATORY_FLOW_SCHEMAS } from './mandatory.ts';

const SPEC = path('spec');
const PRECEDENCE_DEFAULT = 1000;
const PRECEDENCE_MAX = 10000;
const METHODS = new Set(['ByNamespace', 'ByUser']);
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User'];
const VERBS = new Set([
  'get',
  'list',
  'create',
  'update',
  'delete',
  'deletecollection',
  'patch',
  'watch',
  'proxy',
]);

export const flowSchema = defineBehaviour<FlowSchema>({
  setDefaults: ({ spec }) => {
    if (spec !== undefined && (spec.matchingPrecedence ?? 0) === 0)
      spec.matchingPrecedence = PRECEDENCE_DEFAULT;
  },
  prepareForStatusUpdate: keepMetadata,
  validate: validateFlowSchema,
  validateUpdate: validateFlowSchema,
  validateStatusUpdate: ({ status }) => validateConditionTypes(status?.conditions),
});

/** Types of conditions: there, and each once. */
export function validateConditionTypes(
  conditions: readonly { readonly type?: string }[] | undefined,
): FieldError[] {
  const types = new Set<string>();
  return validateEach(conditions, path('status', 'conditions'), ({ type = '' }, at) => {
    const errors = types.has(type) ? [duplicate(at.child('type'), type)] : [];
    types.add(type);
    return type === '' ? [...errors, required(at.child('type'))] : errors;
  });
}

function validateFlowSchema({ metadata, spec, status }: FlowSchema): FieldError[] {
  const name = metadata.name ?? '';
  const errors = validateSpec(name, spec ?? ({} as FlowSchemaSpec));
  const fixed = Object.hasOwn(MANDATORY_FLOW_SCHEMAS, name) ? MANDATORY_FLOW_SCHEMAS[name] : undefined;
  if (fixed !== undefined && !equalJSON(spec, fixed))
    errors.push(invalid(SPEC, spec, `spec of '${name}' must equal the fixed value`));
  return [...errors, ...validateConditionTypes(status?.conditions)];
}

function validateSpec(name: string, spec: FlowSchemaSpec): FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec;
  const at = SPEC.child('matchingPrecedence');
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalid(at, precedence, 'must be a positive value'));
  if (precedence > PRECEDENCE_MAX)
    errors.push(invalid(at, precedence, `must not be greater than ${PRECEDENCE_MAX}`));
  if (precedence === 1 && name !== 'exempt')
    errors.push(invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  if (method !== undefined && !METHODS.has(method.type))
    errors.push(notSupported(SPEC.child('distinguisherMethod', 'type'), { Type: method.type }, METHODS));
  const level = spec.priorityLevelConfiguration?.name ?? '';
  const place = SPEC.child('priorityLevelConfiguration', 'name');
  if (level === '') errors.push(required(place, 'must reference a priority level'));
  else errors.push(...invalidEach(place, level, checkDNS1123Subdomain(level)));
  return [...errors, ...validateEach(spec.rules, SPEC.child('rules'), validateRules)];
}

function validateRules(rules: PolicyRulesWithSubjects, at: FieldPath): FieldError[] {
  const { subjects, resourceRules, nonResourceRules } = rules;
  const errors =
    (subjects ?? []).length === 0
      ? [required(at.child('subjects'), 'subjects must contain at least one value')]
      : validateEach(subjects, at.child('subjects'), validateSubject);
  if ((resourceRules ?? []).length === 0 && (nonResourceRules ?? []).length === 0)
    errors.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  return [
    ...errors,
    ...validateEach(resourceRules, at.child('resourceRules'), validateResourceRule),
    ...validateEach(nonResourceRules, at.child('nonResourceRules'), validateNonResourceRule),
  ];
}

/** Member of a subject by its kind, in the order other members are refused in. */
const MEMBERS = [
  ['ServiceAccount', 'serviceAccount'],
  ['User', 'user'],
  ['Group', 'group'],
] as const;

function validateSubject(subject: Subject, at: FieldPath): FieldError[] {
  const { kind } = subject;
  const member = MEMBERS.find(([name]) => name === kind)?.[1];
  if (member === undefined) return [notSupported(at.child('kind'), kind, SUBJECT_KINDS)];
  const place = at.child(member);
  const errors: FieldError[] = [];
  if (isAbsent(subject[member]))
    errors.push(required(place, `${member} is required when subject kind is '${kind}'`));
  else if (member === 'serviceAccount')
    errors.push(...validateServiceAccount(subject.serviceAccount!, place));
  else if ((subject[member]?.name ?? '') === '') errors.push(required(place.child('name')));
  for (const [name, other] of MEMBERS) {
    if (other !== member && !isAbsent(subject[other]))
      errors.push(forbidden(at.child(other), `${other} is forbidden when subject kind is not '${name}'`));
  }
  return errors;
}

function validateServiceAccount(
  { name = '', namespace = '' }: { name?: string; namespace?: string },
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(at.child('name')));
  else if (name !== '*') errors.push(...invalidEach(at.child('name'), name, checkDNS1123Subdomain(name)));
  if (namespace === '')
    return [...errors, required(at.child('namespace'), 'must specify namespace for service account')];
  return [...errors, ...invalidEach(at.child('namespace'), namespace, checkDNS1123Label(namespace))];
}

/** At least one, and nothing beside a `*`. */
function validateList(values: readonly string[], at: FieldPath, missing: string, what: string): FieldError[] {
  if (values.length === 0) return [required(at, missing)];
  if (!values.includes('*') || values.length === 1) return [];
  return [invalid(at, values, `if '*' is present, must not specify other ${what}`)];
}

function validateVerbs(verbs: readonly string[], at: FieldPath): FieldError[] {
  const errors = validateList(verbs, at, 'verbs must contain at least one value', 'verbs');
  if (verbs.includes('*') || verbs.every((verb) => VERBS.has(verb))) return errors;
  return [notSupported(at, verbs, VERBS)];
}

function validateResourceRule(rule: ResourcePolicyRule, at: FieldPath): FieldError[] {
  const { clusterScope } = rule;
  const apiGroups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  const namespaces = rule.namespaces ?? [];
  const place = at.child('namespaces');
  const missing = (what: string): string => `resource rules must supply at least one ${what}`;
  const errors = [
    ...validateVerbs(rule.verbs ?? [], at.child('verbs')),
    ...validateList(apiGroups, at.child('apiGroups'), missing('api group'), 'api groups'),
    ...validateList(resources, at.child('resources'), missing('resource'), 'resources'),
  ];
  if (namespaces.length === 0 && clusterScope === true) return errors;
  if (namespaces.length === 0 || namespaces.includes('*')) {
    const none = 'resource rules that are not cluster scoped must supply at least one namespace';
    return [...errors, ...validateList(namespaces, place, none, 'namespaces')];
  }
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  return [
    ...errors,
    ...validateEach(namespaces, place, (name, item) =>
      checkDNS1123Label(name).map((text) => invalid(item, name, intro + text)),
    ),
  ];
}

function validateNonResourceRule(rule: NonResourcePolicyRule, at: FieldPath): FieldError[] {
  const urls = rule.nonResourceURLs ?? [];
  const place = at.child('nonResourceURLs');
  const errors = [
    ...validateVerbs(rule.verbs ?? [], at.child('verbs')),
    ...validateList(urls, place, 'nonResourceURLs must contain at least one value', 'non-resource URLs'),
  ];
  if (urls.includes('*')) return errors;
  return [
    ...errors,
    ...validateEach(urls, place, (url, item) => {
      const why = urlError(url);
      return why === undefined ? [] : [invalid(item, url, why)];
    }),
  ];
}

function urlError(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const wildcards = url.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !url.endsWith('/*'))
    ? 'wildcard can only do suffix matching'
    : undefined;
}
