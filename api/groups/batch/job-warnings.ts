import type { FieldPath } from '../../machinery/field-path.ts';
import type { JobSpec } from '../../../openapi/generated/batch-v1.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';

const COMPLETIONS_SOFT_LIMIT = 100_000;
const PARALLELISM_SOFT_LIMIT = 10_000;

/** Mirrors WarningsForJobSpec of pkg/api/job. */
export function jobSpecWarnings(at: FieldPath, spec: JobSpec): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec;
  const isHuge =
    completionMode === 'Indexed' &&
    completions > COMPLETIONS_SOFT_LIMIT &&
    parallelism > PARALLELISM_SOFT_LIMIT;
  const text =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [
    ...(isHuge ? [`${String(at)}: ${text}`] : []),
    ...podTemplateWarnings(at.child('template'), spec.template),
  ];
}
