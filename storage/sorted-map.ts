import sortedBtree from 'sorted-btree';
import type { KeyRange } from './interface.ts';
import { byteOrder } from './keys.ts';

type Tree<V> = InstanceType<typeof sortedBtree.default<string, V>>;

// A CommonJS module with an `exports.default`: some loaders give the module here, others that export.
const imported: unknown = sortedBtree;
const BTree = typeof imported === 'function' ? (imported as typeof sortedBtree.default) : sortedBtree.default;

/**
 * Map from keys to values in order of the keys' UTF-8 bytes. `clone` costs nothing at once: both copies share their nodes
 * and each copies a node before it first changes it. Values are never undefined.
 */
export class SortedMap<V extends object> {
  readonly #tree: Tree<V>;

  constructor(tree: Tree<V> = new BTree<string, V>(undefined, compare)) {
    this.#tree = tree;
  }

  get size(): number {
    return this.#tree.size;
  }

  get(key: string): V | undefined {
    return this.#tree.get(byteOrder(key));
  }

  set(key: string, value: V): void {
    this.#tree.set(byteOrder(key), value);
  }

  delete(key: string): void {
    this.#tree.delete(byteOrder(key));
  }

  /** Values of the keys in `range` in key order, at most `limit` (1 or more). */
  values(range: KeyRange, limit = Infinity): V[] {
    const values: V[] = [];
    const start = byteOrder(range.start);
    const end = byteOrder(range.end);
    if (start >= end) return values;
    this.#tree.forRange(start, end, false, (_key, value) => {
      values.push(value);
      return values.length >= limit ? { break: 0 } : undefined;
    });
    return values;
  }

  count(range: KeyRange): number {
    const start = byteOrder(range.start);
    const end = byteOrder(range.end);
    return start >= end ? 0 : this.#tree.forRange(start, end, false);
  }

  clone(): SortedMap<V> {
    return new SortedMap(this.#tree.clone());
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
