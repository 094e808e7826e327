/** List arithmetic of the strategic merge patch: keys, partitions and the order of merged lists. */
import { goValue } from '../go-format.ts';
import { getMember, isObject, PatchError } from './errors.ts';

/** Upstream's text for a value of the wrong type. */
export function wrongType(expected: string, value: unknown): PatchError {
  return new PatchError('unknown', `expected a ${expected}, but received a ${goType(value)}`);
}

function goType(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'bool';
    default:
      return 'string';
  }
}

/** Merge key of an item, or an error when it has none. */
export function mergeKeyOf(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw wrongType('map[string]interface {}', item);
  const value = getMember(item, mergeKey);
  if (value !== undefined) return value;
  throw new PatchError('unknown', `map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`);
}

/** Whether the items of both lists are objects; all must be of one type, and no lists. */
export function checkElementTypes(...lists: (readonly unknown[])[]): boolean {
  let type: string | undefined;
  for (const item of lists.flat(1)) {
    const current = goType(item);
    if (type === undefined && Array.isArray(item)) {
      throw new PatchError('invalid', 'lists of lists are not supported');
    }
    if (type !== undefined && type !== current) {
      throw new PatchError('unknown', `list element types are not identical: ${goValue(lists)}`);
    }
    type = current;
  }
  if (type === undefined) throw new PatchError('unknown', 'no elements in any of the given slices');
  return type === 'map[string]interface {}';
}

/** Both lists, every scalar once. */
export function addAllScalars(original: readonly unknown[], patch: readonly unknown[]): unknown[] {
  return [...new Set([...original, ...patch])];
}

/** Items that are in `by`, and those that are not. */
export function partitionScalars(items: readonly unknown[], by: readonly unknown[]): [unknown[], unknown[]] {
  const known = new Set(by);
  return [items.filter((item) => known.has(item)), items.filter((item) => !known.has(item))];
}

/** Items whose merge key is that of one in `by`, and the others. */
export function partitionByKey(
  items: readonly unknown[],
  by: readonly unknown[],
  mergeKey: string,
): [unknown[], unknown[]] {
  const known = new Set<unknown>();
  by.forEach((item, index) => {
    if (!isObject(item)) throw new PatchError('unknown', `value for key ${index} is not a map`);
    const key = getMember(item, mergeKey);
    if (key !== undefined) known.add(key);
  });
  const patched: unknown[] = [];
  const others: unknown[] = [];
  for (const item of items) (known.has(mergeKeyOf(item, mergeKey)) ? patched : others).push(item);
  return [patched, others];
}

export interface MergedLists {
  /** Items the patch names. */
  readonly patched: readonly unknown[];
  /** Items only the server has. */
  readonly serverOnly: readonly unknown[];
  /** Order of `patched`. */
  readonly order: readonly unknown[];
  /** The list as it was: order of `serverOnly`, and between the two. */
  readonly before: readonly unknown[];
  readonly mergeKey: string;
  readonly isMaps: boolean;
}

/** One list of both kinds of items: the order of each stays, and where both were known before, they interleave so. */
export function orderMerged({
  patched,
  serverOnly,
  order,
  before,
  mergeKey,
  isMaps,
}: MergedLists): unknown[] {
  const keyOf = (item: unknown): unknown => (isMaps ? mergeKeyOf(item, mergeKey) : item);
  const placeBefore = places(before, keyOf);
  const left = sortBy(serverOnly, placeBefore, keyOf);
  const right = sortBy(patched, places(order, keyOf), keyOf);
  const all: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (j >= right.length) all.push(left[i++]);
    else if (i >= left.length) all.push(right[j++]);
    else {
      const leftPlace = placeBefore.get(keyOf(left[i]));
      const rightPlace = placeBefore.get(keyOf(right[j]));
      const isLeftFirst = leftPlace !== undefined && rightPlace !== undefined && leftPlace < rightPlace;
      all.push(isLeftFirst ? left[i++] : right[j++]);
    }
  }
  return all;
}

function places(items: readonly unknown[], keyOf: (item: unknown) => unknown): Map<unknown, number> {
  const found = new Map<unknown, number>();
  items.forEach((item, index) => {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, index);
  });
  return found;
}

/**
 * Sorts by place. Items without one come only from patches that leave them out of `$setElementOrder`; upstream's
 * comparison then calls every such pair ordered, so its insertion sort moves them ahead, which is repeated here.
 */
function sortBy(
  items: readonly unknown[],
  place: ReadonlyMap<unknown, number>,
  keyOf: (item: unknown) => unknown,
): unknown[] {
  const keyed = items.map((item) => ({ item, at: place.get(keyOf(item)) }));
  if (keyed.every(({ at }) => at !== undefined)) {
    return keyed.sort((a, b) => a.at! - b.at!).map(({ item }) => item);
  }
  for (let end = 1; end < keyed.length; end++) {
    for (let index = end; index > 0; index--) {
      const a = keyed[index]!;
      const b = keyed[index - 1]!;
      if (a.at !== undefined && b.at !== undefined && a.at >= b.at) break;
      keyed[index] = b;
      keyed[index - 1] = a;
    }
  }
  return keyed.map(({ item }) => item);
}
