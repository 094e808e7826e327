/** When each node was last heard of, and what its status says once it no longer is. Mirrors tryUpdateNodeHealth. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Node, NodeCondition } from '../../openapi/generated/core-v1.ts';
import { readyStatus } from './condition-taints.ts';

/** A node that was heard of may be silent for this long. */
const GRACE_MS = 50_000;
/** A new one has this long to post a status at all. */
const STARTUP_GRACE_MS = 60_000;
const KUBELET_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

export class Heartbeats {
  readonly #heard = new Map<string, { sign: string; atMs: number }>();

  /** Notes a sign of life, such as a renew time; one that was noted before is none. */
  note(node: string, sign: string, nowMs: number): void {
    const before = this.#heard.get(node);
    if (before?.sign !== sign) this.#heard.set(node, { sign, atMs: nowMs });
  }

  forget(node: string): void {
    this.#heard.delete(node);
  }

  /** How much longer the node may be silent, in milliseconds; 0 or less when it has been for too long. */
  leftMs(node: Node, nowMs: number): number {
    const hasStatus = node.status.conditions?.some(({ type }) => type === 'Ready') === true;
    const created = parseTime(node.metadata.creationTimestamp ?? '');
    const since = this.#heard.get(node.metadata.name!)?.atMs ?? created;
    return since + (hasStatus ? GRACE_MS : STARTUP_GRACE_MS) - nowMs;
  }
}

/** Conditions of a node that is silent; undefined when it is not ready for that reason already. */
export function silentConditions(node: Node, now: string): NodeCondition[] | undefined {
  if (readyStatus(node) === 'Unknown') return undefined;
  const conditions = [...(node.status.conditions ?? [])];
  for (const type of KUBELET_CONDITIONS) {
    const index = conditions.findIndex((condition) => condition.type === type);
    const before = conditions[index];
    if (before?.status === 'Unknown') continue;
    const unknown: NodeCondition =
      before === undefined
        ? {
            type,
            status: 'Unknown',
            lastHeartbeatTime: node.metadata.creationTimestamp!,
            lastTransitionTime: now,
            reason: 'NodeStatusNeverUpdated',
            message: 'Kubelet never posted node status.',
          }
        : {
            ...before,
            status: 'Unknown',
            lastTransitionTime: now,
            reason: 'NodeStatusUnknown',
            message: 'Kubelet stopped posting node status.',
          };
    if (before === undefined) conditions.push(unknown);
    else conditions[index] = unknown;
  }
  return conditions;
}
