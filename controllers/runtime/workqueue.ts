/** The workqueue of client-go: each key waits at most once, and is never worked on twice at a time. */
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import type { Metrics } from '../../api/machinery/metrics.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import { workqueueMetrics, type WorkqueueMetrics } from './workqueue-metrics.ts';
import type { Workqueue } from './controller.ts';

/** Back-off of failing keys: doubles from the first to the second. */
const RETRY_DELAY_MS = { initial: 5, max: 1_000_000 } as const;

/** Back-off of failing keys, in milliseconds: doubles from the first to the second. */
export interface RetryDelay {
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface WorkqueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly tasks: TaskTracker;
  readonly metrics?: Metrics;
  /** Default: 5 ms doubling to 1000 s. */
  readonly retryDelay?: RetryDelay;
  /** Called when a key became ready. */
  readonly onReady: () => void;
}

export class RateLimitedQueue implements Workqueue {
  readonly #options: WorkqueueOptions;
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  /** Keys added while they were worked on: ready again when that is done. */
  readonly #dirty = new Set<string>();
  readonly #delayed = new Map<string, { readonly timer: Timer; readonly dueMs: number }>();
  readonly #failures = new Map<string, number>();
  readonly #holds = new Map<string, () => void>();
  readonly #metrics: WorkqueueMetrics;
  #stopped = false;

  constructor(options: WorkqueueOptions) {
    this.#options = options;
    this.#metrics = workqueueMetrics(options.metrics, options.clock, options.name);
  }

  get length(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#processing.has(key)) {
      this.#dirty.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.add(key);
    this.#metrics.added(key);
    if (!this.#holds.has(key)) this.#holds.set(key, this.#options.tasks.hold(`queue ${this.#options.name}`));
    this.#options.onReady();
  }

  addAfter(key: string, delayMs: number, { recurring = false } = {}): void {
    if (this.#stopped) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#options.clock.now() + delayMs;
    const waiting = this.#delayed.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    waiting?.timer.cancel();
    const wake = (): void => {
      this.#delayed.delete(key);
      this.add(key);
    };
    const name = `queue ${this.#options.name} (${key})`;
    const timer = this.#options.clock.schedule(delayMs, wake, { name, recurring });
    this.#delayed.set(key, { timer, dueMs });
  }

  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retried();
    const { initialMs = RETRY_DELAY_MS.initial, maxMs = RETRY_DELAY_MS.max } = this.#options.retryDelay ?? {};
    this.addAfter(key, Math.min(initialMs * 2 ** failures, maxMs));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes the key that waited longest; call `done` when it was worked on. */
  take(): string | undefined {
    const next = this.#ready.values().next();
    if (next.done === true) return undefined;
    this.#ready.delete(next.value);
    this.#processing.add(next.value);
    this.#metrics.taken(next.value);
    return next.value;
  }

  done(key: string): void {
    this.#processing.delete(key);
    this.#metrics.done(key);
    if (this.#dirty.delete(key) && !this.#stopped) {
      this.#ready.add(key);
      this.#metrics.added(key);
      this.#options.onReady();
      return;
    }
    this.#release(key);
  }

  /** Drops everything that waits; keys being worked on finish. */
  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    for (const key of this.#ready) this.#release(key);
    this.#ready.clear();
    this.#dirty.clear();
  }

  #release(key: string): void {
    this.#holds.get(key)?.();
    this.#holds.delete(key);
  }
}
