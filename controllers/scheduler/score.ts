/** Which of the nodes that fit is best: the default profile's scores in short. */
import { controllerOf } from '../../api/machinery/object-meta.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { matchesTerm, tolerates } from './filters/node-filters.ts';
import type { NodeInfo } from './node-info.ts';

/** Higher is better. Weighs free room, balance, spreading of one controller's pods, preferences and soft taints. */
export function scoreNode(pod: Pod, info: NodeInfo): number {
  const cpu = usedShare(info, 'cpu');
  const memory = usedShare(info, 'memory');
  const free = 100 * (1 - (cpu + memory) / 2);
  const balance = 100 * (1 - Math.abs(cpu - memory));
  const owner = controllerOf(pod)?.uid;
  const siblings = owner === undefined ? 0 : (info.ownedPods.get(owner) ?? 0);
  return (
    free + balance - 200 * siblings - info.pods.size + 2 * preference(pod, info) - 300 * softTaints(pod, info)
  );
}

function usedShare(info: NodeInfo, resource: string): number {
  const allocatable = info.allocatable.get(resource) ?? 0n;
  if (allocatable === 0n) return 1;
  return Number(((info.requested.get(resource) ?? 0n) * 10_000n) / allocatable) / 10_000;
}

/** Sum of the weights of the preferred terms the node matches. */
function preference(pod: Pod, { node }: NodeInfo): number {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.reduce((sum, { weight, preference: term }) => sum + (matchesTerm(term, node) ? weight : 0), 0);
}

function softTaints(pod: Pod, { node }: NodeInfo): number {
  const soft = (node.spec.taints ?? []).filter(({ effect }) => effect === 'PreferNoSchedule');
  return soft.filter((taint) => !tolerates(pod.spec.tolerations, taint)).length;
}
