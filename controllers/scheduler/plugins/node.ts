/** Plugins that look at the node itself: its name, its taints, its labels, its ports. Reasons are upstream's. */
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../../../openapi/generated/core-v1.ts';
import type {
  Node,
  Pod,
  PreferredSchedulingTerm,
  Taint,
  Toleration,
} from '../../../openapi/generated/core-v1.ts';
import { podInfoOf, portsClash } from '../pod-info.ts';
import type { PluginArguments } from '../configuration/types.ts';
import { resolvable, unresolvable, type Plugin, type PluginRun } from '../plugin.ts';

const UNSCHEDULABLE_TAINT: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  local: { filter: true },
  prepare: ({ pod }) =>
    tolerates(pod.spec.tolerations, UNSCHEDULABLE_TAINT)
      ? undefined
      : {
          filter: ({ node }) =>
            node.spec.unschedulable === true
              ? unresolvable('NodeUnschedulable', 'node(s) were unschedulable')
              : undefined,
        },
  mayHelp: (_pod, event) =>
    event.kind === 'node-added'
      ? event.node.spec.unschedulable !== true
      : event.kind === 'node-updated' &&
        event.old.spec.unschedulable === true &&
        event.node.spec.unschedulable !== true,
};

export const nodeName: Plugin = {
  name: 'NodeName',
  local: { filter: true },
  prepare: ({ pod }) => {
    const wanted = pod.spec.nodeName ?? '';
    if (wanted === '') return undefined;
    return {
      filter: ({ name }) =>
        name === wanted
          ? undefined
          : unresolvable('NodeName', "node(s) didn't match the requested node name"),
    };
  },
};

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  local: { filter: true },
  prepare: ({ pod }, { cache }) => {
    const { tolerations } = pod.spec;
    if (cache.taintedNodes === 0) return undefined;
    return {
      filter: ({ node }) =>
        hasUntoleratedTaint(tolerations, node)
          ? unresolvable('TaintToleration', 'node(s) had untolerated taint(s)')
          : undefined,
      score: (nodes) => normalizeReversed(nodes.map(({ node }) => softTaints(tolerations, node))),
    };
  },
  mayHelp: ({ spec }, event) =>
    (event.kind === 'node-added' && !hasUntoleratedTaint(spec.tolerations, event.node)) ||
    (event.kind === 'node-updated' &&
      hasUntoleratedTaint(spec.tolerations, event.old) &&
      !hasUntoleratedTaint(spec.tolerations, event.node)),
};

export function hasUntoleratedTaint(tolerations: readonly Toleration[] | undefined, { spec }: Node): boolean {
  const { taints } = spec;
  if (taints === undefined || taints.length === 0) return false;
  return taints.some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerates(tolerations, taint),
  );
}

/** Taints that the pod would rather avoid. */
function softTaints(tolerations: readonly Toleration[] | undefined, { spec }: Node): number {
  const { taints } = spec;
  if (taints === undefined || taints.length === 0) return 0;
  return taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerates(tolerations, taint))
    .length;
}

/** True when one of the tolerations covers the taint. */
export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => toleratesTaint(toleration, taint));
}

/** Mirrors api/core/v1 Toleration.ToleratesTaint; comparing by Lt and Gt is alpha, and off: no pod is let in with it. */
export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  if ((toleration.key ?? '') !== '' && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    default:
      return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
  }
}

/** `addedAffinity` holds for every pod of the profile, besides what the pod says. */
export function nodeAffinity({ addedAffinity }: PluginArguments['NodeAffinity']): Plugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const matchesAdded = (node: Node): boolean =>
    added === undefined || added.nodeSelectorTerms.some((term) => matchesTerm(term, node));
  const matches = (pod: Pod, node: Node): boolean => matchesAdded(node) && matchesNodeSelector(pod, node);
  return {
    name: 'NodeAffinity',
    local: { filter: true },
    prepare: ({ pod }) => {
      const { nodeSelector, affinity } = pod.spec;
      const own = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const preferred = addedPreferred.length === 0 ? own : [...addedPreferred, ...own];
      const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      const isChoosy = nodeSelector !== undefined || required !== undefined || added !== undefined;
      if (!isChoosy && preferred.length === 0) return undefined;
      const named = namesOf(required?.nodeSelectorTerms);
      if (named !== undefined && named.size === 0)
        return { rejection: unresolvable('NodeAffinity', 'pod affinity terms conflict') };
      return {
        ...(named === undefined ? {} : { nodes: named }),
        ...(isChoosy ? { filter: affinityFilter(pod, matchesAdded) } : {}),
        ...(preferred.length === 0 ? {} : { score: preferenceScore(preferred) }),
      };
    },
    mayHelp: (pod, event) =>
      (event.kind === 'node-added' && matches(pod, event.node)) ||
      (event.kind === 'node-updated' && matches(pod, event.node) && !matches(pod, event.old)),
  };
}

function affinityFilter(pod: Pod, matchesAdded: (node: Node) => boolean): NonNullable<PluginRun['filter']> {
  return ({ node }) => {
    if (!matchesAdded(node))
      return unresolvable('NodeAffinity', "node(s) didn't match scheduler-enforced node affinity");
    return matchesNodeSelector(pod, node)
      ? undefined
      : unresolvable('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  };
}

function preferenceScore(preferred: readonly PreferredSchedulingTerm[]): NonNullable<PluginRun['score']> {
  return (nodes) =>
    normalize(
      nodes.map(({ node }) =>
        preferred.reduce(
          (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
          0,
        ),
      ),
    );
}

/** Names of the nodes that the terms ask for by name; undefined when one of them does not. */
function namesOf(terms: readonly NodeSelectorTerm[] | undefined): ReadonlySet<string> | undefined {
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      .map(({ values = [] }) => values);
    const [first, ...others] = lists;
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((values) => values.includes(name))) names.add(name);
  }
  return names;
}

/** `nodeSelector` and the required node affinity, both. */
export function matchesNodeSelector({ spec }: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const key in spec.nodeSelector) if (labels[key] !== spec.nodeSelector[key]) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** An empty term matches nothing, as upstream has it. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((requirement) => matchesRequirement(requirement, labels[requirement.key])) &&
    fields.every((requirement) =>
      matchesRequirement(requirement, requirement.key === 'metadata.name' ? node.metadata.name : undefined),
    )
  );
}

function matchesRequirement(
  { operator, values = [] }: NodeSelectorRequirement,
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

export const nodePorts: Plugin = {
  name: 'NodePorts',
  local: { filter: true },
  prepare: ({ ports }) => {
    if (ports.length === 0) return undefined;
    return {
      filter: (node) =>
        ports.some((wanted) => node.ports.some((taken) => portsClash(wanted, taken)))
          ? resolvable('NodePorts', "node(s) didn't have free ports for the requested pod ports")
          : undefined,
    };
  },
  mayHelp: (pod, event) => {
    if (event.kind === 'node-added') return true;
    if (event.kind !== 'pod-gone') return false;
    const wanted = podInfoOf(pod).ports;
    return podInfoOf(event.pod).ports.some((freed) => wanted.some((port) => portsClash(port, freed)));
  },
};

/** Scaled so that the highest is 100; all 0 stay so. Mirrors plugins/helper DefaultNormalizeScore. */
function normalize(scores: number[]): number[] {
  const max = Math.max(...scores, 0);
  return max === 0 ? scores : scores.map((score) => Math.floor((100 * score) / max));
}

/** Scaled so that 0 is 100 and the highest 0. */
function normalizeReversed(scores: number[]): number[] {
  const max = Math.max(...scores, 0);
  return scores.map((score) => (max === 0 ? 100 : 100 - Math.floor((100 * score) / max)));
}
