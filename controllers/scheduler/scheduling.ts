/** Finds the node for a pod. Mirrors scheduler schedule_one.go; nothing here waits or writes. */
import { randomInt, type Random } from '../../api/machinery/random.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominations } from './nominations.ts';
import { podInfoOf, type PodInfo } from './pod-info.ts';
import { unresolvable, type Plugin, type PluginRun, type Rejection, type Surroundings } from './plugin.ts';
import { feasibleNodesToFind, LOCAL_FILTERS, LOCAL_SCORES, type Profile } from './profile.ts';
import { VerdictTables, type Verdicts, type WeightedRun } from './verdicts.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

/** The plugins at work on one pod. */
export interface Attempt {
  readonly pod: PodInfo;
  /** All, in filtering order. */
  readonly runs: readonly WeightedRun[];
  readonly localFilters: readonly WeightedRun[];
  readonly otherFilters: readonly WeightedRun[];
  readonly localScores: readonly WeightedRun[];
  readonly otherScores: readonly WeightedRun[];
  /** The only nodes to look at, and the plugin that says so. */
  readonly only?: ReadonlySet<string>;
}

export type Outcome =
  | { readonly node: NodeInfo }
  | {
      readonly attempt: Attempt;
      /** Holds for every node. */
      readonly rejection?: Rejection;
      /** By node; empty when `rejection` is set. */
      readonly rejections: ReadonlyMap<NodeInfo, Rejection>;
    };

export class Scheduling {
  readonly #around: Surroundings;
  readonly #random: Random;
  readonly #nominations: Nominations;
  readonly #tables = new VerdictTables();
  #nextStart = 0;

  constructor(around: Surroundings, nominations: Nominations, random: Random) {
    this.#around = around;
    this.#nominations = nominations;
    this.#random = random;
  }

  find(pod: Pod, profile: Profile): Outcome {
    const info = podInfoOf(pod);
    const prepared = this.#prepare(info, profile);
    if ('rejection' in prepared) {
      const attempt = newAttempt(info, [], undefined);
      return { attempt, rejection: prepared.rejection, rejections: new Map() };
    }
    const nominated = this.#onNominatedNode(pod, prepared);
    if (nominated !== undefined) return { node: nominated };
    const { feasible, rejections, verdicts } = this.#filter(prepared, profile);
    if (feasible.length === 0) return { attempt: prepared, rejections };
    return { node: this.#best(prepared, feasible, verdicts) };
  }

  #prepare(pod: PodInfo, profile: Profile): Attempt | { readonly rejection: Rejection } {
    const runs: (readonly [Plugin, WeightedRun])[] = [];
    let only: ReadonlySet<string> | undefined;
    for (const plugin of profile.plugins) {
      const run = plugin.prepare(pod, this.#around);
      if (run === undefined) continue;
      if (run.rejection !== undefined) return { rejection: run.rejection };
      only = run.nodes ?? only;
      runs.push([plugin, { run, weight: plugin.weight ?? 0 }]);
    }
    return newAttempt(pod, runs, only);
  }

  /** The node kept free for the pod, if it fits there now. */
  #onNominatedNode({ status }: Pod, attempt: Attempt): NodeInfo | undefined {
    const name = status.nominatedNodeName ?? '';
    const node = name === '' ? undefined : this.#around.cache.node(name);
    return node !== undefined && this.reject(attempt, node) === undefined ? node : undefined;
  }

  #filter(
    attempt: Attempt,
    { percentageOfNodesToScore }: Profile,
  ): {
    readonly feasible: NodeInfo[];
    readonly rejections: Map<NodeInfo, Rejection>;
    readonly verdicts: Verdicts | undefined;
  } {
    const { cache } = this.#around;
    const { nodes } = cache;
    const rejections = new Map<NodeInfo, Rejection>();
    const feasible: NodeInfo[] = [];
    if (attempt.only !== undefined) return this.#filterOnly(attempt, attempt.only);
    const verdicts = this.#tables.of(attempt.pod, cache.slots);
    const enough = feasibleNodesToFind(nodes.length, percentageOfNodesToScore);
    let visited = 0;
    for (; visited < nodes.length && feasible.length < enough; visited++) {
      const node = nodes[(this.#nextStart + visited) % nodes.length]!;
      const rejection = this.#rejectQuickly(attempt, node, verdicts);
      if (rejection === undefined) feasible.push(node);
      else rejections.set(node, rejection);
    }
    if (nodes.length > 0) this.#nextStart = (this.#nextStart + visited) % nodes.length;
    return { feasible, rejections, verdicts };
  }

  #filterOnly(
    attempt: Attempt,
    only: ReadonlySet<string>,
  ): { feasible: NodeInfo[]; rejections: Map<NodeInfo, Rejection>; verdicts: undefined } {
    const feasible: NodeInfo[] = [];
    const rejections = new Map<NodeInfo, Rejection>();
    for (const name of only) {
      const node = this.#around.cache.node(name);
      if (node === undefined) continue;
      const rejection = this.reject(attempt, node);
      if (rejection === undefined) feasible.push(node);
      else rejections.set(node, rejection);
    }
    if (feasible.length > 0) return { feasible, rejections, verdicts: undefined };
    const unasked = unresolvable('NodeAffinity', "node(s) didn't satisfy plugin(s) [NodeAffinity]");
    for (const node of this.#around.cache.nodes) if (!only.has(node.name)) rejections.set(node, unasked);
    return { feasible, rejections, verdicts: undefined };
  }

  #rejectQuickly(attempt: Attempt, node: NodeInfo, verdicts: Verdicts): Rejection | undefined {
    const rejection =
      verdicts.reject(node, attempt.localFilters, attempt.localScores) ??
      rejectBy(attempt.otherFilters, node, []);
    if (rejection !== undefined || !this.#nominations.concern(node.name)) return rejection;
    return this.#rejectBesideNominated(attempt, node);
  }

  /** Why the pod does not fit on the node, those it is kept free for counted in. */
  reject(attempt: Attempt, node: NodeInfo, removed: readonly PodInfo[] = []): Rejection | undefined {
    return rejectBy(attempt.runs, node, removed) ?? this.#rejectBesideNominated(attempt, node, removed);
  }

  /** The node may be kept free for pods that come before this one. */
  #rejectBesideNominated(
    attempt: Attempt,
    node: NodeInfo,
    removed: readonly PodInfo[] = [],
  ): Rejection | undefined {
    const guests = this.#nominations.before(attempt.pod.pod, node.name);
    if (guests.length === 0) return undefined;
    const full = node.copy();
    for (const guest of guests) full.add(guest);
    return rejectBy(attempt.runs, full, removed);
  }

  /** The best score; among equals one by chance. */
  #best(attempt: Attempt, feasible: readonly NodeInfo[], verdicts: Verdicts | undefined): NodeInfo {
    if (feasible.length === 1) return feasible[0]!;
    const totals = new Float64Array(feasible.length);
    if (verdicts !== undefined) feasible.forEach((node, i) => (totals[i] = verdicts.score(node)));
    const scoring = verdicts === undefined ? attempt.runs : attempt.otherScores;
    for (const { run, weight } of scoring) addScores(totals, run, weight, feasible);
    let best = -Infinity;
    let equals = 0;
    for (const total of totals) {
      if (total > best) {
        best = total;
        equals = 1;
      } else if (total === best) equals++;
    }
    let chosen = equals === 1 ? 0 : randomInt(this.#random, equals);
    return feasible.find((_, i) => totals[i] === best && chosen-- === 0)!;
  }
}

function newAttempt(
  pod: PodInfo,
  runs: readonly (readonly [Plugin, WeightedRun])[],
  only: ReadonlySet<string> | undefined,
): Attempt {
  const those = (kind: 'filter' | 'score', plugins: ReadonlySet<Plugin>, has: boolean): WeightedRun[] =>
    runs
      .filter(([plugin, { run }]) => run[kind] !== undefined && plugins.has(plugin) === has)
      .map(([, run]) => run);
  return {
    pod,
    runs: runs.map(([, run]) => run),
    localFilters: those('filter', LOCAL_FILTERS, true),
    otherFilters: those('filter', LOCAL_FILTERS, false),
    localScores: those('score', LOCAL_SCORES, true),
    otherScores: those('score', LOCAL_SCORES, false),
    ...(only === undefined ? {} : { only }),
  };
}

function addScores(totals: Float64Array, run: PluginRun, weight: number, nodes: readonly NodeInfo[]): void {
  const scores = run.score?.(nodes);
  if (scores === undefined) return;
  for (let i = 0; i < totals.length; i++) totals[i] = totals[i]! + weight * scores[i]!;
}

export function rejectBy(
  runs: readonly WeightedRun[],
  node: NodeInfo,
  removed: readonly PodInfo[],
): Rejection | undefined {
  for (const { run } of runs) {
    const rejection = run.filter?.(node, removed);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}
