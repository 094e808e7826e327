/** The fields that a value has an opinion on. Mirrors structured-merge-diff typed/tofieldset.go and reconcile_schema.go. */
import { EMPTY_SET, isEmptySet, isMember, LEAF, withSelf, type FieldSet } from './field-set.ts';
import { isUntypedMap, shapeOf, type ListShape, type MapShape, type MergeType } from './merge-type.ts';
import { SELF } from './path-element.ts';
import {
  asList,
  asMap,
  elementsOf,
  isEmptyMap,
  itemElementIfAny,
  itemsByElement,
  visitMembers,
  type ValueMap,
} from './typed-value.ts';

/** Fields of a value that fits the type. */
export function fieldSetOf(type: MergeType, value: unknown): FieldSet {
  const node = fieldsOf(type, value);
  return node === undefined || node === LEAF ? EMPTY_SET : node;
}

function fieldsOf(type: MergeType, value: unknown): FieldSet | undefined {
  switch (shapeOf(type, value)) {
    case 'scalar':
      return LEAF;
    case 'list':
      return type.list!.atomic ? LEAF : fieldsOfItems(type.list!, asList(value));
    case 'map':
      return type.map!.atomic ? LEAF : fieldsOfMembers(type.map!, asMap(value));
  }
}

function fieldsOfItems(shape: ListShape, list: readonly unknown[] | undefined): FieldSet | undefined {
  if (list === undefined || list.length === 0) return undefined;
  const items = itemsByElement(list, (item) => itemElementIfAny(shape, item));
  const members: { [element: string]: FieldSet } = {};
  for (const element of elementsOf(items)) {
    const same = items.get(element)!;
    members[element] = same.length > 1 ? LEAF : withSelf(fieldsOf(shape.items, same[0]));
  }
  return members;
}

function fieldsOfMembers(shape: MapShape, map: ValueMap | undefined): FieldSet | undefined {
  if (map === undefined) return undefined;
  const members: { [element: string]: FieldSet } = {};
  let count = 0;
  visitMembers(shape, map, undefined, (pathElement, type, value, _, name) => {
    let node = type === undefined ? undefined : fieldsOf(type, value);
    const inner = asMap(value);
    const isWhole = value === null || (inner !== undefined && isEmptyMap(inner));
    if (isWhole || !shape.byName.has(name)) node = withSelf(node);
    if (node === undefined) return;
    members[pathElement] = node;
    count++;
  });
  return count === 0 ? undefined : members;
}

/** Adds every declared field that leads to a member. Mirrors fieldpath/set.go EnsureNamedFieldsAreMembers. */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  const named: { [element: string]: FieldSet } = {};
  for (const element in set) {
    const node = set[element]!;
    if (element === SELF || isEmptySet(node)) {
      named[element] = node;
      continue;
    }
    const below = withNamedFields(node, typeBelow(type, element));
    const isNamed = element.startsWith('f:') && type?.map?.byName.has(element.slice(2)) === true;
    named[element] = isNamed || isMember(node) ? withSelf(below) : below;
  }
  return named;
}

function typeBelow(type: MergeType | undefined, element: string): MergeType | undefined {
  if (element.startsWith('f:')) return type?.map?.byName.get(element.slice(2))?.type ?? type?.map?.element;
  return element.startsWith('k:') ? type?.list?.items : undefined;
}

/**
 * The set as owners of today's type have it: what became atomic since is owned whole. Returns `set` itself when nothing
 * changes.
 */
export function reconcileWithType(set: FieldSet, type: MergeType): FieldSet {
  const { map, list } = type;
  if (map !== undefined)
    return isUntypedMap(map) ? set : reconcileMembers(set, (element) => memberType(map, element));
  return list === undefined ? set : reconcileMembers(set, () => list.items);
}

function memberType(map: MapShape, element: string): MergeType | undefined {
  const field = element.startsWith('f:') ? map.byName.get(element.slice(2)) : undefined;
  return field?.type ?? map.element;
}

function reconcileMembers(set: FieldSet, typeOf: (element: string) => MergeType | undefined): FieldSet {
  let changed: { [element: string]: FieldSet } | undefined;
  for (const element in set) {
    const node = set[element]!;
    const type = element === SELF || isEmptySet(node) ? undefined : typeOf(element);
    if (type === undefined) continue;
    const reconciled = isAtomic(type) ? LEAF : reconcileWithType(node, type);
    if (reconciled !== node) (changed ??= { ...set })[element] = reconciled;
  }
  return changed ?? set;
}

function isAtomic({ map, scalar, list }: MergeType): boolean {
  if (map !== undefined) return map.atomic && !isUntypedMap(map);
  return scalar === undefined && list?.atomic === true;
}
