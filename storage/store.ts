import { type Logger, silentLogger } from '../api/machinery/logger.ts';
import { nextTurn } from '../api/machinery/tasks.ts';
import { type Change, ClusterChanges, toForkInfo, toSnapshotInfo } from './cluster-changes.ts';
import * as errors from './errors.ts';
import type { History } from './history.ts';
import type {
  Encoded,
  Engine,
  ForkInfo,
  ForkSource,
  KeyRange,
  ListAt,
  ListResult,
  SnapshotInfo,
  Store,
  StoredValue,
  StoreEvent,
  Watch,
  WatchListener,
  WriteExpectation,
} from './interface.ts';
import { checkKey, clusterRange } from './keys.ts';
import { type LoadedData, loadData } from './load.ts';
import { RevisionWaiters } from './revision-waiters.ts';
import { WatchHub } from './watch-hub.ts';
import { type AcceptedChange, type Batch, WriteQueue } from './write-queue.ts';

export interface StoreOptions {
  /** A fresh engine, not opened yet. The store opens it, is its only user and closes it. */
  readonly engine: Engine;
  /** Told of watch listeners that throw. Default: nobody is. */
  readonly logger?: Logger;
  /** Bound of the memory history takes; the store compacts itself when it takes more. Default 128 MiB. */
  readonly historyBytesMax?: number;
}

/** Default bound of history in memory, in bytes. */
const HISTORY_BYTES_MAX = 128 * 1024 * 1024;
/** What is left of the bound when history outgrew it: compacting at every commit after that would be wasteful. */
const HISTORY_KEPT = 0.75;

/**
 * Opens the engine and reads what it holds; an empty engine becomes an empty store. The engine is closed again when that
 * fails. Errors: `unavailable` (in use, or written by a newer format), `corrupt`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { engine } = options;
  await engine.open();
  try {
    return new RevisionedStore(options, await loadData(engine));
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Forgotten events looked at, and records deleted, along with one batch: compaction gives way to writes. */
const BATCH_CLEANUPS_MAX = 1024;

type Encode = (revision: number) => Encoded;

class RevisionedStore implements Store {
  readonly #engine: Engine;
  readonly #historyBytesMax: number;
  readonly #history: History;
  readonly #hub: WatchHub;
  readonly #waiters = new RevisionWaiters();
  /** Newest accepted event of each key with a write on its way to the engine. */
  readonly #pending = new Map<string, StoreEvent>();
  readonly #queue = new WriteQueue();
  readonly #clusters: ClusterChanges;
  /** Revision of the newest accepted write. */
  #acceptedRevision: number;
  /** The loop that writes batches, while it runs. */
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** Why writes are refused: an engine write failed, or the store is closed. */
  #refusal: string | undefined;
  #refusalCause: unknown;

  constructor({ engine, logger = silentLogger, historyBytesMax }: StoreOptions, data: LoadedData) {
    this.#engine = engine;
    this.#historyBytesMax = historyBytesMax ?? HISTORY_BYTES_MAX;
    this.#history = data.history;
    this.#hub = new WatchHub(this.#history.revision, logger);
    this.#acceptedRevision = this.#history.revision;
    this.#clusters = new ClusterChanges(this.#history, data.sequence);
    this.#boundHistory();
    this.#startWriting();
  }

  get revision(): number {
    return this.#history.revision;
  }

  get compactedRevision(): number {
    return this.#history.compactedRevision;
  }

  get historyBytes(): number {
    return this.#history.bytes;
  }

  get(key: string): StoredValue | undefined {
    return this.#history.get(key);
  }

  getAt(key: string, revision: number): StoredValue | undefined {
    return this.#history.getAt(key, revision);
  }

  list(range: KeyRange, { revision = this.revision, limit = 0 }: ListAt = {}): ListResult {
    if (limit <= 0) return { entries: this.#history.list(range, revision), revision, more: false };
    const entries = this.#history.list(range, revision, limit + 1);
    const more = entries.length > limit;
    if (more) entries.pop();
    return { entries, revision, more };
  }

  count(range: KeyRange): number {
    return this.#history.count(range);
  }

  latest(key: string): StoredValue | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.get(key);
    return pending.type === 'deleted' ? undefined : pending.value;
  }

  async put(key: string, encode: Encode, { expect }: WriteExpectation): Promise<StoredValue> {
    this.#checkWritable(key);
    checkKey(key);
    const previous = this.latest(key);
    const refusal =
      expect === 'absent' && previous !== undefined
        ? errors.newKeyExists(key)
        : revisionError(key, expect, previous);
    if (refusal !== undefined) return this.#refuse(key, refusal);
    return await this.#accept(previous === undefined ? 'created' : 'updated', key, encode, previous);
  }

  async delete(key: string, encode: Encode, { expect }: WriteExpectation): Promise<StoredValue> {
    this.#checkWritable(key);
    const previous = this.latest(key);
    if (previous === undefined) return this.#refuse(key, errors.newKeyNotFound(key));
    const refusal = expect === 'absent' ? errors.newKeyExists(key) : revisionError(key, expect, previous);
    if (refusal !== undefined) return this.#refuse(key, refusal);
    await this.#accept('deleted', key, encode, previous);
    return previous;
  }

  watch(range: KeyRange, fromRevision: number, listener: WatchListener): Watch {
    if (this.#closed !== undefined) throw this.#newRefusal();
    // A listener may watch from the revision it is just being told of, which history does not have yet.
    const isBeingPublished = fromRevision > this.revision && fromRevision <= this.#hub.revision;
    const past = isBeingPublished ? [] : this.#history.since(fromRevision, range);
    return this.#hub.add(range, fromRevision, past, listener);
  }

  async waitFor(revision: number, signal?: AbortSignal): Promise<void> {
    if (revision <= this.revision) return;
    signal?.throwIfAborted();
    this.#checkWritable();
    await this.#waiters.add(revision, signal);
  }

  async committed(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) await this.waitFor(pending.revision);
  }

  async compact(revision: number): Promise<void> {
    this.#checkWritable();
    if (revision <= this.compactedRevision) return;
    this.#history.check(revision);
    await new Promise<void>((resolve, reject) => {
      this.#queue.compactions.push({ revision, resolve, reject });
      this.#startWriting();
    });
  }

  async createSnapshot(name: string, revision = this.revision): Promise<SnapshotInfo> {
    this.#checkWritable();
    return this.#change(this.#clusters.createSnapshot(name, revision));
  }

  snapshots(): readonly SnapshotInfo[] {
    return this.#history.snapshots.map(toSnapshotInfo);
  }

  async releaseSnapshot(name: string): Promise<void> {
    this.#checkWritable();
    return this.#change(this.#clusters.releaseSnapshot(name));
  }

  async fork(cluster: string, { parent, revision = this.revision }: ForkSource): Promise<ForkInfo> {
    this.#checkWritable();
    const isEmpty = (range: KeyRange): boolean =>
      this.count(range) === 0 && ![...this.#pending.keys()].some((key) => key.startsWith(range.start));
    return this.#change(this.#clusters.fork(cluster, { parent, revision }, isEmpty));
  }

  forks(): readonly ForkInfo[] {
    return this.#history.forks.map(({ fork }) => toForkInfo(fork!));
  }

  async dropFork(cluster: string): Promise<void> {
    this.#checkWritable();
    await this.#change(this.#clusters.dropFork(cluster));
    this.#hub.end(errors.newUnavailable(`cluster ${cluster} was dropped`), clusterRange(cluster));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#refusal ??= 'the store is closed';
    await this.#writing;
    const error = this.#newRefusal();
    this.#waiters.rejectAll(error);
    this.#hub.end(error);
    await this.#engine.close();
  }

  #change<T>(change: Change<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.changes.push({ change, after: this.#acceptedRevision, resolve, reject } as AcceptedChange);
      this.#startWriting();
    });
  }

  /** Throws `refusal` once what it rests on can be read, so that nobody looks and finds it untrue. */
  async #refuse(key: string, refusal: errors.StorageError): Promise<never> {
    await this.committed(key);
    throw refusal;
  }

  #accept(
    type: StoreEvent['type'],
    key: string,
    encode: Encode,
    previous: StoredValue | undefined,
  ): Promise<StoredValue> {
    this.#clusters.checkWritable(key);
    const revision = this.#acceptedRevision + 1;
    const { bytes, decoded } = encode(revision);
    if (this.#acceptedRevision !== revision - 1) throw new TypeError('encode must not write to the store');
    const createRevision = previous?.createRevision ?? revision;
    const value: StoredValue = { key, bytes, revision, createRevision, decoded };
    const event: StoreEvent = previous
      ? { type, key, revision, value, previous }
      : { type, key, revision, value };
    this.#acceptedRevision = revision;
    this.#pending.set(key, event);
    return new Promise((resolve, reject) => {
      this.#queue.writes.push({ event, resolve, reject });
      this.#startWriting();
    });
  }

  #startWriting(): void {
    this.#writing ??= this.#writeBatches();
  }

  async #writeBatches(): Promise<void> {
    // Lets the other writes of this tick join the first batch.
    await Promise.resolve();
    while (!this.#queue.isEmpty || this.#isUnclean) {
      if (this.#queue.isEmpty) {
        await new Promise<void>((resolve) => nextTurn(resolve));
      }
      const batch = this.#takeBatch();
      if (batch.operations.length === 0) continue;
      try {
        await this.#engine.write(batch.operations);
      } catch (error) {
        this.#fail(error, batch);
        break;
      }
      this.#commit(batch);
    }
    this.#writing = undefined;
  }

  /** Whether there is clean-up to do. It lets everything else that waits go first, and closing leaves it for later. */
  get #isUnclean(): boolean {
    return this.#refusal === undefined && this.#history.isUnclean;
  }

  #takeBatch(): Batch {
    const cleanups = this.#refusal === undefined ? this.#history.takeUnreachable(BATCH_CLEANUPS_MAX) : [];
    return this.#queue.take(this.revision, this.compactedRevision, cleanups);
  }

  /** Lets the next batch compact when history takes more memory than it may. */
  #boundHistory(): void {
    if (this.#history.bytes <= this.#historyBytesMax) return;
    const revision = this.#history.revisionKeeping(this.#historyBytesMax * HISTORY_KEPT);
    this.#queue.compactions.push({ revision, resolve: () => {}, reject: () => {} });
  }

  /** Makes a batch the engine has taken visible. No await in here: readers see all of it or nothing. */
  #commit({ writes, compactions, compactedRevision, changes, revision }: Batch): void {
    const events = writes.map(({ event }) => event);
    // Before the revision moves: whoever can read it is certain that no watcher misses anything up to it.
    if (events.length > 0) this.#hub.publish(events);
    for (const event of events) {
      this.#history.append(event);
      if (this.#pending.get(event.key) === event) this.#pending.delete(event.key);
    }
    for (const { change, resolve } of changes) resolve(change.apply(revision));
    this.#history.compact(compactedRevision);
    this.#boundHistory();
    for (const { event, resolve } of writes) resolve(event.value);
    for (const { resolve } of compactions) resolve();
    this.#waiters.resolveUpTo(this.revision);
  }

  /** Back to the committed state: nobody can tell what the engine kept of the batch, so there are no more writes. */
  #fail(cause: unknown, batch: Batch): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#refusal = `the storage engine failed (${reason}); nothing is written until the store is opened again`;
    this.#refusalCause = cause;
    this.#pending.clear();
    this.#queue.rejectAll(batch, (key) => this.#newRefusal(key));
    this.#waiters.rejectAll(this.#newRefusal());
  }

  #checkWritable(key?: string): void {
    if (this.#refusal !== undefined) throw this.#newRefusal(key);
  }

  #newRefusal(key?: string): errors.StorageError {
    return errors.newUnavailable(this.#refusal ?? 'the store is closed', { key, cause: this.#refusalCause });
  }
}

function revisionError(
  key: string,
  expect: WriteExpectation['expect'],
  latest: StoredValue | undefined,
): errors.StorageError | undefined {
  if (typeof expect !== 'number') return undefined;
  if (latest === undefined) return errors.newKeyNotFound(key);
  return latest.revision === expect ? undefined : errors.newRevisionConflict(key, expect, latest.revision);
}
