/** Taints that follow from a node's conditions. Mirrors nodelifecycle doNoScheduleTaintingPass and its NoExecute counterpart. */
import type { Node, Taint } from '../../openapi/generated/core-v1.ts';

/** Condition, the status that calls for the taint, and the taint. */
const CONDITION_TAINTS: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', 'node.kubernetes.io/not-ready'],
  ['Ready', 'Unknown', 'node.kubernetes.io/unreachable'],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

export function readyStatus({ status }: Node): string | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status;
}

/** The taint that evicts the pods of a node in this state; undefined when they may stay. */
export function evictingTaint(node: Node): string | undefined {
  const ready = readyStatus(node);
  if (ready === 'False') return NOT_READY;
  return ready === 'Unknown' ? UNREACHABLE : undefined;
}

/**
 * The taints of others, and those the conditions call for. A node without a Ready condition keeps its not-ready taint.
 * `evicting` is the one that evicts, if any.
 */
export function wantedTaints(node: Node, evicting: string | undefined, now: string): Taint[] {
  const current = node.spec.taints ?? [];
  const status = new Map(
    (node.status.conditions ?? []).map((condition) => [condition.type, condition.status]),
  );
  const keys = CONDITION_TAINTS.filter(([type, tainting]) => status.get(type) === tainting).map(
    ([, , key]) => key,
  );
  const isUnheard =
    !status.has('Ready') && current.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule');
  if (isUnheard) keys.push(NOT_READY);
  if (node.spec.unschedulable === true) keys.push(UNSCHEDULABLE);
  const own = keys.map((key): Taint => ({ key, effect: 'NoSchedule' }));
  if (evicting !== undefined) own.push({ key: evicting, effect: 'NoExecute' });
  return [
    ...current.filter((taint) => !isManaged(taint)),
    ...own.map((taint) => current.find((old) => isSame(old, taint)) ?? { ...taint, timeAdded: now }),
  ];
}

function isManaged({ key, effect }: Taint): boolean {
  if (effect === 'NoExecute') return key === NOT_READY || key === UNREACHABLE;
  return (
    effect === 'NoSchedule' && (key === UNSCHEDULABLE || CONDITION_TAINTS.some(([, , own]) => own === key))
  );
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

export function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  const view = (taints: readonly Taint[]): string =>
    JSON.stringify(taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`).toSorted());
  return view(a) === view(b);
}
