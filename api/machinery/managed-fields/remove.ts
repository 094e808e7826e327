/** Taking fields out of a value. Mirrors structured-merge-diff typed/remove.go. */
import { setMember } from '../json.ts';
import { isMember, type FieldSet } from './field-set.ts';
import { shapeOf, type ListShape, type MapShape, type MergeType } from './merge-type.ts';
import { asList, asMap, isEmptyMap, itemElementIfAny, visitMembers } from './typed-value.ts';

/** The value without the members of the set. Null when nothing is left. */
export function removeFields(type: MergeType, value: unknown, fields: FieldSet): unknown {
  switch (shapeOf(type, value)) {
    case 'scalar':
      return value;
    case 'list':
      return removeItems(type.list!, asList(value), fields);
    case 'map':
      return removeMembers(type.map!, asMap(value), fields);
  }
}

function removeItems(shape: ListShape, list: readonly unknown[] | undefined, fields: FieldSet): unknown {
  if (list === undefined || shape.atomic) return null;
  const kept: unknown[] = [];
  for (const item of list) {
    const node = fields[itemElementIfAny(shape, item)];
    if (node !== undefined && isMember(node)) continue;
    kept.push(node === undefined ? item : removeFields(shape.items, item, node));
  }
  return kept.length === 0 ? null : kept;
}

function removeMembers(
  shape: MapShape,
  map: Readonly<Record<string, unknown>> | undefined,
  fields: FieldSet,
): unknown {
  if (map === undefined || shape.atomic) return null;
  const kept: Record<string, unknown> = {};
  visitMembers(shape, map, undefined, (pathElement, type, value, _, name) => {
    const node = fields[pathElement];
    if (node !== undefined && isMember(node)) return;
    setMember(kept, name, node === undefined || type === undefined ? value : removeFields(type, value, node));
  });
  return isEmptyMap(kept) ? null : kept;
}
