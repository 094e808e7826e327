/** Deployments. Mirrors registry/apps/deployment and ValidateDeployment of pkg/apis/apps/validation. */
import { defineBehaviour, type ScaleMapping } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid, required } from '../../machinery/field-errors.ts';
import type { Deployment, DeploymentStrategy } from '../../../openapi/generated/apps-v1.ts';
import { addImmutable, addNonnegative, type Findings } from '../common/findings.ts';
import { notSupportedInternal } from '../common/internal-json.ts';
import type { PodRules } from '../core/pod-rules.ts';
import { dropDisabledTemplateFields, setTemplateDefaults, templateRules } from '../core/pod-template.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import {
  addAtMostAll,
  addCollisionChange,
  addCountOrPercent,
  addCounts,
  addNotAbove,
  countOf,
  type Counts,
} from './counts.ts';
import { addReplicaTemplate } from './replica-set.ts';
import { addRequiredSelector, nameWarnings, scale } from './selectors.ts';

const SHARE = '25%';

export const deployment = defineBehaviour<Deployment>({
  setDefaults: ({ spec }) => {
    setTemplateDefaults(spec.template);
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= SHARE;
      spec.strategy.rollingUpdate.maxSurge ??= SHARE;
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },
  prepareForCreate: ({ spec }) => dropDisabledTemplateFields(spec.template),
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
  prepareForStatusUpdate: (object, old) => {
    object.metadata.labels = old.metadata.labels;
  },
  // Annotations are copied to the replica sets, so they count as well.
  generationView: ({ spec, metadata }) => ({ spec, annotations: metadata.annotations ?? {} }),
  validate: (object) => {
    const errors: Findings = [];
    addSpec(errors, object, {});
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    addSpec(errors, object, templateRules(old.spec.template));
    addImmutable(errors, path('spec', 'selector'), object.spec.selector, old.spec.selector);
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addStatus(errors, path('status'), object, old);
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource !== '') return [];
    const isSame = old !== undefined && equalJSON(object.metadata.generation, old.metadata.generation);
    if (isSame) return [];
    const template = podTemplateWarnings(path('spec', 'template'), object.spec.template);
    return old === undefined ? [...nameWarnings(object), ...template] : template;
  },
  scale: scale as unknown as ScaleMapping<Deployment>,
});

function addSpec(errors: Findings, { spec }: Deployment, rules: PodRules): void {
  const at = path('spec');
  addNonnegative(errors, at.child('replicas'), spec.replicas);
  addRequiredSelector(errors, at.child('selector'), spec.selector, 'deployment');
  addReplicaTemplate(errors, at, spec.template ?? {}, spec.selector, rules);
  addStrategy(errors, at.child('strategy'), spec.strategy ?? {});
  addNonnegative(errors, at.child('minReadySeconds'), spec.minReadySeconds);
  addNonnegative(errors, at.child('revisionHistoryLimit'), spec.revisionHistoryLimit);
  const seconds = spec.progressDeadlineSeconds;
  if (seconds === undefined) return;
  const place = at.child('progressDeadlineSeconds');
  addNonnegative(errors, place, seconds);
  if (seconds <= (spec.minReadySeconds ?? 0))
    errors.push(invalid(place, seconds, 'must be greater than minReadySeconds'));
}

function addStrategy(errors: Findings, at: FieldPath, strategy: DeploymentStrategy): void {
  const { type, rollingUpdate } = strategy;
  const place = at.child('rollingUpdate');
  if (type === 'Recreate') {
    if (rollingUpdate !== undefined)
      errors.push(forbidden(place, "may not be specified when strategy `type` is 'Recreate'"));
    return;
  }
  if (type !== 'RollingUpdate') {
    const supported = ['Recreate', 'RollingUpdate'];
    errors.push(notSupportedInternal(at, 'DeploymentStrategy', strategy, supported));
    return;
  }
  if (rollingUpdate === undefined) {
    errors.push(required(place, 'this should be defaulted and never be nil'));
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const unavailable = place.child('maxUnavailable');
  addCountOrPercent(errors, unavailable, maxUnavailable);
  addCountOrPercent(errors, place.child('maxSurge'), maxSurge);
  if (countOf(maxUnavailable) === 0 && countOf(maxSurge) === 0)
    errors.push(invalid(unavailable, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  addAtMostAll(errors, unavailable, maxUnavailable);
}

const STATUS_COUNTS = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
];

function addStatus(errors: Findings, at: FieldPath, object: Deployment, old: Deployment): void {
  const status = (object.status ?? {}) as unknown as Counts;
  addCounts(errors, at, status, STATUS_COUNTS);
  const replicas = ['updatedReplicas', 'readyReplicas', 'availableReplicas'];
  addNotAbove(errors, at, status, replicas, 'replicas', 'cannot be greater than status.replicas');
  addNotAbove(
    errors,
    at,
    status,
    ['availableReplicas'],
    'readyReplicas',
    'cannot be greater than readyReplicas',
  );
  addCollisionChange(errors, at, object.status?.collisionCount, old.status?.collisionCount);
}
