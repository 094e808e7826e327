/**
 * Statuses of jobs. What is checked depends on what changed, so that statuses written by older controllers stay writable.
 * Mirrors ValidateJobStatusUpdate and getStatusValidationOptions of registry/batch/job.
 */
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { parseTime } from '../../machinery/clock.ts';
import { duplicate, IMMUTABLE_MESSAGE, invalid, required } from '../../machinery/field-errors.ts';
import type { Job, JobStatus } from '../../../openapi/generated/batch-v1.ts';
import { addNonnegative, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { readIndexes, sharedIndex } from './indexes.ts';
import { omitted } from './omitted.ts';

type Conditions = readonly { readonly type?: string; readonly status?: string }[] | undefined;

export function isConditionTrue(conditions: Conditions, type: string): boolean {
  return hasCondition(conditions, type, 'True');
}

function hasCondition(conditions: Conditions, type: string, status: string): boolean {
  return (conditions ?? []).some((condition) => condition.type === type && condition.status === status);
}

interface Flags {
  readonly complete: boolean;
  readonly failed: boolean;
  readonly finished: boolean;
  readonly failureTarget: boolean;
  readonly successCriteriaMet: boolean;
}

function flagsOf(conditions: Conditions): Flags {
  const complete = isConditionTrue(conditions, 'Complete');
  const failed = isConditionTrue(conditions, 'Failed');
  return {
    complete,
    failed,
    finished: complete || failed,
    failureTarget: isConditionTrue(conditions, 'FailureTarget'),
    successCriteriaMet: isConditionTrue(conditions, 'SuccessCriteriaMet'),
  };
}

/** Which members of a status changed, and which conditions. */
interface Changes {
  readonly status: JobStatus;
  readonly before: JobStatus;
  readonly now: Flags;
  readonly was: Flags;
  has(member: keyof JobStatus): boolean;
  turned(flag: keyof Flags): boolean;
}

const CONDITIONS = 'conditions';

export function addJobStatus(errors: Findings, object: Job, old: Job): void {
  const at = path('status');
  const status = object.status ?? {};
  const before = old.status ?? {};
  const now = flagsOf(status.conditions);
  const was = flagsOf(before.conditions);
  const changes: Changes = {
    status,
    before,
    now,
    was,
    has: (member) => !equalJSON(status[member], before[member]),
    turned: (flag) => now[flag] !== was[flag],
  };
  addCounts(errors, at, status);
  addConditionRules(errors, at, changes);
  addFinishedRules(errors, at, object, changes);
  addIndexRules(errors, at, object, changes);
  addLateRules(errors, at, object, changes);
  addTransitions(errors, at, object, changes);
}

function addCounts(errors: Findings, at: FieldPath, status: JobStatus): void {
  for (const member of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    addNonnegative(errors, at.child(member), status[member]);
  const uncounted = status.uncountedTerminatedPods;
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const)
    uncounted?.[list]?.forEach((uid, index) => {
      const place = at.child('uncountedTerminatedPods', list).index(index);
      if (uid === '') errors.push(invalid(place, uid, 'must not be empty'));
      else if (seen.has(uid)) errors.push(duplicate(place, uid));
      else seen.add(uid);
    });
}

function addConditionRules(errors: Findings, at: FieldPath, changes: Changes): void {
  const { status, now, has, turned } = changes;
  const conditions = at.child(CONDITIONS);
  const completion = at.child('completionTime');
  const { completionTime, startTime } = status;
  if ((turned('complete') || turned('failed')) && now.complete && now.failed)
    errors.push(omitted(conditions, 'cannot set Complete=True and Failed=true conditions'));
  if ((turned('complete') || turned('failureTarget')) && now.complete && now.failureTarget)
    errors.push(omitted(conditions, 'cannot set Complete=True and FailureTarget=true conditions'));
  const isEnding = turned('complete') || has('completionTime');
  if (isEnding && completionTime !== undefined && !now.complete)
    errors.push(
      invalid(
        completion,
        completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      ),
    );
  if (isEnding && completionTime === undefined && now.complete)
    errors.push(required(completion, 'completionTime is required for Complete jobs'));
  const isBackwards =
    startTime !== undefined &&
    completionTime !== undefined &&
    parseTime(completionTime) < parseTime(startTime);
  if ((has('startTime') || has('completionTime')) && isBackwards)
    errors.push(invalid(completion, completionTime, 'must be equal to or after `startTime`'));
  if ((turned('failed') || has('failedIndexes')) && now.failed && !now.failureTarget)
    errors.push(
      omitted(conditions, 'cannot set Failed=True condition without the FailureTarget=true condition'),
    );
  if ((turned('complete') || turned('successCriteriaMet')) && now.complete && !now.successCriteriaMet)
    errors.push(
      omitted(conditions, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    );
}

function addFinishedRules(errors: Findings, at: FieldPath, { spec }: Job, changes: Changes): void {
  const { status, now, has, turned } = changes;
  if (!now.finished) return;
  const active = status.active ?? 0;
  if ((turned('finished') || has('active')) && active > 0)
    errors.push(invalid(at.child('active'), active, 'active>0 is invalid for finished job'));
  const neverStarts = spec.suspend === true && spec.completions === 0;
  if ((turned('finished') || has('startTime')) && !neverStarts && status.startTime === undefined)
    errors.push(required(at.child('startTime'), 'startTime is required for finished job'));
  const uncounted = status.uncountedTerminatedPods;
  const count = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0);
  if ((turned('finished') || has('uncountedTerminatedPods')) && count > 0) {
    const place = at.child('uncountedTerminatedPods');
    errors.push(
      invalidInternal(place, 'UncountedTerminatedPods', uncounted, 'must be empty for finished job'),
    );
  }
}

function addIndexRules(errors: Findings, at: FieldPath, { spec }: Job, changes: Changes): void {
  const { status, has } = changes;
  const completed = status.completedIndexes ?? '';
  const { failedIndexes: failed } = status;
  const { completions, backoffLimitPerIndex } = spec;
  const addFormat = (name: 'completedIndexes' | 'failedIndexes', text: string): void => {
    const read = readIndexes(text, completions!);
    if ('problem' in read)
      errors.push(invalid(at.child(name), text, `error parsing ${name}: ${read.problem}`));
  };
  if (has('completedIndexes') && completions !== undefined) addFormat('completedIndexes', completed);
  const isLimited = completions !== undefined && backoffLimitPerIndex !== undefined;
  if (has('failedIndexes') && isLimited && failed !== undefined) addFormat('failedIndexes', failed);
  if (has('completedIndexes') && completed !== '' && spec.completionMode !== 'Indexed') {
    const text = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.push(invalid(at.child('completedIndexes'), completed, text));
  }
  if (failed === undefined) return;
  const place = at.child('failedIndexes');
  if (has('failedIndexes') && backoffLimitPerIndex === undefined) {
    const text = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.push(invalid(place, failed, text));
  }
  if ((!has('failedIndexes') && !has('completedIndexes')) || completions === undefined) return;
  const shared = completed === '' || failed === '' ? undefined : sharedIndex(completed, failed, completions);
  if (shared !== undefined)
    errors.push(invalid(place, failed, `failedIndexes and completedIndexes overlap at index: ${shared}`));
}

function addLateRules(errors: Findings, at: FieldPath, { spec }: Job, changes: Changes): void {
  const { status, now, has, turned } = changes;
  const { terminating = 0, ready, active = 0 } = status;
  const conditions = at.child(CONDITIONS);
  if ((turned('finished') || has('terminating')) && terminating > 0 && now.finished)
    errors.push(invalid(at.child('terminating'), terminating, 'terminating>0 is invalid for finished job'));
  if ((has('ready') || has('active')) && ready !== undefined && ready > active)
    errors.push(invalid(at.child('ready'), ready, 'cannot set more ready pods than active'));
  if (now.successCriteriaMet && now.failed)
    errors.push(omitted(conditions, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  if (now.successCriteriaMet && now.failureTarget)
    errors.push(omitted(conditions, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  if (spec.successPolicy !== undefined && !now.successCriteriaMet && now.complete)
    errors.push(
      omitted(
        conditions,
        'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
      ),
    );
}

function addTransitions(errors: Findings, at: FieldPath, { spec }: Job, changes: Changes): void {
  const { status, before, now, was, has } = changes;
  const conditions = at.child(CONDITIONS);
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (isConditionTrue(before.conditions, type) && !isConditionTrue(status.conditions, type))
      errors.push(omitted(conditions, `cannot disable the terminal ${type}=True condition`));
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const counter of ['failed', 'succeeded'] as const) {
    const value = status[counter] ?? 0;
    if (value < (before[counter] ?? 0) && !(counter === 'succeeded' && isElastic))
      errors.push(invalid(at.child(counter), value, `cannot decrease the ${counter} counter`));
  }
  const { completionTime, startTime } = status;
  if (completionTime !== undefined && before.completionTime !== undefined && has('completionTime'))
    errors.push(invalid(at.child('completionTime'), completionTime, IMMUTABLE_MESSAGE));
  const isResuming =
    isConditionTrue(before.conditions, 'Suspended') && hasCondition(status.conditions, 'Suspended', 'False');
  if (has('startTime') && !isResuming && before.startTime !== undefined && spec.suspend !== true)
    errors.push(invalid(at.child('startTime'), startTime, 'field is immutable for unsuspended job once set'));
  if (was.successCriteriaMet && !now.successCriteriaMet)
    errors.push(omitted(conditions, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (was.complete && !was.successCriteriaMet && now.successCriteriaMet)
    errors.push(
      omitted(conditions, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'),
    );
}
