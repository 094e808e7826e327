/** The one door to time. Nothing else calls `Date.now` or `setTimeout` (checked by test/tidy.test.ts). */

/** A callback waiting for its time. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now (at least; 0 means as soon as possible, never at once). */
  schedule(delayMs: number, callback: () => void): Timer;
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
export class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  schedule(delayMs: number, callback: () => void): Timer {
    let handle: NodeJS.Timeout;
    const due = Date.now() + delayMs;
    const arm = (): void => {
      const left = Math.max(0, due - Date.now());
      handle = left > TIMEOUT_MS_MAX ? setTimeout(arm, TIMEOUT_MS_MAX) : setTimeout(callback, left);
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }
}

interface VirtualTimer {
  readonly due: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/** Time that stands still until it is moved. Timers run in order of due time, then of creation. */
export class VirtualClock implements Clock {
  #now: number;
  #sequence = 0;
  readonly #timers = new Set<VirtualTimer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer: VirtualTimer = {
      due: this.#now + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** When the next timer is due, in epoch milliseconds; undefined when none waits. */
  nextDue(): number | undefined {
    return this.#next()?.due;
  }

  /**
   * Moves time forward by `ms`, running each timer at its own instant. `afterEach` is awaited behind every timer, so
   * that what it caused can settle before time goes on (pass `() => tasks.idle()`).
   */
  async advance(ms: number, afterEach?: () => Promise<void>): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      const timer = this.#next();
      if (timer === undefined || timer.due > target) break;
      this.#run(timer);
      await afterEach?.();
    }
    this.#now = target;
    await afterEach?.();
  }

  /** Moves to the next timer and runs it. Returns false when none waits. */
  runNext(): boolean {
    const timer = this.#next();
    if (timer === undefined) return false;
    this.#run(timer);
    return true;
  }

  #run(timer: VirtualTimer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.callback();
  }

  #next(): VirtualTimer | undefined {
    let best: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (
        best === undefined ||
        timer.due < best.due ||
        (timer.due === best.due && timer.sequence < best.sequence)
      ) {
        best = timer;
      }
    }
    return best;
  }
}

/** RFC 3339 in UTC with whole seconds, as `metav1.Time` is written. */
export function formatTime(epochMs: number): string {
  return `${new Date(Math.floor(epochMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 in UTC with six decimals, as `metav1.MicroTime` is written. */
export function formatMicroTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}

/** Epoch milliseconds of an RFC 3339 time; NaN when it is none. */
export function parseTime(text: string): number {
  return Date.parse(text);
}
