/** Autoscalers. Mirrors registry/autoscaling/horizontalpodautoscaler and pkg/apis/autoscaling/validation. */
import { defineBehaviour } from '../../definition.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
} from '../../../openapi/generated/autoscaling-v2.ts';
import { addNonnegative, addSupported, type Findings } from '../common/findings.ts';
import { addNonnegativeQuantity } from '../common/resources.ts';
import { dropCarried } from './conversion.ts';
import { addMetrics } from './metric-rules.ts';
import { addReference, versionProblem } from './references.ts';

const WINDOW_SECONDS_MAX = 3600;
const PERIOD_SECONDS_MAX = 1800;
const DEFAULT_UTILIZATION = 80;

export const horizontalPodAutoscaler = defineBehaviour<HorizontalPodAutoscaler>({
  setDefaults: (object) => {
    const { spec } = object;
    dropCarried(object);
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0)
      spec.metrics = [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: { type: 'Utilization', averageUtilization: DEFAULT_UTILIZATION },
          },
        },
      ];
    if (spec.behavior === undefined) return;
    spec.behavior.scaleUp = { ...scaleUpRules(), ...given(spec.behavior.scaleUp) };
    spec.behavior.scaleDown = { ...scaleDownRules(), ...given(spec.behavior.scaleDown) };
  },
  validate: ({ spec }) => {
    const errors: Findings = [];
    addSpec(errors, spec ?? {}, undefined);
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    addSpec(errors, spec ?? {}, old.spec);
    return errors;
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Findings = [];
    for (const member of ['currentReplicas', 'desiredReplicas'] as const)
      addNonnegative(errors, path('status', member), status?.[member]);
    return errors;
  },
});

const PERIOD_SECONDS = 15;

function scaleUpRules(): HPAScalingRules {
  return {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS },
      { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS },
    ],
  };
}

function scaleDownRules(): HPAScalingRules {
  return { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }] };
}

/** The members that are said. */
function given(rules: HPAScalingRules | undefined): HPAScalingRules {
  return Object.fromEntries(
    Object.entries(rules ?? {}).filter(([, value]) => value !== undefined && value !== null),
  );
}

function addSpec(
  errors: Findings,
  spec: Partial<HorizontalPodAutoscalerSpec>,
  old: HorizontalPodAutoscalerSpec | undefined,
): void {
  const at = path('spec');
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
  const reference = spec.scaleTargetRef ?? ({} as CrossVersionObjectReference);
  const least = old?.minReplicas === 0 ? 0 : 1;
  if (minReplicas !== undefined && minReplicas < least)
    errors.push(invalid(at.child('minReplicas'), minReplicas, `must be greater than or equal to ${least}`));
  const place = at.child('maxReplicas');
  if (maxReplicas === 0) errors.push(required(place, 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalid(place, maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid(place, maxReplicas, 'must be greater than or equal to `minReplicas`'));
  const target = old?.scaleTargetRef;
  addReference(errors, at.child('scaleTargetRef'), reference, {
    allowInvalidVersion:
      target !== undefined &&
      (target.apiVersion ?? '') === (reference.apiVersion ?? '') &&
      target.kind === reference.kind,
    allowEmptyGroup: reference.kind === 'ReplicationController',
  });
  const objectRules = { allowEmptyGroup: true, allowInvalidVersion: false };
  const hadInvalid = (old?.metrics ?? []).some(
    ({ type, object }) =>
      type === 'Object' &&
      object !== undefined &&
      versionProblem(object.describedObject?.apiVersion ?? '', objectRules) !== undefined,
  );
  addMetrics(errors, at.child('metrics'), metrics, { ...objectRules, allowInvalidVersion: hadInvalid });
  const canWait = metrics.some(({ type }) => type === 'Object' || type === 'External');
  if (minReplicas === 0 && !canWait)
    errors.push(
      forbidden(
        at.child('metrics'),
        'must specify at least one Object or External metric to support scaling to zero replicas',
      ),
    );
  addRules(errors, at.child('behavior', 'scaleUp'), behavior?.scaleUp);
  addRules(errors, at.child('behavior', 'scaleDown'), behavior?.scaleDown);
}

function addRules(errors: Findings, at: FieldPath, rules: HPAScalingRules | undefined): void {
  if (rules === undefined) return;
  const seconds = rules.stabilizationWindowSeconds;
  const window = at.child('stabilizationWindowSeconds');
  if (seconds !== undefined && seconds < 0)
    errors.push(invalid(window, seconds, 'must be greater than or equal to zero'));
  if (seconds !== undefined && seconds > WINDOW_SECONDS_MAX)
    errors.push(invalid(window, seconds, `must be less than or equal to ${WINDOW_SECONDS_MAX}`));
  addSupported(errors, at.child('selectPolicy'), rules.selectPolicy, ['Disabled', 'Max', 'Min']);
  const policies = rules.policies ?? [];
  if (policies.length === 0) errors.push(required(at.child('policies'), 'must specify at least one Policy'));
  policies.forEach(({ type = '', value = 0, periodSeconds = 0 }, index) => {
    const place = at.child('policies').index(index);
    if (type !== 'Pods' && type !== 'Percent')
      errors.push(notSupported(place.child('type'), type, ['Percent', 'Pods']));
    if (value <= 0) errors.push(invalid(place.child('value'), value, 'must be greater than zero'));
    const period = place.child('periodSeconds');
    if (periodSeconds <= 0) errors.push(invalid(period, periodSeconds, 'must be greater than zero'));
    if (periodSeconds > PERIOD_SECONDS_MAX)
      errors.push(invalid(period, periodSeconds, `must be less than or equal to ${PERIOD_SECONDS_MAX}`));
  });
  if (rules.tolerance !== undefined) addNonnegativeQuantity(errors, at.child('tolerance'), rules.tolerance);
}
