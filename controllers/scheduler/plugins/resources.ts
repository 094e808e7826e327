/** Room on the node for what the pod asks for. Mirrors noderesources fit.go. */
import { isExtendedResource } from '../../../api/groups/common/resources.ts';
import { path } from '../../../api/machinery/field-path.ts';
import type { Amounts } from '../amounts.ts';
import type { PluginArguments } from '../configuration/types.ts';
import { aggregateText } from '../configuration/errors.ts';
import { validateFit } from '../configuration/validation-arguments.ts';
import { NodeInfo } from '../node-info.ts';
import { podInfoOf, type PodInfo } from '../pod-info.ts';
import type { Plugin, Rejection } from '../plugin.ts';
import { amountOf, resourceScorer } from './resource-scoring.ts';

const FIT = 'NodeResourcesFit';

/** Throws upstream's error when the arguments are wrong. */
export function nodeResourcesFit(args: PluginArguments['NodeResourcesFit']): Plugin {
  const errors = validateFit(args, path());
  if (errors.length > 0) throw new Error(aggregateText(errors));
  const scoreOf = resourceScorer(args.scoringStrategy);
  const isIgnored = ignoring(args);
  return {
    name: FIT,
    local: { filter: true, score: true },
    prepare: (pod, { devices: { extended } }) => {
      const elsewhere: Elsewhere = {
        isIgnored,
        isDevice: (resource) => extended.classFor(resource) !== undefined,
      };
      return {
        filter: (node) => rejectResources(pod, node, elsewhere),
        score: (nodes) => nodes.map((node) => scoreOf(pod, node)),
      };
    },
    mayHelp: (pod, event) => {
      const info = podInfoOf(pod);
      const couldFit = (node: NodeInfo['node']): boolean =>
        rejectResources(info, new NodeInfo(node, 0), { isIgnored, isDevice: () => false }) === undefined;
      switch (event.kind) {
        case 'node-added':
          return couldFit(event.node);
        case 'node-updated':
          return couldFit(event.node) && offersMore(info, event.old, event.node);
        case 'pod-gone':
          return true;
        case 'devices-changed':
          return info.requests.scalars.size > 0;
        default:
          return false;
      }
    },
  };
}

/** Resources that are not looked for on the node. */
interface Elsewhere {
  isIgnored(resource: string): boolean;
  /** What the node has none of and devices stand for is theirs to find. */
  isDevice(resource: string): boolean;
}

function ignoring({
  ignoredResources = [],
  ignoredResourceGroups = [],
}: PluginArguments['NodeResourcesFit']): (name: string) => boolean {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return () => false;
  const names = new Set(ignoredResources);
  const groups = new Set(ignoredResourceGroups);
  return (name) =>
    isExtendedResource(name) && (names.has(name) || groups.has(name.slice(0, name.indexOf('/'))));
}

/** Whether the node has more than before of anything the pod asks for. Mirrors haveAnyRequestedResourcesIncreased. */
function offersMore({ requests }: PodInfo, old: NodeInfo['node'], node: NodeInfo['node']): boolean {
  const before = new NodeInfo(old, 0);
  const now = new NodeInfo(node, 0);
  const names = ['cpu', 'memory', 'ephemeral-storage', ...requests.scalars.keys()];
  return (
    now.podsMax > before.podsMax ||
    names.some(
      (name) =>
        amountOf(requests, name) > 0 && amountOf(now.allocatable, name) > amountOf(before.allocatable, name),
    )
  );
}

/** Every resource that is short, in upstream's order. Mirrors noderesources fitsRequest. */
function rejectResources({ requests }: PodInfo, node: NodeInfo, elsewhere: Elsewhere): Rejection | undefined {
  const { allocatable, requested } = node;
  const fits =
    node.pods.size + 1 <= node.podsMax &&
    (requests.cpu === 0 || requests.cpu <= allocatable.cpu - requested.cpu) &&
    (requests.memory === 0 || requests.memory <= allocatable.memory - requested.memory) &&
    (requests.ephemeralStorage === 0 ||
      requests.ephemeralStorage <= allocatable.ephemeralStorage - requested.ephemeralStorage);
  if (fits && requests.scalars.size === 0) return undefined;
  return describeShortage(requests, node, elsewhere);
}

function describeShortage(
  requests: Amounts,
  node: NodeInfo,
  { isIgnored, isDevice }: Elsewhere,
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
    const capacity = allocatable.scalars.get(name) ?? 0;
    if (isIgnored(name) || (capacity === 0 && isDevice(name))) continue;
    check(name, wanted, capacity, requested.scalars.get(name) ?? 0);
  }
  return reasons.length === 0 ? undefined : { plugin: FIT, reasons, unresolvable };
}
