/** Roles and cluster roles. Mirrors pkg/apis/rbac/validation. */
import { defineBehaviour } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import { validateLabelSelector } from '../../machinery/label-validation.ts';
import type { ClusterRole, PolicyRule, Role } from '../../../openapi/generated/rbac-v1.ts';
import { validateEach } from '../common/text.ts';

const RULES = path('rules');
const SELECTORS = path('aggregationRule', 'clusterRoleSelectors');

export const role = defineBehaviour<Role>({
  validate: ({ rules }) => validateRules(rules, true),
  validateUpdate: ({ rules }) => validateRules(rules, true),
});

export const clusterRole = defineBehaviour<ClusterRole>({
  validate: (object) => validateClusterRole(object, false),
  validateUpdate: (object, old) =>
    validateClusterRole(
      object,
      (old.aggregationRule?.clusterRoleSelectors ?? []).some(
        (selector) => validateLabelSelector(selector, path()).length > 0,
      ),
    ),
});

function validateClusterRole(
  { rules, aggregationRule }: ClusterRole,
  allowInvalidValues: boolean,
): FieldError[] {
  const errors = validateRules(rules, false);
  if (aggregationRule === undefined) return errors;
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    errors.push(
      required(SELECTORS, 'at least one clusterRoleSelector required if aggregationRule is non-nil'),
    );
  for (const [index, selector] of selectors.entries()) {
    const at = SELECTORS.index(index);
    const found = validateLabelSelector(selector, at, { allowInvalidValues });
    errors.push(...found);
    // Upstream shows the selector it failed to make: nothing.
    if (found.length > 0) errors.push(invalid(at, null, 'invalid label selector.'));
  }
  return errors;
}

function validateRules(rules: readonly PolicyRule[] | null | undefined, isNamespaced: boolean): FieldError[] {
  return validateEach(rules ?? [], RULES, (rule, at) => validateRule(rule, isNamespaced, at));
}

function validateRule(rule: PolicyRule, isNamespaced: boolean, at: FieldPath): FieldError[] {
  const { nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  const errors: FieldError[] = [];
  if ((rule.verbs ?? []).length === 0)
    errors.push(required(at.child('verbs'), 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const refuse = (why: string): number =>
      errors.push(invalid(at.child('nonResourceURLs'), nonResourceURLs, why));
    if (isNamespaced) refuse('namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0)
      refuse('rules cannot apply to both regular resources and non-resource URLs');
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(required(at.child('apiGroups'), 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    errors.push(required(at.child('resources'), 'resource rules must supply at least one resource'));
  return errors;
}
