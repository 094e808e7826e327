/** Completion indexes of indexed jobs, and their form in the status: `0,2-4`. */
import type { Job } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { endOf, type Failures } from './backoff.ts';

/** Label and annotation of a pod that hold its index. */
export const INDEX_KEY = 'batch.kubernetes.io/job-completion-index';
/** Annotation: how often the index failed before this pod. */
export const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed';
}

/** The index of a pod; undefined when it has none that the job has now. */
export function indexOf({ metadata }: Pod, completions: number): number | undefined {
  const text = metadata.annotations?.[INDEX_KEY] ?? '';
  if (!/^[0-9]+$/.test(text)) return undefined;
  const index = Number(text);
  return index < completions ? index : undefined;
}

/** How often the index of a failed pod has failed with it, and when it last did. `counts` is false for ignored failures. */
export function failuresOf(pod: Pod, counts: boolean): Failures {
  const before = Number(pod.metadata.annotations?.[FAILURE_COUNT] ?? 0) || 0;
  return { count: before + (counts ? 1 : 0), lastMs: endOf(pod) };
}

/** The lowest `count` of the indexes below `completions` that `isTaken` leaves. */
export function firstFreeIndexes(
  count: number,
  completions: number,
  isTaken: (index: number) => boolean,
): number[] {
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index++)
    if (!isTaken(index)) free.push(index);
  return free;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    ranges.push(
      end === start
        ? `${sorted[start]}`
        : end === start + 1
          ? `${sorted[start]},${sorted[end]}`
          : `${sorted[start]}-${sorted[end]}`,
    );
    start = end + 1;
  }
  return ranges.join(',');
}

export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',').filter((piece) => piece !== '')) {
    const [from, to = from] = part.split('-').map(Number) as [number, number | undefined];
    for (let index = from; index <= to!; index++) indexes.add(index);
  }
  return indexes;
}
