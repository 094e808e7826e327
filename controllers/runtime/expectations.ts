/**
 * What a controller has asked for and not yet seen in its cache. Until it has, acting again on the stale cache would
 * create or delete too much. Mirrors kubernetes controller UIDTrackingControllerExpectations.
 */
import type { Clock } from '../../api/machinery/clock.ts';

/** After this time an expectation is given up: the event it waits for was lost. */
export const EXPECTATION_TIMEOUT_MS = 300_000;

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `count` more objects of `key` are about to be created. */
  expectCreations(key: string, count: number): void {
    this.#entry(key).creations += count;
  }

  /** These objects, by any identity the caller reports again, are about to be deleted. */
  expectDeletions(key: string, identities: readonly string[]): void {
    const { deletions } = this.#entry(key);
    for (const identity of identities) deletions.add(identity);
  }

  /** One was seen, or could not be created. */
  creationObserved(key: string): void {
    const entry = this.#expected.get(key);
    if (entry !== undefined && entry.creations > 0) entry.creations--;
  }

  deletionObserved(key: string, identity: string): void {
    this.#expected.get(key)?.deletions.delete(identity);
  }

  /** True when nothing is outstanding, or what is has been for too long. */
  satisfied(key: string): boolean {
    const entry = this.#expected.get(key);
    if (entry === undefined) return true;
    const done = entry.creations <= 0 && entry.deletions.size === 0;
    if (!done && this.#clock.now() - entry.sinceMs < EXPECTATION_TIMEOUT_MS) return false;
    this.#expected.delete(key);
    return true;
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }

  #entry(key: string): Expected {
    let entry = this.#expected.get(key);
    if (entry === undefined) {
      entry = { creations: 0, deletions: new Set(), sinceMs: this.#clock.now() };
      this.#expected.set(key, entry);
    }
    return entry;
  }
}
