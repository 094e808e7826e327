/**
 * Sets of field paths. A set is its own FieldsV1 form: nested objects whose keys are path elements in upstream's order, so
 * that a stored `fieldsV1` needs no decoding to be worked with. A key that maps to an empty object is a member; one whose
 * object holds `.` is a member and has members below; any other only leads to members. Sets are never changed.
 * Mirrors structured-merge-diff fieldpath/set.go and serialize.go.
 */
import { isBefore, normalElement, SELF, sortElements } from './path-element.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

type MutableFieldSet = { [element: string]: FieldSet };

/** The node of a member without members below. */
export const LEAF: FieldSet = Object.freeze({});

/** The set without members. */
export const EMPTY_SET: FieldSet = LEAF;

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** A node below the root that holds nothing but itself. */
const isLeaf = isEmptySet;

export function isMember(node: FieldSet): boolean {
  return isLeaf(node) || SELF in node;
}

/** The node with itself as a member; undefined stands for a node without members. */
export function withSelf(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return LEAF;
  return isMember(node) ? node : { [SELF]: LEAF, ...node };
}

/** A node of the given members, or undefined when there are none, so that no empty node gets into a set. */
export function nodeOf(members: FieldSet): FieldSet | undefined {
  let count = 0;
  for (const element in members) {
    if (element !== SELF) return members;
    count++;
  }
  return count === 0 ? undefined : LEAF;
}

/** Members below the node, without the node itself. */
function below(node: FieldSet): FieldSet {
  if (!(SELF in node)) return node;
  const { [SELF]: _, ...rest } = node;
  return rest;
}

/** A set of paths, each a list of path elements. */
export function fieldSet(...paths: readonly (readonly string[])[]): FieldSet {
  let set = EMPTY_SET;
  for (const path of paths) {
    const only = path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), LEAF);
    set = union(set, only);
  }
  return set;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionMembers(a, b);
}

function unionMembers(a: FieldSet, b: FieldSet): FieldSet {
  let changed: MutableFieldSet | undefined;
  let isGrown = false;
  for (const element in b) {
    const node = a[element];
    if (node === undefined) {
      isGrown = true;
      continue;
    }
    const joined = unionNodes(node, b[element]!);
    if (joined !== node) (changed ??= { ...a })[element] = joined;
  }
  return isGrown ? withMembersOf(changed ?? a, b) : (changed ?? a);
}

/** The members of `a` and those that only `b` has, in order. */
function withMembersOf(a: FieldSet, b: FieldSet): FieldSet {
  const merged: MutableFieldSet = {};
  const added = Object.keys(b).filter((element) => a[element] === undefined);
  let next = 0;
  for (const element in a) {
    for (; next < added.length && isBefore(added[next]!, element); next++)
      merged[added[next]!] = b[added[next]!]!;
    merged[element] = a[element]!;
  }
  for (; next < added.length; next++) merged[added[next]!] = b[added[next]!]!;
  return merged;
}

/** The union of two nodes of one place. */
export function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isLeaf(a)) return withSelf(b);
  if (isLeaf(b)) return withSelf(a);
  return unionMembers(a, b);
}

/** The same members, keys in order. */
function ordered(set: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const element of sortElements(Object.keys(set))) result[element] = set[element]!;
  return result;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return intersectMembers(a, b) ?? EMPTY_SET;
}

function intersectMembers(a: FieldSet, b: FieldSet): FieldSet | undefined {
  let common: MutableFieldSet | undefined;
  for (const element in a) {
    const other = b[element];
    if (other === undefined) continue;
    const node = element === SELF ? LEAF : intersectNodes(a[element]!, other);
    if (node !== undefined) (common ??= {})[element] = node;
  }
  return common === undefined ? undefined : nodeOf(common);
}

function intersectNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (isLeaf(a)) return isMember(b) ? LEAF : undefined;
  if (isLeaf(b)) return isMember(a) ? LEAF : undefined;
  return intersectMembers(a, b);
}

/** Members of `a` that are no members of `b`, path by path. Returns `a` itself when nothing goes. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  return subtractMembers(a, b, false) ?? EMPTY_SET;
}

/** As {@link difference}, but a member of `b` takes everything below it away too. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  return subtractMembers(a, b, true) ?? EMPTY_SET;
}

function subtractMembers(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet | undefined {
  let kept: MutableFieldSet | undefined;
  for (const element in a) {
    const node = a[element]!;
    const other = b[element];
    const rest =
      other === undefined ? node : element === SELF ? undefined : subtractNodes(node, other, recursive);
    if (rest !== node) kept ??= membersBefore(a, element);
    if (kept !== undefined && rest !== undefined) kept[element] = rest;
  }
  return kept === undefined ? a : nodeOf(kept);
}

function membersBefore(set: FieldSet, end: string): MutableFieldSet {
  const members: MutableFieldSet = {};
  for (const element in set) {
    if (element === end) break;
    members[element] = set[element]!;
  }
  return members;
}

function subtractNodes(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet | undefined {
  if (isMember(b)) {
    if (recursive || isLeaf(a)) return undefined;
    return nodeOf(isLeaf(b) ? below(a) : (subtractMembers(a, b, recursive) ?? {}));
  }
  return isLeaf(a) ? a : subtractMembers(a, b, recursive);
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

/** Every path, in upstream's order of walking: members of a node first, then what is below them. */
export function pathsOf(set: FieldSet): string[][] {
  const paths: string[][] = [];
  const walk = (node: FieldSet, path: readonly string[]): void => {
    const elements = Object.keys(node).filter((element) => element !== SELF);
    for (const element of elements) if (isMember(node[element]!)) paths.push([...path, element]);
    for (const element of elements) walk(node[element]!, [...path, element]);
  };
  walk(set, []);
  return paths;
}

/**
 * The set that `fieldsV1` of a client stands for: elements in normal form and order, those of an unknown kind left out.
 * What was stored is in that form already. Throws PathElementError for what cannot be read.
 */
export function parseFieldSet(fields: unknown): FieldSet {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return EMPTY_SET;
  const { [SELF]: _, ...set } = parseMembers(fields as Record<string, unknown>);
  return ordered(set);
}

function parseMembers(fields: Readonly<Record<string, unknown>>): MutableFieldSet {
  const members: MutableFieldSet = {};
  for (const element of Object.keys(fields)) {
    const name = element === SELF ? SELF : normalElement(element);
    if (name !== undefined) members[name] = element === SELF ? LEAF : parseNode(fields[element]);
  }
  return members;
}

function parseNode(fields: unknown): FieldSet {
  if (typeof fields !== 'object' || fields === null) return LEAF;
  return ordered(nodeOf(parseMembers(fields as Record<string, unknown>)) ?? LEAF);
}
