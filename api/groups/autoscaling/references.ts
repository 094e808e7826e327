/** References of autoscalers to what they scale and measure. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { parseGroupVersion } from '../../machinery/gvk.ts';
import { checkPathSegmentName } from '../../machinery/names.ts';
import { invalid, required } from '../../machinery/field-errors.ts';
import type { CrossVersionObjectReference } from '../../../openapi/generated/autoscaling-v2.ts';
import { addEach, type Findings } from '../common/findings.ts';

export interface ReferenceRules {
  readonly allowEmptyGroup: boolean;
  readonly allowInvalidVersion: boolean;
}

/** What is wrong with the version of a reference. */
export function versionProblem(apiVersion: string, { allowEmptyGroup }: ReferenceRules): string | undefined {
  const version = parseGroupVersion(apiVersion);
  if (version === undefined && apiVersion !== '') return `unexpected GroupVersion string: ${apiVersion}`;
  return !allowEmptyGroup && (version?.group ?? '') === '' ? 'apiVersion must specify API group' : undefined;
}

export function addReference(
  errors: Findings,
  at: FieldPath,
  reference: CrossVersionObjectReference,
  rules: ReferenceRules,
): void {
  for (const member of ['kind', 'name'] as const) {
    const value = reference[member] ?? '';
    if (value === '') errors.push(required(at.child(member)));
    else addEach(errors, at.child(member), value, checkPathSegmentName(value));
  }
  if (rules.allowInvalidVersion) return;
  const { apiVersion = '' } = reference;
  const problem = versionProblem(apiVersion, rules);
  if (problem !== undefined) errors.push(invalid(at.child('apiVersion'), apiVersion, problem));
}
