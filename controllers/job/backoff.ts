/** When a failed pod may be replaced. Mirrors job/backoff_utils.go. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';

const INITIAL_MS = 10_000;
const MAX_MS = 600_000;

/** Failures in a row, and when the last one was. */
export interface Failures {
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastMs: number;
}

export const NO_FAILURES: Failures = { count: 0, lastMs: 0 };

/** Milliseconds until the next try; 0 when it may be now. */
export function delayLeft({ count, lastMs }: Failures, nowMs: number): number {
  if (count === 0) return 0;
  const delayMs = Math.min(INITIAL_MS * 2 ** (count - 1), MAX_MS);
  return Math.max(0, lastMs + delayMs - nowMs);
}

/** Adds pods that ended since; a success begins the row anew. */
export function addOutcomes(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  const lastSuccess = Math.max(-Infinity, ...succeeded.map(endOf));
  const ends = failed.map(endOf).filter((end) => end > lastSuccess);
  const start = succeeded.length > 0 ? NO_FAILURES : before;
  return { count: start.count + ends.length, lastMs: Math.max(start.lastMs, ...ends) };
}

/**
 * When the pod ended, as far as its status tells: its last container if all have ended, or when it stopped being ready, or
 * when its deletion was asked for. Mirrors job/backoff_utils.go getFinishedTime.
 */
export function endOf(pod: Pod): number {
  const { status, metadata } = pod;
  const ends = lastingStatuses(pod).map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ''));
  if (ends.length > 0 && !ends.some(Number.isNaN)) return Math.max(...ends);
  const ready = status.conditions?.find(({ type, status: value }) => type === 'Ready' && value === 'False');
  const unready = parseTime(ready?.lastTransitionTime ?? '');
  if (!Number.isNaN(unready)) return unready;
  const deletion = parseTime(metadata.deletionTimestamp ?? '');
  if (!Number.isNaN(deletion)) return deletion - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return parseTime(metadata.creationTimestamp ?? '');
}

/** Of the containers that run until the end: sidecars count, others that initialize do not. */
function lastingStatuses({ spec, status }: Pod): NonNullable<Pod['status']['containerStatuses']> {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const isSidecar = ({ name }: { name: string }): boolean =>
    sidecars.some((container) => container.name === name);
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []).filter(isSidecar)];
}
