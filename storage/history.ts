import { newCompacted, newFutureRevision } from './errors.ts';
import type { StoredValue, StoreEvent } from './interface.ts';
import { SortedMap } from './sorted-map.ts';

/** State of all keys at one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly state: SortedMap<StoredValue>;
}

/**
 * Distance between the snapshots kept along history. Any state is at most half of this many events away from one, which is
 * about a millisecond of work; a snapshot keeps alive the tree nodes that changed since.
 */
const SNAPSHOT_INTERVAL = 4096;
/** Snapshots kept of revisions somebody asked for: pages of one list ask for the same revision again and again. */
const REQUESTED_SNAPSHOTS_MAX = 8;

/**
 * The events since `compactedRevision` and the states they lead through. Revisions have no holes, so the event of a
 * revision is found by its distance.
 */
export class History {
  #compactedRevision: number;
  #events: StoreEvent[];
  /** Snapshots along history, by ascending revision; the state of `revision` itself is `#current`. */
  #milestones: Snapshot[] = [];
  /** Most recently used last. */
  #requested: Snapshot[] = [];
  readonly #current: SortedMap<StoredValue>;

  /** `current` is the state after all `events`; from here on only `append` changes it. */
  constructor(compactedRevision: number, events: StoreEvent[], current: SortedMap<StoredValue>) {
    this.#compactedRevision = compactedRevision;
    this.#events = events;
    this.#current = current;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** Revision of the last event. */
  get revision(): number {
    return this.#compactedRevision + this.#events.length;
  }

  /** State at `revision`. */
  get current(): SortedMap<StoredValue> {
    return this.#current;
  }

  /** Applies events that follow the last one without a hole. */
  append(events: readonly StoreEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      redo(this.#current, event);
    }
    const last = this.#milestones.at(-1)?.revision ?? this.#compactedRevision;
    if (this.revision - last >= SNAPSHOT_INTERVAL) {
      this.#milestones.push({ revision: this.revision, state: this.#current.clone() });
    }
  }

  /** Events with a revision greater than `revision`, oldest first. Errors: `compacted`, `future-revision`. */
  since(revision: number): readonly StoreEvent[] {
    this.check(revision);
    return this.#events.slice(revision - this.#compactedRevision);
  }

  /** State at `revision`; not to be changed. Errors: `compacted`, `future-revision`. */
  at(revision: number): SortedMap<StoredValue> {
    this.check(revision);
    if (revision === this.revision) return this.#current;
    const nearest = this.#nearest(revision);
    if (nearest.revision !== revision) return this.#build(nearest, revision);
    this.#touch(nearest);
    return nearest.state;
  }

  /**
   * Forgets the events up to `revision`, which must be known, and returns the revisions nothing refers to any more: of
   * states that were replaced, and of deletes.
   */
  compact(revision: number): number[] {
    const unreachable: number[] = [];
    const forgotten = revision - this.#compactedRevision;
    if (forgotten <= 0) return unreachable;
    for (const event of this.#events.slice(0, forgotten)) {
      if (event.previous !== undefined) unreachable.push(event.previous.revision);
      if (event.type === 'deleted') unreachable.push(event.revision);
    }
    this.#events = this.#events.slice(forgotten);
    this.#compactedRevision = revision;
    const isKnown = (snapshot: Snapshot): boolean => snapshot.revision >= this.#compactedRevision;
    this.#milestones = this.#milestones.filter(isKnown);
    this.#requested = this.#requested.filter(isKnown);
    return unreachable;
  }

  /** Errors: `compacted`, `future-revision`. */
  check(revision: number): void {
    if (revision > this.revision) throw newFutureRevision(revision, this.revision);
    if (revision >= this.#compactedRevision) return;
    throw newCompacted(revision, this.#compactedRevision);
  }

  #nearest(revision: number): Snapshot {
    let nearest: Snapshot = { revision: this.revision, state: this.#current };
    const distance = (snapshot: Snapshot): number => Math.abs(snapshot.revision - revision);
    for (const snapshot of [...this.#milestones, ...this.#requested]) {
      if (distance(snapshot) < distance(nearest)) nearest = snapshot;
    }
    return nearest;
  }

  #build(from: Snapshot, revision: number): SortedMap<StoredValue> {
    const state = from.state.clone();
    const base = this.#compactedRevision;
    if (from.revision < revision) {
      for (const event of this.#events.slice(from.revision - base, revision - base)) redo(state, event);
    } else {
      for (const event of this.#events.slice(revision - base, from.revision - base).reverse()) {
        undo(state, event);
      }
    }
    this.#touch({ revision, state });
    return state;
  }

  #touch(snapshot: Snapshot): void {
    this.#requested = this.#requested.filter((other) => other.revision !== snapshot.revision);
    this.#requested.push(snapshot);
    if (this.#requested.length > REQUESTED_SNAPSHOTS_MAX) this.#requested.shift();
  }
}

function redo(state: SortedMap<StoredValue>, event: StoreEvent): void {
  if (event.type === 'deleted') state.delete(event.key);
  else state.set(event.key, event.value);
}

function undo(state: SortedMap<StoredValue>, event: StoreEvent): void {
  if (event.previous === undefined) state.delete(event.key);
  else state.set(event.key, event.previous);
}
