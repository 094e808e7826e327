/** Work on an open engine that no store is using: what the commands for data directories do. */
import { type StorageError, newCorrupt } from './errors.ts';
import type { Engine, EngineOperation, StoredValue } from './interface.ts';
import { checkKey, prefixRange } from './keys.ts';
import { loadData } from './load.ts';
import { encodeMeta, encodeRecord, logKey, META_KEY } from './log-format.ts';

const EVERYTHING = prefixRange('');
/** Operations in one batch. */
const BATCH_OPERATIONS_MAX = 1024;

export interface DataReport {
  readonly revision: number;
  readonly compactedRevision: number;
  /** Keys at `revision`, of all clusters. */
  readonly keys: number;
  readonly forks: number;
  readonly snapshots: number;
  /** Everything that is wrong, in the order in which it was found. */
  readonly damage: readonly StorageError[];
}

/**
 * Reads everything and reports all that breaks a rule of the format. `checkValue` may find more in a value that is current
 * or within history: it returns what is wrong. Errors: `unavailable`, `corrupt` when not even `meta` can be read.
 */
export async function checkData(
  engine: Engine,
  checkValue: (value: StoredValue) => string | undefined = () => undefined,
): Promise<DataReport> {
  const damage: StorageError[] = [];
  const { history } = await loadData(engine, (error) => damage.push(error));
  const check = (value: StoredValue): void => {
    const problem = checkValue(value);
    if (problem !== undefined) damage.push(newCorrupt(logKey(value.revision), `${value.key}: ${problem}`));
  };
  const current = history.list(EVERYTHING, history.revision);
  current.forEach(check);
  for (const { value, key } of history.since(history.compactedRevision, EVERYTHING)) {
    if (history.get(key)?.revision !== value.revision) check(value);
  }
  return {
    revision: history.revision,
    compactedRevision: history.compactedRevision,
    keys: current.length,
    forks: history.forks.length,
    snapshots: history.snapshots.length,
    damage,
  };
}

/** Forgets all history and deletes every record nothing needs any more. Returns how many. Errors: `corrupt`, `unavailable`. */
export async function compactData(engine: Engine): Promise<number> {
  const { history } = await loadData(engine);
  const { revision } = history;
  const meta = encodeMeta({ revision, compactedRevision: revision });
  await engine.write([{ type: 'put', key: META_KEY, value: meta }]);
  history.compact(revision);
  let deleted = 0;
  while (history.isUnclean) {
    const keys = history.takeUnreachable(BATCH_OPERATIONS_MAX);
    deleted += keys.length;
    if (keys.length > 0) await engine.write(keys.map((key) => ({ type: 'delete', key })));
  }
  return deleted;
}

/** The values of `range` at `revision` (default: the newest) and what was wrong. Errors: `compacted`, `future-revision`. */
export async function readData(
  engine: Engine,
  range = EVERYTHING,
  at: { readonly revision?: number; readonly snapshot?: string } = {},
): Promise<{ values: readonly StoredValue[]; revision: number; damage: readonly StorageError[] }> {
  const damage: StorageError[] = [];
  const { history } = await loadData(engine, (error) => damage.push(error));
  const named = history.snapshots.find(({ name }) => name === at.snapshot);
  if (at.snapshot !== undefined && named === undefined) throw new RangeError(`no snapshot ${at.snapshot}`);
  const revision = named?.revision ?? at.revision ?? history.revision;
  return { values: history.list(range, revision), revision, damage };
}

/** A value to be put into an empty engine with the revisions it had. */
export type RestoredValue = Omit<StoredValue, 'decoded'>;

/**
 * Fills an empty engine with the state of `revision`: what `values` gives, each once. When that fails, the engine is empty
 * again. Errors: `key-exists` when the engine holds something, what `values` throws, `RangeError` for values that do not fit
 * together.
 */
export async function restoreData(
  engine: Engine,
  values: AsyncIterable<RestoredValue>,
  finalRevision: () => number,
): Promise<number> {
  const written = new Map<number, string>();
  const keys = new Set<string>();
  let batch: EngineOperation[] = [];
  const flush = async (): Promise<void> => {
    await engine.write(batch);
    batch = [];
  };
  try {
    for await (const value of values) {
      checkRestored(value, written, keys);
      batch.push({
        type: 'put',
        key: logKey(value.revision),
        value: encodeRecord({ ...value, type: 'updated', value }),
      });
      if (batch.length >= BATCH_OPERATIONS_MAX) await flush();
    }
    const revision = finalRevision();
    const newest = Math.max(0, ...written.keys());
    if (newest > revision) throw new RangeError(`revision ${newest} is behind the last one, ${revision}`);
    batch.push({ type: 'put', key: META_KEY, value: encodeMeta({ revision, compactedRevision: revision }) });
    await flush();
    return written.size;
  } catch (error) {
    await deleteRecords(engine, [...written.keys()]);
    throw error;
  }
}

function checkRestored(value: RestoredValue, written: Map<number, string>, keys: Set<string>): void {
  const { key, revision, createRevision } = value;
  checkKey(key);
  if (!Number.isSafeInteger(revision) || !(createRevision >= 1 && createRevision <= revision)) {
    throw new RangeError(`the revisions of ${key} make no sense`);
  }
  const other = written.get(revision);
  if (other !== undefined) throw new RangeError(`${key} has the revision of ${other}`);
  if (keys.has(key)) throw new RangeError(`${key} is there twice`);
  written.set(revision, key);
  keys.add(key);
}

async function deleteRecords(engine: Engine, revisions: readonly number[]): Promise<void> {
  for (let first = 0; first < revisions.length; first += BATCH_OPERATIONS_MAX) {
    const part = revisions.slice(first, first + BATCH_OPERATIONS_MAX);
    await engine.write(part.map((revision) => ({ type: 'delete', key: logKey(revision) })));
  }
}
