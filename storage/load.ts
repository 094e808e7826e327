import type { Branch } from './branch.ts';
import { newCorrupt, type StorageError } from './errors.ts';
import { History } from './history.ts';
import type { Engine, KeyRange, StoredValue } from './interface.ts';
import { clusterPrefix, clusterPrefixOf, prefixRange } from './keys.ts';
import {
  decodeFork,
  decodeMeta,
  decodeRecord,
  decodeSnapshot,
  encodeMeta,
  FORK_RANGE,
  type ForkRecord,
  forkKey,
  LOG_RANGE,
  logKey,
  type LogRecord,
  META_KEY,
  type Meta,
  SNAPSHOT_RANGE,
  type SnapshotRecord,
  snapshotKey,
} from './log-format.ts';

/** Revision of a store nothing was ever written to. */
const FIRST_REVISION = 1;
const EVERYTHING: KeyRange = prefixRange('');

export interface LoadedData {
  readonly history: History;
  /** Newest sequence of a fork or snapshot, 0 without any. */
  readonly sequence: number;
}

/** What happens with damage. One that returns lets loading go on without the damaged record. */
export type OnDamage = (error: StorageError) => void;

/**
 * Reads all an open engine holds, in one pass, and checks that it fits together. An empty engine is made a store.
 * Errors: `corrupt` (through `onDamage`, which by default throws it), `unavailable` (newer format).
 */
export async function loadData(engine: Engine, onDamage: OnDamage = throwDamage): Promise<LoadedData> {
  const meta = await loadMeta(engine);
  const forks: ForkRecord[] = [];
  const snapshots: SnapshotRecord[] = [];
  await forEach(engine, FORK_RANGE, onDamage, (key, value) => forks.push(decodeFork(key, value)));
  await forEach(engine, SNAPSHOT_RANGE, onDamage, (key, value) => snapshots.push(decodeSnapshot(key, value)));
  const reader = new LogReader(meta, onDamage);
  reader.expect(forks, snapshots);
  await forEach(engine, LOG_RANGE, onDamage, (key, value) => reader.read(key, value));
  reader.finish();
  const sequence = Math.max(0, ...[...forks, ...snapshots].map((note) => note.sequence));
  return { history: reader.history, sequence };
}

function throwDamage(error: StorageError): never {
  throw error;
}

async function forEach(
  engine: Engine,
  { start, end }: KeyRange,
  onDamage: OnDamage,
  read: (key: string, value: Buffer) => void,
): Promise<void> {
  for await (const entries of engine.range(start, end)) {
    for (const { key, value } of entries) attempt(() => read(key, value), onDamage);
  }
}

function attempt(action: () => void, onDamage: OnDamage): void {
  try {
    action();
  } catch (error) {
    if (!isDamage(error)) throw error;
    onDamage(error);
  }
}

function isDamage(error: unknown): error is StorageError {
  return error instanceof Error && 'code' in error && error.code === 'corrupt';
}

async function loadMeta(engine: Engine): Promise<Meta> {
  const value = await engine.get(META_KEY);
  if (value !== undefined) return decodeMeta(value);
  for await (const [entry] of engine.range(EVERYTHING.start, EVERYTHING.end)) {
    if (entry !== undefined) throw newCorrupt(META_KEY, 'it is missing, yet there are other keys');
  }
  const meta = { revision: FIRST_REVISION, compactedRevision: FIRST_REVISION };
  await engine.write([{ type: 'put', key: META_KEY, value: encodeMeta(meta) }]);
  return meta;
}

/** Something that happened between two writes: `act` is called before the first record with a higher revision. */
interface Mark {
  readonly revision: number;
  readonly sequence: number;
  act(): void;
}

/** Takes the records in order of revision and replays them. */
class LogReader {
  readonly history: History;
  readonly #meta: Meta;
  readonly #onDamage: OnDamage;
  /** Oldest last. */
  #marks: Mark[] = [];
  /** Dropped forks by prefix, between their beginning and their end. */
  readonly #dropped = new Map<string, Branch>();
  /** Revisions whose records are missing or damaged. */
  readonly #lost = new Set<number>();

  constructor(meta: Meta, onDamage: OnDamage) {
    this.#meta = meta;
    this.#onDamage = onDamage;
    this.history = new History(meta.compactedRevision);
  }

  /** To be told before the first record. */
  expect(forks: readonly ForkRecord[], snapshots: readonly SnapshotRecord[]): void {
    const branches = new Map<number | undefined, Branch>([[undefined, this.history.trunk]]);
    for (const fork of forks) attempt(() => this.#expectFork(fork, branches), this.#onDamage);
    for (const snapshot of snapshots) attempt(() => this.#expectSnapshot(snapshot), this.#onDamage);
    this.#marks.sort((a, b) => b.revision - a.revision || b.sequence - a.sequence);
  }

  read(engineKey: string, value: Buffer): void {
    let record: LogRecord;
    try {
      record = decodeRecord(engineKey, value);
    } catch (error) {
      if (engineKey === logKey(this.history.revision + 1)) this.#lose();
      throw error;
    }
    this.#passMarks(record.revision);
    const branch = this.#dropped.get(clusterPrefixOf(record.key) ?? '') ?? this.history.branchOf(record.key);
    if (record.revision <= this.#meta.compactedRevision) this.#readBase(record, branch);
    else this.#readEvent(record, branch);
  }

  finish(): void {
    this.#passMarks(Infinity);
    if (this.history.revision < this.#meta.revision) this.#skipTo(this.#meta.revision + 1);
  }

  #passMarks(revision: number): void {
    for (let mark = this.#marks.at(-1); mark !== undefined && mark.revision < revision;) {
      this.#marks.pop();
      mark.act();
      mark = this.#marks.at(-1);
    }
  }

  #expectFork(fork: ForkRecord, branches: Map<number | undefined, Branch>): void {
    const { sequence, revision, parentRevision, droppedRevision, cluster } = fork;
    // A dropped fork may outlive what is known of its parent: there is nothing left to be read of it.
    const isDropped = droppedRevision !== undefined;
    const parent = isDropped ? this.history.trunk : branches.get(fork.parentSequence);
    const key = forkKey(sequence);
    if (parent === undefined) throw newCorrupt(key, `the cluster ${cluster} was forked from is missing`);
    if ((droppedRevision ?? revision) > this.#meta.revision) {
      throw newCorrupt(key, `it is newer than the store revision ${this.#meta.revision}`);
    }
    const branch = this.history.newBranch(fork, parent);
    if (droppedRevision === undefined) {
      branches.set(sequence, branch);
      this.history.pin(parentRevision, parent.pins);
      const begin = (): void => branch.begin(parent.tree.clone());
      this.#marks.push({ revision: parentRevision, sequence, act: begin });
      this.#marks.push({ revision, sequence, act: () => this.history.addFork(branch) });
    } else {
      branch.dropped = true;
      const prefix = clusterPrefix(cluster);
      this.history.addLeftover(fork);
      this.#marks.push({ revision, sequence, act: () => void this.#dropped.set(prefix, branch) });
      const end = { revision: droppedRevision, sequence: sequence + 0.5 };
      this.#marks.push({ ...end, act: () => void this.#dropped.delete(prefix) });
    }
  }

  #expectSnapshot(snapshot: SnapshotRecord): void {
    const { sequence, revision } = snapshot;
    if (revision > this.#meta.revision) {
      throw newCorrupt(snapshotKey(sequence), `it is newer than the store revision ${this.#meta.revision}`);
    }
    this.history.pin(revision);
    const act = (): void => {
      const states = [this.history.trunk, ...this.history.forks].map(
        (branch) => [branch, branch.tree.clone()] as const,
      );
      this.history.addSnapshot(snapshot, new Map(states));
    };
    this.#marks.push({ revision, sequence, act });
  }

  /** Compacted history: only the last state of each key counts, the rest is what a compaction left behind. */
  #readBase(record: LogRecord, branch: Branch): void {
    const { garbage } = this.history;
    const { key, revision } = record;
    if (branch.dropped) return garbage.addReplaced(branch, revision, Infinity);
    const replaced = branch.get(branch.tree, key);
    if (replaced !== undefined) garbage.addReplaced(branch, replaced.revision, revision);
    if (record.deleted) {
      garbage.addDelete(branch, revision, record.createRevision);
      branch.deleteBase(key);
    } else {
      branch.setBase(toValue(record));
    }
  }

  #readEvent(record: LogRecord, branch: Branch): void {
    const { deleted, key, revision } = record;
    if (revision > this.#meta.revision) {
      throw newCorrupt(
        logKey(revision),
        `the record is newer than the store revision ${this.#meta.revision}`,
      );
    }
    if (revision !== this.history.revision + 1) this.#skipTo(revision);
    const value = toValue(record);
    if (branch.dropped) return this.history.append({ type: 'updated', key, revision, value }, branch);
    const previous = branch.get(branch.tree, key);
    this.#checkChain(record, previous);
    const type = deleted ? 'deleted' : previous === undefined ? 'created' : 'updated';
    this.history.append(
      previous === undefined ? { type, key, revision, value } : { type, key, revision, value, previous },
      branch,
    );
  }

  #checkChain(record: LogRecord, previous: StoredValue | undefined): void {
    const { key, revision, createRevision, previousRevision } = record;
    if (this.#lost.has(previousRevision)) return;
    const problem =
      (previous?.revision ?? 0) !== previousRevision
        ? `key ${key} was not at revision ${previousRevision} before`
        : previous === undefined && record.deleted
          ? `it deletes ${key}, which does not exist`
          : createRevision !== (previous?.createRevision ?? revision)
            ? `key ${key} was not created at revision ${createRevision}`
            : undefined;
    if (problem !== undefined) this.#onDamage(newCorrupt(logKey(revision), problem));
  }

  /** Reports that the records before `revision` are missing. */
  #skipTo(revision: number): void {
    const first = this.history.revision + 1;
    const last = revision - 1;
    const what = first === last ? 'the record is' : `the records up to ${logKey(last)} are`;
    this.#onDamage(
      newCorrupt(logKey(first), `${what} missing, the store is at revision ${this.#meta.revision}`),
    );
    while (this.history.revision < last) this.#lose();
  }

  #lose(): void {
    this.history.skip();
    this.#lost.add(this.history.revision);
  }
}

function toValue({ key, bytes, revision, createRevision }: LogRecord): StoredValue {
  return { key, bytes, revision, createRevision, decoded: undefined };
}
