/** Room on the node, how much of it is left, and how evenly it is used. */
import type { Amounts } from '../amounts.ts';
import { NodeInfo } from '../node-info.ts';
import { podInfoOf, type PodInfo } from '../pod-info.ts';
import type { Plugin, Rejection } from '../plugin.ts';

const FIT = 'NodeResourcesFit';

export const nodeResourcesFit: Plugin = {
  name: FIT,
  local: { filter: true, score: true },
  prepare: (pod, { devices }) => {
    const { extended } = devices;
    const isDevice = (resource: string): boolean => extended.classFor(resource) !== undefined;
    return {
      filter: (node) => rejectResources(pod, node, isDevice),
      score: (nodes) => nodes.map((node) => leastAllocated(pod, node)),
    };
  },
  mayHelp: (pod, event) => {
    const info = podInfoOf(pod);
    switch (event.kind) {
      case 'node-added':
        return couldFit(info, new NodeInfo(event.node, 0));
      case 'node-updated':
        return couldFit(info, new NodeInfo(event.node, 0)) && growsForNode(event.old, event.node);
      case 'pod-gone':
        return true;
      case 'devices-changed':
        return info.requests.scalars.size > 0;
      default:
        return false;
    }
  },
};

function couldFit(pod: PodInfo, empty: NodeInfo): boolean {
  return rejectResources(pod, empty) === undefined;
}

function growsForNode(old: NodeInfo['node'], node: NodeInfo['node']): boolean {
  const view = ({ status }: NodeInfo['node']): string =>
    JSON.stringify(status.allocatable ?? status.capacity);
  return view(old) !== view(node);
}

/** Every resource that is short, in upstream's order. Mirrors noderesources fitsRequest. */
function rejectResources(
  { requests }: PodInfo,
  node: NodeInfo,
  isDevice: (resource: string) => boolean = () => false,
): Rejection | undefined {
  const { allocatable, requested } = node;
  const fits =
    node.pods.size + 1 <= node.podsMax &&
    (requests.cpu === 0 || requests.cpu <= allocatable.cpu - requested.cpu) &&
    (requests.memory === 0 || requests.memory <= allocatable.memory - requested.memory) &&
    (requests.ephemeralStorage === 0 ||
      requests.ephemeralStorage <= allocatable.ephemeralStorage - requested.ephemeralStorage);
  if (fits && requests.scalars.size === 0) return undefined;
  return describeShortage(requests, node, isDevice);
}

/** What the node has none of and devices stand for is theirs to find. */
function describeShortage(
  requests: Amounts,
  node: NodeInfo,
  isDevice: (resource: string) => boolean,
): Rejection | undefined {
  const reasons: string[] = [];
  let unresolvable = false;
  if (node.pods.size + 1 > node.podsMax) reasons.push('Too many pods');
  const check = (name: string, wanted: number, allocatable: number, requested: number): void => {
    if (wanted === 0 || wanted <= allocatable - requested) return;
    reasons.push(`Insufficient ${name}`);
    if (wanted > allocatable) unresolvable = true;
  };
  const { allocatable, requested } = node;
  check('cpu', requests.cpu, allocatable.cpu, requested.cpu);
  check('memory', requests.memory, allocatable.memory, requested.memory);
  check(
    'ephemeral-storage',
    requests.ephemeralStorage,
    allocatable.ephemeralStorage,
    requested.ephemeralStorage,
  );
  for (const [name, wanted] of requests.scalars) {
    if ((allocatable.scalars.get(name) ?? 0) === 0 && isDevice(name)) continue;
    check(name, wanted, allocatable.scalars.get(name) ?? 0, requested.scalars.get(name) ?? 0);
  }
  return reasons.length === 0 ? undefined : { plugin: FIT, reasons, unresolvable };
}

/** Mean of the free shares of CPU and memory. Mirrors noderesources least_allocated.go. */
function leastAllocated({ scored }: PodInfo, { allocatable, scored: used }: NodeInfo): number {
  let sum = 0;
  let weights = 0;
  if (allocatable.cpu > 0) {
    sum += freeShare(used.cpu + scored.cpu, allocatable.cpu);
    weights++;
  }
  if (allocatable.memory > 0) {
    sum += freeShare(used.memory + scored.memory, allocatable.memory);
    weights++;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

function freeShare(used: number, allocatable: number): number {
  return used > allocatable ? 0 : Math.floor(((allocatable - used) * 100) / allocatable);
}

/** Higher where CPU and memory are used to the same degree. Mirrors noderesources balanced_allocation.go. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  local: { score: true },
  prepare: (pod) =>
    pod.isBestEffort ? undefined : { score: (nodes) => nodes.map((node) => balance(pod, node)) },
};

function balance({ requests }: PodInfo, { allocatable, requested }: NodeInfo): number {
  if (allocatable.cpu === 0 || allocatable.memory === 0) return 100;
  const cpu = Math.min(1, (requested.cpu + requests.cpu) / allocatable.cpu);
  const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory);
  return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100);
}
