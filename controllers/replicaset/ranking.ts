/** Which pods go first when a replica set shrinks. Mirrors controller.ActivePodsWithRanks. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodActive, podReadySince } from '../runtime/pods.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
/** Ages are told apart by powers of two of nanoseconds. */
const NANOSECONDS_PER_MS = 1_000_000;

interface Rank {
  /** Smaller goes first; looked at before ages. */
  readonly major: readonly number[];
  readonly readySinceMs: number | undefined;
  readonly restarts: number;
  /** Of containers that run beside the others. */
  readonly sidecarRestarts: number;
  readonly createdMs: number;
  readonly uid: string;
}

/** `pods`, those to be deleted first in front. `related` are the pods of the same application, for spreading. */
export function deletionOrder(pods: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName ?? '';
    if (isPodActive(pod)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const ranks = new Map(pods.map((pod) => [pod, rankOf(pod, perNode)]));
  return [...pods].sort((a, b) => compare(ranks.get(a)!, ranks.get(b)!, nowMs));
}

function rankOf(pod: Pod, perNode: ReadonlyMap<string, number>): Rank {
  const { metadata, spec, status } = pod;
  const node = spec.nodeName ?? '';
  const readySinceMs = podReadySince(pod);
  return {
    major: [
      node === '' ? 0 : 1,
      PHASES[status.phase ?? 'Pending'] ?? 2,
      readySinceMs === undefined ? 0 : 1,
      deletionCost(pod),
      -(perNode.get(node) ?? 0),
    ],
    readySinceMs,
    restarts: mostRestarts(status.containerStatuses),
    sidecarRestarts: mostRestarts(
      status.initContainerStatuses?.filter(({ name }) =>
        spec.initContainers?.some(
          (container) => container.name === name && container.restartPolicy === 'Always',
        ),
      ),
    ),
    createdMs: parseTime(metadata.creationTimestamp ?? ''),
    uid: metadata.uid ?? '',
  };
}

function mostRestarts(statuses: Pod['status']['containerStatuses']): number {
  return Math.max(0, ...(statuses ?? []).map(({ restartCount }) => restartCount));
}

/** An annotation that is no 32-bit integer counts as none. */
function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[DELETION_COST] ?? '0';
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost === (cost | 0) ? cost : 0;
}

function compare(a: Rank, b: Rank, nowMs: number): number {
  for (const [index, left] of a.major.entries()) if (left !== b.major[index]) return left - b.major[index]!;
  const byUID = a.uid < b.uid ? -1 : 1;
  if (a.readySinceMs !== undefined && b.readySinceMs !== undefined && a.readySinceMs !== b.readySinceMs) {
    return ageBucket(nowMs - a.readySinceMs) - ageBucket(nowMs - b.readySinceMs) || byUID;
  }
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  if (a.sidecarRestarts !== b.sidecarRestarts) return b.sidecarRestarts - a.sidecarRestarts;
  if (a.createdMs !== b.createdMs)
    return ageBucket(nowMs - a.createdMs) - ageBucket(nowMs - b.createdMs) || byUID;
  return 0;
}

function ageBucket(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * NANOSECONDS_PER_MS));
}
