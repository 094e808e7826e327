/**
 * One step of a field path, in the text form that FieldsV1 uses as keys: `f:name` a field, `k:{"name":"x"}` an item of a
 * list by its keys, `v:"x"` an item of a set, `i:0` an item by its place. Mirrors structured-merge-diff fieldpath/element.go
 * and serialize-pe.go.
 */
import { compareText, goQuote } from '../go-format.ts';
import { stringifyJSON } from '../json.ts';

/** Marks a set's own node as a member, beside what is below it. */
export const SELF = '.';

/** Stands for items of associative lists that have no key, while fields are taken out of a value. Never stored. */
export const NO_ELEMENT = '?';

/** The element is no element. */
export class PathElementError extends Error {
  override readonly name = 'PathElementError';
}

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/** An item of a list by its keys; `keys` must be sorted by name. */
export function keyElement(keys: readonly (readonly [name: string, value: unknown])[]): string {
  let members = '';
  for (const [name, value] of keys)
    members += `${members === '' ? '' : ','}${scalarText(name)}:${scalarText(value)}`;
  return `k:{${members}}`;
}

/** An item of a set. */
export function valueElement(value: unknown): string {
  return `v:${scalarText(value)}`;
}

/** JSON of a value; most are text that needs no escaping. */
export function scalarText(value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value) ? `"${value}"` : stringifyJSON(value);
}

/** Text that is its own JSON, all of whose characters sort behind the quote that ends it. */
const PLAIN = /^[\w./-]*$/;
/** Elements whose text sorts as they do: fields, and keys and values of plain text. */
const SORTS_AS_TEXT = /^(?:\.$|f:|v:"[\w./-]*"$|k:\{(?:"\w+":"[\w./-]*",?)+\}$)/;

/**
 * The element in its normal form: keys sorted by name, no spaces. Undefined for an element of a kind that is not known,
 * which readers skip. Throws {@link PathElementError} for one that cannot be read.
 */
export function normalElement(element: string): string | undefined {
  if (element.length < 2) throw new PathElementError('key must be 2 characters long:');
  if (element[1] !== ':') throw new PathElementError(`missing colon: ${element}`);
  switch (element[0]) {
    case 'f':
      return element;
    case 'v':
      return valueElement(parse(element));
    case 'k':
      return keyElement(keysOf(element));
    case 'i':
      if (/^[+-]?\d+$/.test(element.slice(2))) return `i:${Number(element.slice(2))}`;
      throw new PathElementError(`strconv.Atoi: parsing ${goQuote(element.slice(2))}: invalid syntax`);
    default:
      return undefined;
  }
}

/** The element as conflict messages show it: `.name`, `[name="x"]`, `[="x"]`, `[0]`. */
export function formatElement(element: string): string {
  switch (element[0]) {
    case 'f':
      return `.${element.slice(2)}`;
    case 'k':
      return `[${keysOf(element)
        .map(([name, value]) => `${name}=${formatValue(value)}`)
        .join(',')}]`;
    case 'v':
      return `[=${formatValue(parse(element))}]`;
    default:
      return `[${element.slice(2)}]`;
  }
}

/** A path as conflict messages show it. */
export function formatElements(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(formatValue).join(',')}]`;
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, member]) => `${name}=${formatValue(member)}`)
      .join('');
  return String(value as number | boolean);
}

/** Keys and values of a `k:` element, sorted by name. Throws {@link PathElementError} when it holds no object. */
function keysOf(element: string): [string, unknown][] {
  const value = parse(element);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new PathElementError(`expected an object: ${element}`);
  return Object.entries(value).sort(([a], [b]) => compareText(a, b));
}

function parse(element: string): unknown {
  try {
    return JSON.parse(element.slice(2)) as unknown;
  } catch (error) {
    throw new PathElementError((error as Error).message);
  }
}

const RANKS: Readonly<Record<string, number>> = { '.': 0, f: 1, k: 2, v: 3, i: 4, '?': 5 };

/** Sorts elements as FieldsV1 has them: the node itself, fields by name, keys, values, places. */
export function sortElements(elements: readonly string[]): string[] {
  if (elements.every((element) => element.startsWith('f:') || SORTS_AS_TEXT.test(element)))
    return [...elements].sort(compareText);
  return elements
    .map((element) => ({ element, rank: RANKS[element[0]!]!, order: orderOf(element) }))
    .sort((a, b) => a.rank - b.rank || compareOrders(a.order, b.order))
    .map(({ element }) => element);
}

/** Whether one element comes before another, different one. */
export function isBefore(a: string, b: string): boolean {
  if (a.startsWith('f:') && b.startsWith('f:')) return compareText(a, b) < 0;
  return sortElements([a, b])[0] === a;
}

/** What elements of one kind are compared by. */
function orderOf(element: string): unknown {
  switch (element[0]) {
    case 'k':
      return keysOf(element);
    case 'v':
      return parse(element);
    case 'i':
      return Number(element.slice(2));
    default:
      return element;
  }
}

/** Mirrors structured-merge-diff value.Compare: numbers, then text, then bools, lists, the rest. */
function compareOrders(a: unknown, b: unknown): number {
  const rank = valueRank(a) - valueRank(b);
  if (rank !== 0) return rank;
  if (typeof a === 'number' || typeof a === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'string') return compareText(a, b as string);
  if (!Array.isArray(a) || !Array.isArray(b)) return 0;
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareOrders(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function valueRank(value: unknown): number {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 0;
    case 'string':
      return 1;
    case 'boolean':
      return 2;
    default:
      return Array.isArray(value) ? 3 : value === null ? 5 : 4;
  }
}
