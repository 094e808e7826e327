/** Where two values of one type differ. Mirrors structured-merge-diff typed/compare.go. */
import { equalJSON } from '../equality.ts';
import { EMPTY_SET, isEmptySet, LEAF, withSelf, type FieldSet } from './field-set.ts';
import { SELF } from './path-element.ts';
import { shapeOf, type ListShape, type MapShape, type MergeType, type Shape } from './merge-type.ts';
import {
  asList,
  asMap,
  elementsOf,
  isEmptyMap,
  itemElement,
  itemsByElement,
  visitMembers,
  type ValueMap,
} from './typed-value.ts';

export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

type Change = keyof Comparison;

/** The comparison of one node; a set that is absent has nothing there. */
type Changes = { [change in Change]?: FieldSet };

/**
 * Compares values that fit the type; lists may have duplicates. Throws TypedError for items of associative lists that
 * have no key.
 */
export function compareValues(type: MergeType, old: unknown, changed: unknown): Comparison {
  const {
    removed = EMPTY_SET,
    modified = EMPTY_SET,
    added = EMPTY_SET,
  } = compareNodes(type, old, changed) ?? {};
  return { removed, modified, added };
}

export function isSame({ removed, modified, added }: Comparison): boolean {
  return isEmptySet(removed) && isEmptySet(modified) && isEmptySet(added);
}

function compareNodes(type: MergeType, old: unknown, changed: unknown): Changes | undefined {
  if (old === changed) return undefined;
  if (changed === undefined) return { removed: wholeNode(type, old) };
  if (old === undefined) return { added: wholeNode(type, changed) };
  const shape = shapeOf(type, changed);
  const oldShape = shapeOf(type, old);
  const changes = compareAs(shape, type, old, changed);
  if (oldShape === shape) return changes;
  // A value that changed its shape is looked at in both.
  return joinChanges(compareAs(oldShape, type, old, changed), changes);
}

function compareAs(shape: Shape, type: MergeType, old: unknown, changed: unknown): Changes | undefined {
  switch (shape) {
    case 'scalar':
      return compareLeaves(old, changed);
    case 'list':
      return compareLists(type.list!, old, changed);
    case 'map':
      return compareMaps(type.map!, old, changed);
  }
}

/** Everything that is new, or gone, with a value: itself and all below it. */
function wholeNode(type: MergeType, value: unknown): FieldSet {
  switch (shapeOf(type, value)) {
    case 'scalar':
      return LEAF;
    case 'list':
      return wholeList(type.list!, asList(value) ?? []);
    case 'map':
      return wholeMap(type.map!, asMap(value));
  }
}

function wholeMap(shape: MapShape, map: ValueMap | undefined): FieldSet {
  if (map === undefined || shape.atomic || isEmptyMap(map)) return LEAF;
  const members: { [element: string]: FieldSet } = { [SELF]: LEAF };
  visitMembers(shape, map, undefined, (pathElement, type, value) => {
    if (type !== undefined) members[pathElement] = wholeNode(type, value);
  });
  return members;
}

function wholeList(shape: ListShape, list: readonly unknown[]): FieldSet {
  if (shape.atomic || list.length === 0) return LEAF;
  const items = itemsByElement(list, (item) => itemElement(shape, item));
  const members: { [element: string]: FieldSet } = { [SELF]: LEAF };
  for (const element of elementsOf(items)) {
    const same = items.get(element)!;
    members[element] = same.length > 1 ? LEAF : wholeNode(shape.items, same[0]);
  }
  return members;
}

/** What is owned whole: a scalar, something atomic or empty. */
function compareLeaves(old: unknown, changed: unknown): Changes | undefined {
  return equalJSON(old, changed) ? undefined : { modified: LEAF };
}

function compareMaps(shape: MapShape, old: unknown, changed: unknown): Changes | undefined {
  const left = asMap(old);
  const right = asMap(changed);
  const isEmpty = (left === undefined || isEmptyMap(left)) && (right === undefined || isEmptyMap(right));
  if (shape.atomic || isEmpty) return compareLeaves(old, changed);
  const collector = new ChangeCollector();
  visitMembers(shape, left, right, (pathElement, type, before, after) => {
    if (type !== undefined && before !== after) collector.put(pathElement, compareNodes(type, before, after));
  });
  return collector.finish();
}

function compareLists(shape: ListShape, old: unknown, changed: unknown): Changes | undefined {
  const left = asList(old);
  const right = asList(changed);
  if (shape.atomic || ((left?.length ?? 0) === 0 && (right?.length ?? 0) === 0))
    return compareLeaves(old, changed);
  // Most lists stay as they are.
  if (equalJSON(left, right)) return undefined;
  const elementOf = (item: unknown): string => itemElement(shape, item);
  const leftItems = itemsByElement(left, elementOf);
  const rightItems = itemsByElement(right, elementOf);
  const collector = new ChangeCollector();
  for (const element of elementsOf(leftItems, rightItems)) {
    collector.put(element, compareItems(shape, leftItems.get(element) ?? [], rightItems.get(element) ?? []));
  }
  return collector.finish();
}

/** Items of one key; several of them are owned as one. */
function compareItems(
  { items }: ListShape,
  old: readonly unknown[],
  changed: readonly unknown[],
): Changes | undefined {
  if (old.length <= 1 && changed.length <= 1) return compareNodes(items, old[0], changed[0]);
  if (old.length >= 2 && changed.length >= 2) return equalJSON(old, changed) ? undefined : { modified: LEAF };
  if (old.length >= 2) {
    const single = changed.length === 0 ? undefined : compareNodes(items, undefined, changed[0]);
    return joinChanges(single, { removed: LEAF });
  }
  const single = old.length === 0 ? undefined : compareNodes(items, old[0], undefined);
  return joinChanges(single, { added: LEAF });
}

const CHANGES: readonly Change[] = ['removed', 'modified', 'added'];

/** Puts the changes of members, which come in order, together. */
class ChangeCollector {
  readonly #changes: { [change in Change]?: { [element: string]: FieldSet } } = {};

  put(element: string, changes: Changes | undefined): void {
    if (changes === undefined) return;
    const { removed, modified, added } = changes;
    if (removed !== undefined) (this.#changes.removed ??= {})[element] = removed;
    if (modified !== undefined) (this.#changes.modified ??= {})[element] = modified;
    if (added !== undefined) (this.#changes.added ??= {})[element] = added;
  }

  /** The changes of the whole. */
  finish(): Changes | undefined {
    const { added, modified, removed } = this.#changes;
    return (added ?? modified ?? removed) === undefined ? undefined : this.#changes;
  }
}

/** Both changes of one node. Only one of two nodes of a kind can have members below it. */
function joinChanges(a: Changes | undefined, b: Changes | undefined): Changes | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const joined: Changes = { ...a };
  for (const change of CHANGES) {
    const node = b[change];
    if (node === undefined) continue;
    const other = joined[change];
    joined[change] = other === undefined ? node : other === LEAF ? withSelf(node) : withSelf(other);
  }
  return joined;
}
