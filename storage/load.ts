import { newCorrupt } from './errors.ts';
import { History } from './history.ts';
import type { Engine, KeyRange, StoredValue } from './interface.ts';
import { prefixRange } from './keys.ts';
import { decodeMeta, decodeRecord, encodeMeta, LOG_RANGE, logKey, META_KEY } from './log-format.ts';
import type { LogRecord, Meta } from './log-format.ts';

/** Revision of a store nothing was ever written to. */
const FIRST_REVISION = 1;
const EVERYTHING: KeyRange = prefixRange('');

export interface LoadedData {
  readonly history: History;
  /** Revisions whose records a compaction did not get to delete. */
  readonly unreachable: number[];
}

/**
 * Reads all an open engine holds, in one pass, and checks that it fits together. An empty engine is made a store.
 * Errors: `corrupt`, `unavailable` (newer format).
 */
export async function loadData(engine: Engine): Promise<LoadedData> {
  const meta = await loadMeta(engine);
  const log = new LogReader(meta);
  for await (const entries of engine.range(LOG_RANGE.start, LOG_RANGE.end)) {
    for (const { key, value } of entries) log.read(decodeRecord(key, value));
  }
  return log.finish();
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

/** Takes the records in order of revision and replays them. */
class LogReader {
  readonly #meta: Meta;
  readonly #history: History;
  readonly #unreachable: number[] = [];

  constructor(meta: Meta) {
    this.#meta = meta;
    this.#history = new History(meta.compactedRevision);
  }

  read(record: LogRecord): void {
    if (record.revision <= this.#meta.compactedRevision) this.#readBase(record);
    else this.#readEvent(record);
  }

  finish(): LoadedData {
    const { revision } = this.#meta;
    if (this.#nextRevision <= revision) {
      throw newCorrupt(
        logKey(this.#nextRevision),
        `the record is missing, the store is at revision ${revision}`,
      );
    }
    return { history: this.#history, unreachable: this.#unreachable };
  }

  get #nextRevision(): number {
    return this.#history.revision + 1;
  }

  /** Compacted history: only the last state of each key counts, the rest is what a compaction left behind. */
  #readBase(record: LogRecord): void {
    const state = this.#history.current;
    const replaced = state.get(record.key);
    if (replaced !== undefined) this.#unreachable.push(replaced.revision);
    if (record.deleted) {
      this.#unreachable.push(record.revision);
      state.delete(record.key);
    } else {
      state.set(record.key, toValue(record));
    }
  }

  #readEvent(record: LogRecord): void {
    const { deleted, key, revision, previousRevision } = record;
    const engineKey = logKey(revision);
    if (revision > this.#meta.revision) {
      throw newCorrupt(engineKey, `the record is newer than the store revision ${this.#meta.revision}`);
    }
    if (revision !== this.#nextRevision)
      throw newCorrupt(logKey(this.#nextRevision), 'the record is missing');
    const previous = this.#history.current.get(key);
    const value = toValue(record);
    if ((previous?.revision ?? 0) !== previousRevision) {
      throw newCorrupt(engineKey, `key ${key} was not at revision ${previousRevision} before`);
    }
    if (previous === undefined && deleted)
      throw newCorrupt(engineKey, `deletes ${key}, which does not exist`);
    if (value.createRevision !== (previous?.createRevision ?? revision)) {
      throw newCorrupt(engineKey, `key ${key} was not created at revision ${value.createRevision}`);
    }
    const type = deleted ? 'deleted' : previous === undefined ? 'created' : 'updated';
    this.#history.append(
      previous === undefined ? { type, key, revision, value } : { type, key, revision, value, previous },
    );
  }
}

function toValue({ key, bytes, revision, createRevision }: LogRecord): StoredValue {
  return { key, bytes, revision, createRevision, decoded: undefined };
}
