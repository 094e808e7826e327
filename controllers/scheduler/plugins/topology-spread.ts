/** Spreads pods over zones, nodes and other domains, as their constraints or the system's defaults say. */
import { selectorFromLabelSelector, type LabelSelectorMatcher } from '../../../api/machinery/labels.ts';
import type { Node, Pod, TopologySpreadConstraint } from '../../../openapi/generated/core-v1.ts';
import type { PluginArguments } from '../configuration/types.ts';
import type { ClusterEvent } from '../events.ts';
import { HOSTNAME_LABEL, ZONE_LABEL, zoneAt, zoneCount, type NodeInfo } from '../node-info.ts';
import { queryMatches, type Counts, type PodQuery } from '../pod-counts.ts';
import { withLabelKeys, type PodInfo } from '../pod-info.ts';
import { resolvable, unresolvable, type Plugin, type PluginRun, type Surroundings } from '../plugin.ts';
import { defaultSelector } from './default-selector.ts';
import { hasUntoleratedTaint, matchesNodeSelector } from './node.ts';

const NAME = 'PodTopologySpread';
const MISMATCH = "node(s) didn't match pod topology spread constraints";
const MISSING_LABEL = `${MISMATCH} (missing required label)`;
/** What pods without constraints of their own are spread by, as far as it goes. */
const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME_LABEL, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: ZONE_LABEL, maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
];

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly query: PodQuery;
  /** Undefined when nothing counts. */
  readonly counts: Counts | undefined;
  /** 1 when the pod would count itself. */
  readonly self: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export function podTopologySpread({
  defaultingType,
  defaultConstraints = [],
}: PluginArguments['PodTopologySpread']): Plugin {
  const isSystem = defaultingType === 'System';
  const defaults = isSystem ? SYSTEM_DEFAULTS : defaultConstraints;
  const constraintsOf = (pod: PodInfo, action: Action, around: Surroundings): Constraint[] =>
    (pod.pod.spec.topologySpreadConstraints ?? []).length > 0
      ? ownConstraints(pod, action, around)
      : defaultsFor(pod, defaults, action, around);
  return {
    name: NAME,
    prepare: (pod, around) => {
      const hard = constraintsOf(pod, 'DoNotSchedule', around);
      const soft = constraintsOf(pod, 'ScheduleAnyway', around);
      if (hard.length === 0 && soft.length === 0) return undefined;
      // With the system's defaults, nodes without a zone are still spread over by name.
      const needsAllKeys = !isSystem || (pod.pod.spec.topologySpreadConstraints ?? []).length > 0;
      return {
        ...(hard.length === 0 ? {} : { filter: filterOf(pod, hard, around) }),
        ...(soft.length === 0 ? {} : { score: scoreOf(pod, soft, needsAllKeys, around) }),
      };
    },
    mayHelp,
  };
}

type Action = TopologySpreadConstraint['whenUnsatisfiable'];

function ownConstraints(pod: PodInfo, action: Action, around: Surroundings): Constraint[] {
  return (pod.pod.spec.topologySpreadConstraints ?? [])
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => {
      const selector = selectorFromLabelSelector(withLabelKeys(pod.pod, constraint));
      return read(constraint, tallyOf(pod, selector, around));
    });
}

/** Pods that nothing selects are not spread. */
function defaultsFor(
  pod: PodInfo,
  defaults: readonly TopologySpreadConstraint[],
  action: Action,
  around: Surroundings,
): Constraint[] {
  const constraints = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
  if (constraints.length === 0) return [];
  const selector = defaultSelector(pod.pod, around.workloads);
  if (selector === undefined) return [];
  const tally = tallyOf(pod, selector, around);
  return constraints.map((constraint) => read(constraint, tally));
}

function mayHelp({ metadata, spec }: Pod, event: ClusterEvent): boolean {
  switch (event.kind) {
    case 'node-added':
    case 'node-updated':
      return true;
    case 'pod-placed':
    case 'pod-relabelled':
    case 'pod-gone':
      return (
        event.pod.metadata.namespace === metadata.namespace &&
        (spec.topologySpreadConstraints === undefined ||
          spec.topologySpreadConstraints.some((constraint) => concerns(constraint, event)))
      );
    default:
      return false;
  }
}

function concerns(
  { labelSelector }: TopologySpreadConstraint,
  event: { readonly pod: Pod; readonly old?: Pod },
): boolean {
  const selector = selectorFromLabelSelector(labelSelector);
  return (
    selector.matches(event.pod.metadata.labels) ||
    (event.old !== undefined && selector.matches(event.old.metadata.labels))
  );
}

/** Which pods are counted, and how many there are. */
type Tally = Pick<Constraint, 'query' | 'counts' | 'self'>;

function tallyOf({ pod }: PodInfo, selector: LabelSelectorMatcher, { cache }: Surroundings): Tally {
  const query = {
    selections: [{ namespaces: new Set([pod.metadata.namespace!]), selector }],
    skipsDeleted: true,
  };
  return {
    query,
    // A selector for everything counts nothing. Mirrors countPodsMatchSelector.
    counts: selector.empty ? undefined : cache.index.counts(query),
    self: selector.matches(pod.metadata.labels) ? 1 : 0,
  };
}

function read(constraint: TopologySpreadConstraint, tally: Tally): Constraint {
  return {
    ...tally,
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  };
}

/** Whether pods on the node count. Mirrors podtopologyspread matchNodeInclusionPolicies. */
function includes({ honorsAffinity, honorsTaints }: Constraint, pod: Pod, node: Node): boolean {
  if (honorsAffinity && !matchesNodeSelector(pod, node)) return false;
  return !honorsTaints || !hasUntoleratedTaint(pod.spec.tolerations, node);
}

/** Pods in each domain among the nodes that the pod could be on. Mirrors podtopologyspread calPreFilterState. */
function domainsOf(
  pod: Pod,
  constraint: Constraint,
  keys: readonly string[],
  nodes: readonly NodeInfo[],
): ReadonlyMap<string, number> {
  const domains = new Map<string, number>();
  for (const { name, node } of nodes) {
    const labels = node.metadata.labels ?? {};
    if (!keys.every((key) => labels[key] !== undefined)) continue;
    if (!includes(constraint, pod, node)) continue;
    const value = labels[constraint.topologyKey]!;
    domains.set(value, (domains.get(value) ?? 0) + (constraint.counts?.onNode(name) ?? 0));
  }
  return domains;
}

function filterOf(
  { pod }: PodInfo,
  constraints: readonly Constraint[],
  { cache }: Surroundings,
): NonNullable<PluginRun['filter']> {
  const keys = constraints.map(({ topologyKey }) => topologyKey);
  const states = constraints.map((constraint) => {
    const domains = domainsOf(pod, constraint, keys, cache.nodes);
    const tooFew = domains.size < constraint.minDomains;
    return { constraint, domains, least: tooFew ? 0 : Math.min(...domains.values()) };
  });
  return ({ node }, removed) => {
    for (const { constraint, domains, least } of states) {
      const value = node.metadata.labels?.[constraint.topologyKey];
      if (value === undefined) return unresolvable(NAME, MISSING_LABEL);
      const gone = goneOf(constraint, pod, node, removed);
      const count = (domains.get(value) ?? 0) - gone;
      if (count + constraint.self - Math.min(least, count) > constraint.maxSkew)
        return resolvable(NAME, MISMATCH);
    }
    return undefined;
  };
}

/** Pods among the removed ones that were counted. */
function goneOf(constraint: Constraint, pod: Pod, node: Node, removed: readonly PodInfo[]): number {
  if (removed.length === 0 || constraint.counts === undefined || !includes(constraint, pod, node)) return 0;
  return removed.filter(({ pod: other }) => queryMatches(constraint.query, other)).length;
}

/** Mirrors podtopologyspread scoring.go: fewer is better, weighed by how many domains there are. */
function scoreOf(
  { pod }: PodInfo,
  constraints: readonly Constraint[],
  needsAllKeys: boolean,
  { cache }: Surroundings,
): NonNullable<PluginRun['score']> {
  const keys = needsAllKeys ? constraints.map(({ topologyKey }) => topologyKey) : [];
  return (nodes) => {
    const ignored = needsAllKeys ? withoutKeys(constraints, nodes) : undefined;
    const raw = new Float64Array(nodes.length);
    for (const constraint of constraints) {
      if (constraint.topologyKey === HOSTNAME_LABEL) addByNode(raw, constraint, nodes, ignored);
      else {
        const domains = countsEverywhere(pod, constraint, keys)
          ? constraint.counts?.byDomain(constraint.topologyKey)
          : domainsOf(pod, constraint, keys, cache.nodes);
        const add = constraint.topologyKey === ZONE_LABEL ? addByZone : addByDomain;
        add(raw, constraint, nodes, ignored, domains);
      }
    }
    return normalizeSpread(raw, ignored);
  };
}

/** Then the counts kept by domain are those wanted. */
function countsEverywhere({ spec }: Pod, constraint: Constraint, keys: readonly string[]): boolean {
  const isChoosy =
    spec.nodeSelector !== undefined ||
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined;
  return keys.length <= 1 && !constraint.honorsTaints && !(constraint.honorsAffinity && isChoosy);
}

/** Nodes by place that lack a label that a constraint asks for; undefined when none does. */
function withoutKeys(
  constraints: readonly Constraint[],
  nodes: readonly NodeInfo[],
): ReadonlySet<number> | undefined {
  const lacking = new Set<number>();
  for (const [i, { node }] of nodes.entries()) {
    const labels = node.metadata.labels ?? {};
    if (constraints.some(({ topologyKey }) => labels[topologyKey] === undefined)) lacking.add(i);
  }
  return lacking.size === 0 ? undefined : lacking;
}

function addByNode(
  raw: Float64Array,
  { maxSkew, counts }: Constraint,
  nodes: readonly NodeInfo[],
  ignored: ReadonlySet<number> | undefined,
): void {
  const weight = weightOf(nodes.length - (ignored?.size ?? 0));
  const bySlot = counts?.bySlot(nodes.reduce((size, { slot }) => Math.max(size, slot + 1), 0));
  for (let i = 0; i < raw.length; i++) {
    const { slot, hasHostname } = nodes[i]!;
    if (hasHostname) raw[i]! += (bySlot?.[slot] ?? 0) * weight + maxSkew - 1;
  }
}

/** How much one pod more in a domain weighs. */
function weightOf(domains: number): number {
  return Math.log(domains + 2);
}

/** As for any other domain, by the numbers of zones: hundreds of nodes are in few of them. */
function addByZone(
  raw: Float64Array,
  { maxSkew }: Constraint,
  nodes: readonly NodeInfo[],
  ignored: ReadonlySet<number> | undefined,
  domains: ReadonlyMap<string, number> | undefined,
): void {
  const scores = new Float64Array(zoneCount());
  let hasNone = 0;
  for (let i = 0; i < raw.length; i++) {
    if (ignored?.has(i) === true) continue;
    const { zoneId } = nodes[i]!;
    if (zoneId >= 0) scores[zoneId] = 1;
    else hasNone = 1;
  }
  const weight = weightOf(scores.reduce((sum, isMet) => sum + isMet, hasNone));
  for (let id = 0; id < scores.length; id++)
    if (scores[id] === 1) scores[id] = (domains?.get(zoneAt(id)) ?? 0) * weight + maxSkew - 1;
  for (let i = 0; i < raw.length; i++) {
    const { zoneId } = nodes[i]!;
    if (zoneId >= 0) raw[i]! += scores[zoneId]!;
  }
}

/** Nodes without the label are a domain of their own, in which nothing is counted. */
function addByDomain(
  raw: Float64Array,
  { topologyKey, maxSkew }: Constraint,
  nodes: readonly NodeInfo[],
  ignored: ReadonlySet<number> | undefined,
  domains: ReadonlyMap<string, number> | undefined,
): void {
  const distinct = new Set<string | undefined>();
  for (let i = 0; i < raw.length; i++)
    if (ignored?.has(i) !== true) distinct.add(nodes[i]!.labels?.[topologyKey]);
  const weight = weightOf(distinct.size);
  for (let i = 0; i < raw.length; i++) {
    const value = nodes[i]!.labels?.[topologyKey];
    if (value !== undefined) raw[i]! += (domains?.get(value) ?? 0) * weight + maxSkew - 1;
  }
}

function normalizeSpread(raw: Float64Array, ignored: ReadonlySet<number> | undefined): Float64Array {
  let min = Infinity;
  let max = 0;
  for (let i = 0; i < raw.length; i++) {
    if (ignored?.has(i) === true) continue;
    const score = Math.round(raw[i]!);
    raw[i] = score;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  for (let i = 0; i < raw.length; i++) {
    if (ignored?.has(i) === true) raw[i] = 0;
    else raw[i] = max === 0 ? 100 : Math.floor((100 * (max + min - raw[i]!)) / max);
  }
  return raw;
}
