import type { Branch } from './branch.ts';
import type { StoreEvent } from './interface.ts';

/** Events in one chunk. Chunks are let go whole, so that forgetting a long history costs no more than a short one. */
const CHUNK_EVENTS = 1024;
/** What an event costs beside the bytes of values, measured: objects, array slots, its share of tree nodes of snapshots. */
const EVENT_BYTES = 768;

/** An event and the branch it happened in. */
export interface LoggedEvent {
  readonly event: StoreEvent;
  readonly branch: Branch;
}

interface Chunk {
  readonly events: StoreEvent[];
  /** Of each event. */
  readonly branches: Branch[];
  bytes: number;
}

/**
 * The events since `compactedRevision`, in order. Revisions have no holes, so the event of a revision is found by its
 * distance. Adding, finding and forgetting cost the same however long the log is.
 */
export class EventLog {
  #compactedRevision: number;
  /** Revision of the last event. */
  #revision: number;
  /** Revision before the first event of the first chunk; at most `#takenRevision`. */
  #base: number;
  #takenRevision: number;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(compactedRevision: number) {
    this.#compactedRevision = compactedRevision;
    this.#revision = compactedRevision;
    this.#base = compactedRevision;
    this.#takenRevision = compactedRevision;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Memory that forgetting every event would give back, in bytes, estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the event of the next revision. */
  push(event: StoreEvent, branch: Branch): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.events.length === CHUNK_EVENTS) {
      chunk = { events: [], branches: [], bytes: 0 };
      this.#chunks.push(chunk);
    }
    chunk.events.push(event);
    chunk.branches.push(branch);
    const bytes = costOf(event);
    chunk.bytes += bytes;
    this.#bytes += bytes;
    this.#revision++;
  }

  /** The event of `revision`, which is after `compactedRevision` and up to `revision`. */
  at(revision: number): LoggedEvent {
    const offset = revision - this.#base - 1;
    const chunk = this.#chunks[Math.floor(offset / CHUNK_EVENTS)]!;
    const index = offset % CHUNK_EVENTS;
    return { event: chunk.events[index]!, branch: chunk.branches[index]! };
  }

  /** Events after `revision`, which is not forgotten, oldest first; without those of branches that were dropped. */
  *since(revision: number): Iterable<StoreEvent> {
    for (let next = revision + 1; next <= this.#revision; next++) {
      const { event, branch } = this.at(next);
      if (!branch.dropped) yield event;
    }
  }

  /** The oldest revision to forget history up to so that it holds at most `bytes`. */
  revisionKeeping(bytes: number): number {
    let left = this.#bytes;
    let revision = this.#compactedRevision;
    while (left > bytes && revision < this.#revision) {
      const chunk = this.#chunks[Math.floor((revision - this.#base) / CHUNK_EVENTS)]!;
      const isWhole = (revision - this.#base) % CHUNK_EVENTS === 0;
      if (isWhole && left - chunk.bytes >= bytes) {
        left -= chunk.bytes;
        revision += chunk.events.length;
      } else {
        left -= costOf(this.at(++revision).event);
      }
    }
    return revision;
  }

  /** Forgets the events up to `revision`, which is known. They wait to be taken. */
  forget(revision: number): void {
    while (this.#compactedRevision < revision) {
      const chunk = this.#chunks[Math.floor((this.#compactedRevision - this.#base) / CHUNK_EVENTS)]!;
      const isWhole = (this.#compactedRevision - this.#base) % CHUNK_EVENTS === 0;
      if (isWhole && this.#compactedRevision + chunk.events.length <= revision) {
        this.#bytes -= chunk.bytes;
        this.#compactedRevision += chunk.events.length;
      } else {
        this.#bytes -= costOf(this.at(++this.#compactedRevision).event);
      }
    }
  }

  /** Up to here forgotten events have been taken. */
  get takenRevision(): number {
    return this.#takenRevision;
  }

  /** Whether `takeForgotten` has anything to give. */
  get hasForgotten(): boolean {
    return this.#takenRevision < this.#compactedRevision;
  }

  /** The oldest forgotten events not taken so far, at most `count`: whoever takes them is the last to see them. */
  takeForgotten(count: number): LoggedEvent[] {
    const events: LoggedEvent[] = [];
    while (events.length < count && this.hasForgotten) {
      events.push(this.at(++this.#takenRevision));
      if (this.#takenRevision - this.#base === CHUNK_EVENTS) {
        this.#chunks.shift();
        this.#base = this.#takenRevision;
      }
    }
    return events;
  }
}

/** The current state shares its bytes with the event that made it; only what was replaced or deleted is kept by history. */
function costOf({ type, value, previous }: StoreEvent): number {
  return EVENT_BYTES + (previous?.bytes.length ?? 0) + (type === 'deleted' ? value.bytes.length : 0);
}
