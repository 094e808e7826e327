import type { Client, ResourceType, WatchEvent } from '../../api/machinery/client.ts';
import type { Clock, Timer } from '../../api/machinery/clock.ts';
import { isExpired } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import type { Informer, InformerHandler } from './controller.ts';

/** Wait before a list that failed is tried again. */
const RELIST_DELAY_MS = 1000;

export interface InformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly tasks: TaskTracker;
  readonly logger: Logger;
}

interface Index<T> {
  readonly values: (object: T) => readonly string[];
  readonly entries: Map<string, Map<string, T>>;
}

/** A cache of one resource fed by list and watch, shared by all controllers. */
export class SharedInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: ResourceType<T>;
  readonly #options: InformerOptions;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers: InformerHandler<T>[] = [];
  #synced = false;
  /** Up to where the cache has seen everything. */
  #revision = 0;
  #stopped = false;
  #stopWatch: (() => void) | undefined;
  #timer: Timer | undefined;
  #syncWaiters: (() => void)[] = [];

  constructor(resource: ResourceType<T>, options: InformerOptions) {
    this.resource = resource;
    this.#options = options;
    this.addIndex('namespace', (object) => [object.metadata.namespace ?? '']);
  }

  get hasSynced(): boolean {
    return this.#synced;
  }

  hasSeen(resourceVersion: string): boolean {
    return Number(resourceVersion) <= this.#revision;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex('namespace', namespace);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`informer of ${this.resource.resource} has no index ${name}`);
    return [...(index.entries.get(value)?.values() ?? [])];
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { values, entries: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) file(index, key, object);
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#objects.values()) this.#notify(handler, object, undefined);
  }

  /** Lists and watches until `stop`. Resolves when the first list is in the cache, or when stopped before. */
  async start(): Promise<void> {
    this.#relist();
    if (!this.#synced && !this.#stopped)
      await new Promise<void>((resolve) => this.#syncWaiters.push(resolve));
  }

  stop(): void {
    this.#stopped = true;
    this.#stopWatch?.();
    this.#timer?.cancel();
    this.#wakeWaiters();
  }

  #relist(): void {
    if (this.#stopped) return;
    this.#options.tasks.run(
      `informer ${this.resource.resource}`,
      () => this.#listAndWatch(),
      (error) => {
        this.#options.logger.warn('list failed', { resource: this.resource.resource, error });
        this.#relistLater();
      },
    );
  }

  #relistLater(): void {
    if (this.#stopped) return;
    const name = `informer ${this.resource.resource}`;
    this.#timer = this.#options.clock.schedule(RELIST_DELAY_MS, () => this.#relist(), { name });
  }

  async #listAndWatch(): Promise<void> {
    const { items, resourceVersion } = await this.#options.client.list(this.resource);
    if (this.#stopped) return;
    this.#revision = Number(resourceVersion);
    this.#replace(items);
    this.#stopWatch = this.#options.client.watch(
      this.resource,
      { resourceVersion },
      {
        event: (event) => this.#apply(event),
        ended: (error) => {
          if (error === undefined || isExpired(error)) {
            this.#relist();
            return;
          }
          this.#options.logger.warn('watch failed', { resource: this.resource.resource, error });
          this.#relistLater();
        },
      },
    );
    this.#synced = true;
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    const waiters = this.#syncWaiters;
    this.#syncWaiters = [];
    for (const waiter of waiters) waiter();
  }

  /** Brings the cache to a fresh list, as events. */
  #replace(items: readonly T[]): void {
    const present = new Set(items.map(keyOf));
    for (const [key, object] of this.#objects) if (!present.has(key)) this.#remove(key, object);
    for (const object of items) this.#put(object);
  }

  #apply(event: WatchEvent<T>): void {
    this.#revision = Number(
      event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion,
    );
    if (event.type === 'BOOKMARK') return;
    if (event.type === 'DELETED') this.#remove(keyOf(event.object), event.object);
    else this.#put(event.object);
  }

  #put(object: T): void {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew between two lists.
      this.#remove(key, old);
      this.#put(object);
      return;
    }
    if (old !== undefined && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (old === undefined) file(index, key, object);
      else refile(index, key, object, old);
    }
    for (const handler of this.#handlers) this.#notify(handler, object, old);
  }

  #remove(key: string, last: T): void {
    const old = this.#objects.get(key);
    if (old === undefined) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) unfile(index, key, old);
    for (const handler of this.#handlers) this.#notify(handler, undefined, last);
  }

  /** What one handler throws must not keep the event from the others, nor stop the watch that brought it. */
  #notify(handler: InformerHandler<T>, object: T | undefined, old: T | undefined): void {
    try {
      if (object === undefined) handler.deleted?.(old!);
      else if (old === undefined) handler.added?.(object);
      else handler.updated?.(object, old);
    } catch (error) {
      this.#options.logger.error('informer handler failed', { resource: this.resource.resource, error });
    }
  }
}

function file<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    let entries = index.entries.get(value);
    if (entries === undefined) index.entries.set(value, (entries = new Map()));
    entries.set(key, object);
  }
}

function unfile<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const entries = index.entries.get(value);
    entries?.delete(key);
    if (entries?.size === 0) index.entries.delete(value);
  }
}

/** Most updates leave an object where it is filed. */
function refile<T>(index: Index<T>, key: string, object: T, old: T): void {
  const values = index.values(object);
  const before = index.values(old);
  const isSame = values.length === before.length && values.every((value, at) => value === before[at]);
  if (!isSame) {
    unfile(index, key, old);
    file(index, key, object);
    return;
  }
  for (const value of values) index.entries.get(value)!.set(key, object);
}
