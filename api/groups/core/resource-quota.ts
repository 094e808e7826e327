/** Resource quotas. Mirrors registry/core/resourcequota and ValidateResourceQuota of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { compareText } from '../../machinery/go-format.ts';
import { IMMUTABLE_MESSAGE, invalid, required } from '../../machinery/field-errors.ts';
import type { ResourceQuota, ResourceQuotaSpec } from '../../../openapi/generated/core-v1.ts';
import { type Findings, sortedEntries } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import {
  addQuotaResourceName,
  addResourceQuantity,
  compareAmounts,
  isStandardQuotaResource,
  roundUpAmounts,
} from '../common/resources.ts';

export const resourceQuota = defineBehaviour<ResourceQuota>({
  setDefaults: ({ spec, status }) => {
    roundUpAmounts(spec?.hard);
    roundUpAmounts(status?.hard);
    roundUpAmounts(status?.used);
  },
  validate: ({ spec }) => {
    const errors: Findings = [];
    addSpec(errors, spec ?? {});
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    addSpec(errors, spec ?? {});
    const sorted = (scopes: readonly string[] = []): string => [...new Set(scopes)].sort().join();
    if (sorted(spec?.scopes) !== sorted(old.spec?.scopes))
      errors.push(invalid('spec.scopes', spec?.scopes, IMMUTABLE_MESSAGE));
    return errors;
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Findings = [];
    addAmounts(errors, path('status', 'hard'), status?.hard);
    addAmounts(errors, path('status', 'used'), status?.used);
    return errors;
  },
  warnings: ({ spec }, old) => (old === undefined ? requestWarnings(spec?.hard ?? {}) : []),
});

function addAmounts(
  errors: Findings,
  at: FieldPath,
  list: Readonly<Record<string, string>> | undefined,
): void {
  for (const [name, value] of sortedEntries(list)) {
    addQuotaResourceName(errors, at.key(name), name);
    addResourceQuantity(errors, at.key(name), name, value);
  }
}

const EXISTS_ONLY = [
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
];
const SCOPES = [...EXISTS_ONLY, 'PriorityClass', 'VolumeAttributesClass'];
const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const POD_COMPUTE = [
  'pods',
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
];

/** Whether a quota of a scope can count a resource. */
function isCountable(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods';
    case 'VolumeAttributesClass':
      return resource === 'persistentvolumeclaims' || resource === 'requests.storage';
    default:
      return !SCOPES.includes(scope) || POD_COMPUTE.includes(resource);
  }
}

/** How many of the resources a scope cannot count. */
function countUncountable(scope: string, { hard = {} }: ResourceQuotaSpec): number {
  return Object.keys(hard)
    .sort(compareText)
    .filter((name) => isStandardQuotaResource(name) && !isCountable(scope, name)).length;
}

function addSpec(errors: Findings, spec: ResourceQuotaSpec): void {
  const at = path('spec');
  addAmounts(errors, at.child('hard'), spec.hard);
  addScopes(errors, at.child('scopes'), spec);
  if (spec.scopeSelector !== undefined)
    addScopeSelector(errors, at.child('scopeSelector', 'matchExpressions'), spec);
}

function addConflicts(errors: Findings, at: FieldPath, scopes: readonly string[], shown: unknown): void {
  for (const pair of CONFLICTS)
    if (pair.every((scope) => scopes.includes(scope))) errors.push(invalid(at, shown, 'conflicting scopes'));
}

function addScopes(errors: Findings, at: FieldPath, spec: ResourceQuotaSpec): void {
  const scopes = spec.scopes ?? [];
  if (scopes.length === 0) return;
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) errors.push(invalid(at, scopes, 'unsupported scope'));
    for (let count = countUncountable(scope, spec); count > 0; count--)
      errors.push(invalid(at, scopes, 'unsupported scope applied to resource'));
  }
  addConflicts(errors, at, scopes, scopes);
}

const OPERATOR_TEXT =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function addScopeSelector(errors: Findings, at: FieldPath, spec: ResourceQuotaSpec): void {
  const requirements = spec.scopeSelector!.matchExpressions ?? [];
  for (const { scopeName = '', operator = '', values = [] } of requirements) {
    if (!SCOPES.includes(scopeName))
      errors.push(invalid(at.child('scopeName'), scopeName, 'unsupported scope'));
    for (let count = countUncountable(scopeName, spec); count > 0; count--)
      errors.push(
        invalidInternal(at, 'ScopeSelector', spec.scopeSelector, 'unsupported scope applied to resource'),
      );
    if (EXISTS_ONLY.includes(scopeName) && operator !== 'Exists')
      errors.push(invalid(at.child('operator'), operator, OPERATOR_TEXT));
    addScopeValues(errors, at, operator, values);
  }
  addConflicts(
    errors,
    at,
    requirements.map(({ scopeName }) => scopeName),
    spec.scopes,
  );
}

function addScopeValues(errors: Findings, at: FieldPath, operator: string, values: readonly string[]): void {
  if (operator === 'In' || operator === 'NotIn') {
    const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(required(at.child('values'), text));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(invalid(at.child('values'), values, text));
  } else errors.push(invalid(at.child('operator'), operator, 'not a valid selector operator'));
}

function requestWarnings(hard: Readonly<Record<string, string>>): string[] {
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const isBare = hard[`requests.${name}`] === undefined && (name === 'cpu' || name === 'memory');
    const requestName = isBare && hard[name] !== undefined ? name : `requests.${name}`;
    const request = hard[requestName];
    const limit = hard[`limits.${name}`];
    if (request === undefined || limit === undefined || compareAmounts(request, limit) <= 0) return [];
    return [`ResourceQuota ${requestName} (${request}) should be less than limits.${name} (${limit})`];
  });
}
