/** Jobs. Mirrors registry/batch/job and ValidateJob of pkg/apis/batch/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { checkDNS1123Label } from '../../machinery/names.ts';
import { IMMUTABLE_MESSAGE, invalid, required } from '../../machinery/field-errors.ts';
import type { Job, JobSpec } from '../../../openapi/generated/batch-v1.ts';
import type { PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
import { nameWarnings } from '../apps/selectors.ts';
import {
  addImmutable,
  addLabelSelector,
  type Findings,
  hasInvalidSelectorValue,
} from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import type { PodRules } from '../core/pod-rules.ts';
import {
  addSelectorMismatch,
  dropDisabledTemplateFields,
  matcherOf,
  setTemplateDefaults,
  templateRules,
} from '../core/pod-template.ts';
import { addJobSpec } from './job-spec.ts';
import { addJobStatus, isConditionTrue } from './job-status.ts';
import { jobSpecWarnings } from './job-warnings.ts';

const BACKOFF_LIMIT = 6;
const UID_LABEL = 'batch.kubernetes.io/controller-uid';
const NAME_LABEL = 'batch.kubernetes.io/job-name';
const OLD_UID_LABEL = 'controller-uid';
const OLD_NAME_LABEL = 'job-name';

export const job = defineBehaviour<Job>({
  setDefaults: (object) => {
    const { spec, metadata } = object;
    setTemplateDefaults(spec.template);
    setFailurePolicyDefaults(spec);
    if (spec.completions === undefined && spec.parallelism === undefined) {
      spec.completions = 1;
      spec.parallelism = 1;
    }
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : 2 ** 31 - 1;
    const labels = spec.template?.metadata?.labels;
    // One object for both, as upstream: what creation adds to the template's labels shows on the job as well.
    if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
    spec.completionMode ??= 'NonIndexed';
    spec.suspend ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
    spec.manualSelector ??= false;
  },
  prepareForCreate: (object) => {
    generateSelector(object);
    dropDisabledTemplateFields(object.spec.template);
  },
  prepareForUpdate: ({ spec }, old) => dropDisabledTemplateFields(spec.template, old.spec.template),
  validate: (object) => {
    const errors: Findings = [];
    addJob(errors, object, {}, true);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    const own = templateRules(old.spec.template);
    const rules = {
      ...own,
      allowInvalidSelectorValue:
        own.allowInvalidSelectorValue === true || hasInvalidSelectorValue(old.spec.selector),
    };
    const labels = old.spec.template?.metadata?.labels ?? {};
    addJob(errors, object, rules, Object.hasOwn(labels, NAME_LABEL) && Object.hasOwn(labels, UID_LABEL));
    addSelectedSpec(errors, object.spec, rules);
    addSpecChanges(errors, object.spec, old);
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addJobStatus(errors, object, old);
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource !== '' || object.metadata.generation === old?.metadata.generation) return [];
    const warnings = jobSpecWarnings(path('spec'), object.spec);
    return old === undefined ? [...nameWarnings(object), ...warnings] : warnings;
  },
});

export function setFailurePolicyDefaults({ podFailurePolicy }: JobSpec): void {
  for (const { onPodConditions } of podFailurePolicy?.rules ?? [])
    for (const pattern of onPodConditions ?? []) pattern.status ||= 'True';
}

/** Labels on the template that only this job's pods have, and a selector for them. */
function generateSelector({ spec, metadata }: Job): void {
  if (spec.manualSelector === true) return;
  const { uid = '', name = '' } = metadata;
  const labels = {
    [OLD_NAME_LABEL]: name,
    [NAME_LABEL]: name,
    [OLD_UID_LABEL]: uid,
    [UID_LABEL]: uid,
    ...spec.template?.metadata?.labels,
  };
  spec.template ??= {} as PodTemplateSpec;
  const areShared = metadata.labels !== undefined && metadata.labels === spec.template.metadata?.labels;
  spec.template.metadata = { ...spec.template.metadata, labels };
  if (areShared) metadata.labels = { ...labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { [UID_LABEL]: uid, ...spec.selector.matchLabels };
}

function addJob(errors: Findings, object: Job, rules: PodRules, needsPrefixed: boolean): void {
  errors.push(...validateGeneratedSelector(object, needsPrefixed));
  addSelectedSpec(errors, object.spec, rules);
  const { completionMode, completions = 0 } = object.spec;
  if (completionMode !== 'Indexed' || completions <= 0) return;
  const name = object.metadata.name ?? '';
  const hostname = `${name}-${completions - 1}`;
  if (checkDNS1123Label(hostname).length > 0) {
    const text = `will not able to create pod with invalid DNS label: ${hostname}`;
    errors.push(invalid('metadata.name', name, text));
  }
}

function addSelectedSpec(errors: Findings, spec: JobSpec, rules: PodRules): void {
  const at = path('spec');
  addJobSpec(errors, at, spec, rules);
  const { selector } = spec;
  if (selector === undefined) errors.push(required(at.child('selector')));
  addLabelSelector(errors, at.child('selector'), selector, {
    allowInvalidValues: rules.allowInvalidSelectorValue,
  });
  const matcher = matcherOf(selector);
  if (matcher !== undefined) addSelectorMismatch(errors, at.child('template'), spec.template ?? {}, matcher);
}

function validateGeneratedSelector({ spec, metadata }: Job, needsPrefixed: boolean): FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const { uid = '', name = '' } = metadata;
  const errors: FieldError[] = uid === '' ? [required('metadata.uid')] : [];
  const labels = spec.template?.metadata?.labels ?? {};
  const expected: Record<string, string> = {
    [OLD_UID_LABEL]: uid,
    [OLD_NAME_LABEL]: name,
    ...(needsPrefixed ? { [UID_LABEL]: uid, [NAME_LABEL]: name } : {}),
  };
  const at = path('spec', 'template', 'metadata', 'labels');
  for (const [key, value] of Object.entries(expected)) {
    const text = `must be '${value}'`;
    if (labels[key] === undefined) errors.push(required(at.key(key), text));
    else if (labels[key] !== value) errors.push(invalid(at.key(key), labels, text));
  }
  if (matcherOf(spec.selector)?.matches(expected) === false)
    errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  return errors;
}

function addSpecChanges(errors: Findings, spec: JobSpec, { spec: old, status }: Job): void {
  const at = path('spec');
  const place = at.child('completions');
  if (spec.completionMode !== 'Indexed') addImmutable(errors, place, spec.completions, old.completions);
  else if (
    spec.completions !== old.completions &&
    spec.completions !== undefined &&
    spec.completions !== spec.parallelism
  )
    errors.push(invalid(place, spec.completions, 'can only be modified in tandem with spec.parallelism'));
  addImmutable(errors, at.child('selector'), spec.selector, old.selector);
  const isSuspended = old.suspend === true;
  const mayChange =
    isSuspended &&
    (status?.startTime === undefined || isConditionTrue(status.conditions, 'Suspended')) &&
    (status?.active ?? 0) === 0;
  addTemplateChanges(
    errors,
    spec.template,
    mayChange ? placedAs(old.template, spec.template) : old.template,
    mayChange,
  );
  addImmutable(errors, at.child('completionMode'), spec.completionMode, old.completionMode);
  for (const [member, type] of [
    ['podFailurePolicy', 'PodFailurePolicy'],
    ['backoffLimitPerIndex', ''],
    ['managedBy', ''],
    ['successPolicy', 'SuccessPolicy'],
  ] as const) {
    if (equalJSON(spec[member], old[member])) continue;
    const error =
      type === ''
        ? invalid(at.child(member), spec[member], IMMUTABLE_MESSAGE)
        : invalidInternal(at.child(member), `*${type}`, spec[member], IMMUTABLE_MESSAGE);
    errors.push(error);
  }
}

/** The old template with what says where pods go taken from the new one. */
function placedAs(old: PodTemplateSpec, template: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, tolerations, schedulingGates, affinity } = template.spec!;
  const rest = { ...old.spec!.affinity, nodeAffinity: affinity?.nodeAffinity };
  const hasRest = Object.values(rest).some((member) => member !== undefined);
  return {
    ...old,
    metadata: {
      ...old.metadata,
      annotations: template.metadata?.annotations,
      labels: template.metadata?.labels,
    },
    spec: {
      ...old.spec!,
      nodeSelector,
      tolerations,
      schedulingGates,
      affinity: hasRest || affinity !== undefined ? rest : undefined,
    },
  };
}

/** Suspended jobs may change what their containers use as well. */
function addTemplateChanges(
  errors: Findings,
  template: PodTemplateSpec,
  old: PodTemplateSpec,
  mayChangeResources: boolean,
): void {
  if (!mayChangeResources) {
    if (!equalJSON(template, old))
      errors.push(invalidInternal('spec.template', 'PodTemplateSpec', template, IMMUTABLE_MESSAGE));
    return;
  }
  const comparable = { ...old.spec! };
  for (const list of ['containers', 'initContainers'] as const) {
    const now = template.spec?.[list];
    const before = comparable[list];
    if (now === undefined || before === undefined || now.length !== before.length) continue;
    comparable[list] = before.map((container, index) =>
      container.name === now[index]!.name ? { ...container, resources: now[index]!.resources } : container,
    );
  }
  if (!equalJSON(template.spec, comparable))
    errors.push(invalidInternal('spec.template.spec', 'PodSpec', template.spec, IMMUTABLE_MESSAGE));
}
