/** Taints that follow from a node's conditions. Mirrors nodelifecycle doNoScheduleTaintingPass and its NoExecute counterpart. */
import type { Node, Taint } from '../../openapi/generated/core-v1.ts';

/** The taints that conditions call for, by their statuses. */
const CONDITION_TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: 'node.kubernetes.io/not-ready', Unknown: 'node.kubernetes.io/unreachable' },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const MANAGED = new Set([UNSCHEDULABLE, ...Object.values(CONDITION_TAINTS).flatMap(Object.values<string>)]);

export function readyStatus({ status }: Node): string | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status;
}

/** The taint that evicts the pods of a node in this state; undefined when they may stay. */
export function evictingTaint(node: Node): string | undefined {
  const ready = readyStatus(node);
  if (ready === 'False') return NOT_READY;
  return ready === 'Unknown' ? UNREACHABLE : undefined;
}

/** Which of its taints that evict a node is to have: none, this one, or those it has. */
export type Evicting = 'none' | 'as they are' | { readonly taint: string };

/**
 * The node's taints with those its conditions call for at their end, and without others of that kind. A node that has
 * no conditions yet has none, whatever taint it was born with.
 */
export function wantedTaints(node: Node, evicting: Evicting, now: string): Taint[] {
  const current = node.spec.taints ?? [];
  const keys = (node.status.conditions ?? []).flatMap(
    ({ type, status }) => CONDITION_TAINTS[type]?.[status] ?? [],
  );
  if (node.spec.unschedulable === true) keys.push(UNSCHEDULABLE);
  const own = keys.map((key): Taint => ({ key, effect: 'NoSchedule' }));
  if (typeof evicting === 'object') own.push({ key: evicting.taint, effect: 'NoExecute' });
  const isWrong = (taint: Taint): boolean => {
    const isManaged =
      taint.effect === 'NoExecute'
        ? evicting !== 'as they are' && (taint.key === NOT_READY || taint.key === UNREACHABLE)
        : taint.effect === 'NoSchedule' && MANAGED.has(taint.key);
    return isManaged && !own.some((wanted) => isSame(wanted, taint));
  };
  return [
    ...current.filter((taint) => !isWrong(taint)),
    ...own
      .filter((taint) => !current.some((old) => isSame(old, taint)))
      .map((taint) => ({ ...taint, timeAdded: now })),
  ];
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

export function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  const view = (taints: readonly Taint[]): string =>
    JSON.stringify(taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`).toSorted());
  return view(a) === view(b);
}
