/** What spec.podFailurePolicy and spec.successPolicy say about pods. Mirrors job/pod_failure_policy.go and success_policy.go. */
import type { JobSpec } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { parseIndexes } from './indexes.ts';

type FailurePolicy = NonNullable<JobSpec['podFailurePolicy']>;
type FailureRule = FailurePolicy['rules'][number];
type SuccessRule = NonNullable<JobSpec['successPolicy']>['rules'][number];

export interface FailureVerdict {
  /** `Count` also when no rule matches. */
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** Why the job ends, with `FailJob`. */
  readonly message: string;
}

const COUNT: FailureVerdict = { action: 'Count', message: '' };

/** What a failed pod means for its job: the first rule that matches says. */
export function judgeFailure(policy: FailurePolicy | undefined, pod: Pod): FailureVerdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const finding = matchExitCodes(rule, pod) ?? matchConditions(rule, pod);
    if (finding === undefined) continue;
    const action = rule.action as FailureVerdict['action'];
    return { action, message: `${finding} matching ${action} rule at index ${index}` };
  }
  return COUNT;
}

/** Containers that have not ended have no code; 0 is no failure. */
function matchExitCodes({ onExitCodes }: FailureRule, { metadata, status }: Pod): string | undefined {
  if (onExitCodes === undefined) return undefined;
  const { containerName, operator, values } = onExitCodes;
  for (const { name, state } of [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
  ]) {
    const code = state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== name)) continue;
    if (values.includes(code) === (operator === 'In'))
      return `Container ${name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function matchConditions({ onPodConditions }: FailureRule, { metadata, status }: Pod): string | undefined {
  for (const { type, status: wanted = 'True' } of onPodConditions ?? []) {
    const found = status.conditions?.some(
      (condition) => condition.type === type && condition.status === wanted,
    );
    if (found === true) return `Pod ${metadata.namespace}/${metadata.name} has condition ${type}`;
  }
  return undefined;
}

/** The number of the first rule that the succeeded indexes fulfil. */
export function matchingSuccessRule(spec: JobSpec, succeeded: ReadonlySet<number>): number | undefined {
  const rules = spec.completionMode === 'Indexed' ? (spec.successPolicy?.rules ?? []) : [];
  const index = rules.findIndex((rule) => isFulfilled(rule, succeeded));
  return index < 0 ? undefined : index;
}

function isFulfilled(
  { succeededIndexes, succeededCount }: SuccessRule,
  succeeded: ReadonlySet<number>,
): boolean {
  if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
  const wanted = [...parseIndexes(succeededIndexes)];
  return wanted.filter((index) => succeeded.has(index)).length >= (succeededCount ?? wanted.length);
}
