/** The one door to time. Nothing else calls `Date.now` or `setTimeout` (checked by test/tidy.test.ts). */
import { isBefore, TimerQueue, type QueuedTimer } from './timer-queue.ts';

import { remembering } from './remembering.ts';

/** A callback waiting for its time. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface TimerOptions {
  /** What waits, for whoever asks why the cluster is not settled. */
  readonly name?: string;
  /** For what comes round whatever happens, such as heartbeats: the cluster is settled in spite of it. */
  readonly recurring?: boolean;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now (at least; 0 means as soon as possible, never at once). */
  schedule(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
}

/** A timer that somebody waits for. */
export interface DueTimer {
  /** Epoch milliseconds. */
  readonly dueMs: number;
  readonly name: string;
}

/** A clock that tells what it was asked to wake. */
export interface WatchableClock extends Clock {
  /** The next timer; with `ignoreRecurring`, the next that is not recurring. */
  nextTimer(options?: { readonly ignoreRecurring?: boolean }): DueTimer | undefined;
}

/** Timers of one clock, those that recur apart. */
class Timers {
  readonly #once = new TimerQueue();
  readonly #recurring = new TimerQueue();
  #made = 0;

  /** How many were made so far: each timer's sequence is less. */
  get made(): number {
    return this.#made;
  }

  add(
    dueMs: number,
    callback: () => void,
    { name = 'timer', recurring = false }: TimerOptions,
  ): { readonly queued: QueuedTimer; readonly timer: Timer } {
    const queue = recurring ? this.#recurring : this.#once;
    const queued: QueuedTimer = { dueMs, sequence: this.#made++, callback, name, place: -1 };
    queue.add(queued);
    return { queued, timer: { cancel: () => queue.remove(queued) } };
  }

  next(ignoreRecurring = false): QueuedTimer | undefined {
    const once = this.#once.first();
    const recurring = ignoreRecurring ? undefined : this.#recurring.first();
    if (once === undefined || recurring === undefined) return once ?? recurring;
    return isBefore(once, recurring) ? once : recurring;
  }

  take(timer: QueuedTimer): void {
    this.#once.remove(timer);
    this.#recurring.remove(timer);
  }
}

const lastNanoseconds = new WeakMap<Clock, bigint>();

/** Nanoseconds since the Unix epoch, each call more than the call before on the same clock, however fast they follow. */
export function uniqueNanoseconds(clock: Clock): bigint {
  const now = BigInt(clock.now()) * 1_000_000n;
  const last = lastNanoseconds.get(clock) ?? 0n;
  const unique = now > last ? now : last + 1n;
  lastNanoseconds.set(clock, unique);
  return unique;
}

/** Longest delay setTimeout takes; longer ones are chained. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Time of the machine. Timers do not keep the process alive. */
export class RealClock implements WatchableClock {
  readonly #timers = new Timers();
  #armed: { readonly handle: NodeJS.Timeout; readonly dueMs: number } | undefined;

  now(): number {
    return Date.now();
  }

  schedule(delayMs: number, callback: () => void, options: TimerOptions = {}): Timer {
    const { queued, timer } = this.#timers.add(Date.now() + Math.max(0, delayMs), callback, options);
    if (this.#armed === undefined || queued.dueMs < this.#armed.dueMs) this.#arm();
    return timer;
  }

  nextTimer({ ignoreRecurring }: { readonly ignoreRecurring?: boolean } = {}): DueTimer | undefined {
    return this.#timers.next(ignoreRecurring);
  }

  /** One timeout of the platform for the timer due first; the others wait behind it. */
  #arm(): void {
    if (this.#armed !== undefined) clearTimeout(this.#armed.handle);
    this.#armed = undefined;
    const next = this.#timers.next();
    if (next === undefined) return;
    const leftMs = Math.min(Math.max(0, next.dueMs - Date.now()), TIMEOUT_MS_MAX);
    const handle = setTimeout(() => this.#fire(), leftMs);
    handle.unref();
    this.#armed = { handle, dueMs: next.dueMs };
  }

  /**
   * Runs everything that was due when it began, in one go: a timeout of the platform for each would let a millisecond pass
   * between any two. One that a callback makes waits for the next round. A callback that throws does not stop the clock.
   */
  #fire(): void {
    this.#armed = undefined;
    const nowMs = Date.now();
    const { made } = this.#timers;
    try {
      for (
        let timer = this.#timers.next();
        timer !== undefined && timer.dueMs <= nowMs && timer.sequence < made;
        timer = this.#timers.next()
      ) {
        this.#timers.take(timer);
        timer.callback();
      }
    } finally {
      this.#arm();
    }
  }
}

/** Time that stands still until it is moved. Timers run in order of due time, then of creation. */
export class VirtualClock implements WatchableClock {
  #now: number;
  #flow: (() => number) | undefined;
  readonly #timers = new Timers();
  /** Called when a timer was made that is due before all others. */
  onEarlier: (() => void) | undefined;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    if (this.#flow === undefined) return this.#now;
    // Never past a timer that has not run.
    const next = this.#timers.next();
    return Math.max(this.#now, Math.min(this.#flow(), next?.dueMs ?? Infinity));
  }

  /** Lets the time between timers be told by `source`, epoch milliseconds; undefined lets it stand still. */
  flow(source: (() => number) | undefined): void {
    this.#now = this.now();
    this.#flow = source;
  }

  schedule(delayMs: number, callback: () => void, options: TimerOptions = {}): Timer {
    const { queued, timer } = this.#timers.add(this.now() + Math.max(0, delayMs), callback, options);
    if (this.#timers.next() === queued) this.onEarlier?.();
    return timer;
  }

  /** When the next timer is due, in epoch milliseconds; undefined when none waits. */
  nextDue(): number | undefined {
    return this.#timers.next()?.dueMs;
  }

  nextTimer({ ignoreRecurring }: { readonly ignoreRecurring?: boolean } = {}): DueTimer | undefined {
    return this.#timers.next(ignoreRecurring);
  }

  /**
   * Moves time forward by `ms`, running each timer at its own instant. `afterEach` is awaited behind every timer, so
   * that what it caused can settle before time goes on (pass `() => tasks.idle()`).
   */
  async advance(ms: number, afterEach?: () => Promise<void>): Promise<void> {
    await this.advanceTo(this.now() + ms, afterEach);
  }

  /** As `advance`, to an instant in epoch milliseconds; one that is past does nothing. */
  async advanceTo(targetMs: number, afterEach?: () => Promise<void>): Promise<void> {
    for (;;) {
      const timer = this.#timers.next();
      if (timer === undefined || timer.dueMs > targetMs) break;
      this.#run(timer);
      await afterEach?.();
    }
    this.#now = Math.max(this.#now, targetMs);
    await afterEach?.();
  }

  /** Moves to the next timer and runs it. Returns false when none waits. */
  runNext(): boolean {
    const timer = this.#timers.next();
    if (timer === undefined) return false;
    this.#run(timer);
    return true;
  }

  #run(timer: QueuedTimer): void {
    this.#timers.take(timer);
    this.#now = Math.max(this.#now, timer.dueMs);
    timer.callback();
  }
}

/** RFC 3339 in UTC with whole seconds, as `metav1.Time` is written. */
export function formatTime(epochMs: number): string {
  return textOfSecond(Math.floor(epochMs / 1000));
}

const textOfSecond = remembering(
  (second: number) => `${new Date(second * 1000).toISOString().slice(0, 19)}Z`,
);

/** RFC 3339 in UTC with six decimals, as `metav1.MicroTime` is written. */
export function formatMicroTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}

/** The day in UTC, `2006-01-02`. */
export function dateOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** Epoch milliseconds of an RFC 3339 time; NaN when it is none. */
export function parseTime(text: string): number {
  return Date.parse(text);
}
