/** Spreads pods over zones, nodes and other domains, as their constraints or the system's defaults say. */
import { selectorFromLabelSelector, type LabelSelectorMatcher } from '../../../api/machinery/labels.ts';
import type { Pod, TopologySpreadConstraint } from '../../../openapi/generated/core-v1.ts';
import { ZONE_LABEL, zoneAt, zoneCount, type NodeInfo } from '../node-info.ts';
import { queryMatches, type Counts, type PodQuery } from '../pod-counts.ts';
import { withLabelKeys, type PodInfo } from '../pod-info.ts';
import { resolvable, unresolvable, type Plugin, type PluginRun, type Surroundings } from '../plugin.ts';
import { defaultSelector } from './default-selector.ts';
import { hasUntoleratedTaint, matchesNodeSelector } from './node.ts';

const NAME = 'PodTopologySpread';
const MISMATCH = "node(s) didn't match pod topology spread constraints";
const MISSING_LABEL = `${MISMATCH} (missing required label)`;
const HOSTNAME = 'kubernetes.io/hostname';
/** What pods without constraints of their own are spread by, as far as it goes. */
const SYSTEM_DEFAULTS = [
  { topologyKey: HOSTNAME, maxSkew: 3 },
  { topologyKey: ZONE_LABEL, maxSkew: 5 },
] as const;

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly query: PodQuery;
  readonly counts: Counts;
  /** 1 when the pod would count itself. */
  readonly self: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export const podTopologySpread: Plugin = {
  name: NAME,
  prepare: (pod, around) => {
    const own = pod.pod.spec.topologySpreadConstraints ?? [];
    const hard = own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
    const soft = own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway');
    const run: PluginRun = {
      ...(hard.length === 0
        ? {}
        : {
            filter: filterOf(
              pod,
              hard.map((each) => read(pod, each, around)),
              around,
            ),
          }),
      ...(own.length === 0
        ? defaultScore(pod, around)
        : soft.length === 0
          ? {}
          : {
              score: scoreOf(
                soft.map((each) => read(pod, each, around)),
                true,
              ),
            }),
    };
    return run.filter === undefined && run.score === undefined ? undefined : run;
  },
  mayHelp: ({ metadata, spec }, event) => {
    switch (event.kind) {
      case 'node-added':
      case 'node-updated':
        return true;
      case 'pod-placed':
      case 'pod-relabelled':
      case 'pod-gone':
        return (
          event.pod.metadata.namespace === metadata.namespace &&
          (spec.topologySpreadConstraints ?? []).some((constraint) => concerns(constraint, event))
        );
      default:
        return false;
    }
  },
};

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

function read({ pod }: PodInfo, constraint: TopologySpreadConstraint, { cache }: Surroundings): Constraint {
  const selector = selectorFromLabelSelector(withLabelKeys(pod, constraint));
  const query = queryOf(pod, selector);
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    query,
    counts: cache.index.counts(query),
    self: selector.matches(pod.metadata.labels) ? 1 : 0,
    honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  };
}

function queryOf({ metadata }: Pod, selector: LabelSelectorMatcher): PodQuery {
  return { selections: [{ namespaces: new Set([metadata.namespace!]), selector }], skipsDeleted: true };
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
    if (constraint.honorsAffinity && !matchesNodeSelector(pod, node)) continue;
    if (constraint.honorsTaints && hasUntoleratedTaint(pod.spec.tolerations, node)) continue;
    const value = labels[constraint.topologyKey]!;
    domains.set(value, (domains.get(value) ?? 0) + constraint.counts.onNode(name));
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
      const gone = removed.filter(({ pod: other }) => queryMatches(constraint.query, other)).length;
      const count = (domains.get(value) ?? 0) - gone;
      if (count + constraint.self - Math.min(least, count) > constraint.maxSkew)
        return resolvable(NAME, MISMATCH);
    }
    return undefined;
  };
}

/** Pods that nothing selects are not spread. */
function defaultScore(pod: PodInfo, around: Surroundings): Pick<PluginRun, 'score'> {
  const selector = defaultSelector(pod.pod, around.workloads);
  if (selector === undefined) return {};
  const query = queryOf(pod.pod, selector);
  const counts = around.cache.index.counts(query);
  const constraints = SYSTEM_DEFAULTS.map(({ topologyKey, maxSkew }): Constraint => ({
    topologyKey,
    maxSkew,
    minDomains: 1,
    query,
    counts,
    self: 1,
    honorsAffinity: true,
    honorsTaints: false,
  }));
  return { score: scoreOf(constraints, false) };
}

/** Mirrors podtopologyspread scoring.go: fewer is better, weighed by how many domains there are. */
function scoreOf(constraints: readonly Constraint[], needsAllKeys: boolean): NonNullable<PluginRun['score']> {
  return (nodes) => {
    const ignored = needsAllKeys ? withoutKeys(constraints, nodes) : undefined;
    const raw = new Float64Array(nodes.length);
    for (const constraint of constraints) addSpread(raw, constraint, nodes, ignored);
    return normalizeSpread(raw, ignored);
  };
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

function addSpread(
  raw: Float64Array,
  constraint: Constraint,
  nodes: readonly NodeInfo[],
  ignored: ReadonlySet<number> | undefined,
): void {
  if (constraint.topologyKey === HOSTNAME)
    addNodeSpread(raw, constraint, nodes, nodes.length - (ignored?.size ?? 0));
  else if (constraint.topologyKey === ZONE_LABEL) addZoneSpread(raw, constraint, nodes);
  else addDomainSpread(raw, constraint, nodes);
}

/** How much one pod more in a domain weighs. */
function weightOf(domains: number): number {
  return Math.log(domains + 2);
}

function addNodeSpread(
  raw: Float64Array,
  { maxSkew, counts }: Constraint,
  nodes: readonly NodeInfo[],
  domains: number,
): void {
  const weight = weightOf(domains);
  const bySlot = counts.bySlot(nodes.reduce((size, { slot }) => Math.max(size, slot + 1), 0));
  for (let i = 0; i < raw.length; i++) raw[i]! += bySlot[nodes[i]!.slot]! * weight + maxSkew - 1;
}

/** As for any other domain, by the numbers of zones: hundreds of nodes are in few of them. */
function addZoneSpread(raw: Float64Array, { maxSkew, counts }: Constraint, nodes: readonly NodeInfo[]): void {
  const scores = new Float64Array(zoneCount());
  for (let i = 0; i < raw.length; i++) {
    const { zoneId } = nodes[i]!;
    if (zoneId >= 0) scores[zoneId] = 1;
  }
  const weight = weightOf(scores.reduce((sum, isMet) => sum + isMet, 0));
  const domains = counts.byDomain(ZONE_LABEL);
  for (let id = 0; id < scores.length; id++)
    if (scores[id] === 1) scores[id] = (domains.get(zoneAt(id)) ?? 0) * weight + maxSkew - 1;
  for (let i = 0; i < raw.length; i++) {
    const { zoneId } = nodes[i]!;
    if (zoneId >= 0) raw[i]! += scores[zoneId]!;
  }
}

function addDomainSpread(
  raw: Float64Array,
  { topologyKey, maxSkew, counts }: Constraint,
  nodes: readonly NodeInfo[],
): void {
  const distinct = new Set<string>();
  for (const { labels } of nodes) {
    const value = labels?.[topologyKey];
    if (value !== undefined) distinct.add(value);
  }
  const weight = weightOf(distinct.size);
  const domains = counts.byDomain(topologyKey);
  for (let i = 0; i < raw.length; i++) {
    const value = nodes[i]!.labels?.[topologyKey];
    if (value !== undefined) raw[i]! += (domains.get(value) ?? 0) * weight + maxSkew - 1;
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
