/** Specs of jobs, of their own and in cron jobs. Mirrors validateJobSpec of pkg/apis/batch/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength, goQuote } from '../../machinery/go-format.ts';
import {
  duplicate,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../../machinery/field-errors.ts';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../../openapi/generated/batch-v1.ts';
import type { PodSpec } from '../../../openapi/generated/core-v1.ts';
import { addNonnegative, addQualifiedName, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { validateDomainPrefixedPath } from '../common/text.ts';
import { addPodTemplate } from '../core/pod-spec.ts';
import type { PodRules } from '../core/pod-rules.ts';
import { omitted } from './omitted.ts';
import { readIndexes } from './indexes.ts';

const NUMBERS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;
const PARALLELISM_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
/** Above so many completions other limits hold. */
const MANY_COMPLETIONS = 100_000;
const PARALLELISM_OF_MANY_MAX = 10_000;
const FAILED_INDEXES_OF_MANY_MAX = 10_000;
const MANAGED_BY_BYTES_MAX = 63;
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const PATTERNS_MAX = 20;
const INDEXES_BYTES_MAX = 64 * 1024;

export function addJobSpec(errors: Findings, at: FieldPath, spec: JobSpec, rules: PodRules): void {
  for (const name of NUMBERS) addNonnegative(errors, at.child(name), spec[name]);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(at.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  if (spec.managedBy !== undefined) {
    errors.push(...validateDomainPrefixedPath(at.child('managedBy'), spec.managedBy));
    if (byteLength(spec.managedBy) > MANAGED_BY_BYTES_MAX)
      errors.push(tooLong(at.child('managedBy'), '', MANAGED_BY_BYTES_MAX));
  }
  addCompletionMode(errors, at, spec);
  if (spec.podFailurePolicy !== undefined)
    addFailurePolicy(errors, at.child('podFailurePolicy', 'rules'), spec);
  if (spec.successPolicy !== undefined) {
    if (spec.completionMode === 'Indexed') addSuccessPolicy(errors, at.child('successPolicy', 'rules'), spec);
    else {
      const text = 'requires indexed completion mode';
      errors.push(invalidInternal(at.child('successPolicy'), 'SuccessPolicy', spec.successPolicy, text));
    }
  }
  addReplacementPolicy(errors, at.child('podReplacementPolicy'), spec);
  addPodTemplate(errors, at.child('template'), spec.template ?? {}, rules);
  addRestartPolicy(errors, at.child('template', 'spec', 'restartPolicy'), spec);
}

function addCompletionMode(errors: Findings, at: FieldPath, spec: JobSpec): void {
  const { completionMode, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completionMode !== undefined && completionMode !== 'NonIndexed' && completionMode !== 'Indexed')
    errors.push(notSupported(at.child('completionMode'), completionMode, ['NonIndexed', 'Indexed']));
  if (completionMode === 'Indexed') addIndexed(errors, at, spec);
  if (completionMode !== undefined && completionMode !== 'NonIndexed') return;
  const text = 'requires indexed completion mode';
  if (backoffLimitPerIndex !== undefined)
    errors.push(invalid(at.child('backoffLimitPerIndex'), backoffLimitPerIndex, text));
  if (maxFailedIndexes !== undefined)
    errors.push(invalid(at.child('maxFailedIndexes'), maxFailedIndexes, text));
}

function addIndexed(errors: Findings, at: FieldPath, spec: JobSpec): void {
  const { completions, parallelism, maxFailedIndexes } = spec;
  const addTooMany = (name: string, value: number, text: string): number =>
    errors.push(invalid(at.child(name), value, `must be less than or equal to ${text}`));
  if (completions === undefined)
    errors.push(required(at.child('completions'), 'when completion mode is Indexed'));
  if (parallelism !== undefined && parallelism > PARALLELISM_MAX)
    addTooMany('parallelism', parallelism, `${PARALLELISM_MAX} when completion mode is Indexed`);
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions)
    addTooMany('maxFailedIndexes', maxFailedIndexes, 'completions');
  if (maxFailedIndexes !== undefined && maxFailedIndexes > FAILED_INDEXES_MAX)
    addTooMany('maxFailedIndexes', maxFailedIndexes, String(FAILED_INDEXES_MAX));
  if ((completions ?? 0) <= MANY_COMPLETIONS || spec.backoffLimitPerIndex === undefined) return;
  const many = `when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined)
    errors.push(
      required(
        at.child('maxFailedIndexes'),
        `must be specified when completions is above ${MANY_COMPLETIONS}`,
      ),
    );
  if (parallelism !== undefined && parallelism > PARALLELISM_OF_MANY_MAX)
    addTooMany('parallelism', parallelism, `${PARALLELISM_OF_MANY_MAX} ${many}`);
  if (maxFailedIndexes !== undefined && maxFailedIndexes > FAILED_INDEXES_OF_MANY_MAX)
    addTooMany('maxFailedIndexes', maxFailedIndexes, `${FAILED_INDEXES_OF_MANY_MAX} ${many}`);
}

function addRestartPolicy(errors: Findings, at: FieldPath, { template, podFailurePolicy }: JobSpec): void {
  const policy = template?.spec?.restartPolicy ?? '';
  if (policy === 'Always' || policy === '') errors.push(required(at, 'valid values: "OnFailure", "Never"'));
  else if (policy !== 'OnFailure' && policy !== 'Never')
    errors.push(notSupported(at, policy, ['OnFailure', 'Never']));
  else if (podFailurePolicy !== undefined && policy !== 'Never')
    errors.push(invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified'));
}

function addReplacementPolicy(
  errors: Findings,
  at: FieldPath,
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
): void {
  if (policy === undefined) return;
  const supported = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  if (!supported.includes(policy)) errors.push(notSupported(at, policy, supported));
}

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];

function listed(values: readonly string[]): string {
  return `valid values: [${values.map(goQuote).join(' ')}]`;
}

function addChoice(
  errors: Findings,
  at: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): void {
  if ((value ?? '') === '') errors.push(required(at, listed(supported)));
  else if (!supported.includes(value!)) errors.push(notSupported(at, value, supported));
}

function addFailurePolicy(errors: Findings, at: FieldPath, spec: JobSpec): void {
  const rules = spec.podFailurePolicy!.rules ?? [];
  if (rules.length > RULES_MAX) errors.push(tooMany(at, rules.length, RULES_MAX));
  const { containers, initContainers } = spec.template?.spec ?? ({} as Partial<PodSpec>);
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map(({ name }) => name));
  rules.forEach((rule, index) => addFailureRule(errors, at.index(index), rule, spec, names));
}

function addFailureRule(
  errors: Findings,
  at: FieldPath,
  { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule,
  { backoffLimitPerIndex }: JobSpec,
  names: ReadonlySet<string>,
): void {
  if (action !== 'FailIndex') addChoice(errors, at.child('action'), action, ACTIONS);
  else if (backoffLimitPerIndex === undefined)
    errors.push(invalid(at.child('action'), action, 'requires the backoffLimitPerIndex to be set'));
  if (onExitCodes !== undefined) addExitCodes(errors, at.child('onExitCodes'), onExitCodes, names);
  const conditions = at.child('onPodConditions');
  if (onPodConditions.length > PATTERNS_MAX)
    errors.push(tooMany(conditions, onPodConditions.length, PATTERNS_MAX));
  onPodConditions.forEach(({ type = '', status }, index) => {
    addQualifiedName(errors, conditions.index(index).child('type'), type);
    addChoice(errors, conditions.index(index).child('status'), status, STATUSES);
  });
  if (onExitCodes !== undefined && onPodConditions.length > 0)
    errors.push(omitted(at, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (onExitCodes === undefined && onPodConditions.length === 0)
    errors.push(omitted(at, 'specifying one of OnExitCodes and OnPodConditions is required'));
}

function addExitCodes(
  errors: Findings,
  at: FieldPath,
  { operator, containerName, values: list }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
): void {
  const values = list ?? [];
  addChoice(errors, at.child('operator'), operator, OPERATORS);
  if (containerName !== undefined && !names.has(containerName)) {
    const text = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(at.child('containerName'), containerName, text));
  }
  const place = at.child('values');
  if (values.length === 0) errors.push(invalid(place, list ?? undefined, 'at least one value is required'));
  else if (values.length > EXIT_CODES_MAX) errors.push(tooMany(place, values.length, EXIT_CODES_MAX));
  const seen = new Set<number>();
  values.forEach((value, index) => {
    if (operator === 'In' && value === 0)
      errors.push(invalid(place.index(index), value, 'must not be 0 for the In operator'));
    if (seen.has(value)) errors.push(duplicate(place.index(index), value));
    seen.add(value);
  });
  if (values.some((value, index) => index > 0 && values[index - 1]! > value))
    errors.push(invalid(place, values, 'must be ordered'));
}

function addSuccessPolicy(errors: Findings, at: FieldPath, spec: JobSpec): void {
  const rules = spec.successPolicy!.rules ?? [];
  if (rules.length === 0)
    errors.push(required(at, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > RULES_MAX) errors.push(tooMany(at, rules.length, RULES_MAX));
  rules.forEach((rule, index) => addSuccessRule(errors, at.index(index), rule, spec.completions ?? 0));
}

function addSuccessRule(
  errors: Findings,
  at: FieldPath,
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
): void {
  if (succeededCount === undefined && succeededIndexes === undefined)
    errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
  let total = 0;
  if (succeededIndexes !== undefined) {
    const place = at.child('succeededIndexes');
    if (byteLength(succeededIndexes) > INDEXES_BYTES_MAX) errors.push(tooLong(place, '', INDEXES_BYTES_MAX));
    const read = readIndexes(succeededIndexes, completions);
    if ('problem' in read)
      errors.push(invalid(place, succeededIndexes, `error parsing succeededIndexes: ${read.problem}`));
    else total = read.count;
  }
  if (succeededCount === undefined) return;
  const place = at.child('succeededCount');
  const limit = (count: number, what: string): void => {
    if (succeededCount > count)
      errors.push(invalid(place, succeededCount, `must be less than or equal to ${count} (${what})`));
  };
  addNonnegative(errors, place, succeededCount);
  limit(completions, 'the number of specified completions');
  if (succeededIndexes !== undefined)
    limit(total, 'the number of indexes in the specified succeededIndexes field');
}
