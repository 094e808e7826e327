/** Where pods want to be: affinity, spreading and tolerations. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Label, checkLabelValue } from '../../machinery/names.ts';
import { duplicate, forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { LabelSelectorObject } from '../../machinery/label-validation.ts';
import type {
  NodeAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from '../../../openapi/generated/core-v1.ts';
import {
  addEach,
  addLabelSelector,
  addPositive,
  addQualifiedName,
  addSupported,
  type Findings,
} from '../common/findings.ts';
import { addNodeSelector, addNodeSelectorTerm } from '../common/node-selectors.ts';
import type { PodRules } from './pod-rules.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** The terms of pod affinity and anti-affinity. */
export function affinityTerms({ affinity }: PodSpec): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((rules) => [
    ...(rules?.[REQUIRED] ?? []),
    ...(rules?.[PREFERRED] ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
}

export function addAffinity(
  errors: Findings,
  at: FieldPath,
  affinity: PodSpec['affinity'],
  rules: PodRules,
): void {
  if (affinity?.nodeAffinity !== undefined)
    addNodeAffinity(errors, at.child('nodeAffinity'), affinity.nodeAffinity, rules);
  for (const member of ['podAffinity', 'podAntiAffinity'] as const) {
    const own = affinity?.[member];
    if (own === undefined) continue;
    const place = at.child(member);
    own[REQUIRED]?.forEach((term, index) =>
      addAffinityTerm(errors, place.child(REQUIRED).index(index), term, rules),
    );
    own[PREFERRED]?.forEach(({ weight, podAffinityTerm }, index) => {
      const termPlace = place.child(PREFERRED).index(index);
      addWeight(errors, termPlace, weight);
      addAffinityTerm(errors, termPlace.child('podAffinityTerm'), podAffinityTerm, rules);
    });
  }
}

function addWeight(errors: Findings, at: FieldPath, weight = 0): void {
  if (weight <= 0 || weight > 100)
    errors.push(invalid(at.child('weight'), weight, 'must be in the range 1-100'));
}

function addNodeAffinity(errors: Findings, at: FieldPath, affinity: NodeAffinity, rules: PodRules): void {
  const selector = affinity[REQUIRED];
  if (selector !== undefined)
    addNodeSelector(errors, at.child(REQUIRED), selector, rules.allowInvalidNodeAffinityValue);
  affinity[PREFERRED]?.forEach(({ weight, preference }, index) => {
    const place = at.child(PREFERRED).index(index);
    addWeight(errors, place, weight);
    addNodeSelectorTerm(errors, place.child('preference'), preference, true);
  });
}

function addAffinityTerm(errors: Findings, at: FieldPath, term: PodAffinityTerm, rules: PodRules): void {
  const options = { allowInvalidValues: rules.allowInvalidSelectorValue };
  addLabelSelector(errors, at.child('labelSelector'), term.labelSelector, options);
  addLabelSelector(errors, at.child('namespaceSelector'), term.namespaceSelector, options);
  for (const name of term.namespaces ?? [])
    addEach(errors, at.child('namespace'), name, checkDNS1123Label(name));
  addLabelKeys(errors, at, term);
  const key = term.topologyKey ?? '';
  if (key === '') errors.push(required(at.child('topologyKey'), 'can not be empty'));
  addQualifiedName(errors, at.child('topologyKey'), key);
}

interface LabelKeys {
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
  readonly labelSelector?: LabelSelectorObject;
}

/** Mirrors ValidateMatchLabelKeysAndMismatchLabelKeys. */
export function addLabelKeys(errors: Findings, at: FieldPath, term: LabelKeys): void {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term;
  for (const member of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    const keys = term[member] ?? [];
    if (keys.length === 0) continue;
    if (labelSelector === undefined) {
      errors.push(forbidden(at.child(member), 'must not be specified when labelSelector is not set'));
      continue;
    }
    keys.forEach((key, index) => addQualifiedName(errors, at.child(member).index(index), key));
  }
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && selected.has(key))
      errors.push(invalid(at.index(index), key, 'exists in both matchLabelKeys and labelSelector'));
    selected.add(key);
  }
  matchLabelKeys.forEach((key, index) => {
    if (!mismatchLabelKeys.includes(key)) return;
    const text = 'exists in both matchLabelKeys and mismatchLabelKeys';
    errors.push(invalid(at.child('matchLabelKeys').index(index), key, text));
  });
}

/** The rule for match label keys of spreading that were stored before keys were merged into the selector. */
function addSpreadLabelKeys(
  errors: Findings,
  at: FieldPath,
  { matchLabelKeys = [], labelSelector }: TopologySpreadConstraint,
): void {
  if (matchLabelKeys.length === 0) return;
  if (labelSelector === undefined)
    errors.push(forbidden(at, 'must not be specified when labelSelector is not set'));
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  matchLabelKeys.forEach((key, index) => {
    addQualifiedName(errors, at.index(index), key);
    if (selected.has(key))
      errors.push(invalid(at.index(index), key, 'exists in both matchLabelKeys and labelSelector'));
  });
}

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway'];
const INCLUSION_POLICIES = ['Honor', 'Ignore'];

export function addTopologySpread(
  errors: Findings,
  at: FieldPath,
  constraints: readonly TopologySpreadConstraint[],
  rules: PodRules,
): void {
  constraints.forEach((constraint, index) => {
    const place = at.index(index);
    const { topologyKey = '', whenUnsatisfiable = '', minDomains } = constraint;
    addPositive(errors, place.child('maxSkew'), constraint.maxSkew ?? 0);
    if (topologyKey === '') errors.push(required(place.child('topologyKey'), 'can not be empty'));
    addSupported(errors, place.child('whenUnsatisfiable'), whenUnsatisfiable, ACTIONS);
    const isRepeated = constraints
      .slice(index + 1)
      .some(
        (other) =>
          (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable,
      );
    if (isRepeated)
      errors.push(
        duplicate(place.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`),
      );
    if (minDomains !== undefined) {
      addPositive(errors, place.child('minDomains'), minDomains);
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.push(invalid(place.child('minDomains'), minDomains, text));
      }
    }
    addSupported(
      errors,
      place.child('nodeAffinityPolicy'),
      constraint.nodeAffinityPolicy,
      INCLUSION_POLICIES,
    );
    addSupported(errors, place.child('nodeTaintsPolicy'), constraint.nodeTaintsPolicy, INCLUSION_POLICIES);
    if (rules.hasOldMatchLabelKeys === true)
      addSpreadLabelKeys(errors, place.child('matchLabelKeys'), constraint);
    else {
      const { matchLabelKeys, labelSelector } = constraint;
      addLabelKeys(errors, place, { matchLabelKeys, labelSelector });
    }
    if (rules.allowInvalidSpreadSelector !== true)
      addLabelSelector(errors, place.child('labelSelector'), constraint.labelSelector);
  });
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** The effect of a taint or of a toleration; the latter may be empty, and is not checked then. */
export function addTaintEffect(errors: Findings, at: FieldPath, effect: string): void {
  if (effect === '') errors.push(required(at));
  else addSupported(errors, at, effect, EFFECTS);
}

export function addTolerations(errors: Findings, at: FieldPath, tolerations: readonly Toleration[]): void {
  tolerations.forEach((toleration, index) => {
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    const place = at.index(index);
    if (key !== '') addQualifiedName(errors, place.child('key'), key);
    if (key === '' && operator !== 'Exists') {
      const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(place.child('operator'), operator, text));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(
        invalid(place.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    addTolerationOperator(errors, place.child('operator'), operator, value);
    if (effect !== '') addTaintEffect(errors, place.child('effect'), effect);
  });
}

function addTolerationOperator(errors: Findings, at: FieldPath, operator: string, value: string): void {
  switch (operator) {
    case '':
    case 'Equal': {
      const texts = checkLabelValue(value);
      if (texts.length > 0) errors.push(invalid(at, value, texts.join(';')));
      break;
    }
    case 'Exists':
      if (value !== '') errors.push(invalid(at, value, "value must be empty when `operator` is 'Exists'"));
      break;
    case 'Lt':
    case 'Gt':
      errors.push(notSupported(at, operator, ['Equal', 'Exists', 'Lt', 'Gt']));
      break;
    default:
      errors.push(notSupported(at, operator, ['Equal', 'Exists']));
  }
}
