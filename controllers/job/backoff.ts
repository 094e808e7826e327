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
export function addOutcomes(
  before: Failures,
  succeeded: readonly Pod[],
  failed: readonly Pod[],
  nowMs: number,
): Failures {
  const lastSuccess = Math.max(-Infinity, ...succeeded.map((pod) => endOf(pod, nowMs)));
  const ends = failed.map((pod) => endOf(pod, nowMs)).filter((end) => end > lastSuccess);
  const start = succeeded.length > 0 ? NO_FAILURES : before;
  return { count: start.count + ends.length, lastMs: Math.max(start.lastMs, ...ends) };
}

/** When the pod ended, as far as its status tells. */
export function endOf({ status, metadata }: Pod, nowMs: number): number {
  const ends = (status.containerStatuses ?? [])
    .map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ''))
    .filter((end) => !Number.isNaN(end));
  if (ends.length > 0) return Math.max(...ends);
  const ready = status.conditions?.find(({ type, status: value }) => type === 'Ready' && value === 'False');
  const end = parseTime(ready?.lastTransitionTime ?? metadata.deletionTimestamp ?? '');
  return Number.isNaN(end) ? nowMs : Math.min(end, nowMs);
}
