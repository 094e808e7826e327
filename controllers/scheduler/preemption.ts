/** Makes room for a pod by evicting less important ones. Mirrors plugins/defaultpreemption and framework/preemption. */
import { parseTime } from '../../api/machinery/clock.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { randomInt, type Random } from '../../api/machinery/random.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../openapi/generated/policy-v1.ts';
import type { Informer } from '../runtime/controller.ts';
import type { SchedulerCache } from './cache.ts';
import { histogram, NO_VICTIMS, NOT_HELPFUL } from './fit-error.ts';
import type { PluginArguments } from './configuration/types.ts';
import type { NodeInfo } from './node-info.ts';
import { priorityOf, type PodInfo } from './pod-info.ts';
import type { Rejection } from './plugin.ts';
import type { Attempt, Scheduling } from './scheduling.ts';

export interface Preemption {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly Pod[];
}

interface Candidate extends Preemption {
  readonly violations: number;
}

export interface PreemptionOptions {
  readonly cache: SchedulerCache;
  readonly scheduling: Scheduling;
  readonly budgets: Informer<PodDisruptionBudget>;
  readonly random: Random;
  readonly args: PluginArguments['DefaultPreemption'];
}

/** The node to free and the pods to evict there, or upstream's words for why there is none. */
export function findPreemption(
  options: PreemptionOptions,
  attempt: Attempt,
  rejections: ReadonlyMap<NodeInfo, Rejection>,
): Preemption | string {
  const { cache, random } = options;
  const { pod } = attempt.pod;
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  if (isWaitingForVictims(pod, cache, rejections))
    return 'not eligible due to a terminating pod on the nominated node.';
  const hopeful = [...rejections].filter(([, { unresolvable }]) => !unresolvable).map(([node]) => node);
  const { minCandidateNodesAbsolute, minCandidateNodesPercentage } = options.args;
  const share = Math.floor((hopeful.length * minCandidateNodesPercentage) / 100);
  const enough = Math.max(minCandidateNodesAbsolute, share);
  const start = hopeful.length === 0 ? 0 : randomInt(random, hopeful.length);
  const candidates: Candidate[] = [];
  const failures: (readonly string[])[] = [];
  for (let i = 0; i < hopeful.length && candidates.length < enough; i++) {
    const outcome = selectVictims(options, attempt, hopeful[(start + i) % hopeful.length]!);
    if ('victims' in outcome) candidates.push(outcome);
    else failures.push(outcome);
  }
  if (candidates.length > 0) return best(candidates);
  const count = cache.nodes.length;
  const hopeless = Array.from({ length: count - failures.length }, () => [NOT_HELPFUL]);
  return `0/${count} nodes are available: ${histogram([...failures, ...hopeless])}.`;
}

/** The node it was promised is still being cleared: evicting more would be too much. */
function isWaitingForVictims(
  pod: Pod,
  cache: SchedulerCache,
  rejections: ReadonlyMap<NodeInfo, Rejection>,
): boolean {
  const node = cache.node(pod.status.nominatedNodeName ?? '');
  if (node === undefined || rejections.get(node)?.unresolvable === true) return false;
  return [...node.pods.values()].some(
    ({ pod: other }) => other.metadata.deletionTimestamp !== undefined && priorityOf(other) < priorityOf(pod),
  );
}

/** The fewest pods that make room on a node: all less important ones go, then as many as fit come back. */
function selectVictims(
  { scheduling, budgets }: PreemptionOptions,
  attempt: Attempt,
  node: NodeInfo,
): Candidate | readonly string[] {
  const lower = [...node.pods.values()]
    .filter(({ pod }) => priorityOf(pod) < priorityOf(attempt.pod.pod))
    .sort((a, b) => byImportance(a.pod, b.pod));
  if (lower.length === 0) return [NO_VICTIMS];
  const trial = node.copy();
  for (const { pod } of lower) trial.remove(pod.metadata.uid!);
  const rejection = scheduling.reject(attempt, trial, lower);
  if (rejection !== undefined) return rejection.reasons;
  const { violating, harmless } = splitByBudgets(lower, budgets);
  let removed = lower;
  const victims: Pod[] = [];
  const reprieve = (info: PodInfo): boolean => {
    const rest = removed.filter((other) => other !== info);
    trial.add(info);
    if (scheduling.reject(attempt, trial, rest) === undefined) {
      removed = rest;
      return true;
    }
    trial.remove(info.pod.metadata.uid!);
    victims.push(info.pod);
    return false;
  };
  const violations = violating.filter((info) => !reprieve(info)).length;
  for (const info of harmless) reprieve(info);
  return { node, victims: victims.sort(byImportance), violations };
}

/** Higher priority first, then the one that has run longer. */
function byImportance(a: Pod, b: Pod): number {
  return priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b);
}

/** A pod that has not started is younger than all that have. Mirrors scheduler/util GetPodStartTime. */
function startOf({ status }: Pod): number {
  return status.startTime === undefined ? Number.MAX_SAFE_INTEGER : parseTime(status.startTime);
}

/** Pods whose eviction would break a budget, counting those taken before. */
function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: Informer<PodDisruptionBudget>,
): { readonly violating: PodInfo[]; readonly harmless: PodInfo[] } {
  const left = new Map<PodDisruptionBudget, number>();
  const violating: PodInfo[] = [];
  const harmless: PodInfo[] = [];
  for (const info of pods) {
    let breaks = false;
    for (const budget of budgets.list(info.pod.metadata.namespace)) {
      const { selector } = budget.spec;
      if (selector === undefined || !selectorFromLabelSelector(selector).matches(info.pod.metadata.labels))
        continue;
      // A pod the budget has counted as disrupted already costs nothing more.
      if (budget.status.disruptedPods?.[info.pod.metadata.name!] !== undefined) continue;
      const allowed = (left.get(budget) ?? budget.status.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) breaks = true;
    }
    (breaks ? violating : harmless).push(info);
  }
  return { violating, harmless };
}

/** Each rule decides among those the rules before left equal. Mirrors pickOneNodeForPreemption. */
const RULES: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => (victims.length === 0 ? -Infinity : priorityOf(victims[0]!)),
  // Shifted so that negative priorities do not make more victims look better.
  ({ victims }) => victims.reduce((sum, pod) => sum + priorityOf(pod) + 2 ** 31, 0),
  ({ victims }) => victims.length,
  ({ victims }) => -earliestStart(victims),
];

function earliestStart(victims: readonly Pod[]): number {
  const highest = victims.filter((pod) => priorityOf(pod) === priorityOf(victims[0]!));
  return Math.min(...highest.map(startOf));
}

function best(candidates: readonly Candidate[]): Candidate {
  let left = candidates;
  for (const rule of RULES) {
    if (left.length === 1) break;
    const least = Math.min(...left.map(rule));
    left = left.filter((candidate) => rule(candidate) === least);
  }
  return left[0]!;
}
