/** How much a node is liked for what is left, or used, of its resources. Mirrors noderesources resource_allocation.go. */
import { isExtendedResource, isHugePages } from '../../../api/groups/common/resources.ts';
import type { Amounts } from '../amounts.ts';
import type { ResourceWeight, ScoringStrategy, ShapePoint } from '../configuration/types.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';

/** Score from 0 to 100 of a node for a pod. */
export type ResourceScorer = (pod: PodInfo, node: NodeInfo) => number;

export function resourceScorer({
  type,
  resources,
  requestedToCapacityRatio,
}: ScoringStrategy): ResourceScorer {
  switch (type) {
    case 'MostAllocated':
      return weighted(resources, { share: usedShare, counts: always, round: Math.floor });
    case 'RequestedToCapacityRatio':
      return weighted(resources, byShape(requestedToCapacityRatio?.shape ?? []));
    default:
      return isCPUAndMemory(resources)
        ? leastAllocatedOfBoth
        : weighted(resources, { share: freeShare, counts: always, round: Math.floor });
  }
}

function isCPUAndMemory(resources: readonly ResourceWeight[]): boolean {
  return (
    resources.length === 2 &&
    resources[0]!.name === 'cpu' &&
    resources[1]!.name === 'memory' &&
    resources[0]!.weight === resources[1]!.weight
  );
}

/** The default, without a loop. */
function leastAllocatedOfBoth({ scored }: PodInfo, { allocatable, scored: used }: NodeInfo): number {
  let sum = 0;
  let count = 0;
  if (allocatable.cpu > 0) {
    sum += freeShare(used.cpu + scored.cpu, allocatable.cpu);
    count++;
  }
  if (allocatable.memory > 0) {
    sum += freeShare(used.memory + scored.memory, allocatable.memory);
    count++;
  }
  return count === 0 ? 0 : Math.floor(sum / count);
}

function freeShare(used: number, allocatable: number): number {
  return used > allocatable ? 0 : Math.floor(((allocatable - used) * 100) / allocatable);
}

function usedShare(used: number, allocatable: number): number {
  return Math.floor((Math.min(used, allocatable) * 100) / allocatable);
}

/** How the parts that resources have in a score come about, and come together. */
interface Rating {
  /** From 0 to 100, of what would be used. */
  readonly share: (used: number, allocatable: number) => number;
  /** Whether a resource of that share has a part in the mean. */
  readonly counts: (share: number) => boolean;
  readonly round: (mean: number) => number;
}

const always = (): boolean => true;

function weighted(resources: readonly ResourceWeight[], { share, counts, round }: Rating): ResourceScorer {
  return (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const amount = amountFor(name, pod, node);
      if (amount === undefined) continue;
      const part = share(amount.used + amount.wanted, amount.allocatable);
      if (!counts(part)) continue;
      sum += weight * part;
      weights += weight;
    }
    return weights === 0 ? 0 : round(sum / weights);
  };
}

/** Of the custom scores, up to 10, in scores up to 100. */
const SHAPE_SCALE = 10;

function byShape(shape: readonly ShapePoint[]): Rating {
  const scoreAt = brokenLine(shape);
  return {
    share: (used, allocatable) => scoreAt(used > allocatable ? 100 : Math.floor((used * 100) / allocatable)),
    counts: (score) => score > 0,
    round: Math.round,
  };
}

/** Straight lines between the points, level outside of them. Mirrors plugins/helper/shape_score.go. */
function brokenLine(shape: readonly ShapePoint[]): (utilization: number) => number {
  const points = shape.map(({ utilization = 0, score = 0 }) => ({
    at: utilization,
    score: score * SHAPE_SCALE,
  }));
  return (utilization) => {
    const next = points.findIndex(({ at }) => utilization <= at);
    if (next <= 0) return points.at(next)!.score;
    const from = points[next - 1]!;
    const to = points[next]!;
    return from.score + Math.trunc(((to.score - from.score) * (utilization - from.at)) / (to.at - from.at));
  };
}

interface ResourceAmount {
  readonly wanted: number;
  readonly used: number;
  readonly allocatable: number;
}

/** Undefined when the resource has no part in the score: the node has none, or it is special and the pod asks for none. */
function amountFor(name: string, pod: PodInfo, node: NodeInfo): ResourceAmount | undefined {
  const allocatable = amountOf(node.allocatable, name);
  if (allocatable === 0) return undefined;
  if (name === 'cpu' || name === 'memory')
    return { wanted: pod.scored[name], used: node.scored[name], allocatable };
  const wanted = amountOf(pod.requests, name);
  if (wanted === 0 && isScalarResource(name)) return undefined;
  return { wanted, used: amountOf(node.requested, name), allocatable };
}

export function amountOf(amounts: Amounts, name: string): number {
  if (name === 'cpu' || name === 'memory') return amounts[name];
  if (name === 'ephemeral-storage') return amounts.ephemeralStorage;
  return amounts.scalars.get(name) ?? 0;
}

/** Mirrors scheduler/util IsScalarResourceName. */
export function isScalarResource(name: string): boolean {
  return (
    isExtendedResource(name) ||
    isHugePages(name) ||
    name.includes('kubernetes.io/') ||
    name.startsWith('attachable-volumes-')
  );
}
