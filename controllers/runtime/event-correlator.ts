/**
 * Decides what becomes of an event: a new one, one more of a known one, or nothing. Mirrors client-go
 * tools/record/events_cache.go EventCorrelator.
 */
import type { Event } from '../../openapi/generated/core-v1.ts';

/** Events of one object and type that may come at once, and how fast more are allowed after that. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;
/** From this many different messages on, no further apart than the interval, new ones are combined into one event. */
const SIMILAR_MAX = 10;
const SIMILAR_INTERVAL_MS = 600_000;
export const COMBINED_PREFIX = '(combined from similar events): ';
/** Events, groups and objects remembered; those not met for the longest time are forgotten. */
const REMEMBERED_MAX = 4096;

/** Something that happened, as it was reported. */
export interface Occurrence {
  readonly involved: Event['involvedObject'];
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** What to write about an occurrence. */
export interface Correlated {
  /** Name of the event object: that of the first occurrence. */
  readonly name: string;
  /** How often it happened, this time included. 1 means that there is no such event yet. */
  readonly count: number;
  readonly message: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Counts the events of one source. */
export class EventCorrelator {
  readonly #newName: (object: string) => string;
  readonly #known = new Recent<{ readonly name: string; readonly count: number; readonly firstMs: number }>();
  readonly #similar = new Recent<{ readonly messages: Set<string>; lastMs: number }>();
  readonly #budgets = new Recent<{ tokens: number; atMs: number }>();

  /** `newName` makes the name of an event from that of the object it is about. */
  constructor(newName: (object: string) => string) {
    this.#newName = newName;
  }

  /** Undefined when the object causes too many events; what is dropped so counts nevertheless. */
  observe(occurrence: Occurrence): Correlated | undefined {
    const identity = identityOf(occurrence.involved);
    const { key, message } = this.#combine(identity, occurrence);
    const before = this.#known.get(key);
    const { atMs } = occurrence;
    const seen = {
      name: before?.name ?? this.#newName(occurrence.involved.name ?? ''),
      count: (before?.count ?? 0) + 1,
      firstMs: before?.firstMs ?? atMs,
    };
    this.#known.put(key, seen);
    return this.#isAllowed(identity, occurrence) ? { ...seen, message, lastMs: atMs } : undefined;
  }

  #combine(
    identity: string,
    { involved, type, reason, message, atMs }: Occurrence,
  ): {
    readonly key: string;
    readonly message: string;
  } {
    const group = `${identity}\0${type}\0${reason}`;
    const before = this.#similar.get(group);
    const similar =
      before === undefined || atMs - before.lastMs > SIMILAR_INTERVAL_MS
        ? { messages: new Set<string>(), lastMs: atMs }
        : before;
    similar.messages.add(message);
    similar.lastMs = atMs;
    this.#similar.put(group, similar);
    if (similar.messages.size < SIMILAR_MAX) {
      return { key: `${group}\0${involved.fieldPath ?? ''}\0${message}`, message };
    }
    // The first nine go on as events of their own.
    similar.messages.delete(message);
    return { key: group, message: COMBINED_PREFIX + message };
  }

  /** A token bucket for each object and type, so that warnings do not silence what goes well. */
  #isAllowed(identity: string, { type, atMs }: Occurrence): boolean {
    const key = `${identity}\0${type}`;
    const budget = this.#budgets.get(key) ?? { tokens: SPAM_BURST, atMs };
    const tokens = Math.min(SPAM_BURST, budget.tokens + (atMs - budget.atMs) / SPAM_REFILL_MS);
    const isAllowed = tokens >= 1;
    this.#budgets.put(key, { tokens: isAllowed ? tokens - 1 : tokens, atMs });
    return isAllowed;
  }
}

/** Which object it is, at whatever version. */
function identityOf({ kind, namespace, name, uid, apiVersion }: Event['involvedObject']): string {
  return `${kind}\0${namespace}\0${name}\0${uid}\0${apiVersion}`;
}

/** A map that forgets what was not used for the longest time. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  put(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > REMEMBERED_MAX) this.#entries.delete(this.#entries.keys().next().value!);
  }
}
