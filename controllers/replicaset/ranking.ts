/** Which pods go first when a replica set shrinks. Mirrors controller.ActivePodsWithRanks. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { podReadySince } from '../runtime/pods.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** `pods`, those to be deleted first in front. `related` are the pods of the same application, for spreading. */
export function deletionOrder(pods: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName ?? '';
    if (node !== '' && podReadySince(pod) !== undefined) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const keys = new Map(pods.map((pod) => [pod, rank(pod, perNode, nowMs)]));
  return [...pods].sort((a, b) => compare(keys.get(a)!, keys.get(b)!));
}

/** Smaller goes first, member by member. */
function rank(pod: Pod, perNode: ReadonlyMap<string, number>, nowMs: number): number[] {
  const since = podReadySince(pod);
  const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
  const restarts = Math.max(0, ...(pod.status.containerStatuses ?? []).map(({ restartCount }) => restartCount));
  return [
    pod.spec.nodeName === undefined ? 0 : 1,
    phases[pod.status.phase ?? 'Pending'] ?? 2,
    since === undefined ? 0 : 1,
    Number(pod.metadata.annotations?.[DELETION_COST] ?? 0),
    -(perNode.get(pod.spec.nodeName ?? '') ?? 0),
    since === undefined ? 0 : ageBucket(nowMs - since),
    -restarts,
    ageBucket(nowMs - parseTime(pod.metadata.creationTimestamp ?? '')),
  ];
}

/** Ages differ only by powers of two, so that young pods of one size count as equal. */
function ageBucket(ageMs: number): number {
  return Math.floor(Math.log2(Math.max(1, ageMs / 1000)));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
