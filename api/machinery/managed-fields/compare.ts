/** Where two values of one type differ. Mirrors structured-merge-diff typed/compare.go. */
import { equalJSON } from '../equality.ts';
import { EMPTY_SET, isEmptySet, LEAF, unionNodes, type FieldSet } from './field-set.ts';
import { SELF, sortElements } from './path-element.ts';
import {
  shapeOf,
  type ListShape,
  type MapField,
  type MapShape,
  type MergeType,
  type Shape,
} from './merge-type.ts';
import {
  asList,
  asMap,
  elementsOf,
  haveSameKeys,
  isEmptyMap,
  itemElement,
  itemsByElement,
  memberOf,
  visitSorted,
  type ValueMap,
} from './typed-value.ts';

export interface Comparison {
  readonly removed: FieldSet;
  /** What is new, and what has another value. */
  readonly written: FieldSet;
}

/** The comparison of one node; a set that is absent has nothing there. */
interface Changes {
  readonly removed: FieldSet | undefined;
  readonly written: FieldSet | undefined;
}

const REWRITTEN: Changes = { removed: undefined, written: LEAF };

/**
 * Compares values that fit the type; lists may have duplicates. Throws TypedError for items of associative lists that
 * have no key.
 */
export function compareValues(type: MergeType, old: unknown, changed: unknown): Comparison {
  const { removed = EMPTY_SET, written = EMPTY_SET } = compareNodes(type, old, changed) ?? {};
  return { removed, written };
}

export function isSame({ removed, written }: Comparison): boolean {
  return isEmptySet(removed) && isEmptySet(written);
}

function compareNodes(type: MergeType, old: unknown, changed: unknown): Changes | undefined {
  if (old === changed) return undefined;
  if (changed === undefined) return { removed: wholeNode(type, old), written: undefined };
  if (old === undefined) return { removed: undefined, written: wholeNode(type, changed) };
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
  const fields = new InOrder<undefined>();
  for (const name in map) {
    if (map[name] === undefined) continue;
    const field = shape.byName.get(name);
    if (field === undefined) {
      visitSorted(shape, map, undefined, (pathElement, type, value) => {
        if (type !== undefined) members[pathElement] = wholeNode(type, value);
      });
      return members;
    }
    fields.add(field, undefined);
  }
  for (const { name, pathElement, type } of fields.fields) members[pathElement] = wholeNode(type, map[name]);
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
  return equalJSON(old, changed) ? undefined : REWRITTEN;
}

function compareMaps(shape: MapShape, old: unknown, changed: unknown): Changes | undefined {
  const left = asMap(old);
  const right = asMap(changed);
  const isEmpty = (left === undefined || isEmptyMap(left)) && (right === undefined || isEmptyMap(right));
  if (shape.atomic || isEmpty) return compareLeaves(old, changed);
  const declared = compareFields(shape, left, right);
  const collector = new ChangeCollector();
  if (declared !== undefined) {
    for (const [index, { pathElement }] of declared.fields.entries())
      collector.put(pathElement, declared.values[index]);
    return collector.finish();
  }
  visitSorted(shape, left, right, (pathElement, type, before, after) => {
    if (type !== undefined && before !== after) collector.put(pathElement, compareNodes(type, before, after));
  });
  return collector.finish();
}

/** Changes of declared fields. Undefined when the change is in a member that is not declared. */
function compareFields(
  { byName }: MapShape,
  left: ValueMap | undefined,
  right: ValueMap | undefined,
): InOrder<Changes> | undefined {
  const found = new InOrder<Changes>();
  for (const name in right) {
    const after = right[name];
    const before = memberOf(left, name);
    if (after === undefined || before === after) continue;
    const field = byName.get(name);
    if (field === undefined) return undefined;
    const changes = compareNodes(field.type, before, after);
    if (changes !== undefined) found.add(field, changes);
  }
  for (const name in left) {
    const before = left[name];
    if (before === undefined || memberOf(right, name) !== undefined) continue;
    const field = byName.get(name);
    if (field === undefined) return undefined;
    found.add(field, { removed: wholeNode(field.type, before), written: undefined });
  }
  return found;
}

function compareLists(shape: ListShape, old: unknown, changed: unknown): Changes | undefined {
  const left = asList(old);
  const right = asList(changed);
  if (shape.atomic || ((left?.length ?? 0) === 0 && (right?.length ?? 0) === 0))
    return compareLeaves(old, changed);
  if (shape.keys.length > 0 && left !== undefined && left.length === right?.length) {
    const inPlace = compareInPlace(shape, left, right);
    if (inPlace !== undefined) return inPlace.finish();
  }
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

/** Compares item by item, when each kept its keys and those that changed share them with none; else undefined. */
function compareInPlace(
  shape: ListShape,
  left: readonly unknown[],
  right: readonly unknown[],
): ChangeCollector | undefined {
  const { keys, items } = shape;
  const collector = new ChangeCollector();
  let changed: { element: string; changes: Changes }[] | undefined;
  for (let index = 0; index < right.length; index++) {
    const item = right[index];
    if (!haveSameKeys(keys, left[index], item)) return undefined;
    const changes = compareNodes(items, left[index], item);
    if (changes === undefined) continue;
    if (right.some((other, at) => at !== index && haveSameKeys(keys, other, item))) return undefined;
    (changed ??= []).push({ element: itemElement(shape, item), changes });
  }
  if (changed === undefined) return collector;
  if (changed.length === 1) {
    collector.put(changed[0]!.element, changed[0]!.changes);
    return collector;
  }
  const byElement = new Map(changed.map(({ element, changes }) => [element, changes]));
  for (const element of sortElements([...byElement.keys()])) collector.put(element, byElement.get(element));
  return collector;
}

/** Items of one key; several of them are owned as one. */
function compareItems(
  { items }: ListShape,
  old: readonly unknown[],
  changed: readonly unknown[],
): Changes | undefined {
  if (old.length <= 1 && changed.length <= 1) return compareNodes(items, old[0], changed[0]);
  if (old.length >= 2 && changed.length >= 2) return equalJSON(old, changed) ? undefined : REWRITTEN;
  if (old.length >= 2) {
    const single = changed.length === 0 ? undefined : compareNodes(items, undefined, changed[0]);
    return joinChanges(single, { removed: LEAF, written: undefined });
  }
  const single = old.length === 0 ? undefined : compareNodes(items, old[0], undefined);
  return joinChanges(single, REWRITTEN);
}

/** Fields of one type in the order of their names, each with a value. */
class InOrder<V> {
  readonly fields: MapField[] = [];
  readonly values: V[] = [];

  add(field: MapField, value: V): void {
    const { fields, values } = this;
    let at = fields.length;
    for (; at > 0 && fields[at - 1]!.index > field.index; at--) {
      fields[at] = fields[at - 1]!;
      values[at] = values[at - 1]!;
    }
    fields[at] = field;
    values[at] = value;
  }
}

/** Puts the changes of members, which come in order, together. */
class ChangeCollector {
  #removed: { [element: string]: FieldSet } | undefined;
  #written: { [element: string]: FieldSet } | undefined;

  put(element: string, changes: Changes | undefined): void {
    if (changes === undefined) return;
    const { removed, written } = changes;
    if (removed !== undefined) (this.#removed ??= {})[element] = removed;
    if (written !== undefined) (this.#written ??= {})[element] = written;
  }

  /** The changes of the whole. */
  finish(): Changes | undefined {
    const removed = this.#removed;
    const written = this.#written;
    return removed === undefined && written === undefined ? undefined : { removed, written };
  }
}

/** Both changes of one node. */
function joinChanges(a: Changes | undefined, b: Changes | undefined): Changes | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { removed: joinNodes(a.removed, b.removed), written: joinNodes(a.written, b.written) };
}

function joinNodes(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet | undefined {
  return a === undefined || b === undefined ? (a ?? b) : unionNodes(a, b);
}
