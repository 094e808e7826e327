/** Deployments, replica sets, stateful sets and daemon sets. Mirrors pkg/apis/apps. */
import { defineBehaviour, type ScaleMapping } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { formatLabelSelector, selectorFromLabelSelector } from '../../machinery/labels.ts';
import { checkPercent } from '../../machinery/names.ts';
import {
  forbidden,
  IMMUTABLE_MESSAGE,
  invalid,
  invalidEach,
  notSupported,
  required,
  validateLabels,
  validateLabelSelector,
  validateNonnegative,
} from '../../machinery/validation.ts';
import type {
  DaemonSet,
  Deployment,
  DeploymentStrategy,
  ReplicaSet,
  StatefulSet,
} from '../../../openapi/generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
import { setPodSpecDefaults } from '../core/pod-defaults.ts';
import { validatePodSpec } from '../core/pod-validation.ts';

const REVISION_HISTORY = 10;
const PROGRESS_DEADLINE_SECONDS = 600;

type Selector = Parameters<typeof formatLabelSelector>[0];

interface Workload {
  readonly spec: { selector?: Selector; template?: PodTemplateSpec; replicas?: number };
  readonly status?: { replicas?: number };
}

function setTemplateDefaults({ template }: { template?: PodTemplateSpec }): void {
  if (template?.spec !== undefined) setPodSpecDefaults(template.spec);
}

const scale = {
  specReplicas: ({ spec }: Workload) => spec.replicas ?? 1,
  setSpecReplicas: ({ spec }: Workload, replicas: number) => {
    spec.replicas = replicas;
  },
  statusReplicas: ({ status }: Workload) => status?.replicas ?? 0,
  selector: ({ spec }: Workload) => formatLabelSelector(spec.selector),
};

/** Selector and template, as every workload has them. */
function validateWorkload({ spec }: Workload): FieldError[] {
  const at = path('spec');
  const errors = validateNonnegative(at.child('replicas'), spec.replicas ?? 1);
  const { selector } = spec;
  if (selector === undefined || selector === null) errors.push(required(at.child('selector')));
  else {
    errors.push(...validateLabelSelector(selector, at.child('selector')));
    if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
      errors.push(invalid(at.child('selector'), selector, 'empty selector is invalid for deployment'));
    }
  }
  errors.push(...validateTemplate(spec, errors.length === 0 ? selector : undefined));
  return errors;
}

function validateTemplate({ template }: Workload['spec'], selector: Selector): FieldError[] {
  const at = path('spec', 'template');
  const labels = template?.metadata?.labels ?? {};
  const errors: FieldError[] = [];
  if (selector !== undefined && !selectorFromLabelSelector(selector).matches(labels)) {
    errors.push(
      invalid(at.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'),
    );
  }
  errors.push(...validateLabels(labels, at.child('metadata', 'labels')));
  const spec = template?.spec;
  if (spec === undefined) return [...errors, required(at.child('spec', 'containers'))];
  errors.push(...validatePodSpec(spec, at.child('spec')));
  if (spec.restartPolicy !== undefined && spec.restartPolicy !== 'Always') {
    errors.push(notSupported(at.child('spec', 'restartPolicy'), spec.restartPolicy, ['Always']));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden(
        at.child('spec', 'activeDeadlineSeconds'),
        'activeDeadlineSeconds in ReplicaSet is not Supported',
      ),
    );
  }
  return errors;
}

function immutableSelector(object: Workload, old: Workload): FieldError[] {
  return equalJSON(object.spec.selector, old.spec.selector)
    ? []
    : [invalid('spec.selector', object.spec.selector, IMMUTABLE_MESSAGE)];
}

export const deployment = defineBehaviour<Deployment>({
  setDefaults: ({ spec }) => {
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= REVISION_HISTORY;
    spec.progressDeadlineSeconds ??= PROGRESS_DEADLINE_SECONDS;
    spec.strategy ??= {};
    spec.strategy.type ??= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    setTemplateDefaults(spec);
  },
  prepareForStatusUpdate: (object, old) => {
    object.metadata.labels = old.metadata.labels;
  },
  validate: validateDeployment,
  validateUpdate: (object, old) => [...validateDeployment(object), ...immutableSelector(object, old)],
  scale: scale as unknown as ScaleMapping<Deployment>,
});

function validateDeployment(object: Deployment): FieldError[] {
  const at = path('spec');
  const { spec } = object;
  const errors = [
    ...validateWorkload(object as unknown as Workload),
    ...validateStrategy(spec.strategy ?? {}, at.child('strategy')),
  ];
  errors.push(...validateNonnegative(at.child('minReadySeconds'), spec.minReadySeconds ?? 0));
  if (spec.revisionHistoryLimit !== undefined)
    errors.push(...validateNonnegative(at.child('revisionHistoryLimit'), spec.revisionHistoryLimit));
  if (spec.progressDeadlineSeconds !== undefined) {
    errors.push(...validateNonnegative(at.child('progressDeadlineSeconds'), spec.progressDeadlineSeconds));
    if (spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
      errors.push(
        invalid(
          at.child('progressDeadlineSeconds'),
          spec.progressDeadlineSeconds,
          'must be greater than minReadySeconds',
        ),
      );
    }
  }
  return errors;
}

function validateStrategy(
  { type = '', rollingUpdate }: DeploymentStrategy,
  at: ReturnType<typeof path>,
): FieldError[] {
  if (type === 'Recreate') {
    return rollingUpdate === undefined
      ? []
      : [forbidden(at.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== 'RollingUpdate')
    return [
      notSupported(at, { type, ...(rollingUpdate === undefined ? {} : { rollingUpdate }) }, [
        'Recreate',
        'RollingUpdate',
      ]),
    ];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {};
  const place = at.child('rollingUpdate');
  const errors = [
    ...validateAmount(maxUnavailable, place.child('maxUnavailable')),
    ...validateAmount(maxSurge, place.child('maxSurge')),
  ];
  if (isNothing(maxUnavailable) && isNothing(maxSurge))
    errors.push(invalid(place.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  if (typeof maxUnavailable === 'string' && parseInt(maxUnavailable, 10) > 100)
    errors.push(invalid(place.child('maxUnavailable'), maxUnavailable, 'must not be greater than 100%'));
  return errors;
}

function isNothing(amount: number | string): boolean {
  return amount === 0 || amount === '0%';
}

function validateAmount(amount: number | string, at: ReturnType<typeof path>): FieldError[] {
  return typeof amount === 'number'
    ? validateNonnegative(at, amount)
    : invalidEach(at, amount, checkPercent(amount));
}

export const replicaSet = defineBehaviour<ReplicaSet>({
  setDefaults: (object) => {
    const { spec, metadata } = object;
    spec.replicas ??= 1;
    setTemplateDefaults(spec);
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0)
      metadata.labels = { ...labels };
  },
  validate: (object) => validateWorkload(object as unknown as Workload),
  validateUpdate: (object, old) => [
    ...validateWorkload(object as unknown as Workload),
    ...immutableSelector(object as unknown as Workload, old as unknown as Workload),
  ],
  scale: scale as unknown as ScaleMapping<ReplicaSet>,
});

const STATEFUL_SET_MUTABLE =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', " +
  "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSet = defineBehaviour<StatefulSet>({
  setDefaults: ({ spec }) => {
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= REVISION_HISTORY;
    spec.podManagementPolicy ??= 'OrderedReady';
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain';
    setTemplateDefaults(spec);
  },
  validate: (object) => validateWorkload(object as unknown as Workload),
  validateUpdate: (object, old) => {
    const { spec } = object;
    const {
      replicas,
      ordinals,
      template,
      updateStrategy,
      revisionHistoryLimit,
      persistentVolumeClaimRetentionPolicy,
      minReadySeconds,
    } = spec;
    const comparable = {
      ...old.spec,
      replicas,
      ordinals,
      template,
      updateStrategy,
      revisionHistoryLimit,
      persistentVolumeClaimRetentionPolicy,
      minReadySeconds,
    };
    const errors = validateWorkload(object as unknown as Workload);
    return equalJSON(comparable, spec) ? errors : [...errors, forbidden('spec', STATEFUL_SET_MUTABLE)];
  },
  scale: scale as unknown as ScaleMapping<StatefulSet>,
});

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** Counts the templates a daemon set had; a number that somebody else writes is put back. */
function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

function templateGeneration({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[TEMPLATE_GENERATION] ?? '';
  return /^[0-9]+$/.test(text) ? Number(text) : 0;
}

export const daemonSet = defineBehaviour<DaemonSet>({
  setDefaults: ({ spec }) => {
    spec.revisionHistoryLimit ??= REVISION_HISTORY;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ??= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    setTemplateDefaults(spec);
  },
  prepareForCreate: (object) => setTemplateGeneration(object, Math.max(1, templateGeneration(object))),
  prepareForUpdate: (object, old) => {
    const isChanged = !equalJSON(object.spec.template, old.spec.template);
    setTemplateGeneration(object, templateGeneration(old) + (isChanged ? 1 : 0));
  },
  validate: (object) => validateWorkload(object as unknown as Workload),
  validateUpdate: (object, old) => [
    ...validateWorkload(object as unknown as Workload),
    ...immutableSelector(object as unknown as Workload, old as unknown as Workload),
  ],
});
