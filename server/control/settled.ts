/** Waits until the cluster has nothing left to do. */
import type { Clock, DueTimer, WatchableClock } from '../../api/machinery/clock.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import type { ClusterClock } from './cluster-clock.ts';
import type { Fight, WriteJournal } from './write-journal.ts';

export interface SettledOptions {
  /** No timer may be due within this many milliseconds of the cluster's time. Default 1000. */
  readonly horizonMs?: number;
  /** How long to wait at most, in milliseconds of the machine's time. Default 30 000. */
  readonly timeoutMs?: number;
}

export interface Settled {
  /** Revision up to which every watcher was handed everything. */
  readonly resourceVersion: string;
  /** The cluster's time, epoch milliseconds. */
  readonly nowMs: number;
}

const SETTLED_HORIZON_MS = 1000;
const SETTLED_TIMEOUT_MS = 30_000;

/** The cluster did not settle: time ran out, or two writers undo each other's work. */
export class NotSettledError extends Error {
  override readonly name = 'NotSettledError';
  /** Queues, reconciles, requests and watches at work, with how often. */
  readonly busy: readonly string[];
  /** The timer due within the horizon, if that is what is in the way. */
  readonly due: DueTimer | undefined;
  readonly fights: readonly Fight[];

  constructor(
    busy: readonly string[],
    due: DueTimer | undefined,
    fights: readonly Fight[],
    timeoutMs: number,
  ) {
    super(describe(busy, due, fights, timeoutMs));
    this.busy = busy;
    this.due = due;
    this.fights = fights;
  }
}

function describe(
  busy: readonly string[],
  due: DueTimer | undefined,
  fights: readonly Fight[],
  timeoutMs: number,
): string {
  if (fights.length > 0) {
    const each = fights.map(
      ({ object, writers, fields }) => `${writers.join(' and ')} over ${object} (${fields.join(', ')})`,
    );
    return `the cluster does not settle: ${each.join('; ')} fight`;
  }
  const reasons = [...busy, ...(due === undefined ? [] : [`${due.name} is due soon`])];
  return `the cluster did not settle within ${timeoutMs} ms: ${reasons.join(', ')}`;
}

export interface SettlerOptions {
  readonly clock: WatchableClock;
  readonly control: ClusterClock;
  readonly wall: Clock;
  readonly tasks: TaskTracker;
  readonly journal: WriteJournal;
  readonly revision: () => number;
}

/**
 * Resolves when every queue is empty, nothing is in flight, no timer is due within the horizon (recurring ones apart) and
 * every watcher was handed the last revision. A clock that stands still is moved to the timers within the horizon, one
 * after the other. Rejects with a NotSettledError.
 */
export async function waitUntilSettled(
  options: SettlerOptions,
  request: SettledOptions = {},
): Promise<Settled> {
  const { horizonMs = SETTLED_HORIZON_MS, timeoutMs = SETTLED_TIMEOUT_MS } = request;
  const { clock, control, wall, tasks, journal } = options;
  const over = { value: false };
  let stop!: () => void;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const end = (): void => {
    over.value = true;
    stop();
  };
  const timer = wall.schedule(timeoutMs, end);
  const close = journal.open(end);
  const nextDue = (): DueTimer | undefined => {
    const due = clock.nextTimer({ ignoreRecurring: true });
    return due === undefined || due.dueMs > clock.now() + horizonMs ? undefined : due;
  };
  try {
    for (;;) {
      await Promise.race([tasks.idle(), stopped]);
      const due = nextDue();
      if (over.value) throw new NotSettledError(tasks.busy(), due, journal.fights, timeoutMs);
      if (due === undefined) return { resourceVersion: String(options.revision()), nowMs: clock.now() };
      await Promise.race([untilDue(due, control, wall), stopped]);
    }
  } finally {
    timer.cancel();
    close();
  }
}

/** Until the timer has run, or about so: the caller looks again. */
async function untilDue(due: DueTimer, control: ClusterClock, wall: Clock): Promise<void> {
  if (control.standsStill) {
    await control.advanceTo(due.dueMs);
    return;
  }
  const leftMs = Math.max(1, (due.dueMs - control.now()) / control.state.rate);
  await new Promise<void>((resolve) => void wall.schedule(leftMs, resolve));
}
