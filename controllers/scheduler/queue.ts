/**
 * Pods waiting for a node: active ones by priority and then by age, those backing off after a failure, those that cannot be
 * placed until something in the cluster changes, and those that are not to be tried yet. Mirrors backend/queue.
 */
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import type { ClusterEvent } from './events.ts';

/** However little happens, an unschedulable pod is tried again after this time. */
export const UNSCHEDULABLE_FLUSH_MS = 300_000;

type State = 'gated' | 'active' | 'backing-off' | 'in-flight' | 'unschedulable';

interface Entry {
  readonly key: string;
  priority: number;
  attempts: number;
  state: State;
  /** When the back-off of the last failure ends, epoch milliseconds. */
  readyMs: number;
  /** An error is given time; a pod that merely found no node need not wait while nobody else does. */
  hasError: boolean;
  /** Plugins that rejected it. */
  plugins: ReadonlySet<string>;
  /** What happened while it was worked on. */
  missed: ClusterEvent[];
  timer?: Timer;
}

export interface QueueOptions {
  readonly clock: Clock;
  /** Doubles with every failed attempt, up to the maximum. */
  readonly backOffMs: { readonly initial: number; readonly max: number };
  /** Called whenever a pod can be taken. */
  readonly wake: () => void;
  /** Whether an event may help a pod that a plugin rejected. */
  readonly mayHelp: (plugin: string, key: string, event: ClusterEvent) => boolean;
}

export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new ByPriority();
  /** Those without an error, by the second in which their back-off ends. */
  readonly #backingOff = new Map<number, ByPriority>();
  readonly #inFlight = new Set<Entry>();
  readonly #unschedulable = new Map<string, Set<Entry>>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Whether `pop` would give a pod. */
  get hasReady(): boolean {
    return (this.#active.first() ?? this.#nextBackingOff()) !== undefined;
  }

  /** Adds a pod, or makes a waiting one active because it changed. A gated one waits for its next change. */
  add(key: string, priority: number, isGated = false): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        key,
        priority,
        attempts: 0,
        state: 'gated',
        readyMs: 0,
        hasError: false,
        plugins: new Set(),
        missed: [],
      };
      this.#entries.set(key, entry);
    }
    if (entry.state === 'in-flight' || (entry.state === 'active' && entry.priority === priority)) return;
    this.#leave(entry);
    entry.priority = priority;
    if (isGated) entry.state = 'gated';
    else this.#requeue(entry);
  }

  /** The best active pod, or one whose back-off may be cut short; it comes back through `add`, `fail` or `retry`. */
  pop(): string | undefined {
    const entry = this.#active.first() ?? this.#nextBackingOff();
    if (entry === undefined) return undefined;
    this.#leave(entry);
    entry.state = 'in-flight';
    entry.missed = [];
    this.#inFlight.add(entry);
    return entry.key;
  }

  /** The pod found no node: it waits for a change that may help against those plugins, or for the flush. */
  fail(key: string, plugins: ReadonlySet<string>): void {
    const entry = this.#entries.get(key);
    if (entry?.state !== 'in-flight') return;
    this.#leave(entry);
    this.#noteFailure(entry, false);
    entry.plugins = plugins;
    const isHelped = entry.missed.some((event) =>
      [...plugins].some((plugin) => this.#options.mayHelp(plugin, key, event)),
    );
    if (isHelped) this.#requeue(entry);
    else this.#park(entry);
  }

  /** Scheduling broke on an error: try again behind the back-off. */
  retry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#leave(entry);
    this.#noteFailure(entry, true);
    this.#requeue(entry);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#leave(entry);
    this.#entries.delete(key);
  }

  /** Unschedulable pods that the event may help are tried again. */
  happened(event: ClusterEvent): void {
    for (const entry of this.#inFlight) entry.missed.push(event);
    for (const [plugin, entries] of this.#unschedulable) {
      for (const entry of entries) {
        if (entry.state !== 'unschedulable' || !this.#options.mayHelp(plugin, entry.key, event)) continue;
        this.#leave(entry);
        this.#requeue(entry);
      }
    }
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#active.clear();
    this.#backingOff.clear();
    this.#inFlight.clear();
    this.#unschedulable.clear();
  }

  #noteFailure(entry: Entry, hasError: boolean): void {
    entry.attempts++;
    entry.hasError = hasError;
    const { initial, max } = this.#options.backOffMs;
    const delayMs = Math.min(initial * 2 ** (entry.attempts - 1), max);
    entry.readyMs = this.#options.clock.now() + delayMs;
  }

  #requeue(entry: Entry): void {
    const waitMs = entry.readyMs - this.#options.clock.now();
    if (waitMs <= 0) {
      this.#activate(entry);
      return;
    }
    entry.state = 'backing-off';
    if (!entry.hasError) this.#addBackingOff(entry);
    const name = `scheduler back-off (${entry.key})`;
    const end = (): void => {
      this.#leave(entry);
      this.#activate(entry);
    };
    entry.timer = this.#options.clock.schedule(waitMs, end, { name });
    if (!entry.hasError) this.#options.wake();
  }

  #park(entry: Entry): void {
    entry.state = 'unschedulable';
    for (const plugin of entry.plugins) {
      let entries = this.#unschedulable.get(plugin);
      if (entries === undefined) this.#unschedulable.set(plugin, (entries = new Set()));
      entries.add(entry);
    }
    const flush = (): void => {
      this.#leave(entry);
      this.#requeue(entry);
    };
    entry.timer = this.#options.clock.schedule(UNSCHEDULABLE_FLUSH_MS, flush, { recurring: true });
  }

  #activate(entry: Entry): void {
    entry.state = 'active';
    this.#active.add(entry);
    this.#options.wake();
  }

  /** Takes the entry out of wherever it waits. */
  #leave(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    this.#inFlight.delete(entry);
    this.#active.delete(entry);
    const window = windowOf(entry);
    const backingOff = this.#backingOff.get(window);
    backingOff?.delete(entry);
    if (backingOff?.first() === undefined) this.#backingOff.delete(window);
    for (const plugin of entry.plugins) {
      const entries = this.#unschedulable.get(plugin);
      if (entries?.delete(entry) === true && entries.size === 0) this.#unschedulable.delete(plugin);
    }
  }

  #addBackingOff(entry: Entry): void {
    const window = windowOf(entry);
    let entries = this.#backingOff.get(window);
    if (entries === undefined) this.#backingOff.set(window, (entries = new ByPriority()));
    entries.add(entry);
  }

  /** While nobody else is to be tried, a pod without an error need not wait. Mirrors SchedulerPopFromBackoffQ. */
  #nextBackingOff(): Entry | undefined {
    if (this.#backingOff.size === 0) return undefined;
    return this.#backingOff.get(Math.min(...this.#backingOff.keys()))!.first();
  }
}

/** Back-offs that end within one second count as ending together. */
function windowOf({ readyMs }: Entry): number {
  return Math.floor(readyMs / 1000);
}

/** Entries by priority, each in the order they came. There are few priorities. */
class ByPriority {
  readonly #entries = new Map<number, Set<Entry>>();

  add(entry: Entry): void {
    let equals = this.#entries.get(entry.priority);
    if (equals === undefined) this.#entries.set(entry.priority, (equals = new Set()));
    equals.add(entry);
  }

  delete(entry: Entry): void {
    const equals = this.#entries.get(entry.priority);
    equals?.delete(entry);
    if (equals?.size === 0) this.#entries.delete(entry.priority);
  }

  first(): Entry | undefined {
    if (this.#entries.size === 0) return undefined;
    return this.#entries
      .get(Math.max(...this.#entries.keys()))!
      .values()
      .next().value;
  }

  clear(): void {
    this.#entries.clear();
  }
}

/** Plugins that rejected a pod on any node. */
export function pluginsOf(rejections: Iterable<{ readonly plugin: string }>): ReadonlySet<string> {
  return new Set([...rejections].map(({ plugin }) => plugin));
}
