/** Which fields of a write count, per resource and subresource. Mirrors apiserver rest.ResetFieldsStrategy. */
import {
  EMPTY_SET,
  fieldSet,
  LEAF,
  nodeOf,
  recursiveDifference,
  withSelf,
  type FieldSet,
} from './field-set.ts';
import { fieldElement, SELF } from './path-element.ts';
import type { Comparison } from './compare.ts';

/** Keeps some of the members of a set. */
export type FieldFilter = (set: FieldSet) => FieldSet;

/** Drops the fields and everything below them. Paths are dotted: `metadata.labels`. */
export function excludeFields(paths: readonly string[]): FieldFilter {
  const excluded = fieldSet(...paths.map((path) => path.split('.').map(fieldElement)));
  return (set) => recursiveDifference(set, excluded);
}

/** Keeps what is on the way to, at or below one of the paths; `*` stands for any one element. */
export function includeFields(paths: readonly string[]): FieldFilter {
  const patterns = paths.map((path) =>
    path.split('.').map((part) => (part === '*' ? part : fieldElement(part))),
  );
  return (set) => includeMembers(set, patterns) ?? EMPTY_SET;
}

function includeMembers(set: FieldSet, patterns: readonly (readonly string[])[]): FieldSet | undefined {
  const kept: { [element: string]: FieldSet } = {};
  for (const element in set) {
    if (element === SELF) continue;
    const rests = patterns.filter(([first]) => first === '*' || first === element).map(([, ...rest]) => rest);
    if (rests.length === 0) continue;
    const node = includeNode(set[element]!, rests);
    if (node !== undefined) kept[element] = node;
  }
  return nodeOf(kept);
}

function includeNode(node: FieldSet, rests: readonly (readonly string[])[]): FieldSet | undefined {
  if (node === LEAF || rests.some((rest) => rest.length === 0)) return node;
  const below = includeMembers(node, rests);
  return SELF in node ? withSelf(below) : below;
}

export function filterComparison({ removed, written }: Comparison, filter: FieldFilter): Comparison {
  return { removed: filter(removed), written: filter(written) };
}
