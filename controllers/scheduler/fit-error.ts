/** Upstream's words for why a pod found no node. */
import type { Rejection } from './plugin.ts';

/** No node at all. */
export const NO_NODES = 'no nodes available to schedule pods';

const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
const NO_VICTIMS = 'No preemption victims found for incoming pod';
export { NO_VICTIMS, NOT_HELPFUL };

/** Reasons with how many nodes each holds for, sorted as text. Mirrors framework FitError.Error. */
export function histogram(reasons: Iterable<readonly string[]>): string {
  const counts = new Map<string, number>();
  for (const each of reasons) for (const reason of each) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}

/** `0/N nodes are available: 1 Insufficient cpu, ...` */
export function fitMessage(nodes: number, rejections: readonly Rejection[]): string {
  return `0/${nodes} nodes are available: ${histogram(rejections.map(({ reasons }) => reasons))}.`;
}

/** A reason that holds whatever the node. */
export function preFilterMessage(nodes: number, { reasons }: Rejection): string {
  return `0/${nodes} nodes are available: ${reasons.join(', ')}.`;
}
