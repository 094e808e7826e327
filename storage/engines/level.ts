import { mkdir, realpath } from 'node:fs/promises';
import { Level } from 'level';
import { isStorageError, newCorrupt, newUnavailable, type StorageError } from '../errors.ts';
import { prefixRange } from '../keys.ts';
import type { Engine, EngineEntry, EngineOperation, EngineSupports } from '../interface.ts';

export interface LevelEngineOptions {
  /** Directory of the database; made if missing. One process at a time may have it open. */
  readonly directory: string;
  /**
   * What an acknowledged write survives. `process`: the death of this process, not of the machine (LevelDB hands it to the
   * operating system). `power`: also loss of power (LevelDB waits for the disk).
   */
  readonly durability: 'process' | 'power';
}

/** Bounds of one step of `range`. */
const CHUNK_ENTRIES = 1000;
const CHUNK_BYTES = 1024 * 1024;

/** Keeps everything in a LevelDB directory. */
export class LevelEngine implements Engine {
  readonly supports: EngineSupports;
  readonly #directory: string;
  #database: Level<string, Buffer> | undefined;

  constructor({ directory, durability }: LevelEngineOptions) {
    this.#directory = directory;
    this.supports = { persistent: true, durability };
  }

  async open(): Promise<void> {
    if (this.#database !== undefined)
      throw newUnavailable(`data directory ${this.#directory} is open already`);
    try {
      await mkdir(this.#directory, { recursive: true });
      // LevelDB knows the directories open in its own process by the text of their path.
      const path = await realpath(this.#directory);
      const database = new Level<string, Buffer>(path, { keyEncoding: 'utf8', valueEncoding: 'buffer' });
      await database.open();
      this.#database = database;
    } catch (error) {
      throw this.#openError(error);
    }
  }

  async *range(start: string, end: string): AsyncIterable<readonly EngineEntry[]> {
    const iterator = this.#opened().iterator({ gte: start, lt: end, highWaterMarkBytes: CHUNK_BYTES });
    try {
      for (;;) {
        const chunk = await this.#attempt(() => iterator.nextv(CHUNK_ENTRIES));
        if (chunk.length === 0) return;
        yield chunk.map(([key, value]) => ({ key, value }));
      }
    } finally {
      await iterator.close();
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#attempt(() => this.#opened().get(key));
  }

  async write(operations: readonly EngineOperation[]): Promise<void> {
    const batch = operations.map((operation) =>
      operation.type === 'put'
        ? { type: 'put' as const, key: operation.key, value: operation.value }
        : { type: 'del' as const, key: operation.key },
    );
    const sync = this.supports.durability === 'power';
    await this.#attempt(() => this.#opened().batch(batch, { sync }));
  }

  /** Gives the space of deleted entries back to the file system, which LevelDB otherwise does at its leisure. */
  async reclaim(): Promise<void> {
    const { start, end } = prefixRange('');
    // Level leaves it out of its types, because it has no such method in browsers.
    const database = this.#opened() as Level<string, Buffer> & {
      compactRange(start: string, end: string): Promise<void>;
    };
    await this.#attempt(() => database.compactRange(start, end));
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  #opened(): Level<string, Buffer> {
    if (this.#database === undefined) throw newUnavailable(`data directory ${this.#directory} is not open`);
    return this.#database;
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isStorageError(error)) throw error;
      if (codeOf(error) === 'LEVEL_CORRUPTION') throw newCorrupt(this.#directory, messageOf(error), error);
      throw newUnavailable(`data directory ${this.#directory}: ${messageOf(error)}`, { cause: error });
    }
  }

  #openError(error: unknown): StorageError {
    // abstract-level wraps the reason: LEVEL_DATABASE_NOT_OPEN, caused by what LevelDB says.
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const code = codeOf(reason);
    const directory = this.#directory;
    if (code === 'LEVEL_LOCKED') {
      return newUnavailable(`data directory ${directory} is in use by a running kubemu`, { cause: reason });
    }
    if (code === 'LEVEL_CORRUPTION') return newCorrupt(directory, messageOf(reason), reason);
    return newUnavailable(`data directory ${directory} cannot be opened: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
