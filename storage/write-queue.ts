import type { Change } from './cluster-changes.ts';
import type { StorageError } from './errors.ts';
import type { EngineOperation, EnginePut, StoredValue, StoreEvent } from './interface.ts';
import { encodeMeta, encodeRecord, logKey, META_KEY } from './log-format.ts';

/** Writes in one engine batch: bounds what one commit holds up, far above where batching still pays. */
const BATCH_WRITES_MAX = 1024;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: StorageError) => void;
}

/** A write whose expectation held and which has its revision. */
export interface AcceptedWrite extends Settle<StoredValue> {
  readonly event: StoreEvent;
}

export interface AcceptedCompaction extends Settle<void> {
  readonly revision: number;
}

export interface AcceptedChange<T = unknown> extends Settle<T> {
  readonly change: Change<T>;
  /** Revision of the newest write accepted before it: they may be of a cluster that is dropped. */
  readonly after: number;
}

/** What goes to the engine at once. */
export interface Batch {
  readonly writes: readonly AcceptedWrite[];
  readonly compactions: readonly AcceptedCompaction[];
  readonly compactedRevision: number;
  readonly changes: readonly AcceptedChange[];
  /** Store revision behind it. */
  readonly revision: number;
  readonly operations: readonly EngineOperation[];
}

/** Puts the record of an event, which is made when the engine looks at it: one in memory need not. */
class PutRecord implements EnginePut {
  readonly type = 'put';
  readonly key: string;
  readonly #event: StoreEvent;

  constructor(event: StoreEvent) {
    this.key = logKey(event.revision);
    this.#event = event;
  }

  get value(): Buffer {
    return encodeRecord(this.#event);
  }
}

/** What was accepted and waits for its batch, oldest first. */
export class WriteQueue {
  readonly writes: AcceptedWrite[] = [];
  readonly compactions: AcceptedCompaction[] = [];
  readonly changes: AcceptedChange[] = [];

  get isEmpty(): boolean {
    return this.writes.length === 0 && this.compactions.length === 0 && this.changes.length === 0;
  }

  /** The next batch of a store that is at `revision`; `cleanups` are engine keys to delete along with it. */
  take(revision: number, compactedRevision: number, cleanups: readonly string[]): Batch {
    const writes = this.writes.splice(0, countForBatch(this.writes));
    const compactions = this.compactions.splice(0);
    const newRevision = writes.at(-1)?.event.revision ?? revision;
    const newCompactedRevision = Math.max(compactedRevision, ...compactions.map((each) => each.revision));
    const ready = this.changes.findIndex(({ after }) => after > newRevision);
    const changes = this.changes.splice(0, ready < 0 ? Infinity : ready);
    const operations: EngineOperation[] = writes.map(({ event }) => new PutRecord(event));
    for (const { change } of changes) operations.push(change.operation(newRevision));
    for (const key of cleanups) operations.push({ type: 'delete', key });
    if (writes.length + compactions.length + changes.length > 0) {
      const meta = { revision: newRevision, compactedRevision: newCompactedRevision };
      operations.push({ type: 'put', key: META_KEY, value: encodeMeta(meta) });
    }
    return {
      writes,
      compactions,
      compactedRevision: newCompactedRevision,
      changes,
      revision: newRevision,
      operations,
    };
  }

  /** Rejects everything in `batch` and everything that waits; `newError` is given the key of a write. */
  rejectAll(batch: Batch, newError: (key?: string) => StorageError): void {
    const writes = [...batch.writes, ...this.writes.splice(0)];
    const compactions = [...batch.compactions, ...this.compactions.splice(0)];
    const changes = [...batch.changes, ...this.changes.splice(0)];
    for (const { event, reject } of writes) reject(newError(event.key));
    for (const { reject } of compactions) reject(newError());
    for (const { change, reject } of changes) {
      change.abandon();
      reject(newError());
    }
  }
}

/** How many of the oldest writes go into one batch: at least one, up to the limits. */
function countForBatch(queue: readonly AcceptedWrite[]): number {
  let bytes = 0;
  let count = 0;
  for (const { event } of queue) {
    bytes += event.value.bytes.length;
    if (count > 0 && (bytes > BATCH_BYTES_MAX || count === BATCH_WRITES_MAX)) break;
    count++;
  }
  return count;
}
