/** Disruption budgets. Mirrors registry/policy/poddisruptionbudget and pkg/apis/policy/validation. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import { path } from '../../machinery/field-path.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../../openapi/generated/policy-v1.ts';
import { addAtMostAll, addCountOrPercent } from '../apps/counts.ts';
import { validateConditions } from '../common/conditions.ts';
import { addLabelSelector, addNonnegative, addSupported, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];
const STATUS_COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

const podDisruptionBudget = defineBehaviour<PodDisruptionBudget>({
  nameRule: 'path-segment',
  allowBareFinalizers: true,
  checksMetadataLast: true,
  validate: ({ spec }) => {
    const errors: Findings = [];
    addSpec(errors, spec ?? {}, false);
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    const before: Findings = [];
    addLabelSelector(before, path(), old.spec?.selector);
    addSpec(errors, spec ?? {}, before.length > 0);
    return errors;
  },
  validateStatusUpdate: ({ status }) => {
    const at = path('status');
    const errors: Findings = [...validateConditions(status?.conditions, at.child('conditions'))];
    for (const member of STATUS_COUNTS) addNonnegative(errors, at.child(member), status?.[member]);
    return errors;
  },
});

function addSpec(errors: Findings, spec: PodDisruptionBudgetSpec, allowInvalidValues: boolean): void {
  const at = path('spec');
  const { minAvailable, maxUnavailable, selector } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const text = 'minAvailable and maxUnavailable cannot be both set';
    errors.push(invalidInternal(at, 'PodDisruptionBudgetSpec', spec, text));
  }
  for (const member of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[member];
    if (value === undefined) continue;
    addCountOrPercent(errors, at.child(member), value);
    addAtMostAll(errors, at.child(member), value);
  }
  addLabelSelector(errors, at.child('selector'), selector, { allowInvalidValues });
  addSupported(
    errors,
    at.child('unhealthyPodEvictionPolicy'),
    spec.unhealthyPodEvictionPolicy,
    EVICTION_POLICIES,
  );
}

/** Behaviours of the policy group by plural name. */
export const policyBehaviours: GroupBehaviours = { poddisruptionbudgets: podDisruptionBudget };
