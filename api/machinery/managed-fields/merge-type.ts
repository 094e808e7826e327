/**
 * What server-side apply needs to know of a type, compiled from its schema once: which shapes a value may have, what its
 * members are, and whether it is owned whole or part by part. Mirrors kube-openapi schemaconv and structured-merge-diff
 * schema/elements.go.
 */
import { compareText } from '../go-format.ts';
import type { FieldSchema, ListSchema, MapSchema, Schema, StructSchema } from '../schema.ts';
import { fieldElement } from './path-element.ts';

/** A type; a value that fits several shapes takes the one it looks like. */
export interface MergeType {
  readonly scalar?: ScalarShape;
  readonly list?: ListShape;
  readonly map?: MapShape;
}

export type ScalarShape = 'numeric' | 'string' | 'boolean' | 'untyped';

export interface ListShape {
  readonly items: MergeType;
  /** Atomic lists are owned whole, associative ones item by item. */
  readonly atomic: boolean;
  /** Names of the keys of items, sorted; none for sets. */
  readonly keys: readonly ListKey[];
}

export interface ListKey {
  readonly name: string;
  /** What an item without the key counts as having. */
  readonly default?: unknown;
}

export interface MapShape {
  /** Declared fields, sorted by name; empty for maps. */
  readonly fields: readonly MapField[];
  readonly byName: ReadonlyMap<string, MapField>;
  /** Type of other members; absent when there may be none. */
  readonly element?: MergeType;
  readonly atomic: boolean;
}

export interface MapField {
  readonly name: string;
  /** Place among the fields of the type by name. */
  readonly index: number;
  /** `f:` and the name. */
  readonly pathElement: string;
  readonly type: MergeType;
}

/** Any value, owned whole. */
const UNTYPED_ATOMIC: MergeType = newUntyped(true);
/** Any value: maps are owned member by member, lists whole. */
const UNTYPED: MergeType = newUntyped(false, UNTYPED_ATOMIC);

function newUntyped(atomic: boolean, items?: MergeType): MergeType {
  const map: { -readonly [key in keyof MapShape]: MapShape[key] } = { fields: [], byName: new Map(), atomic };
  const list: { -readonly [key in keyof ListShape]: ListShape[key] } = { items: {}, atomic: true, keys: [] };
  const type: MergeType = { scalar: 'untyped', list, map };
  map.element = type;
  list.items = items ?? type;
  return type;
}

/** Whether members of the map are of no known type, so that no schema can disagree with their owners. */
export function isUntypedMap(map: MapShape): boolean {
  return map.fields.length === 0 && map.element?.scalar === 'untyped';
}

const compiled = new WeakMap<Schema, MergeType>();

export function mergeTypeOf(schema: Schema): MergeType {
  let type = compiled.get(schema);
  if (type === undefined) compiled.set(schema, (type = compile(schema)));
  return type;
}

function compile(schema: Schema): MergeType {
  switch (schema.kind) {
    case 'struct':
      return { map: compileStruct(schema) };
    case 'map':
      return { map: compileMap(schema) };
    case 'list':
      return { list: compileList(schema) };
    case 'scalar':
      if (schema.type === 'string' || schema.type === 'bytes') return { scalar: 'string' };
      return { scalar: schema.type === 'bool' ? 'boolean' : 'numeric' };
    case 'any':
      return UNTYPED;
    case 'special':
      switch (schema.special) {
        case 'quantity':
        case 'time':
        case 'microtime':
          return { scalar: 'untyped' };
        case 'duration':
          return { scalar: 'string' };
        case 'raw-extension':
          return UNTYPED_ATOMIC;
        case 'fields-v1':
          return { map: UNTYPED.map! };
        default:
          return UNTYPED;
      }
  }
}

function compileStruct(schema: StructSchema): MapShape {
  // Types may contain themselves: fields are compiled when first asked for.
  const fields = [...schema.fields]
    .sort((a, b) => compareText(a.name, b.name))
    .map((field, index) => lazyField(field, index));
  const isOpen = schema.preserveUnknown || fields.length === 0;
  return {
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
    ...(isOpen ? { element: UNTYPED } : {}),
    atomic: schema.atomic,
  };
}

function lazyField(field: FieldSchema, index: number): MapField {
  let type: MergeType | undefined;
  return {
    name: field.name,
    index,
    pathElement: fieldElement(field.name),
    get type() {
      return (type ??= mergeTypeOf(field.schema));
    },
  };
}

function compileMap(schema: MapSchema): MapShape {
  return { fields: [], byName: new Map(), element: mergeTypeOf(schema.values), atomic: schema.atomic };
}

function compileList(schema: ListSchema): ListShape {
  const { items, listType } = schema;
  const names = listType === 'map' ? [...schema.mapKeys].sort(compareText) : [];
  return {
    items: mergeTypeOf(items),
    atomic: listType === 'atomic',
    keys: names.map((name) => keyOf(items, name)),
  };
}

/** Defaults of keys are those OpenAPI publishes: declared ones, and the zero of what is always written. */
function keyOf(items: Schema, name: string): ListKey {
  const field = items.kind === 'struct' ? items.byName.get(name) : undefined;
  if (field === undefined) return { name };
  if (field.default !== undefined) return { name, default: field.default };
  if (field.omit !== 'always' || field.pointer || field.schema.kind !== 'scalar') return { name };
  const { type } = field.schema;
  return { name, default: type === 'bool' ? false : type === 'string' || type === 'bytes' ? '' : 0 };
}

/** The shape a value is treated as. Mirrors typed/helpers.go deduceAtom and handleAtom. */
export type Shape = 'scalar' | 'list' | 'map';

export function shapeOf(type: MergeType, value: unknown): Shape {
  switch (typeof value) {
    case 'object':
      if (Array.isArray(value) && type.list !== undefined) return 'list';
      break;
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      if (type.scalar !== undefined) return 'scalar';
      break;
    default:
  }
  if (type.map !== undefined) return 'map';
  return type.scalar !== undefined ? 'scalar' : 'list';
}
