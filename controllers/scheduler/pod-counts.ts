/** How many pods of some sort are on each node and in each topology domain, kept current pod by pod. */
import type { LabelSelectorMatcher, Labels } from '../../api/machinery/labels.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

/** Labels of a node by its name; undefined when there is no such node. */
export type NodeLabels = (node: string) => Labels | undefined;

const NO_COUNTS: ReadonlyMap<string, number> = new Map();

export class Counts {
  readonly #labels: NodeLabels;
  readonly #nodes = new Map<string, number>();
  /** By topology key, then by value. Made when first asked for. */
  readonly #domains = new Map<string, Map<string, number>>();
  total = 0;

  constructor(labels: NodeLabels) {
    this.#labels = labels;
  }

  add(node: string, difference: number): void {
    bump(this.#nodes, node, difference);
    this.total += difference;
    for (const [topologyKey, values] of this.#domains) {
      const value = this.#labels(node)?.[topologyKey];
      if (value !== undefined) bump(values, value, difference);
    }
  }

  onNode(node: string): number {
    return this.#nodes.get(node) ?? 0;
  }

  get byNode(): ReadonlyMap<string, number> {
    return this.#nodes;
  }

  /** Counts by the values of a node label. */
  byDomain(topologyKey: string): ReadonlyMap<string, number> {
    let values = this.#domains.get(topologyKey);
    if (values === undefined) {
      values = new Map();
      for (const [node, count] of this.#nodes) {
        const value = this.#labels(node)?.[topologyKey];
        if (value !== undefined) bump(values, value, count);
      }
      this.#domains.set(topologyKey, values);
    }
    return this.total === 0 ? NO_COUNTS : values;
  }

  /** Labels of nodes changed: domains are counted again when asked for. */
  forgetDomains(): void {
    this.#domains.clear();
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
