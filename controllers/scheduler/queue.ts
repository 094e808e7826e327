/**
 * Pods waiting for a node: active ones by priority and then by age, those backing off after a failure, and those that
 * cannot be placed until something in the cluster changes.
 */
import BTree from 'sorted-btree';
import type { Clock, Timer } from '../../api/machinery/clock.ts';

export const POD_BACK_OFF_MS = { initial: 1000, max: 10_000 } as const;
/** However little happens, an unschedulable pod is tried again after this time. */
export const UNSCHEDULABLE_FLUSH_MS = 300_000;

interface Entry {
  readonly key: string;
  priority: number;
  readonly sequence: number;
  attempts: number;
  state: 'active' | 'backing-off' | 'unschedulable';
  timer?: Timer;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new BTree<Entry, true>(undefined, (a, b) => b.priority - a.priority || a.sequence - b.sequence);
  #sequence = 0;

  /** `wake` is called whenever a pod becomes active. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** Adds a pod, or makes a waiting one active because it changed. */
  add(key: string, priority: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, priority, sequence: this.#sequence++, attempts: 0, state: 'unschedulable' };
      this.#entries.set(key, entry);
    }
    if (entry.state === 'backing-off' || entry.state === 'active') return;
    entry.priority = priority;
    this.#activate(entry);
  }

  /** The best active pod, taken out; it comes back through `add` or `fail`. */
  pop(): string | undefined {
    const best = this.#active.minKey();
    if (best === undefined) return undefined;
    this.#active.delete(best);
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
    entry.timer = this.#clock.schedule(UNSCHEDULABLE_FLUSH_MS, () => this.#activate(entry));
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
    this.#active.delete(entry);
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
    entry.timer = this.#clock.schedule(delayMs, () => this.#activate(entry));
  }

  #activate(entry: Entry): void {
    if (!this.#entries.has(entry.key)) return;
    entry.timer?.cancel();
    entry.state = 'active';
    this.#active.set(entry, true);
    this.#wake();
  }
}
