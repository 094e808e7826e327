/** Replica sets. Mirrors registry/apps/replicaset and ValidateReplicaSet of pkg/apis/apps/validation. */
import { defineBehaviour, type ScaleMapping } from '../../definition.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { invalid } from '../../machinery/field-errors.ts';
import type { LabelSelectorObject } from '../../machinery/label-validation.ts';
import type { ReplicaSet } from '../../../openapi/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
import { addImmutable, addNonnegative, type Findings } from '../common/findings.ts';
import type { PodRules } from '../core/pod-rules.ts';
import {
  addForeverRules,
  addSelectedTemplate,
  dropDisabledTemplateFields,
  matcherOf,
  setTemplateDefaults,
  templateRules,
} from '../core/pod-template.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import { addCounts, addNotAbove, type Counts } from './counts.ts';
import { addRequiredSelector, nameWarnings, scale } from './selectors.ts';

export const replicaSet = defineBehaviour<ReplicaSet>({
  setDefaults: ({ spec }) => {
    setTemplateDefaults(spec.template);
    spec.replicas ??= 1;
  },
  prepareForCreate: ({ spec }) => dropDisabledTemplateFields(spec.template),
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
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
  validateStatusUpdate: ({ status }) => {
    const errors: Findings = [];
    addReplicaStatus(errors, (status ?? {}) as unknown as Counts);
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource !== '' || object.metadata.generation === old?.metadata.generation) return [];
    const template = podTemplateWarnings(path('spec', 'template'), object.spec.template);
    return old === undefined ? [...nameWarnings(object), ...template] : template;
  },
  scale: scale as unknown as ScaleMapping<ReplicaSet>,
});

function addSpec(errors: Findings, { spec }: ReplicaSet, rules: PodRules): void {
  const at = path('spec');
  addNonnegative(errors, at.child('replicas'), spec.replicas);
  addNonnegative(errors, at.child('minReadySeconds'), spec.minReadySeconds);
  addRequiredSelector(errors, at.child('selector'), spec.selector, 'deployment');
  addReplicaTemplate(errors, at, spec.template ?? {}, spec.selector, rules);
}

/** The template of a replica set or deployment; `at` is the path of their spec. */
export function addReplicaTemplate(
  errors: Findings,
  at: FieldPath,
  template: PodTemplateSpec,
  selector: LabelSelectorObject | undefined,
  rules: PodRules,
): void {
  const matcher = matcherOf(selector);
  if (matcher === undefined) {
    errors.push(invalid(at.child('selector'), selector, 'invalid label selector'));
    return;
  }
  addSelectedTemplate(errors, at.child('template'), template, matcher, rules);
  addForeverRules(errors, at.child('template'), template, 'ReplicaSet');
}

const STATUS_COUNTS = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
  'terminatingReplicas',
];

/** The status of replica sets and replication controllers. */
export function addReplicaStatus(errors: Findings, status: Counts): void {
  const at = path('status');
  addCounts(errors, at, status, STATUS_COUNTS);
  const replicas = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'];
  addNotAbove(errors, at, status, replicas, 'replicas', 'cannot be greater than status.replicas');
  addNotAbove(
    errors,
    at,
    status,
    ['availableReplicas'],
    'readyReplicas',
    'cannot be greater than readyReplicas',
  );
}
