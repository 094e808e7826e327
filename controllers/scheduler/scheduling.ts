/** Finds the node for a pod. Mirrors scheduler schedule_one.go; nothing here waits or writes. */
import { compareText } from '../../api/machinery/go-format.ts';
import { randomInt, type Random } from '../../api/machinery/random.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominations } from './nominations.ts';
import { podInfoOf, type PodInfo } from './pod-info.ts';
import { unresolvable, type Plugin, type PluginRun, type Rejection, type Surroundings } from './plugin.ts';
import { feasibleNodesToFind, type Profile } from './profile.ts';
import { VerdictTables, type Verdicts, type WeightedRun } from './verdicts.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

/** The plugins at work on one pod. */
export interface Attempt {
  readonly pod: PodInfo;
  readonly profile: Profile;
  readonly runs: ReadonlyMap<Plugin, PluginRun>;
  /** In the order they are asked. */
  readonly filters: readonly PluginRun[];
  readonly localFilters: readonly PluginRun[];
  readonly otherFilters: readonly PluginRun[];
  readonly scores: readonly WeightedRun[];
  readonly localScores: readonly WeightedRun[];
  readonly otherScores: readonly WeightedRun[];
  /** The only nodes to look at, and the plugins that say so. */
  readonly only?: ReadonlySet<string>;
  readonly choosers: readonly string[];
}

function intersection(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  return a === undefined ? b : new Set([...a].filter((name) => b.has(name)));
}

function noNodeFor(choosers: readonly string[]): string {
  return choosers.length === 1
    ? `node(s) didn't satisfy plugin ${choosers[0]}`
    : `node(s) didn't satisfy plugin(s) [${choosers.toSorted(compareText).join(' ')}] simultaneously`;
}

export type Outcome =
  | { readonly node: NodeInfo; readonly attempt: Attempt; readonly rejections?: undefined }
  | {
      readonly attempt: Attempt;
      /** Holds for every node. */
      readonly rejection?: Rejection;
      /** By node. */
      readonly rejections: ReadonlyMap<NodeInfo, Rejection>;
    };

export class Scheduling {
  readonly #around: Surroundings;
  readonly #random: Random;
  readonly #nominations: Nominations;
  /** By profile: what its plugins say of a node depends on their arguments. */
  readonly #tables = new WeakMap<Profile, VerdictTables>();
  #nextStart = 0;

  constructor(around: Surroundings, nominations: Nominations, random: Random) {
    this.#around = around;
    this.#nominations = nominations;
    this.#random = random;
  }

  find(pod: Pod, profile: Profile): Outcome {
    const info = podInfoOf(pod);
    const { attempt: prepared, rejection } = this.#prepare(info, profile);
    if (rejection !== undefined) {
      const { nodes } = this.#around.cache;
      return { attempt: prepared, rejection, rejections: new Map(nodes.map((node) => [node, rejection])) };
    }
    const nominated = this.#onNominatedNode(pod, prepared);
    if (nominated !== undefined) return { node: nominated, attempt: prepared };
    const { feasible, rejections, verdicts } = this.#filter(prepared, profile);
    if (feasible.length === 0) return { attempt: prepared, rejections };
    return { node: this.#best(prepared, feasible, verdicts), attempt: prepared };
  }

  #prepare(
    pod: PodInfo,
    profile: Profile,
  ): { readonly attempt: Attempt; readonly rejection: Rejection | undefined } {
    const runs = new Map<Plugin, PluginRun>();
    let only: ReadonlySet<string> | undefined;
    let rejection: Rejection | undefined;
    const choosers: string[] = [];
    for (const plugin of profile.plugins) {
      const run = plugin.prepare?.(pod, this.#around);
      if (run === undefined) continue;
      if (profile.preFilters.has(plugin)) {
        if (run.rejection?.unresolvable === true) {
          rejection = run.rejection;
          runs.set(plugin, run);
          break;
        }
        // Room could be made: the others are to be ready for that.
        rejection = run.rejection ?? rejection;
        if (run.nodes !== undefined) {
          choosers.push(plugin.name);
          only = intersection(only, run.nodes);
          if (only.size === 0) {
            rejection = unresolvable('', noNodeFor(choosers));
            break;
          }
        }
      }
      runs.set(plugin, run);
    }
    return { attempt: newAttempt(pod, profile, runs, only, choosers), rejection };
  }

  /** The node kept free for the pod, if it fits there now. */
  #onNominatedNode({ status }: Pod, attempt: Attempt): NodeInfo | undefined {
    const name = status.nominatedNodeName ?? '';
    const node = name === '' ? undefined : this.#around.cache.node(name);
    return node !== undefined && this.reject(attempt, node) === undefined ? node : undefined;
  }

  #filter(
    attempt: Attempt,
    profile: Profile,
  ): {
    readonly feasible: NodeInfo[];
    readonly rejections: Map<NodeInfo, Rejection>;
    readonly verdicts: Verdicts | undefined;
  } {
    const { cache, devices } = this.#around;
    const { nodes } = cache;
    const rejections = new Map<NodeInfo, Rejection>();
    const feasible: NodeInfo[] = [];
    if (attempt.only !== undefined) return this.#filterOnly(attempt, attempt.only);
    const verdicts = this.#tablesOf(profile).of(attempt.pod, cache.slots, devices.extended.revision);
    const enough = feasibleNodesToFind(nodes.length, profile.percentageOfNodesToScore);
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

  #tablesOf(profile: Profile): VerdictTables {
    let tables = this.#tables.get(profile);
    if (tables === undefined) this.#tables.set(profile, (tables = new VerdictTables()));
    return tables;
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
    const choosers = attempt.choosers.toSorted(compareText);
    const unasked = unresolvable('', `node(s) didn't satisfy plugin(s) [${choosers.join(' ')}]`);
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
    return rejectBy(attempt.filters, node, removed) ?? this.#rejectBesideNominated(attempt, node, removed);
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
    return rejectBy(attempt.filters, full, removed);
  }

  /** The best score; among equals one by chance. */
  #best(attempt: Attempt, feasible: readonly NodeInfo[], verdicts: Verdicts | undefined): NodeInfo {
    if (feasible.length === 1) return feasible[0]!;
    const totals = new Float64Array(feasible.length);
    if (verdicts !== undefined)
      for (let i = 0; i < totals.length; i++) totals[i] = verdicts.score(feasible[i]!);
    const scoring = verdicts === undefined ? attempt.scores : attempt.otherScores;
    for (const { run, weight } of scoring) addScores(totals, run, weight, feasible);
    let best = -Infinity;
    let equals = 0;
    for (let i = 0; i < totals.length; i++) {
      const total = totals[i]!;
      if (total > best) {
        best = total;
        equals = 1;
      } else if (total === best) equals++;
    }
    let left = equals === 1 ? 0 : randomInt(this.#random, equals);
    let chosen = totals.indexOf(best);
    for (let i = chosen + 1; left > 0 && i < totals.length; i++) {
      if (totals[i] !== best) continue;
      chosen = i;
      left--;
    }
    return feasible[chosen]!;
  }
}

function newAttempt(
  pod: PodInfo,
  profile: Profile,
  runs: ReadonlyMap<Plugin, PluginRun>,
  only: ReadonlySet<string> | undefined,
  choosers: readonly string[],
): Attempt {
  const filters: PluginRun[] = [];
  const localFilters: PluginRun[] = [];
  const otherFilters: PluginRun[] = [];
  for (const plugin of profile.at.filter) {
    const run = runs.get(plugin);
    if (run?.filter === undefined) continue;
    filters.push(run);
    (profile.localFilters.has(plugin) ? localFilters : otherFilters).push(run);
  }
  const scores: WeightedRun[] = [];
  const localScores: WeightedRun[] = [];
  const otherScores: WeightedRun[] = [];
  for (const plugin of profile.at.score) {
    const run = runs.get(plugin);
    if (run?.score === undefined) continue;
    const weighted = { run, weight: profile.weights.get(plugin)! };
    scores.push(weighted);
    (plugin.local?.score === true ? localScores : otherScores).push(weighted);
  }
  const sorted = { filters, localFilters, otherFilters, scores, localScores, otherScores };
  return { pod, profile, runs, choosers, ...sorted, ...(only === undefined ? {} : { only }) };
}

function addScores(totals: Float64Array, run: PluginRun, weight: number, nodes: readonly NodeInfo[]): void {
  const scores = run.score?.(nodes);
  if (scores === undefined) return;
  for (let i = 0; i < totals.length; i++) totals[i] = totals[i]! + weight * scores[i]!;
}

/** The first objection. */
function rejectBy(
  filters: readonly PluginRun[],
  node: NodeInfo,
  removed: readonly PodInfo[],
): Rejection | undefined {
  for (const run of filters) {
    const rejection = run.filter?.(node, removed);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}
