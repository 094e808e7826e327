/** Jobs and cron jobs. Mirrors pkg/apis/batch and registry/batch/job strategy.go. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import { parseCron } from '../../machinery/cron.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { selectorFromLabelSelector } from '../../machinery/labels.ts';
import { TimeZone } from '../../machinery/time-zone.ts';
import {
  invalid,
  IMMUTABLE_MESSAGE,
  notSupported,
  required,
  validateNonnegative,
} from '../../machinery/validation.ts';
import type { CronJob, Job, JobSpec } from '../../../openapi/generated/batch-v1.ts';
import { setPodSpecDefaults } from '../core/pod-defaults.ts';
import { validatePodSpec } from '../core/pod-validation.ts';

const BACKOFF_LIMIT = 6;

const job = defineBehaviour<Job>({
  setDefaults: (object) => {
    setJobDefaults(object.spec);
    const labels = object.spec.template?.metadata?.labels;
    if (labels !== undefined && Object.keys(object.metadata.labels ?? {}).length === 0)
      object.metadata.labels = { ...labels };
  },
  prepareForCreate: generateSelector,
  validate: (object) => validateJob(object.spec),
  validateUpdate: ({ spec }, { spec: old }) => {
    const errors = validateJob(spec);
    for (const field of [
      'selector',
      'completions',
      'completionMode',
      'podFailurePolicy',
      'backoffLimitPerIndex',
      'managedBy',
      'successPolicy',
    ] as const) {
      const isElastic =
        field === 'completions' && spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
      if (!isElastic && !equalJSON(spec[field], old[field]))
        errors.push(invalid(`spec.${field}`, spec[field] ?? null, IMMUTABLE_MESSAGE));
    }
    if (old.suspend !== true && !equalJSON(spec.template, old.template))
      errors.push(invalid('spec.template', spec.template, IMMUTABLE_MESSAGE));
    return errors;
  },
});

function setJobDefaults(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : 2 ** 31 - 1;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  if (spec.template?.spec !== undefined) setPodSpecDefaults(spec.template.spec);
}

/** Labels on the template that only this job's pods have, and a selector for them. */
function generateSelector(object: Job): void {
  const { spec, metadata } = object;
  if (spec.manualSelector === true) return;
  const uid = metadata.uid!;
  const name = metadata.name ?? '';
  const labels: Record<string, string> = { ...spec.template.metadata?.labels };
  labels['batch.kubernetes.io/controller-uid'] = uid;
  labels['controller-uid'] = uid;
  labels['batch.kubernetes.io/job-name'] = name;
  labels['job-name'] = name;
  spec.template.metadata = { ...spec.template.metadata, labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, 'batch.kubernetes.io/controller-uid': uid };
}

function validateJob(spec: JobSpec): FieldError[] {
  const at = path('spec');
  const errors: FieldError[] = [];
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ] as const) {
    if (spec[field] !== undefined) errors.push(...validateNonnegative(at.child(field), spec[field]));
  }
  if (spec.completionMode === 'Indexed' && spec.completions === undefined)
    errors.push(required(at.child('completions'), 'when completion mode is Indexed'));
  if (spec.selector === undefined) errors.push(required(at.child('selector')));
  else if (!selectorFromLabelSelector(spec.selector).matches(spec.template.metadata?.labels ?? {})) {
    errors.push(
      invalid(
        at.child('template', 'metadata', 'labels'),
        spec.template.metadata?.labels ?? {},
        '`selector` does not match template `labels`',
      ),
    );
  }
  return [...errors, ...validateJobTemplate(spec, at)];
}

function validateJobTemplate(spec: JobSpec, at: ReturnType<typeof path>): FieldError[] {
  const place = at.child('template', 'spec');
  if (spec.template?.spec === undefined) return [required(place.child('containers'))];
  const errors = validatePodSpec(spec.template.spec, place);
  const policy = spec.template.spec.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') {
    errors.push(required(place.child('restartPolicy'), 'valid values: "OnFailure", "Never"'));
  } else if (policy !== 'OnFailure' && policy !== 'Never') {
    errors.push(notSupported(place.child('restartPolicy'), policy, ['OnFailure', 'Never']));
  }
  return errors;
}

const cronJob = defineBehaviour<CronJob>({
  setDefaults: ({ spec }) => {
    spec.concurrencyPolicy ??= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    if (spec.jobTemplate?.spec?.template?.spec !== undefined)
      setPodSpecDefaults(spec.jobTemplate.spec.template.spec);
  },
  validate: ({ spec }) => [
    ...((spec.schedule ?? '') === '' ? [required('spec.schedule')] : validateSchedule(spec)),
    ...validateTimeZone(spec),
  ],
});

/** Mirrors validateScheduleFormat of pkg/apis/batch/validation. */
function validateSchedule({ schedule }: CronJob['spec']): FieldError[] {
  const at = path('spec', 'schedule');
  if (schedule.includes('TZ'))
    return [invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  try {
    parseCron(schedule);
    return [];
  } catch (error) {
    return [invalid(at, schedule, (error as Error).message)];
  }
}

/** Mirrors validateTimeZone of pkg/apis/batch/validation. */
function validateTimeZone({ timeZone }: CronJob['spec']): FieldError[] {
  const at = path('spec', 'timeZone');
  if (timeZone === undefined) return [];
  if (timeZone === '') return [invalid(at, timeZone, 'timeZone must be nil or non-empty string')];
  const isName = (part: string): boolean => /^(?!-|\.\.?$)[A-Za-z._0-9+-]{1,14}$/.test(part);
  if (!timeZone.split('/').every(isName)) return [invalid(at, timeZone, `unknown time zone ${timeZone}`)];
  if (timeZone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalid(at, timeZone, detail)];
  }
  try {
    new TimeZone(timeZone);
    return [];
  } catch (error) {
    return [invalid(at, timeZone, (error as Error).message)];
  }
}

/** Behaviours of the batch group by plural name. */
export const batchBehaviours: GroupBehaviours = { cronjobs: cronJob, jobs: job };
