import { EventLog } from './event-log.ts';
import type { StoredValue, StoreEvent } from './interface.ts';
import { SortedMap } from './sorted-map.ts';

/** State of all keys at one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly state: SortedMap<StoredValue>;
}

/**
 * Distance between the snapshots kept along history, at first. Any state is at most half of this many events away from
 * one, which is about a millisecond of work; a snapshot keeps alive the tree nodes that changed since.
 */
const SNAPSHOT_INTERVAL = 4096;
/** Snapshots kept along history. When there are more, every other one goes and their distance doubles. */
const MILESTONES_MAX = 32;
/** Snapshots kept of revisions somebody asked for: pages of one list ask for the same revision again and again. */
const REQUESTED_SNAPSHOTS_MAX = 8;

/** The events since `compactedRevision` and the states they lead through. */
export class History {
  readonly #log: EventLog;
  readonly #current = new SortedMap<StoredValue>();
  /** Snapshots along history, by ascending revision; the state of `revision` itself is `#current`. */
  #milestones: Snapshot[] = [];
  #interval = SNAPSHOT_INTERVAL;
  /** Most recently used last. */
  #requested: Snapshot[] = [];

  /** Without any event and key. */
  constructor(compactedRevision: number) {
    this.#log = new EventLog(compactedRevision);
  }

  get compactedRevision(): number {
    return this.#log.compactedRevision;
  }

  /** Revision of the last event. */
  get revision(): number {
    return this.#log.revision;
  }

  /** Memory that forgetting all history would give back, in bytes, estimated. */
  get bytes(): number {
    return this.#log.bytes;
  }

  /** State at `revision`. To be filled with the state at `compactedRevision` before the first event, then not changed. */
  get current(): SortedMap<StoredValue> {
    return this.#current;
  }

  /** Applies an event that follows the last one without a hole. */
  append(event: StoreEvent): void {
    this.#log.push(event);
    redo(this.#current, event);
    const last = this.#milestones.at(-1)?.revision ?? this.compactedRevision;
    if (this.revision - last >= this.#interval) this.#addMilestone();
  }

  /** Events with a revision greater than `revision`, oldest first. Errors: `compacted`, `future-revision`. */
  since(revision: number): Iterable<StoreEvent> {
    this.#log.check(revision);
    return this.#log.since(revision);
  }

  /** State at `revision`; not to be changed. Errors: `compacted`, `future-revision`. */
  at(revision: number): SortedMap<StoredValue> {
    this.#log.check(revision);
    if (revision === this.revision) return this.#current;
    const nearest = this.#nearest(revision);
    if (nearest.revision !== revision) return this.#build(nearest, revision);
    this.#touch(nearest);
    return nearest.state;
  }

  /** Errors: `compacted`, `future-revision`. */
  check(revision: number): void {
    this.#log.check(revision);
  }

  /** The oldest revision to compact to so that history takes at most `bytes`. */
  revisionKeeping(bytes: number): number {
    return this.#log.revisionKeeping(bytes);
  }

  /** Forgets the events up to `revision`, which must be known. */
  compact(revision: number): void {
    if (revision <= this.compactedRevision) return;
    this.#log.forget(revision);
    const isKnown = (snapshot: Snapshot): boolean => snapshot.revision >= revision;
    this.#milestones = this.#milestones.filter(isKnown);
    this.#requested = this.#requested.filter(isKnown);
    if (this.#milestones.length === 0) this.#interval = SNAPSHOT_INTERVAL;
  }

  /** Whether there are forgotten events `takeUnreachable` has not looked at. */
  get hasForgotten(): boolean {
    return this.#log.hasForgotten;
  }

  /**
   * Looks at the next `count` forgotten events. Returns the revisions of records nothing refers to any more because of
   * them: of states that were replaced, and of deletes.
   */
  takeUnreachable(count: number): number[] {
    const unreachable: number[] = [];
    for (const event of this.#log.takeForgotten(count)) {
      if (event.previous !== undefined) unreachable.push(event.previous.revision);
      if (event.type === 'deleted') unreachable.push(event.revision);
    }
    return unreachable;
  }

  #addMilestone(): void {
    this.#milestones.push({ revision: this.revision, state: this.#current.clone() });
    if (this.#milestones.length <= MILESTONES_MAX) return;
    this.#milestones = this.#milestones.filter((_, index) => index % 2 === 1);
    this.#interval *= 2;
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
    for (let next = from.revision + 1; next <= revision; next++) redo(state, this.#log.at(next));
    for (let last = from.revision; last > revision; last--) undo(state, this.#log.at(last));
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
