/** Completion indexes of indexed jobs, and their form in the status: `0,2-4`. */
import type { Pod } from '../../openapi/generated/core-v1.ts';

/** Label and annotation of a pod that hold its index. */
export const INDEX_KEY = 'batch.kubernetes.io/job-completion-index';

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[INDEX_KEY];
  return text === undefined ? undefined : Number(text);
}

/** Indexes that are done: those of the status, and of pods that succeeded since. */
export function completedIndexes(pods: readonly Pod[], recorded: string | undefined, completions: number): Set<number> {
  const done = parseIndexes(recorded);
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index !== undefined && index < completions && pod.status.phase === 'Succeeded') done.add(index);
  }
  return done;
}

/** The lowest `count` indexes that are neither done nor being worked on. */
export function firstFreeIndexes(count: number, completions: number, done: ReadonlySet<number>, active: readonly Pod[]): number[] {
  const taken = new Set(active.map(indexOf));
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index++) {
    if (!done.has(index) && !taken.has(index)) free.push(index);
  }
  return free;
}

export function formatIndexes(indexes: ReadonlySet<number>): string | undefined {
  const sorted = [...indexes].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    ranges.push(end === start ? `${sorted[start]}` : end === start + 1 ? `${sorted[start]},${sorted[end]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return ranges.length === 0 ? undefined : ranges.join(',');
}

export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',').filter((piece) => piece !== '')) {
    const [from, to = from] = part.split('-').map(Number) as [number, number | undefined];
    for (let index = from; index <= to!; index++) indexes.add(index);
  }
  return indexes;
}
