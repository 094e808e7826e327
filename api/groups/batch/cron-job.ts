/** Cron jobs. Mirrors registry/batch/cronjob and ValidateCronJobCreate of pkg/apis/batch/validation. */
import { defineBehaviour } from '../../definition.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { CronJob, CronJobSpec, JobSpec } from '../../../openapi/generated/batch-v1.ts';
import { nameWarnings } from '../apps/selectors.ts';
import { addEach, addNonnegative, addRequiredSupported, type Findings } from '../common/findings.ts';
import type { PodRules } from '../core/pod-rules.ts';
import { dropDisabledTemplateFields, setTemplateDefaults, templateRules } from '../core/pod-template.ts';
import { addJobSpec } from './job-spec.ts';
import { setFailurePolicyDefaults } from './job.ts';
import { jobSpecWarnings } from './job-warnings.ts';
import { scheduleProblem, timeZoneProblems } from './schedule.ts';

const NO_SPEC = {} as JobSpec;
const POLICIES = ['Allow', 'Forbid', 'Replace'];
/** Jobs are named after their cron job and eleven characters of time. */
const NAME_BYTES_MAX = 52;

export const cronJob = defineBehaviour<CronJob>({
  setDefaults: ({ spec }) => {
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const jobSpec = spec.jobTemplate?.spec;
    if (jobSpec === undefined) return;
    setTemplateDefaults(jobSpec.template);
    setFailurePolicyDefaults(jobSpec);
  },
  prepareForCreate: ({ spec }) => dropDisabledTemplateFields(spec.jobTemplate?.spec?.template),
  prepareForUpdate: ({ spec }, old) =>
    dropDisabledTemplateFields(spec.jobTemplate?.spec?.template, old.spec.jobTemplate?.spec?.template),
  validate: ({ spec, metadata }) => {
    const errors: Findings = [];
    addSpec(errors, path('spec'), spec, undefined, {});
    const name = metadata.name ?? '';
    if (byteLength(name) > NAME_BYTES_MAX)
      errors.push(invalid('metadata.name', name, `must be no more than ${NAME_BYTES_MAX} characters`));
    return errors;
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Findings = [];
    addSpec(errors, path('spec'), spec, old.spec, templateRules(old.spec.jobTemplate?.spec?.template));
    return errors;
  },
  warnings: (object, old, subresource) => {
    if (subresource !== '') return [];
    const isSame = object.metadata.generation === old?.metadata.generation;
    const at = path('spec', 'jobTemplate', 'spec');
    const warnings = isSame ? [] : jobSpecWarnings(at, object.spec.jobTemplate?.spec ?? NO_SPEC);
    if (old === undefined) return [...nameWarnings(object), ...warnings];
    if (object.spec.schedule.includes('TZ'))
      warnings.push(
        'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
      );
    return warnings;
  },
});

function addSpec(
  errors: Findings,
  at: FieldPath,
  spec: CronJobSpec,
  old: CronJobSpec | undefined,
  rules: PodRules,
): void {
  const { schedule = '', timeZone } = spec;
  if (schedule === '') errors.push(required(at.child('schedule')));
  else addSchedule(errors, at.child('schedule'), spec, old?.schedule?.includes('TZ') === true);
  addNonnegative(errors, at.child('startingDeadlineSeconds'), spec.startingDeadlineSeconds);
  if (timeZone !== undefined && timeZone !== old?.timeZone)
    addEach(errors, at.child('timeZone'), timeZone, timeZoneProblems(timeZone));
  addRequiredSupported(errors, at.child('concurrencyPolicy'), spec.concurrencyPolicy, POLICIES);
  const place = at.child('jobTemplate', 'spec');
  const jobSpec = spec.jobTemplate?.spec ?? NO_SPEC;
  addJobSpec(errors, place, jobSpec, rules);
  if (jobSpec.selector !== undefined)
    errors.push(invalid(place.child('selector'), jobSpec.selector, '`selector` will be auto-generated'));
  if (jobSpec.manualSelector === true)
    errors.push(notSupported(place.child('manualSelector'), true, ['nil', 'false']));
  addNonnegative(errors, at.child('successfulJobsHistoryLimit'), spec.successfulJobsHistoryLimit);
  addNonnegative(errors, at.child('failedJobsHistoryLimit'), spec.failedJobsHistoryLimit);
}

function addSchedule(
  errors: Findings,
  at: FieldPath,
  { schedule, timeZone }: CronJobSpec,
  hadZone: boolean,
): void {
  const problem = scheduleProblem(schedule);
  if (problem !== undefined) errors.push(invalid(at, schedule, problem));
  if (!schedule.includes('TZ')) return;
  if (!hadZone) {
    const text = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    errors.push(invalid(at, schedule, text));
  } else if (timeZone !== undefined)
    errors.push(invalid(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
}
