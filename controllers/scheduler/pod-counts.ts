/** How many pods of some sort are on each node and in each topology domain, kept current pod by pod. */
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { Labels } from '../../api/machinery/label-requirement.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

/** A node as far as counting goes. */
export interface CountedNode {
  readonly labels: Labels | undefined;
  /** Place among the nodes, for tables by node. */
  readonly slot: number;
}

/** A node by its name; undefined when there is none. */
export type NodeLookup = (name: string) => CountedNode | undefined;

const NO_COUNTS: ReadonlyMap<string, number> = new Map();

export class Counts {
  readonly #lookup: NodeLookup;
  readonly #nodes = new Map<string, number>();
  /** By topology key, then by value. Made when first asked for. */
  readonly #domains = new Map<string, Map<string, number>>();
  /** By the slot of the node. Made when first asked for. */
  #slots: Float64Array | undefined;
  total = 0;

  constructor(lookup: NodeLookup) {
    this.#lookup = lookup;
  }

  add(node: string, difference: number): void {
    bump(this.#nodes, node, difference);
    this.total += difference;
    if (this.#domains.size === 0 && this.#slots === undefined) return;
    const found = this.#lookup(node);
    if (found === undefined) return;
    for (const [topologyKey, values] of this.#domains) {
      const value = found.labels?.[topologyKey];
      if (value !== undefined) bump(values, value, difference);
    }
    if (this.#slots === undefined) return;
    if (found.slot < this.#slots.length) this.#slots[found.slot]! += difference;
    else this.#slots = undefined;
  }

  onNode(node: string): number {
    return this.#nodes.get(node) ?? 0;
  }

  /** Counts by the slot of the node; slots are below `size`. */
  bySlot(size: number): Float64Array {
    if (this.#slots !== undefined && this.#slots.length >= size) return this.#slots;
    const slots = new Float64Array(2 * size);
    for (const [node, count] of this.#nodes) {
      const slot = this.#lookup(node)?.slot;
      if (slot !== undefined) slots[slot] = count;
    }
    this.#slots = slots;
    return slots;
  }

  /** Counts by the values of a node label. */
  byDomain(topologyKey: string): ReadonlyMap<string, number> {
    let values = this.#domains.get(topologyKey);
    if (values === undefined) {
      values = new Map();
      for (const [node, count] of this.#nodes) {
        const value = this.#lookup(node)?.labels?.[topologyKey];
        if (value !== undefined) bump(values, value, count);
      }
      this.#domains.set(topologyKey, values);
    }
    return this.total === 0 ? NO_COUNTS : values;
  }

  /** Nodes came, went or changed their labels: what goes by them is counted again when asked for. */
  forgetNodes(): void {
    this.#domains.clear();
    this.#slots = undefined;
  }
}

function bump(counts: Map<string, number>, key: string, difference: number): void {
  const count = (counts.get(key) ?? 0) + difference;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** Pods in some namespaces whose labels match. */
export interface PodSelection {
  /** Undefined: all namespaces. */
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly selector: LabelSelectorMatcher;
}

/** Pods that every one of the selections takes. Pods being deleted can be left out. */
export interface PodQuery {
  readonly selections: readonly PodSelection[];
  readonly skipsDeleted?: boolean;
}

export function queryText({ selections, skipsDeleted = false }: PodQuery): string {
  return JSON.stringify([
    skipsDeleted,
    ...selections.map(({ namespaces, selector }) => [
      namespaces === undefined ? null : [...namespaces].sort(),
      selector.toString(),
      selector.empty,
    ]),
  ]);
}

export function queryMatches({ selections, skipsDeleted = false }: PodQuery, { metadata }: Pod): boolean {
  if (skipsDeleted && metadata.deletionTimestamp !== undefined) return false;
  return selections.every(
    ({ namespaces, selector }) =>
      (namespaces === undefined || namespaces.has(metadata.namespace!)) && selector.matches(metadata.labels),
  );
}

/** A label that every pod the selector matches has, as `key=value`; undefined when there is none. */
export function pinOf(selector: LabelSelectorMatcher): string | undefined {
  for (const { key } of selector.requirements) {
    const value = selector.exactValue(key);
    if (value !== undefined) return `${key}=${value}`;
  }
  return undefined;
}
