/**
 * The Store contract: a revisioned, watchable key space. It knows keys, bytes and revisions, never kinds.
 *
 * **Revisions.** Every committed write (put or delete of one key) gets the next revision of one global counter, a safe
 * integer that starts at 1 and is never reused, also after a restart. A write that fails consumes no revision. "The store
 * revision" is the revision of the last committed write; an empty store is at revision 1, so that 0 is never valid.
 *
 * **Atomic visibility.** A write is acknowledged after its engine batch is in. Then, in one synchronous stretch without
 * an await, the write is published to the watchers and the store revision moves up to it. Whoever reads revision R has
 * been, or will be, sent every event up to R before any event after R. Publishing comes first: a listener that reads the
 * store while it is told of a commit sees the state before that commit.
 *
 * **Order.** Keys are ordered by their UTF-8 bytes. Lists come in that order, events in revision order. A key is not empty
 * and well-formed Unicode (no half of a surrogate pair), and does not begin with U+10FFFF, which is left to mark the end of
 * all keys; writing any other is a `TypeError`, a bug of the caller.
 *
 * **Compare and set.** Writers state what they expect of the key; the check happens against the newest accepted write,
 * committed or about to be, so two concurrent writers never both succeed on one expectation. A refusal that rests on a
 * write still on its way is given once that write is committed: whoever is told that a key exists can read it.
 *
 * **History.** Any revision from `compactedRevision` on can be read and watched from. Older ones answer a
 * `StorageError` with code `compacted`; revisions that do not exist yet answer `future-revision`.
 *
 * History is bounded: when it takes more memory than the store was opened with, the store forgets the oldest of it by
 * itself. It never forgets the current state, and never ends a watch by that.
 *
 * **Forks.** Keys `registry/<cluster>/...` belong to a cluster. A fork is a cluster that began as another one was at some
 * revision: the same keys under its own prefix, with the same bytes, revisions and create revisions. From then on the two
 * know nothing of each other, save that they share the counter of revisions. A fork has no history before the store
 * revision it was made at: reading or watching it before that answers `compacted`, and a watch that spans several clusters
 * is told of what a fork writes, not of what it inherited. A fork can be forked. Snapshots and forks are kept by engines
 * that are persistent.
 *
 * **Bytes.** Values are handed over, not copied: neither side changes a buffer once it is in the store. The bytes given
 * to `put` are the very bytes `get`, `list` and `watch` return.
 *
 * **Failure.** When the engine fails to write a batch, the writes of that batch and all behind it are rejected with
 * `unavailable`, `latest` falls back to what is committed, and the store refuses writes from then on; reads and watches go on.
 * Whether the failed batch is on the medium is only known when the store is opened again.
 *
 * **Closed.** Writes, `watch` and `compact` answer `unavailable`; reads still answer the last committed state.
 *
 * Errors are always `StorageError`, save what `encode` throws and an abort signal's reason; anything else thrown is a bug.
 */
export interface Store {
  /** Revision of the last committed write. */
  readonly revision: number;
  /** Oldest revision that can still be listed; a watch may start from it. */
  readonly compactedRevision: number;
  /** Memory that history takes, in bytes, estimated: what compacting to `revision` would free. */
  readonly historyBytes: number;

  /** Current value of `key`, or undefined. Never blocks, reads memory. */
  get(key: string): StoredValue | undefined;

  /**
   * Value of `key` as it was at `revision`.
   * Errors: `compacted`, `future-revision`.
   */
  getAt(key: string, revision: number): StoredValue | undefined;

  /**
   * Entries of `[start, end)` in key order, as of `revision` (default: current). The result is a consistent snapshot
   * however slowly it is iterated.
   * Errors: `compacted`, `future-revision`.
   */
  list(range: KeyRange, options?: ListAt): ListResult;

  /** Number of keys in `[start, end)` now. */
  count(range: KeyRange): number;

  /**
   * Writes one key. `encode` is called once, synchronously, with the revision the write will have, and returns the bytes
   * to keep: they may contain the revision. If it throws, nothing is written and its error is passed on. It must not write.
   * Errors: `key-exists` (`absent` of an existing key), `key-not-found` (a revision of a key that does not exist),
   * `revision-conflict` (another revision); `unavailable` when the engine failed or the store is closed.
   */
  put(key: string, encode: (revision: number) => Encoded, options: WriteExpectation): Promise<StoredValue>;

  /**
   * Deletes one key. `encode` makes the bytes of the last state as the delete event carries it (the object with the
   * revision of the delete). Resolves to the value stored before.
   * Errors: as `put`; `key-not-found` whatever is expected of a key that does not exist.
   */
  delete(key: string, encode: (revision: number) => Encoded, options: WriteExpectation): Promise<StoredValue>;

  /**
   * The newest accepted value of `key`: what compare-and-set is checked against. Differs from `get` only while a write of
   * that key is on its way to the engine.
   */
  latest(key: string): StoredValue | undefined;

  /**
   * Resolves when the newest accepted write of `key` is committed, at once if none is on its way: from then on `get` answers
   * what `latest` answered. Rejects with `unavailable` when that write fails.
   */
  committed(key: string): Promise<void>;

  /**
   * Events of `[start, end)` with revision greater than `fromRevision`, each once, in order, without a gap, first from
   * history and then live. Events are handed to `listener` synchronously, in revision order: those of history in one batch
   * before `watch` returns, then a batch per commit. A watch is never behind, so compaction does not touch it.
   * Errors (thrown): `compacted`, `future-revision`, `unavailable` when the store is closed. A watcher that throws is
   * cancelled without `ended`, and the error logged; other watchers and the writers do not notice.
   */
  watch(range: KeyRange, fromRevision: number, listener: WatchListener): Watch;

  /**
   * Resolves when `revision` is committed. Rejects with `unavailable` when the store closes or fails first, with the
   * signal's reason when `signal` is aborted first.
   */
  waitFor(revision: number, signal?: AbortSignal): Promise<void>;

  /**
   * Forgets history before `revision`: afterwards `compactedRevision` is `revision` (it never moves back, so an older
   * `revision` does nothing). The medium's space is freed behind it, between writes.
   * Errors: `future-revision`, `unavailable`.
   */
  compact(revision: number): Promise<void>;

  /**
   * Gives `revision` (default: the store revision) a name, and keeps its state from compaction until the name is released:
   * it can be read, listed and forked from, but not watched from, after compaction.
   * Errors: `key-exists` (the name), `compacted`, `future-revision`, `unavailable`.
   */
  createSnapshot(name: string, revision?: number): Promise<SnapshotInfo>;

  /** In order of creation. */
  snapshots(): readonly SnapshotInfo[];

  /** Errors: `key-not-found` (no such name), `unavailable`. */
  releaseSnapshot(name: string): Promise<void>;

  /**
   * Makes `cluster`, which has no keys so far, a writable copy of the cluster `parent` as it was at `revision` (default: the
   * store revision); forking a cluster from itself is a `TypeError`. Costs the same however much the parent holds: see "Forks".
   * Errors: `key-exists` (the cluster has keys, or is a fork), `compacted`, `future-revision`, `unavailable`.
   */
  fork(cluster: string, source: ForkSource): Promise<ForkInfo>;

  /** In order of creation. */
  forks(): readonly ForkInfo[];

  /**
   * Throws a fork away, with all its writes and history. Its watches end with `unavailable`. Whoever writes to it must have
   * stopped: a later write would begin a new cluster of that name.
   * Errors: `key-not-found` (no such fork), `key-exists` (it has forks itself: drop them first), `unavailable`.
   */
  dropFork(cluster: string): Promise<void>;

  /** Waits for accepted writes, ends every watch with `unavailable`, closes the engine. Idempotent. */
  close(): Promise<void>;
}

/** A revision with a name. */
export interface SnapshotInfo {
  readonly name: string;
  readonly revision: number;
}

export interface ForkSource {
  /** Cluster to copy: the part of its keys behind `registry/`. */
  readonly parent: string;
  /** Default: the store revision. */
  readonly revision?: number;
}

export interface ForkInfo {
  readonly cluster: string;
  readonly parent: string;
  /** Revision of the parent's state it began with. */
  readonly parentRevision: number;
  /** Store revision when it was made; it has no history before. */
  readonly revision: number;
}

/** Half-open range of keys `[start, end)`. `prefixRange(p)` covers every key that begins with `p`. */
export interface KeyRange {
  readonly start: string;
  readonly end: string;
}

export interface StoredValue {
  readonly key: string;
  readonly bytes: Buffer;
  /** Revision of the write that made this value. */
  readonly revision: number;
  /** Revision of the write that created the key. */
  readonly createRevision: number;
  /**
   * Slot for whoever understands the bytes to keep the decoded form (set at `put` from `Encoded.decoded`, or on first
   * decoding). Shared by all readers, so the object in it is never changed.
   */
  decoded?: unknown;
}

export interface Encoded {
  readonly bytes: Buffer;
  /** The object the bytes were made from, if the caller gives it away for sharing. */
  readonly decoded?: unknown;
}

/** What a writer expects of the key. */
export interface WriteExpectation {
  /**
   * `absent`: the key must not exist (no delete can be content with that). A number: the key's latest revision must be
   * this. `any`: the key must exist (delete) or may be in any state (put).
   */
  readonly expect: 'absent' | 'any' | number;
}

export interface ListAt {
  readonly revision?: number;
  /** At most this many entries; 0 or absent means all. */
  readonly limit?: number;
}

export interface ListResult {
  readonly entries: readonly StoredValue[];
  /** Revision of the snapshot. */
  readonly revision: number;
  /** True when `limit` cut the list short. */
  readonly more: boolean;
}

export type StoreEventType = 'created' | 'updated' | 'deleted';

export interface StoreEvent {
  readonly type: StoreEventType;
  readonly key: string;
  readonly revision: number;
  /** State after the write; for `deleted`, the last state carrying the revision of the delete. */
  readonly value: StoredValue;
  /** State before the write; absent on `created`. */
  readonly previous?: StoredValue;
}

export interface WatchListener {
  /**
   * Called with one or more events in revision order; the array may be shared with other watchers. Must not throw, must
   * not write synchronously. May open and cancel watches.
   */
  events(events: readonly StoreEvent[]): void;
  /** Called once when the store ends the watch because it closes. Not called after `cancel`. */
  ended(error: StorageErrorLike): void;
}

export interface Watch {
  /** Every event up to this revision was handed to the listener. */
  readonly revision: number;
  cancel(): void;
}

export type StorageErrorCode =
  | 'key-not-found'
  | 'key-exists'
  | 'revision-conflict'
  | 'compacted'
  | 'future-revision'
  | 'unavailable'
  | 'corrupt';

export interface StorageErrorLike extends Error {
  readonly code: StorageErrorCode;
  readonly key?: string;
  /** For `compacted` the oldest revision kept, for `future-revision` the current one, for `revision-conflict` the latest. */
  readonly revision?: number;
}

/**
 * The Engine contract: ordered bytes on some medium, nothing else. The store is its only user and calls `write` from one
 * place, never twice at a time.
 */
export interface Engine {
  readonly supports: EngineSupports;
  /** Opens the medium, making it if there is none. Errors: `unavailable` (in use: the message names it), `corrupt`. */
  open(): Promise<void>;
  /** Entries with `start <= key < end` in byte order of the keys, streamed. */
  range(start: string, end: string): AsyncIterable<readonly EngineEntry[]>;
  get(key: string): Promise<Buffer | undefined>;
  /** Applies all operations, in order, or none. Resolved means: survives what `supports.durability` says. */
  write(operations: readonly EngineOperation[]): Promise<void>;
  /** Everything but `open` answers `unavailable` afterwards. Idempotent. */
  close(): Promise<void>;
}

export interface EngineSupports {
  /** False: contents are gone after `close`. Suites skip reopening, with that as the reason. */
  readonly persistent: boolean;
  /** What an acknowledged write survives: nothing, the death of the process, or loss of power. */
  readonly durability: 'none' | 'process' | 'power';
}

export interface EngineEntry {
  readonly key: string;
  readonly value: Buffer;
}

/** `value` may be made anew each time it is asked for, from what does not change. */
export interface EnginePut extends EngineEntry {
  readonly type: 'put';
}

export type EngineOperation = EnginePut | { readonly type: 'delete'; readonly key: string };
