/** Filters that look at the other pods: affinity, anti-affinity and topology spread. */
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from '../../../openapi/generated/core-v1.ts';
import type { NodeInfo } from '../node-info.ts';
import { resolvable, unresolvable, type Filter, type NodeSet } from './filter.ts';
import { matchesNodeSelector } from './node-filters.ts';

export const interPodAffinity: Filter = {
  name: 'InterPodAffinity',
  reject: (pod, info, nodes) => {
    if (brokenByExisting(pod, info, nodes))
      return resolvable("node(s) didn't satisfy existing pods anti-affinity rules");
    const affinity = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const term of affinity) {
      const domain = domainPods(term.topologyKey, info, nodes);
      if (
        domain === undefined ||
        !(domain.some((other) => matchesTerm(term, pod, other)) || isFirstOfItsGroup(term, pod, nodes))
      ) {
        return unresolvable("node(s) didn't match pod affinity rules");
      }
    }
    const anti = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const clash = anti.some((term) =>
      domainPods(term.topologyKey, info, nodes)?.some((other) => matchesTerm(term, pod, other)),
    );
    return clash ? resolvable("node(s) didn't match pod anti-affinity rules") : undefined;
  },
};

/** A pod that only asks to be near its own kind may start the group. */
function isFirstOfItsGroup(term: PodAffinityTerm, pod: Pod, nodes: NodeSet): boolean {
  if (!matchesTerm(term, pod, pod)) return false;
  for (const info of nodes.values()) {
    for (const other of info.pods.values()) if (matchesTerm(term, pod, other)) return false;
  }
  return true;
}

function brokenByExisting(pod: Pod, info: NodeInfo, nodes: NodeSet): boolean {
  for (const other of nodes.values()) {
    for (const existing of other.pods.values()) {
      const terms = existing.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (
        terms?.some(
          (term) => sameDomain(term.topologyKey, info, other) && matchesTerm(term, existing, pod),
        ) === true
      )
        return true;
    }
  }
  return false;
}

function sameDomain(topologyKey: string, a: NodeInfo, b: NodeInfo): boolean {
  const value = a.node.metadata.labels?.[topologyKey];
  return value !== undefined && value === b.node.metadata.labels?.[topologyKey];
}

/** Pods of every node that shares the topology value; undefined when the node has none. */
function domainPods(topologyKey: string, info: NodeInfo, nodes: NodeSet): Pod[] | undefined {
  if (info.node.metadata.labels?.[topologyKey] === undefined) return undefined;
  return [...nodes.values()]
    .filter((other) => sameDomain(topologyKey, info, other))
    .flatMap((other) => [...other.pods.values()]);
}

function matchesTerm(term: PodAffinityTerm, owner: Pod, other: Pod): boolean {
  const namespaces = term.namespaces ?? [];
  const allNamespaces =
    term.namespaceSelector !== undefined && Object.keys(term.namespaceSelector).length === 0;
  const inNamespace =
    allNamespaces ||
    (namespaces.length === 0
      ? other.metadata.namespace === owner.metadata.namespace
      : namespaces.includes(other.metadata.namespace!));
  return (
    inNamespace &&
    term.labelSelector !== undefined &&
    selectorFromLabelSelector(term.labelSelector).matches(other.metadata.labels ?? {})
  );
}

export const podTopologySpread: Filter = {
  name: 'PodTopologySpread',
  reject: (pod, info, nodes) => {
    for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
      if (constraint.whenUnsatisfiable !== 'DoNotSchedule') continue;
      if (info.node.metadata.labels?.[constraint.topologyKey] === undefined) {
        return unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
      }
      if (skewOf(constraint, pod, info, nodes) > constraint.maxSkew) {
        return resolvable("node(s) didn't match pod topology spread constraints");
      }
    }
    return undefined;
  },
};

/** How far the node's domain would be above the emptiest one if the pod went there. */
function skewOf(constraint: TopologySpreadConstraint, pod: Pod, info: NodeInfo, nodes: NodeSet): number {
  const selector = selectorFromLabelSelector(constraint.labelSelector ?? {});
  const counts = new Map<string, number>();
  for (const other of nodes.values()) {
    const value = other.node.metadata.labels?.[constraint.topologyKey];
    if (value === undefined || !matchesNodeSelector(pod, other.node)) continue;
    const matching = [...other.pods.values()].filter(
      (candidate) =>
        candidate.metadata.namespace === pod.metadata.namespace &&
        selector.matches(candidate.metadata.labels ?? {}),
    );
    counts.set(value, (counts.get(value) ?? 0) + matching.length);
  }
  const few = (constraint.minDomains ?? 1) > counts.size;
  const least = few ? 0 : Math.min(...counts.values());
  const own = counts.get(info.node.metadata.labels![constraint.topologyKey]!) ?? 0;
  const self = selector.matches(pod.metadata.labels ?? {}) ? 1 : 0;
  return own + self - least;
}
