/** Daemon sets. Mirrors registry/apps/daemonset and ValidateDaemonSet of pkg/apis/apps/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import type { DaemonSet, DaemonSetUpdateStrategy } from '../../../openapi/generated/apps-v1.ts';
import {
  addImmutable,
  addLabelSelector,
  addNonnegative,
  type Findings,
  hasInvalidSelectorValue,
} from '../common/findings.ts';
import { notSupportedInternal } from '../common/internal-json.ts';
import type { PodRules } from '../core/pod-rules.ts';
import { addPodTemplate } from '../core/pod-spec.ts';
import {
  addForeverRules,
  addSelectorMismatch,
  dropDisabledTemplateFields,
  matcherOf,
  setTemplateDefaults,
  templateRules,
} from '../core/pod-template.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import {
  addAtMostAll,
  addCollisionChange,
  addCountOrPercent,
  addCounts,
  countOf,
  type Counts,
} from './counts.ts';
import { addEmptySelector } from './selectors.ts';

/** Where upstream keeps the generation of the template, which the API has as an annotation only. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

export const daemonSet = defineBehaviour<DaemonSet>({
  setDefaults: ({ spec }) => {
    setTemplateDefaults(spec.template);
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
  },
  prepareForCreate: (object) => {
    setTemplateGeneration(object, Math.max(templateGeneration(object), 1));
    dropDisabledTemplateFields(object.spec.template);
  },
  prepareForUpdate: (object, old) => {
    dropDisabledTemplateFields(object.spec.template, old.spec.template);
    const isSame = equalJSON(object.spec.template, old.spec.template);
    setTemplateGeneration(object, templateGeneration(old) + (isSame ? 0 : 1));
  },
  validate: ({ spec }) => {
    const errors: Findings = [];
    addSpec(errors, path('spec'), spec, {});
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    const rules = templateRules(old.spec.template);
    addImmutable(errors, path('spec', 'selector'), spec.selector, old.spec.selector);
    addSpec(errors, path('spec'), spec, {
      ...rules,
      allowInvalidSelectorValue:
        rules.allowInvalidSelectorValue === true || hasInvalidSelectorValue(old.spec.selector),
    });
    return errors;
  },
  validateStatusUpdate: ({ status }, old) => {
    const errors: Findings = [];
    addCounts(errors, path('status'), (status ?? {}) as unknown as Counts, STATUS_COUNTS);
    addCollisionChange(errors, path('status'), status?.collisionCount, old.status?.collisionCount);
    return errors;
  },
  warnings: (object, old, subresource) => {
    const isSame = old !== undefined && templateGeneration(object) === templateGeneration(old);
    if (subresource !== '' || isSame) return [];
    return podTemplateWarnings(path('spec', 'template'), object.spec.template);
  },
});

function templateGeneration({ metadata }: DaemonSet): number {
  return Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? 0) || 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

const STATUS_COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
];

function addSpec(errors: Findings, at: FieldPath, spec: DaemonSet['spec'], rules: PodRules): void {
  const { selector, template = {} } = spec;
  addLabelSelector(errors, at.child('selector'), selector, {
    allowInvalidValues: rules.allowInvalidSelectorValue,
  });
  const place = at.child('template');
  const matcher = matcherOf(selector);
  if (matcher !== undefined) addSelectorMismatch(errors, place, template, matcher);
  if (selector !== undefined && selector !== null)
    addEmptySelector(errors, at.child('selector'), selector, 'daemonset');
  addPodTemplate(errors, place, template, rules);
  addForeverRules(errors, place, template, 'DaemonSet');
  addNonnegative(errors, at.child('minReadySeconds'), spec.minReadySeconds);
  addUpdateStrategy(errors, at.child('updateStrategy'), spec.updateStrategy ?? {});
  addNonnegative(errors, at.child('revisionHistoryLimit'), spec.revisionHistoryLimit);
}

function addUpdateStrategy(errors: Findings, at: FieldPath, strategy: DaemonSetUpdateStrategy): void {
  const { type, rollingUpdate } = strategy;
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') {
    const supported = ['RollingUpdate', 'OnDelete'];
    errors.push(notSupportedInternal(at, 'DaemonSetUpdateStrategy', strategy, supported));
    return;
  }
  const place = at.child('rollingUpdate');
  if (rollingUpdate === undefined) {
    errors.push(required(place));
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const unavailable = place.child('maxUnavailable');
  const surge = place.child('maxSurge');
  addCountOrPercent(errors, unavailable, maxUnavailable);
  addCountOrPercent(errors, surge, maxSurge);
  addAtMostAll(errors, unavailable, maxUnavailable);
  addAtMostAll(errors, surge, maxSurge);
  const hasUnavailable = countOf(maxUnavailable) !== 0;
  const hasSurge = countOf(maxSurge) !== 0;
  if (hasUnavailable && hasSurge)
    errors.push(invalid(surge, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!hasUnavailable && !hasSurge) errors.push(required(unavailable, 'cannot be 0 when maxSurge is 0'));
}
