/** Keeps pods near to, or away from, other pods, as their terms say. Mirrors interpodaffinity. */
import type { Namespace, Pod } from '../../../openapi/generated/core-v1.ts';
import type { Informer } from '../../runtime/controller.ts';
import type { PluginArguments } from '../configuration/types.ts';
import type { ClusterEvent } from '../events.ts';
import type { NodeInfo } from '../node-info.ts';
import { queryMatches, type PodQuery, type PodSelection } from '../pod-counts.ts';
import { podInfoOf, type AffinityTerm, type PodInfo } from '../pod-info.ts';
import type { HeldTerm, TermRole } from '../pod-index.ts';
import { resolvable, unresolvable, type Plugin, type PluginRun, type Surroundings } from '../plugin.ts';

const NAME = 'InterPodAffinity';
export function interPodAffinity(args: PluginArguments['InterPodAffinity']): Plugin {
  return {
    name: NAME,
    prepare: (pod, around) => {
      const filter = filterOf(pod, around);
      const score = scoreOf(pod, around, args);
      if (filter === undefined && score === undefined) return undefined;
      return { ...(filter === undefined ? {} : { filter }), ...(score === undefined ? {} : { score }) };
    },
    mayHelp,
  };
}

function mayHelp(pod: Pod, event: ClusterEvent): boolean {
  if (event.kind === 'node-added' || event.kind === 'node-updated') return true;
  if (['volumes-changed', 'more-room-for-volumes', 'claim-changed'].includes(event.kind)) return false;
  const { affinity, antiAffinity } = podInfoOf(pod);
  if (event.kind === 'pod-gone') {
    // A pod whose own anti-affinity kept this one away, or one this pod keeps away from.
    return antiAffinity.length > 0 || podInfoOf(event.pod).antiAffinity.length > 0;
  }
  return affinity.length > 0 || (event.kind === 'pod-relabelled' && antiAffinity.length > 0);
}

function filterOf(pod: PodInfo, around: Surroundings): PluginRun['filter'] {
  const rules = [affinityRule(pod, around), antiAffinityRule(pod, around), existingRule(pod, around)].filter(
    (rule) => rule !== undefined,
  );
  if (rules.length === 0) return undefined;
  return (node, removed) => {
    for (const rule of rules) {
      const rejection = rule(node, removed);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  };
}

type Rule = NonNullable<PluginRun['filter']>;

/** Every term needs, in the node's domain, a pod that matches all terms; the first of a group may start anywhere. */
function affinityRule({ pod, affinity }: PodInfo, { cache, namespaces }: Surroundings): Rule | undefined {
  if (affinity.length === 0) return undefined;
  const query = { selections: affinity.map((term) => selectionOf(term, namespaces)) };
  const counts = cache.index.counts(query);
  const isOwn = queryMatches(query, pod);
  const rejection = unresolvable(NAME, "node(s) didn't match pod affinity rules");
  return ({ node }, removed) => {
    const labels = node.metadata.labels ?? {};
    if (affinity.some(({ topologyKey }) => labels[topologyKey] === undefined)) return rejection;
    const gone = countOf(query, removed);
    const isMet = affinity.every(
      ({ topologyKey }) => (counts.byDomain(topologyKey).get(labels[topologyKey]!) ?? 0) - gone > 0,
    );
    if (
      isMet ||
      (isOwn && affinity.every(({ topologyKey }) => totalOf(counts.byDomain(topologyKey)) <= gone))
    )
      return undefined;
    return rejection;
  };
}

/** Pods outside of any domain do not count. */
function totalOf(domains: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of domains.values()) total += count;
  return total;
}

function antiAffinityRule({ antiAffinity }: PodInfo, { cache, namespaces }: Surroundings): Rule | undefined {
  if (antiAffinity.length === 0) return undefined;
  const terms = antiAffinity.map((term) => {
    const query = { selections: [selectionOf(term, namespaces)] };
    return { topologyKey: term.topologyKey, query, counts: cache.index.counts(query) };
  });
  return ({ node }, removed) => {
    for (const { topologyKey, query, counts } of terms) {
      const value = node.metadata.labels?.[topologyKey];
      if (value === undefined) continue;
      if ((counts.byDomain(topologyKey).get(value) ?? 0) - countOf(query, removed) > 0)
        return resolvable(NAME, "node(s) didn't match pod anti-affinity rules");
    }
    return undefined;
  };
}

/** Placed pods that will not have this one near. */
function existingRule({ pod }: PodInfo, { cache, namespaces }: Surroundings): Rule | undefined {
  const terms = concerning('antiAffinity', pod, cache.index, namespaces);
  if (terms.length === 0) return undefined;
  return ({ node }, removed) => {
    for (const { term, counts } of terms) {
      const value = node.metadata.labels?.[term.topologyKey];
      if (value === undefined) continue;
      const gone = removed.filter(({ antiAffinity }) => antiAffinity.some(({ text }) => text === term.text));
      if ((counts.byDomain(term.topologyKey).get(value) ?? 0) - gone.length > 0)
        return resolvable(NAME, "node(s) didn't satisfy existing pods anti-affinity rules");
    }
    return undefined;
  };
}

function concerning(
  role: TermRole,
  pod: Pod,
  index: Surroundings['cache']['index'],
  namespaces: Informer<Namespace>,
): HeldTerm[] {
  return index.hasTerms(role)
    ? [...index.heldTerms(role, pod.metadata.labels)].filter(({ term }) => termMatches(term, pod, namespaces))
    : [];
}

function termMatches(term: AffinityTerm, { metadata }: Pod, namespaces: Informer<Namespace>): boolean {
  if (!term.selector.matches(metadata.labels)) return false;
  if (term.namespaces.has(metadata.namespace!)) return true;
  const { namespaceSelector } = term;
  if (namespaceSelector === undefined) return false;
  return (
    namespaceSelector.empty || namespaceSelector.matches(namespaces.get(metadata.namespace!)?.metadata.labels)
  );
}

/** Namespaces chosen by label are looked up now. */
function selectionOf(
  { namespaces: named, namespaceSelector, selector }: AffinityTerm,
  namespaces: Informer<Namespace>,
): PodSelection {
  if (namespaceSelector === undefined) return { namespaces: named, selector };
  if (namespaceSelector.empty) return { namespaces: undefined, selector };
  const chosen = namespaces.list().filter(({ metadata }) => namespaceSelector.matches(metadata.labels));
  return { namespaces: new Set([...named, ...chosen.map(({ metadata }) => metadata.name!)]), selector };
}

function countOf(query: PodQuery, pods: readonly PodInfo[]): number {
  return pods.filter(({ pod }) => queryMatches(query, pod)).length;
}

/** What the pod prefers, and what placed pods would prefer about it. */
function scoreOf(
  pod: PodInfo,
  { cache, namespaces }: Surroundings,
  { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods = false }: PluginArguments['InterPodAffinity'],
): PluginRun['score'] {
  const isWishless = pod.preferredAffinity.length === 0 && pod.preferredAntiAffinity.length === 0;
  if (ignorePreferredTermsOfExistingPods && isWishless) return undefined;
  const { index } = cache;
  const wishes: { topologyKey: string; weight: number; domains: ReadonlyMap<string, number> }[] = [];
  const own = (terms: readonly AffinityTerm[], sign: 1 | -1): void => {
    for (const term of terms) {
      const counts = index.counts({ selections: [selectionOf(term, namespaces)] });
      if (counts.total === 0) continue;
      const { topologyKey } = term;
      wishes.push({ topologyKey, weight: sign * term.weight, domains: counts.byDomain(topologyKey) });
    }
  };
  own(pod.preferredAffinity, 1);
  own(pod.preferredAntiAffinity, -1);
  const theirs = (role: TermRole, sign: 1 | -1, weight?: number): void => {
    for (const { term, counts } of concerning(role, pod.pod, index, namespaces)) {
      const { topologyKey } = term;
      wishes.push({
        topologyKey,
        weight: sign * (weight ?? term.weight),
        domains: counts.byDomain(topologyKey),
      });
    }
  };
  // What a required affinity of a placed pod is worth to a pod it would like to have near.
  if (hardPodAffinityWeight > 0) theirs('affinity', 1, hardPodAffinityWeight);
  theirs('preferredAffinity', 1);
  theirs('preferredAntiAffinity', -1);
  if (wishes.length === 0) return undefined;
  return (nodes) => normalizeWishes(nodes.map((node) => sumOf(wishes, node)));
}

function sumOf(
  wishes: readonly { topologyKey: string; weight: number; domains: ReadonlyMap<string, number> }[],
  { node }: NodeInfo,
): number {
  return wishes.reduce((sum, { topologyKey, weight, domains }) => {
    const value = node.metadata.labels?.[topologyKey];
    return value === undefined ? sum : sum + weight * (domains.get(value) ?? 0);
  }, 0);
}

/** The lowest sum becomes 0, the highest 100. */
function normalizeWishes(sums: number[]): number[] {
  const min = Math.min(...sums);
  const range = Math.max(...sums) - min;
  return sums.map((sum) => (range === 0 ? 0 : Math.floor((100 * (sum - min)) / range)));
}
