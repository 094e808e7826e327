/** Filters that look at one node and the pod only. Reasons are upstream's. */
import type {
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Node,
  Pod,
  Taint,
  Toleration,
} from '../../../openapi/generated/core-v1.ts';
import { hostPorts, podRequests, type HostPort } from '../node-info.ts';
import { resolvable, unresolvable, type Filter } from './filter.ts';

export const nodeUnschedulable: Filter = {
  name: 'NodeUnschedulable',
  reject: (pod, { node }) => {
    if (node.spec.unschedulable !== true) return undefined;
    const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
    return tolerates(pod.spec.tolerations, taint) ? undefined : unresolvable('node(s) were unschedulable');
  },
};

export const nodeNameFilter: Filter = {
  name: 'NodeName',
  reject: (pod, { node }) =>
    (pod.spec.nodeName ?? '') === '' || pod.spec.nodeName === node.metadata.name
      ? undefined
      : unresolvable("node(s) didn't match the requested node name"),
};

export const taintToleration: Filter = {
  name: 'TaintToleration',
  reject: (pod, { node }) => {
    const taints = (node.spec.taints ?? []).filter(
      ({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute',
    );
    const untolerated = taints.find((taint) => !tolerates(pod.spec.tolerations, taint));
    return untolerated === undefined ? undefined : unresolvable('node(s) had untolerated taint(s)');
  },
};

/** True when one of the tolerations covers the taint. */
export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => {
    if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
    if ((toleration.key ?? '') !== '' && toleration.key !== taint.key) return false;
    switch (toleration.operator ?? 'Equal') {
      case 'Exists':
        return true;
      case 'Lt':
        return Number(taint.value) < Number(toleration.value);
      case 'Gt':
        return Number(taint.value) > Number(toleration.value);
      default:
        return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
    }
  });
}

export const nodeAffinity: Filter = {
  name: 'NodeAffinity',
  reject: (pod, { node }) =>
    matchesNodeSelector(pod, node)
      ? undefined
      : unresolvable("node(s) didn't match Pod's node affinity/selector"),
};

/** `nodeSelector` and the required node affinity, both. */
export function matchesNodeSelector(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value))
    return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
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

export const nodePorts: Filter = {
  name: 'NodePorts',
  reject: (pod, { ports }) => {
    const clash = hostPorts(pod).some((wanted) => ports.some((taken) => clashes(wanted, taken)));
    return clash ? resolvable("node(s) didn't have free ports for the requested pod ports") : undefined;
  },
};

function clashes(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
  return sameAddress && a.port === b.port && a.protocol === b.protocol;
}

export const nodeResourcesFit: Filter = {
  name: 'NodeResourcesFit',
  reject: (pod, info) => {
    const reasons: string[] = [];
    let possible = true;
    const podsMax = info.allocatable.get('pods') ?? 0n;
    if (BigInt(info.pods.size + 1) * 1000n > podsMax) reasons.push('Too many pods');
    for (const [name, amount] of podRequests(pod)) {
      if (amount === 0n) continue;
      const allocatable = info.allocatable.get(name) ?? 0n;
      if (amount + (info.requested.get(name) ?? 0n) <= allocatable) continue;
      reasons.push(`Insufficient ${name}`);
      if (amount > allocatable) possible = false;
    }
    if (reasons.length === 0) return undefined;
    return { reasons, unresolvable: !possible };
  },
};
