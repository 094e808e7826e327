/** Which starts of a cron job are due. Mirrors cronjob/utils.go. */
import { parseTime } from '../../api/machinery/clock.ts';
import type { CronSchedule } from '../../api/machinery/cron.ts';
import type { CronJob } from '../../openapi/generated/batch-v1.ts';

/** A little later than the start itself, in case clocks differ. */
const PADDING_MS = 100;
/** More missed starts than this are worth a warning. */
const MISSED_MAX = 100;

/** A schedule that reads well but never comes. */
class ImpossibleScheduleError extends Error {
  override readonly name = 'ImpossibleScheduleError';

  constructor() {
    super('time difference between two schedules is less than 1 second');
  }
}

interface Starts {
  /** From where starts were counted. */
  readonly earliestMs: number;
  /** The last start that is due; undefined when none is. */
  readonly recentMs: number | undefined;
  /** Starts that passed unused, roughly. */
  readonly missed: number;
}

/** Starts due since the last one, or since creation. Throws an ImpossibleScheduleError. */
function dueStarts(
  { metadata, spec, status }: CronJob,
  schedule: CronSchedule,
  nowMs: number,
  heedsDeadline: boolean,
): Starts {
  let earliestMs = parseTime(status.lastScheduleTime ?? metadata.creationTimestamp!);
  if (heedsDeadline && spec.startingDeadlineSeconds !== undefined)
    earliestMs = Math.max(earliestMs, nowMs - spec.startingDeadlineSeconds * 1000);
  const first = schedule.next(earliestMs);
  if (first === undefined) throw new ImpossibleScheduleError();
  if (nowMs < first) return { earliestMs, recentMs: undefined, missed: 0 };
  const second = schedule.next(first);
  if (second === undefined) throw new ImpossibleScheduleError();
  if (nowMs < second) return { earliestMs, recentMs: first, missed: 0 };
  // Counted by the first interval, without listing them all.
  const intervalMs = second - first;
  const missed = Math.floor((nowMs - first) / intervalMs) + 1;
  let recentMs: number | undefined;
  for (
    let start = schedule.next(first + (missed - 2) * intervalMs);
    start !== undefined && start <= nowMs;
    start = schedule.next(start)
  )
    recentMs = start;
  return { earliestMs, recentMs, missed };
}

/** The start to make up for now, and whether many were missed. Throws an ImpossibleScheduleError. */
export function nextStart(
  cronJob: CronJob,
  schedule: CronSchedule,
  nowMs: number,
): { readonly startMs: number; readonly missedMany: boolean } | undefined {
  const { recentMs, missed } = dueStarts(cronJob, schedule, nowMs, true);
  return recentMs === undefined ? undefined : { startMs: recentMs, missedMany: missed > MISSED_MAX };
}

/** Milliseconds until the next look. */
export function untilNextStart(cronJob: CronJob, schedule: CronSchedule, nowMs: number): number | undefined {
  const next = schedule.next(countedFrom(cronJob, schedule, nowMs));
  return next === undefined ? undefined : next + PADDING_MS - nowMs;
}

function countedFrom(cronJob: CronJob, schedule: CronSchedule, nowMs: number): number {
  try {
    const { earliestMs, recentMs, missed } = dueStarts(cronJob, schedule, nowMs, false);
    return recentMs ?? (missed === 0 ? earliestMs : nowMs);
  } catch {
    return nowMs;
  }
}
