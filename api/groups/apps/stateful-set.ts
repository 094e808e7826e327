/** Stateful sets. Mirrors registry/apps/statefulset and ValidateStatefulSet of pkg/apis/apps/validation. */
import { defineBehaviour, type ScaleMapping } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid, required } from '../../machinery/field-errors.ts';
import type { StatefulSet, StatefulSetSpec } from '../../../openapi/generated/apps-v1.ts';
import type { PodTemplateSpec, Volume } from '../../../openapi/generated/core-v1.ts';
import { addDNSLabel, addLabels, addNonnegative, addSupported, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { validateAnnotations } from '../../machinery/label-validation.ts';
import { addClaimSpec, claimSpecWarnings, setClaimDefaults } from '../core/claim-spec.ts';
import { addPodAnnotations } from '../core/pod-annotations.ts';
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
  addNotAbove,
  countOf,
  type Counts,
} from './counts.ts';
import { addRequiredSelector, scale } from './selectors.ts';

const CHANGEABLE = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;
const CHANGE_TEXT =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** What an update does not look at, because it cannot be changed or was wrong before. */
interface SetRules {
  readonly isUpdate?: boolean;
  readonly skipTemplate?: boolean;
}

export const statefulSet = defineBehaviour<StatefulSet>({
  setDefaults: ({ spec }) => {
    setTemplateDefaults(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.spec ??= {};
      setClaimDefaults(claim.spec);
      claim.status ??= {};
      claim.status.phase ||= 'Pending';
      claim.apiVersion = 'v1';
      claim.kind = 'PersistentVolumeClaim';
    }
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    if ((spec.updateStrategy.type ?? '') === '') {
      spec.updateStrategy.type = 'RollingUpdate';
      spec.updateStrategy.rollingUpdate ??= {};
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate !== undefined)
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
  },
  prepareForCreate: ({ spec }) => dropDisabledTemplateFields(spec.template),
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
  validate: ({ spec }) => {
    const errors: Findings = [];
    addSpec(errors, path('spec'), spec, {}, {});
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    const rules = templateRules(old.spec.template);
    const before: Findings = [];
    addSpec(before, path(), old.spec, rules, { isUpdate: true });
    addSpec(errors, path('spec'), spec, rules, { isUpdate: true, skipTemplate: before.length > 0 });
    const comparable = { ...spec, ...Object.fromEntries(CHANGEABLE.map((name) => [name, old.spec[name]])) };
    if (!equalJSON(comparable, old.spec)) errors.push(forbidden('spec', CHANGE_TEXT));
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addStatus(errors, path('status'), object, old);
    return errors;
  },
  warnings: (object, old, subresource) => (subresource === '' ? setWarnings(object, old) : []),
  scale: scale as unknown as ScaleMapping<StatefulSet>,
});

function setWarnings({ metadata, spec }: StatefulSet, old: StatefulSet | undefined): string[] {
  const at = path('spec');
  const isSame = old !== undefined && metadata.generation === old.metadata.generation;
  const warnings = isSame ? [] : podTemplateWarnings(at.child('template'), spec.template);
  spec.volumeClaimTemplates?.forEach((claim, index) => {
    const place = at.child('volumeClaimTemplates').index(index);
    warnings.push(...claimSpecWarnings(old === undefined ? place : place.child('Spec'), claim.spec ?? {}));
  });
  if ((spec.revisionHistoryLimit ?? 0) < 0)
    warnings.push(
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    );
  return warnings;
}

const POLICIES = ['Retain', 'Delete'];

function addSpec(
  errors: Findings,
  at: FieldPath,
  spec: StatefulSetSpec,
  rules: PodRules,
  { isUpdate = false, skipTemplate = false }: SetRules,
): void {
  const management = spec.podManagementPolicy ?? '';
  if (management === '') errors.push(required(at.child('podManagementPolicy')));
  else if (management !== 'OrderedReady' && management !== 'Parallel')
    errors.push(invalid(at.child('podManagementPolicy'), management, "must be 'OrderedReady' or 'Parallel'"));
  addUpdateStrategy(errors, at.child('updateStrategy'), spec.updateStrategy ?? {});
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const member of ['whenDeleted', 'whenScaled'] as const)
    if (retention !== undefined)
      addSupported(
        errors,
        at.child('persistentVolumeClaimRetentionPolicy', member),
        retention[member] ?? '',
        POLICIES,
      );
  if (!isUpdate)
    spec.volumeClaimTemplates?.forEach((claim, index) =>
      addClaimSpec(errors, at.child('volumeClaimTemplates').index(index).child('spec'), claim.spec ?? {}),
    );
  addNonnegative(errors, at.child('replicas'), spec.replicas);
  addNonnegative(errors, at.child('minReadySeconds'), spec.minReadySeconds);
  addNonnegative(errors, at.child('ordinals', 'start'), spec.ordinals?.start);
  if (!isUpdate && (spec.serviceName ?? '') !== '')
    addDNSLabel(errors, at.child('serviceName'), spec.serviceName!);
  addRequiredSelector(errors, at.child('selector'), spec.selector, 'statefulset');
  const matcher = matcherOf(spec.selector);
  const place = at.child('template');
  if (matcher === undefined) errors.push(invalid(at.child('selector'), spec.selector, ''));
  else {
    const template = withClaims(spec);
    addSelectorMismatch(errors, place, template, matcher);
    if (!skipTemplate) addPodTemplate(errors, place, template, rules);
    addTemplateMeta(errors, place, template, rules);
  }
  addForeverRules(errors, place, spec.template ?? {}, 'StatefulSet');
}

/** Upstream checks these a second time. */
function addTemplateMeta(
  errors: Findings,
  at: FieldPath,
  { metadata, spec }: PodTemplateSpec,
  rules: PodRules,
): void {
  addLabels(errors, at.child('labels'), metadata?.labels);
  errors.push(...validateAnnotations(metadata?.annotations, at.child('annotations')));
  addPodAnnotations(errors, at.child('annotations'), metadata?.annotations, spec!, rules);
}

/** The template as its pods will be: named by the set, with a volume for each claim. */
function withClaims({ template = {}, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (template.spec === undefined) return { ...template, spec: {} as NonNullable<PodTemplateSpec['spec']> };
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''));
  const claims = [...names].map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.has(name ?? ''));
  return {
    ...template,
    spec: { ...template.spec, hostname: undefined, subdomain: undefined, volumes: [...claims, ...others] },
  };
}

function addUpdateStrategy(
  errors: Findings,
  at: FieldPath,
  strategy: NonNullable<StatefulSetSpec['updateStrategy']>,
): void {
  const { type = '', rollingUpdate } = strategy;
  const place = at.child('rollingUpdate');
  switch (type) {
    case '':
      errors.push(required(at));
      break;
    case 'OnDelete': {
      if (rollingUpdate === undefined) break;
      const text = "only allowed for updateStrategy 'RollingUpdate'";
      errors.push(invalidInternal(place, 'RollingUpdateStatefulSetStrategy', rollingUpdate, text));
      break;
    }
    case 'RollingUpdate': {
      if (rollingUpdate === undefined) break;
      const { partition, maxUnavailable } = rollingUpdate;
      addNonnegative(errors, place.child('partition'), partition);
      if (maxUnavailable === undefined) break;
      const unavailable = place.child('maxUnavailable');
      addCountOrPercent(errors, unavailable, maxUnavailable);
      if (countOf(maxUnavailable) === 0) errors.push(invalid(unavailable, maxUnavailable, 'cannot be 0'));
      addAtMostAll(errors, unavailable, maxUnavailable);
      break;
    }
    default:
      errors.push(
        invalidInternal(at, 'StatefulSetUpdateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'"),
      );
  }
}

const STATUS_COUNTS = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
];

function addStatus(errors: Findings, at: FieldPath, object: StatefulSet, old: StatefulSet): void {
  const status = (object.status ?? {}) as unknown as Counts;
  addCounts(errors, at, status, STATUS_COUNTS);
  const replicas = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];
  addNotAbove(errors, at, status, replicas, 'replicas', 'cannot be greater than status.replicas');
  const ready = 'cannot be greater than status.readyReplicas';
  addNotAbove(errors, at, status, ['availableReplicas'], 'readyReplicas', ready);
  addCollisionChange(errors, at, object.status?.collisionCount, old.status?.collisionCount);
}
