/** What webhooks and policies match: rules, selectors, conditions. Mirrors pkg/apis/admissionregistration/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkPathSegmentName, checkQualifiedName } from '../../machinery/names.ts';
import {
  duplicate,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooMany,
} from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '../../../openapi/generated/admissionregistration-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';

export const FAILURE_POLICIES: ReadonlySet<string> = new Set(['Fail', 'Ignore']);
export const REINVOCATION_POLICIES: ReadonlySet<string> = new Set(['IfNeeded', 'Never']);
const MATCH_POLICIES = new Set(['Equivalent', 'Exact']);
const OPERATIONS = new Set(['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']);
const MUTATING_OPERATIONS = new Set(['*', 'CONNECT', 'CREATE', 'UPDATE']);
const SCOPES = new Set(['*', 'Cluster', 'Namespaced']);
const CONDITIONS_MAX = 64;

/** A value of a closed set that may be left out. */
export function validateChoice(
  value: string | undefined,
  choices: ReadonlySet<string>,
  at: FieldPath,
): FieldError[] {
  return isAbsent(value) || choices.has(value) ? [] : [notSupported(at, value, choices)];
}

/** A value of a closed set that must be there. */
export function validateRequiredChoice(
  value: string | undefined,
  choices: ReadonlySet<string>,
  at: FieldPath,
): FieldError[] {
  return isAbsent(value) ? [required(at)] : validateChoice(value, choices, at);
}

export function defaultRule(rule: RuleWithOperations): void {
  rule.scope ??= '*';
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    defaultRule(rule);
}

function validateWildcard(values: readonly string[], what: string, at: FieldPath): FieldError[] {
  if (values.length < 2 || !values.includes('*')) return [];
  return [invalid(at, values, `if '*' is present, must not specify other ${what}`)];
}

export function validateRule(rule: RuleWithOperations, at: FieldPath): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const place = (name: string): FieldPath => at.child(name);
  const need = (values: readonly string[], name: string): FieldError[] =>
    values.length === 0 ? [required(place(name))] : [];
  return [
    ...need(operations, 'operations'),
    ...validateWildcard(operations, 'operations', place('operations')),
    ...validateEach(operations, place('operations'), (operation, item) =>
      validateChoice(operation, OPERATIONS, item),
    ),
    ...need(apiGroups, 'apiGroups'),
    ...validateWildcard(apiGroups, 'API groups', place('apiGroups')),
    ...need(apiVersions, 'apiVersions'),
    ...validateWildcard(apiVersions, 'API versions', place('apiVersions')),
    ...validateEach(apiVersions, place('apiVersions'), (version, item) =>
      version === '' ? [required(item)] : [],
    ),
    ...validateResources(resources, place('resources')),
    ...validateChoice(scope, SCOPES, place('scope')),
  ];
}

function validateResources(resources: readonly string[], at: FieldPath): FieldError[] {
  if (resources.length === 0) return [required(at)];
  const wildSubresources = new Set<string>();
  const wildResources = new Set<string>();
  // Upstream remembers the last resource without a subresource only.
  let hasPlain = false;
  const errors = validateEach(resources, at, (text, place) => {
    if (text === '') return [required(place)];
    const slash = text.indexOf('/');
    if (slash < 0) {
      hasPlain = text !== '*';
      return [];
    }
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    const found: FieldError[] = [];
    const refuse = (pattern: string): number =>
      found.push(invalid(place, text, `if '${pattern}' is present, must not specify ${text}`));
    if (wildSubresources.has(resource)) refuse(`${resource}/*`);
    if (wildResources.has(subresource)) refuse(`*/${subresource}`);
    if (subresource === '*') wildSubresources.add(resource);
    if (resource === '*') wildResources.add(subresource);
    return found;
  });
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(at, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && hasPlain)
    errors.push(
      invalid(at, resources, "if '*' is present, must not specify other resources without subresources"),
    );
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, at: FieldPath): FieldError[] {
  const names = rule.resourceNames ?? [];
  const errors = validateEach(names, at.child('resourceNames'), (name, place, index) => [
    ...invalidEach(place, name, checkPathSegmentName(name)),
    ...(names.indexOf(name) < index ? [duplicate(place, name)] : []),
  ]);
  return [...errors, ...validateRule(rule, at)];
}

export function validateMatchResources(match: MatchResources | undefined, at: FieldPath): FieldError[] {
  if (match === undefined) return [];
  const selectors = (['namespaceSelector', 'objectSelector'] as const).flatMap((name) =>
    match[name] === undefined
      ? [required(at.child(name))]
      : validateLabelSelector(match[name], at.child(name)),
  );
  return [
    ...validateRequiredChoice(match.matchPolicy, MATCH_POLICIES, at.child('matchPolicy')),
    ...selectors,
    ...validateEach(match.resourceRules, at.child('resourceRules'), validateNamedRule),
    ...validateEach(match.excludeResourceRules, at.child('excludeResourceRules'), validateNamedRule),
  ];
}

/** Mutating policies cannot match deletions. */
export function validateMutatingOperations(match: MatchResources | undefined, at: FieldPath): FieldError[] {
  const place = at.child('resourceRules', 'operations');
  return (match?.resourceRules ?? []).flatMap(({ operations = [] }) =>
    operations.flatMap((operation) => validateChoice(operation, MUTATING_OPERATIONS, place)),
  );
}

/** Expressions are only asked to be there: nothing compiles them. */
export function validateMatchConditions(
  conditions: readonly MatchCondition[] | undefined,
  at: FieldPath,
): FieldError[] {
  const names = new Set<string>();
  const count = conditions?.length ?? 0;
  const errors = count > CONDITIONS_MAX ? [tooMany(at, count, CONDITIONS_MAX)] : [];
  return [
    ...errors,
    ...validateEach(conditions, at, ({ name = '', expression = '' }, place) => {
      const found: FieldError[] = [];
      if (expression.trim() === '') found.push(required(place.child('expression')));
      if (name === '') return [...found, required(place.child('name'))];
      found.push(...invalidEach(place.child('name'), name, checkQualifiedName(name)));
      if (names.has(name)) found.push(duplicate(place.child('name'), name));
      names.add(name);
      return found;
    }),
  ];
}

export const MATCH_POLICY_CHOICES: ReadonlySet<string> = MATCH_POLICIES;
