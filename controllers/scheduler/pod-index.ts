/** Placed pods by label, with counts for the questions plugins ask again and again. */
import type { Labels } from '../../api/machinery/label-requirement.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { Counts, pinOf, queryMatches, queryText, type NodeLookup, type PodQuery } from './pod-counts.ts';
import type { AffinityTerm, PodInfo } from './pod-info.ts';

/** Queries remembered; the one not asked for the longest time is forgotten. */
const QUERIES_MAX = 512;
/** Stands for pods and selectors that no label pins. */
const UNPINNED = '';

interface Asked {
  readonly query: PodQuery;
  readonly counts: Counts;
  readonly pin: string;
}

/** A term that placed pods have, with where those pods are. */
export interface HeldTerm {
  readonly term: AffinityTerm;
  readonly counts: Counts;
}

/** What placed pods say of other pods. */
export type TermRole = 'antiAffinity' | 'affinity' | 'preferredAffinity' | 'preferredAntiAffinity';
const ROLES: readonly TermRole[] = ['antiAffinity', 'affinity', 'preferredAffinity', 'preferredAntiAffinity'];

export class PodIndex {
  readonly #lookup: NodeLookup;
  /** Pods by `key=value` of each label, and all under UNPINNED. */
  readonly #byLabel = new Map<string, Map<string, { readonly pod: Pod; readonly node: string }>>();
  readonly #asked = new Map<string, Asked>();
  readonly #askedByPin = new Map<string, Set<Asked>>();
  readonly #held: Readonly<Record<TermRole, Map<string, Map<string, HeldTerm>>>> = {
    antiAffinity: new Map(),
    affinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  };

  constructor(lookup: NodeLookup) {
    this.#lookup = lookup;
  }

  add(info: PodInfo, node: string): void {
    for (const pin of pinsOf(info.pod.metadata.labels)) {
      let pods = this.#byLabel.get(pin);
      if (pods === undefined) this.#byLabel.set(pin, (pods = new Map()));
      pods.set(info.pod.metadata.uid!, { pod: info.pod, node });
    }
    this.#count(info, node, 1);
  }

  remove(info: PodInfo, node: string): void {
    const uid = info.pod.metadata.uid!;
    for (const pin of pinsOf(info.pod.metadata.labels)) {
      const pods = this.#byLabel.get(pin);
      pods?.delete(uid);
      if (pods?.size === 0) this.#byLabel.delete(pin);
    }
    this.#count(info, node, -1);
  }

  /** Counts of the placed pods that a query takes. */
  counts(query: PodQuery): Counts {
    const text = queryText(query);
    let asked = this.#asked.get(text);
    if (asked === undefined) asked = this.#ask(text, query);
    else this.#asked.delete(text);
    this.#asked.set(text, asked);
    return asked.counts;
  }

  /** Terms of placed pods, of one role, that may concern a pod with these labels. */
  *heldTerms(role: TermRole, labels: Labels | undefined): Iterable<HeldTerm> {
    const held = this.#held[role];
    if (held.size === 0) return;
    for (const pin of pinsOf(labels)) {
      const terms = held.get(pin);
      if (terms !== undefined) yield* terms.values();
    }
  }

  hasTerms(role: TermRole): boolean {
    return this.#held[role].size > 0;
  }

  nodesChanged(): void {
    for (const { counts } of this.#asked.values()) counts.forgetNodes();
    for (const role of ROLES) {
      for (const terms of this.#held[role].values())
        for (const { counts } of terms.values()) counts.forgetNodes();
    }
  }

  #ask(text: string, query: PodQuery): Asked {
    const pin = query.selections.map(({ selector }) => pinOf(selector)).find((each) => each !== undefined);
    const asked: Asked = { query, counts: new Counts(this.#lookup), pin: pin ?? UNPINNED };
    for (const { pod, node } of this.#byLabel.get(asked.pin)?.values() ?? []) {
      if (queryMatches(query, pod)) asked.counts.add(node, 1);
    }
    let group = this.#askedByPin.get(asked.pin);
    if (group === undefined) this.#askedByPin.set(asked.pin, (group = new Set()));
    group.add(asked);
    if (this.#asked.size >= QUERIES_MAX) this.#forgetOldest();
    this.#asked.set(text, asked);
    return asked;
  }

  #forgetOldest(): void {
    const [text, asked] = this.#asked.entries().next().value!;
    this.#asked.delete(text);
    const group = this.#askedByPin.get(asked.pin);
    group?.delete(asked);
    if (group?.size === 0) this.#askedByPin.delete(asked.pin);
  }

  #count(info: PodInfo, node: string, difference: 1 | -1): void {
    for (const pin of pinsOf(info.pod.metadata.labels)) {
      for (const { query, counts } of this.#askedByPin.get(pin) ?? []) {
        if (queryMatches(query, info.pod)) counts.add(node, difference);
      }
    }
    for (const role of ROLES) {
      for (const term of info[role]) this.#hold(this.#held[role], term, node, difference);
    }
  }

  #hold(
    held: Map<string, Map<string, HeldTerm>>,
    term: AffinityTerm,
    node: string,
    difference: 1 | -1,
  ): void {
    const pin = pinOf(term.selector) ?? UNPINNED;
    let terms = held.get(pin);
    if (terms === undefined) held.set(pin, (terms = new Map()));
    let entry = terms.get(term.text);
    if (entry === undefined) terms.set(term.text, (entry = { term, counts: new Counts(this.#lookup) }));
    entry.counts.add(node, difference);
    if (entry.counts.total > 0) return;
    terms.delete(term.text);
    if (terms.size === 0) held.delete(pin);
  }
}

function* pinsOf(labels: Labels | undefined): Iterable<string> {
  yield UNPINNED;
  for (const key in labels) yield `${key}=${labels[key]}`;
}
