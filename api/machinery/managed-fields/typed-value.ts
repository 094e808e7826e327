/** Reading values by their type: members of maps, items of lists with their path elements, and Go's words for misfits. */
import { compareText, goQuote } from '../go-format.ts';
import type { ListKey, ListShape, MapField, MapShape, MergeType, ScalarShape } from './merge-type.ts';
import {
  fieldElement,
  formatElement,
  keyElement,
  NO_ELEMENT,
  sortElements,
  valueElement,
} from './path-element.ts';

export type ValueMap = Readonly<Record<string, unknown>>;

/** A value does not fit its type. The message is structured-merge-diff's, path first. */
export class TypedError extends Error {
  override readonly name = 'TypedError';
}

export interface Misfit {
  readonly path: string;
  readonly message: string;
}

/** Throws {@link TypedError} when there are misfits, with all of them in its message. */
export function throwMisfits(misfits: readonly Misfit[]): void {
  if (misfits.length === 0) return;
  const texts = misfits.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw new TypedError(
    texts.length === 1 ? texts[0]! : ['errors:', ...texts.map((text) => `  ${text}`)].join('\n'),
  );
}

/** The value as a map; undefined for null, absent and everything else. */
export function asMap(value: unknown): ValueMap | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ValueMap)
    : undefined;
}

/** The value as a list; undefined for null, absent and everything else. */
export function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function isEmptyMap(map: ValueMap): boolean {
  for (const key in map) if (map[key] !== undefined) return false;
  return true;
}

export function memberOf(map: ValueMap | undefined, name: string): unknown {
  if (map === undefined) return undefined;
  const value = map[name];
  // What every object inherits is no member: functions, which data never are, and its prototype.
  if (typeof value !== 'function' && name !== '__proto__') return value;
  return Object.hasOwn(map, name) ? value : undefined;
}

/** Is told of a member that one of two maps has; `type` is absent when their type has no such member. */
export type MemberVisitor = (
  pathElement: string,
  type: MergeType | undefined,
  a: unknown,
  b: unknown,
  name: string,
) => void;

/** Visits the members that one of the maps has, in the order of their path elements. */
export function visitMembers(
  shape: MapShape,
  a: ValueMap | undefined,
  b: ValueMap | undefined,
  visit: MemberVisitor,
): void {
  const fields: MapField[] = [];
  if (!collectFields(shape, a, undefined, fields) || !collectFields(shape, b, a, fields)) {
    visitSorted(shape, a, b, visit);
    return;
  }
  for (const field of fields)
    visit(field.pathElement, field.type, memberOf(a, field.name), memberOf(b, field.name), field.name);
}

/**
 * Adds the declared fields of `map` that `other` does not have, keeping them in order. False when there are members that
 * are not declared. Objects have few of the fields of their types, so that fields are found by members.
 */
function collectFields(
  { byName }: MapShape,
  map: ValueMap | undefined,
  other: ValueMap | undefined,
  fields: MapField[],
): boolean {
  for (const name in map) {
    if (map[name] === undefined) continue;
    const field = byName.get(name);
    if (field === undefined) return false;
    if (other !== undefined && memberOf(other, name) !== undefined) continue;
    let at = fields.length;
    while (at > 0 && fields[at - 1]!.index > field.index) at--;
    if (at === fields.length) fields.push(field);
    else fields.splice(at, 0, field);
  }
  return true;
}

/** As {@link visitMembers}, for maps any of whose members may be undeclared. */
export function visitSorted(
  shape: MapShape,
  a: ValueMap | undefined,
  b: ValueMap | undefined,
  visit: MemberVisitor,
): void {
  const names: string[] = [];
  for (const name in a) if (a[name] !== undefined) names.push(name);
  for (const name in b) if (b[name] !== undefined && memberOf(a, name) === undefined) names.push(name);
  if (names.length > 1) names.sort(compareText);
  for (const name of names) {
    const type = shape.byName.get(name)?.type ?? shape.element;
    visit(fieldElement(name), type, memberOf(a, name), memberOf(b, name), name);
  }
}

/** Path element of an item of an associative list. Throws {@link TypedError} for an item that has none. */
export function itemElement(list: ListShape, item: unknown): string {
  return list.keys.length > 0 ? keyedElement(list, item) : setElement(item);
}

/** Whether both items say their keys themselves, as text, and the same. */
export function haveSameKeys(keys: readonly ListKey[], a: unknown, b: unknown): boolean {
  const left = asMap(a);
  const right = asMap(b);
  return keys.every(({ name }) => {
    const value = memberOf(left, name);
    return typeof value === 'string' && value === memberOf(right, name);
  });
}

function keyedElement({ keys }: ListShape, item: unknown): string {
  if (item === null || item === undefined)
    throw new TypedError('associative list with keys may not have a null element');
  const map = asMap(item);
  if (map === undefined) throw new TypedError('associative list with keys may not have non-map elements');
  const found: [string, unknown][] = [];
  for (const { name, default: fallback } of keys) {
    const value = memberOf(map, name);
    if (value !== undefined) found.push([name, value]);
    else if (fallback !== undefined) found.push([name, fallback]);
  }
  if (found.length > 0) return keyElement(found);
  const names = keys.map(({ name }) => goQuote(name)).join(' ');
  throw new TypedError(
    `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  );
}

function setElement(item: unknown): string {
  if (item === null || item === undefined)
    throw new TypedError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new TypedError('not supported: associative list with lists as elements');
  if (typeof item === 'object')
    throw new TypedError("associative list without keys has an element that's a map type");
  return valueElement(item);
}

/** As {@link itemElement}, with a stand-in for items that have none: taking fields out leaves such items behind. */
export function itemElementIfAny(list: ListShape, item: unknown): string {
  try {
    return itemElement(list, item);
  } catch (error) {
    if (error instanceof TypedError) return NO_ELEMENT;
    throw error;
  }
}

/** Items by path element, those of equal elements together, each in the order of the list. */
export function itemsByElement(
  list: readonly unknown[] | undefined,
  elementOf: (item: unknown) => string,
): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const [index, item] of (list ?? []).entries()) {
    const element = elementAt(index, item, elementOf);
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
}

/** The element of an item; the place of one that has none is told. */
export function elementAt(index: number, item: unknown, elementOf: (item: unknown) => string): string {
  try {
    return elementOf(item);
  } catch (error) {
    throw error instanceof TypedError ? new TypedError(`element ${index}: ${error.message}`) : error;
  }
}

/** Elements of both maps of items, in the order of FieldsV1. */
export function elementsOf(a: ReadonlyMap<string, unknown>, b?: ReadonlyMap<string, unknown>): string[] {
  const elements = [...a.keys()];
  for (const element of b?.keys() ?? []) if (!a.has(element)) elements.push(element);
  return elements.length < 2 ? elements : sortElements(elements);
}

/** Everything about the value that does not fit the type. Mirrors typed/validate.go. */
export function findMisfits(type: MergeType, value: unknown, allowDuplicates: boolean): Misfit[] {
  const misfits: Misfit[] = [];
  validate(type, value, [], allowDuplicates, misfits);
  return misfits;
}

function validate(
  type: MergeType,
  value: unknown,
  path: readonly string[],
  allowDuplicates: boolean,
  misfits: Misfit[],
): void {
  const report = (message: string): void =>
    void misfits.push({ path: path.map(formatElement).join(''), message });
  if (value === null || value === undefined) return;
  const isList = Array.isArray(value);
  if (isList && type.list !== undefined) validateList(type.list, value, path, allowDuplicates, misfits);
  else if (typeof value === 'object' && !isList && type.map !== undefined)
    validateMap(type.map, value as ValueMap, path, allowDuplicates, misfits);
  else if (typeof value !== 'object' && type.scalar !== undefined) {
    const message = scalarMisfit(type.scalar, value);
    if (message !== undefined) report(message);
  } else if (type.map !== undefined) report(`expected map, got ${goPointer(value)}`);
  else if (type.scalar !== undefined) report(scalarMisfit(type.scalar, value)!);
  else report(`expected list, got ${goPointer(value)}`);
}

function validateList(
  shape: ListShape,
  list: readonly unknown[],
  path: readonly string[],
  allowDuplicates: boolean,
  misfits: Misfit[],
): void {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    let element = `i:${index}`;
    if (!shape.atomic) {
      try {
        element = itemElement(shape, item);
      } catch (error) {
        if (!(error instanceof TypedError)) throw error;
        misfits.push({
          path: path.map(formatElement).join(''),
          message: `element ${index}: ${error.message}`,
        });
        return;
      }
      if (seen.has(element) && !allowDuplicates) {
        misfits.push({
          path: path.map(formatElement).join(''),
          message: `duplicate entries for key ${formatElement(element)}`,
        });
      }
      seen.add(element);
    }
    validate(shape.items, item, [...path, element], allowDuplicates, misfits);
  }
}

function validateMap(
  shape: MapShape,
  map: ValueMap,
  path: readonly string[],
  allowDuplicates: boolean,
  misfits: Misfit[],
): void {
  let isOver = false;
  visitMembers(shape, map, undefined, (pathElement, type, value) => {
    if (isOver) return;
    const below = [...path, pathElement];
    if (type !== undefined) {
      validate(type, value, below, allowDuplicates, misfits);
      return;
    }
    misfits.push({ path: below.map(formatElement).join(''), message: 'field not declared in schema' });
    isOver = true;
  });
}

function scalarMisfit(shape: ScalarShape, value: unknown): string | undefined {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  switch (shape) {
    case 'numeric':
      return isNumber ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${goPointer(value)}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got ${goPointer(value)}` : undefined;
  }
}

/** `%T` of decoded JSON. */
function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'float64';
}

/** `%v` of a pointer to a decoded value. */
function goPointer(value: unknown): string {
  return `&{${goPlain(value)}}`;
}

/** `%v` of decoded JSON. */
function goPlain(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPlain).join(' ')}]`;
  if (typeof value === 'object') {
    const map = value as ValueMap;
    const names = Object.keys(map).sort(compareText);
    return `map[${names.map((name) => `${name}:${goPlain(map[name])}`).join(' ')}]`;
  }
  return String(value as string | number | boolean);
}

/** `%#v` of decoded JSON. */
function goSyntax(value: unknown): string {
  if (value === null) return 'interface {}(nil)';
  if (typeof value === 'string') return goQuote(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'object') {
    const map = value as ValueMap;
    const names = Object.keys(map).sort(compareText);
    return `map[string]interface {}{${names.map((name) => `${goQuote(name)}:${goSyntax(map[name])}`).join(', ')}}`;
  }
  return String(value as number | boolean);
}
