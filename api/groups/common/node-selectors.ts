/** Selectors of nodes, and labels of nodes that are no longer used. Mirrors ValidateNodeSelector and pkg/api/node. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain, checkLabelValue } from '../../machinery/names.ts';
import { forbidden, invalid, required } from '../../machinery/field-errors.ts';
import { addEach, addQualifiedName, type Findings } from './findings.ts';

export interface NodeSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
  readonly matchFields?: readonly NodeSelectorRequirement[];
}

export interface NodeSelector {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
}

/** Invalid values stay allowed where they are only a preference, or already stand. */
export function addNodeSelector(
  errors: Findings,
  at: FieldPath,
  selector: NodeSelector,
  allowInvalidValues = false,
): void {
  const terms = selector.nodeSelectorTerms ?? [];
  const place = at.child('nodeSelectorTerms');
  if (terms.length === 0) errors.push(required(place, 'must have at least one node selector term'));
  terms.forEach((term, index) => addNodeSelectorTerm(errors, place.index(index), term, allowInvalidValues));
}

export function addNodeSelectorTerm(
  errors: Findings,
  at: FieldPath,
  { matchExpressions, matchFields }: NodeSelectorTerm,
  allowInvalidValues = false,
): void {
  matchExpressions?.forEach((requirement, index) =>
    addRequirement(errors, at.child('matchExpressions').index(index), requirement, allowInvalidValues),
  );
  matchFields?.forEach((requirement, index) =>
    addFieldRequirement(errors, at.child('matchFields').index(index), requirement),
  );
}

function addRequirement(
  errors: Findings,
  at: FieldPath,
  { key, operator, values = [] }: NodeSelectorRequirement,
  allowInvalidValues: boolean,
): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0)
        errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        const text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        errors.push(forbidden(at.child('values'), text));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        const text = "must be specified single value when `operator` is 'Lt' or 'Gt'";
        errors.push(required(at.child('values'), text));
      }
      break;
    default:
      errors.push(invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'));
  }
  addQualifiedName(errors, at.child('key'), key ?? '');
  if (allowInvalidValues) return;
  values.forEach((value, index) =>
    addEach(errors, at.child('values').index(index), value, checkLabelValue(value)),
  );
}

function addFieldRequirement(
  errors: Findings,
  at: FieldPath,
  { key, operator, values = [] }: NodeSelectorRequirement,
): void {
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'));
  else if (values.length !== 1) {
    const text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(at.child('values'), text));
  }
  if (key !== 'metadata.name')
    errors.push(invalid(at.child('key'), key ?? '', 'not a valid field selector key'));
  else
    values.forEach((value, index) =>
      addEach(errors, at.child('values').index(index), value, checkDNS1123Subdomain(value)),
    );
}

/** Whether a term has a value no label can have. */
export function hasInvalidNodeSelectorValue(terms: readonly NodeSelectorTerm[] | undefined): boolean {
  return (terms ?? []).some(({ matchExpressions = [] }) =>
    matchExpressions.some(({ values = [] }) => values.some((value) => checkLabelValue(value).length > 0)),
  );
}

const DEPRECATED_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods':
    'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What to say about a label of nodes that is no longer used; undefined for others. */
export function deprecatedNodeLabel(key: string): string | undefined {
  return Object.hasOwn(DEPRECATED_LABELS, key) ? DEPRECATED_LABELS[key] : undefined;
}

export function nodeSelectorTermWarnings(
  at: FieldPath,
  { matchExpressions = [] }: NodeSelectorTerm,
  checkValues: boolean,
): string[] {
  return matchExpressions.flatMap(({ key, values = [] }, index) => {
    const place = at.child('matchExpressions').index(index);
    const text = deprecatedNodeLabel(key);
    const warnings = text === undefined ? [] : [`${String(place.child('key'))}: ${key} is ${text}`];
    if (!checkValues) return warnings;
    const invalidValues = values.flatMap((value, valueIndex) =>
      checkLabelValue(value).map(
        (problem) => `${String(place.child('values').index(valueIndex))}: ${value} is invalid, ${problem}`,
      ),
    );
    return [...warnings, ...invalidValues];
  });
}
