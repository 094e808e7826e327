/**
 * Pods waiting for a node: active ones by priority and then by age, those backing off after a failure, and those that
 * cannot be placed until something in the cluster changes.
 */
import type { Clock, Timer } from '../../api/machinery/clock.ts';

export const POD_BACK_OFF_MS = { initial: 1000, max: 10_000 } as const;
/** However little happens, an unschedulable pod is tried again after this time. */
export const UNSCHEDULABLE_FLUSH_MS = 300_000;

interface Entry {
  readonly key: string;
  priority: number;
  attempts: number;
  state: 'active' | 'backing-off' | 'unschedulable';
  timer?: Timer;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #entries = new Map<string, Entry>();
  /** Active pods by priority, each in the order they came. There are few priorities. */
  readonly #active = new Map<number, Set<Entry>>();

  /** `wake` is called whenever a pod becomes active. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get activeCount(): number {
    let count = 0;
    for (const entries of this.#active.values()) count += entries.size;
    return count;
  }

  /** Adds a pod, or makes a waiting one active because it changed. */
  add(key: string, priority: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, priority, attempts: 0, state: 'unschedulable' };
      this.#entries.set(key, entry);
    }
    if (entry.state === 'backing-off' || entry.state === 'active') return;
    entry.priority = priority;
    this.#activate(entry);
  }

  /** The best active pod, taken out; it comes back through `add` or `fail`. */
  pop(): string | undefined {
    if (this.#active.size === 0) return undefined;
    const best = this.#active
      .get(Math.max(...this.#active.keys()))!
      .values()
      .next().value!;
    this.#deactivate(best);
    best.state = 'unschedulable';
    return best.key;
  }

  /** The pod found no node: it waits for a change in the cluster, or for the flush. */
  fail(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.attempts++;
    entry.state = 'unschedulable';
    entry.timer?.cancel();
    entry.timer = this.#clock.schedule(UNSCHEDULABLE_FLUSH_MS, () => this.#activate(entry), {
      recurring: true,
    });
  }

  /** Scheduling broke on an error: try again behind the back-off. */
  retry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.attempts++;
    this.#backOff(entry);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.timer?.cancel();
    this.#deactivate(entry);
    this.#entries.delete(key);
  }

  /** Something changed that may help: unschedulable pods are tried again, behind their back-off. */
  moveAll(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'unschedulable' && entry.attempts > 0) this.#backOff(entry);
    }
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#active.clear();
  }

  #backOff(entry: Entry): void {
    entry.timer?.cancel();
    entry.state = 'backing-off';
    const delayMs = Math.min(POD_BACK_OFF_MS.initial * 2 ** (entry.attempts - 1), POD_BACK_OFF_MS.max);
    const name = `scheduler back-off (${entry.key})`;
    entry.timer = this.#clock.schedule(delayMs, () => this.#activate(entry), { name });
  }

  #activate(entry: Entry): void {
    if (!this.#entries.has(entry.key)) return;
    entry.timer?.cancel();
    entry.state = 'active';
    let entries = this.#active.get(entry.priority);
    if (entries === undefined) this.#active.set(entry.priority, (entries = new Set()));
    entries.add(entry);
    this.#wake();
  }

  #deactivate(entry: Entry): void {
    const entries = this.#active.get(entry.priority);
    entries?.delete(entry);
    if (entries?.size === 0) this.#active.delete(entry.priority);
  }
}
