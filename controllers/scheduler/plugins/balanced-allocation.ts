/** Prefers nodes whose resources a pod brings nearer to being used to the same degree. Mirrors noderesources balanced_allocation.go. */
import type { Amounts } from '../amounts.ts';
import type { PluginArguments } from '../configuration/types.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Plugin } from '../plugin.ts';
import { amountOf, isScalarResource } from './resource-scoring.ts';

export function nodeResourcesBalancedAllocation({
  resources,
}: PluginArguments['NodeResourcesBalancedAllocation']): Plugin {
  const names = resources.map(({ name }) => name);
  const isPlain = names.length === 2 && names[0] === 'cpu' && names[1] === 'memory';
  return {
    name: 'NodeResourcesBalancedAllocation',
    local: { score: true },
    prepare: (pod) => {
      // Pods that ask for nothing would all be drawn to one node.
      if (names.every((name) => amountOf(pod.requests, name) === 0)) return undefined;
      const wanted = names.filter((name) => amountOf(pod.requests, name) > 0 || !isScalarResource(name));
      const score = isPlain
        ? balanceOfBoth
        : ({ requests }: PodInfo, node: NodeInfo): number => balanceOf(wanted, requests, node);
      return { score: (nodes) => nodes.map((node) => score(pod, node)) };
    },
  };
}

/** The default, without lists. */
function balanceOfBoth({ requests }: PodInfo, { allocatable, requested }: NodeInfo): number {
  if (allocatable.cpu === 0 || allocatable.memory === 0) return improvement(100, 100);
  const evenness = (cpu: number, memory: number): number =>
    asScore(Math.abs((Math.min(1, cpu / allocatable.cpu) - Math.min(1, memory / allocatable.memory)) / 2));
  return improvement(
    evenness(requested.cpu + requests.cpu, requested.memory + requests.memory),
    evenness(requested.cpu, requested.memory),
  );
}

function balanceOf(
  names: readonly string[],
  requests: Amounts,
  { allocatable, requested }: NodeInfo,
): number {
  const before: number[] = [];
  const after: number[] = [];
  for (const name of names) {
    const capacity = amountOf(allocatable, name);
    if (capacity === 0) continue;
    const used = amountOf(requested, name);
    before.push(Math.min(1, used / capacity));
    after.push(Math.min(1, (used + amountOf(requests, name)) / capacity));
  }
  return improvement(asScore(deviation(after)), asScore(deviation(before)));
}

function deviation(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  if (shares.length === 2) return Math.abs((shares[0]! - shares[1]!) / 2);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const squares = shares.reduce((sum, share) => sum + (share - mean) * (share - mean), 0);
  return Math.sqrt(squares / shares.length);
}

function asScore(deviationOfShares: number): number {
  return Math.floor((1 - deviationOfShares) * 100);
}

/** 75 when the pod makes no difference to the balance, up to 100 when it helps, down to 50 when it does not. */
function improvement(withPod: number, withoutPod: number): number {
  return 50 + Math.floor((50 + withPod - withoutPod) / 2);
}
