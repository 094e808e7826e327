/**
 * The key schema. Every key begins with the cluster it belongs to, so that one store can hold several:
 *
 *     registry/<cluster>/<group or "core">/<plural>/<namespace>/<name>      namespaced resources
 *     registry/<cluster>/<group or "core">/<plural>/<name>                  cluster-scoped resources
 *
 * Lists therefore come by namespace, then name. A part is never empty and never contains `/`: the functions here throw a
 * `TypeError` on such a part, because the caller validates names before it makes keys of them.
 */
import type { KeyRange } from './interface.ts';

const ROOT = 'registry';
const ROOT_PREFIX = `${ROOT}/`;
/** How the core group, whose name is empty, is written in keys. No other group has a name without a dot and this word. */
const CORE = 'core';
/** Sorts behind every key: none begins with it. */
const BEHIND_ALL_KEYS = '\u{10ffff}';

export interface ResourceName {
  readonly cluster: string;
  /** API group; '' is the core group. */
  readonly group: string;
  /** Plural, lower case: `pods`. */
  readonly resource: string;
}

export interface ResourceKey extends ResourceName {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string;
  readonly name: string;
}

/** What all keys of a cluster begin with, trailing slash included. */
export function clusterPrefix(cluster: string): string {
  return `${ROOT}/${part(cluster)}/`;
}

/** Key of one object. */
export function resourceKey(key: ResourceKey): string {
  const namespace = key.namespace === undefined ? '' : `${part(key.namespace)}/`;
  return `${resourcePrefix(key)}${namespace}${part(key.name)}`;
}

/** All objects of a resource, in all namespaces. */
export function resourceRange(resource: ResourceName): KeyRange {
  return prefixRange(resourcePrefix(resource));
}

/** All objects of a resource in one namespace. */
export function namespaceRange(resource: ResourceName & { readonly namespace: string }): KeyRange {
  return prefixRange(`${resourcePrefix(resource)}${part(resource.namespace)}/`);
}

/** All objects of a cluster. */
export function clusterRange(cluster: string): KeyRange {
  return prefixRange(clusterPrefix(cluster));
}

/** The part of `key` that says which cluster it is of: what `clusterPrefix` gives. Undefined when there is none. */
export function clusterPrefixOf(key: string): string | undefined {
  if (!key.startsWith(ROOT_PREFIX)) return undefined;
  const end = key.indexOf('/', ROOT_PREFIX.length);
  return end <= ROOT_PREFIX.length ? undefined : key.slice(0, end + 1);
}

/** What stands behind the cluster in a key that has one. */
export function afterCluster(key: string): string {
  return key.slice(key.indexOf('/', ROOT_PREFIX.length) + 1);
}

/** What is in both ranges. */
export function intersect(a: KeyRange, b: KeyRange): KeyRange {
  return {
    start: byteOrder(a.start) < byteOrder(b.start) ? b.start : a.start,
    end: byteOrder(a.end) < byteOrder(b.end) ? a.end : b.end,
  };
}

/** `key` alone. */
export function singleKeyRange(key: string): KeyRange {
  return { start: key, end: `${key}\0` };
}

/** All keys that begin with `prefix`; '' gives all keys. */
export function prefixRange(prefix: string): KeyRange {
  return { start: prefix, end: prefixEnd(prefix) };
}

/** The parts of a key made by `resourceKey`; undefined for any other string. */
export function parseKey(key: string): ResourceKey | undefined {
  const [root, cluster, group, resource, ...rest] = key.split('/');
  if (root !== ROOT || !cluster || !group || !resource) return undefined;
  if (rest.length < 1 || rest.length > 2 || rest.includes('')) return undefined;
  const [first = '', second] = rest;
  const where = { cluster, group: group === CORE ? '' : group, resource };
  return second === undefined ? { ...where, name: first } : { ...where, namespace: first, name: second };
}

/**
 * A string whose order by `<` (UTF-16 code units) is the order of `key` by its UTF-8 bytes; equal strings exactly for equal
 * keys. For keys without characters from U+D800 on, which are nearly all, it is the key itself.
 */
export function byteOrder(key: string): string {
  if (!/[\ud800-\uffff]/.test(key)) return key;
  // UTF-8 orders by code point. Surrogates stand for code points above U+FFFF, so they have to sort behind U+E000-U+FFFF.
  return key.replace(/[\ud800-\uffff]/g, (character) => {
    const unit = character.charCodeAt(0);
    return String.fromCharCode(unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
  });
}

/** Throws a `TypeError` when the store cannot keep `key`: see "Order" in the Store contract. */
export function checkKey(key: string): void {
  if (key !== '' && !key.startsWith(BEHIND_ALL_KEYS) && !/\p{Surrogate}/u.test(key)) return;
  throw new TypeError(`${JSON.stringify(key)} cannot be a key`);
}

function resourcePrefix({ cluster, group, resource }: ResourceName): string {
  return `${clusterPrefix(cluster)}${group === '' ? CORE : part(group)}/${part(resource)}/`;
}

function part(text: string): string {
  if (text === '' || text.includes('/')) {
    throw new TypeError(`${JSON.stringify(text)} cannot be part of a key`);
  }
  return text;
}

function prefixEnd(prefix: string): string {
  const unit = prefix.charCodeAt(prefix.length - 1);
  if (unit < 0x7f) return prefix.slice(0, -1) + String.fromCharCode(unit + 1);
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    // The code points between U+D7FF and U+E000 are surrogates, no characters.
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return BEHIND_ALL_KEYS;
}
