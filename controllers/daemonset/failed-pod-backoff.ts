/** Keeps a set from fighting with a node that ends its pods again and again. */
import type { DaemonSet } from '../../openapi/generated/apps-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

const INITIAL_MS = 1_000;
const MAX_MS = 900_000;

interface Row {
  /** Until when failed pods of the node stay. */
  dueMs: number;
  delayMs: number;
  readonly generation: number | undefined;
  /** A failed pod waits for it. */
  isAwaited: boolean;
  /** The pod last let go: asked about again, the answer is the same. */
  uid: string;
}

/** By set and node. A new generation of the set begins anew. */
export class FailedPodBackoff {
  readonly #rows = new Map<string, Map<string, Row>>();

  /** Whether the failed pod may be taken away now. Each pod that may makes the next one wait longer. */
  mayRemove({ metadata, status }: DaemonSet, node: string, pod: Pod, nowMs: number): boolean {
    let rows = this.#rows.get(metadata.uid!);
    if (rows === undefined) this.#rows.set(metadata.uid!, (rows = new Map()));
    const generation = status.observedGeneration;
    const uid = pod.metadata.uid!;
    const before = rows.get(node);
    if (before?.uid === uid) return true;
    if (before !== undefined && before.generation === generation && nowMs < before.dueMs) {
      before.isAwaited = true;
      return false;
    }
    // A row that was quiet for twice the longest delay is over.
    const row = before?.generation === generation ? before : undefined;
    const isQuiet = row === undefined || nowMs > row.dueMs - row.delayMs + 2 * MAX_MS;
    const delayMs = isQuiet ? INITIAL_MS : Math.min(row.delayMs * 2, MAX_MS);
    rows.set(node, { dueMs: nowMs + delayMs, delayMs, generation, isAwaited: false, uid });
    return true;
  }

  /** Milliseconds until a failed pod that waits may go; undefined when none waits. */
  waitMs({ metadata }: DaemonSet, nowMs: number): number | undefined {
    const waits = [...(this.#rows.get(metadata.uid!)?.values() ?? [])]
      .filter(({ isAwaited }) => isAwaited)
      .map(({ dueMs }) => Math.max(0, dueMs - nowMs));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** The set is gone. */
  forget({ metadata }: DaemonSet): void {
    this.#rows.delete(metadata.uid!);
  }
}
