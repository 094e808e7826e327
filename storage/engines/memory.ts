import { newUnavailable } from '../errors.ts';
import type { Engine, EngineEntry, EngineOperation, EngineSupports } from '../interface.ts';
import { SortedMap } from '../sorted-map.ts';

/** Entries handed over at a time by `range`. */
const CHUNK_ENTRIES = 1000;

/** Keeps everything in memory; it is gone after `close`. */
export class MemoryEngine implements Engine {
  readonly supports: EngineSupports = { persistent: false, durability: 'none' };
  #entries: SortedMap<EngineEntry> | undefined;

  async open(): Promise<void> {
    if (this.#entries !== undefined) throw newUnavailable('the memory engine is open already');
    this.#entries = new SortedMap();
  }

  async *range(start: string, end: string): AsyncIterable<readonly EngineEntry[]> {
    const entries = this.#opened().values({ start, end });
    for (let first = 0; first < entries.length; first += CHUNK_ENTRIES) {
      yield entries.slice(first, first + CHUNK_ENTRIES);
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#opened().get(key)?.value;
  }

  async write(operations: readonly EngineOperation[]): Promise<void> {
    const entries = this.#opened();
    for (const operation of operations) {
      if (operation.type === 'delete') entries.delete(operation.key);
      else entries.set(operation.key, operation);
    }
  }

  async close(): Promise<void> {
    this.#entries = undefined;
  }

  #opened(): SortedMap<EngineEntry> {
    if (this.#entries === undefined) throw newUnavailable('the memory engine is not open');
    return this.#entries;
  }
}
