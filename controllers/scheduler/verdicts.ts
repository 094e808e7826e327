/**
 * What the plugins that look at nothing but the node say of each node, kept for pods that ask for the same and renewed
 * node by node as nodes change: of a thousand equal pods, each costs the nodes that changed since the last one.
 */
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { PluginRun, Rejection } from './plugin.ts';

/** Sorts of pods remembered; the one not met for the longest time is forgotten. */
const CLASSES_MAX = 64;

/** A plugin's run and the weight of its scores. */
export interface WeightedRun {
  readonly run: PluginRun;
  readonly weight: number;
}

export class Verdicts {
  #generations = new Float64Array(0);
  #scores = new Float64Array(0);
  readonly #rejections: (Rejection | undefined)[] = [];

  /** Makes room for nodes with slots below `slots`. */
  grow(slots: number): void {
    if (this.#generations.length >= slots) return;
    const size = Math.max(slots, 2 * this.#generations.length);
    this.#generations = grown(this.#generations, size);
    this.#scores = grown(this.#scores, size);
  }

  reject(
    node: NodeInfo,
    filters: readonly PluginRun[],
    scores: readonly WeightedRun[],
  ): Rejection | undefined {
    if (this.#generations[node.slot] !== node.generation) this.#renew(node, filters, scores);
    return this.#rejections[node.slot];
  }

  /** Weighted; of a node that was just found to fit. */
  score({ slot }: NodeInfo): number {
    return this.#scores[slot]!;
  }

  #renew(node: NodeInfo, filters: readonly PluginRun[], scores: readonly WeightedRun[]): void {
    const { slot } = node;
    this.#generations[slot] = node.generation;
    const rejection = rejectionOf(node, filters);
    this.#rejections[slot] = rejection;
    if (rejection === undefined) this.#scores[slot] = scoreOf(node, scores);
  }
}

function rejectionOf(node: NodeInfo, runs: readonly PluginRun[]): Rejection | undefined {
  for (const run of runs) {
    const rejection = run.filter?.(node, []);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

function scoreOf(node: NodeInfo, runs: readonly WeightedRun[]): number {
  return runs.reduce((sum, { run, weight }) => sum + weight * (run.score?.([node])[0] ?? 0), 0);
}

function grown(old: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(old);
  return larger;
}

export class VerdictTables {
  readonly #tables = new Map<string, Verdicts>();

  /** `devices` changes whenever what is asked of extended resources may be asked of devices instead. */
  of(pod: PodInfo, slots: number, devices: number): Verdicts {
    const key = pod.requests.scalars.size === 0 ? classOf(pod) : `${devices} ${classOf(pod)}`;
    let table = this.#tables.get(key);
    if (table === undefined) table = new Verdicts();
    else this.#tables.delete(key);
    this.#tables.set(key, table);
    if (this.#tables.size > CLASSES_MAX) this.#tables.delete(this.#tables.keys().next().value!);
    table.grow(slots);
    return table;
  }
}

/** All that those plugins read of a pod. */
function classOf({ pod, requests, scored, ports }: PodInfo): string {
  const { tolerations, nodeSelector, affinity } = pod.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const amounts = `${requests.cpu} ${requests.memory} ${requests.ephemeralStorage} ${scored.cpu} ${scored.memory}`;
  const isPlain =
    requests.scalars.size === 0 &&
    ports.length === 0 &&
    tolerations === undefined &&
    nodeSelector === undefined &&
    required === undefined;
  return isPlain
    ? amounts
    : `${amounts} ${JSON.stringify([[...requests.scalars], ports, tolerations, nodeSelector, required])}`;
}
