/** Lists of indexes of jobs, `1,3-5,7`. Mirrors validateIndexesFormat of pkg/apis/batch/validation. */
import { goQuote } from '../../machinery/go-format.ts';

interface Interval {
  readonly first: number;
  readonly last: number;
}

function readIndex(text: string, completions: number): number | string {
  if (!/^[+-]?\d+$/.test(text)) return `cannot convert string to integer for index: ${goQuote(text)}`;
  return Number(text) >= completions ? `too large index: ${goQuote(text)}` : Number(text);
}

function readInterval(text: string, completions: number): Interval | string {
  const parts = text.split('-');
  if (parts.length > 2)
    return `the fragment ${goQuote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const first = readIndex(parts[0]!, completions);
  if (typeof first === 'string' || parts.length === 1)
    return typeof first === 'string' ? first : { first, last: first };
  const last = readIndex(parts[1]!, completions);
  if (typeof last === 'string') return last;
  if (first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return { first, last };
}

export type ReadIndexes = { readonly count: number } | { readonly problem: string };

/** How many indexes the text lists, or what is wrong with it. */
export function readIndexes(text: string, completions: number): ReadIndexes {
  let count = 0;
  let previous: number | undefined;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = readInterval(part, completions);
    if (typeof interval === 'string') return { problem: interval };
    if (previous !== undefined && previous >= interval.first)
      return { problem: `non-increasing order, previous: ${previous}, current: ${interval.first}` };
    count += interval.last - interval.first + 1;
    previous = interval.last;
  }
  return { count };
}

/** The first index that two lists share; fragments that cannot be read are passed over. */
export function sharedIndex(completed: string, failed: string, completions: number): number | undefined {
  const read = (text: string): Interval[] =>
    text.split(',').flatMap((part) => {
      const interval = readInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    });
  const done = read(completed);
  const broken = read(failed);
  for (let i = 0, j = 0; i < done.length && j < broken.length;) {
    const [a, b] = [done[i]!, broken[j]!];
    if (a.first <= b.last && b.first <= a.last) return Math.max(a.first, b.first);
    if (a.first <= b.first) i++;
    else j++;
  }
  return undefined;
}
