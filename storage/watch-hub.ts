import type { Logger } from '../api/machinery/logger.ts';
import type { KeyRange, StorageErrorLike, StoreEvent, Watch, WatchListener } from './interface.ts';
import { byteOrder, prefixRange, singleKeyRange } from './keys.ts';

/** Watchers of one range: they share the work of filtering and the array of events. */
interface Group {
  readonly range: KeyRange;
  readonly contains: (key: string) => boolean;
  readonly watchers: Set<Watcher>;
}

/**
 * Hands each batch of events to the watchers whose range it touches, at once and in order. Watchers are found by range: of
 * one key or a prefix that ends with `/` by looking the key and its prefixes up, so that watchers of other keys cost
 * nothing; ranges of any other form are tried one by one.
 */
export class WatchHub {
  /** Newest revision published: visible in the store or about to be. */
  #revision: number;
  #settledRevision: number;
  readonly #keys = new Map<string, Group>();
  readonly #prefixes = new Map<string, Group>();
  /** By start and end. */
  readonly #ranges = new Map<string, Group>();
  /** Watchers that joined while a batch is being handed out; undefined outside of that. */
  #joining: Watcher[] | undefined;
  readonly #logger: Logger;

  constructor(revision: number, logger: Logger) {
    this.#revision = revision;
    this.#settledRevision = revision;
    this.#logger = logger;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Newest revision up to which every watcher was handed every event: behind `revision` while a batch is handed out. */
  get settledRevision(): number {
    return this.#settledRevision;
  }

  /**
   * Adds a watcher of the events after `fromRevision`. It is first handed those of `past`, the events after
   * `fromRevision` published before the batch under way, if one is.
   */
  add(range: KeyRange, fromRevision: number, past: Iterable<StoreEvent>, listener: WatchListener): Watch {
    const group = this.#group(range);
    const watcher = new Watcher(this, group, listener, fromRevision);
    const first: StoreEvent[] = [];
    for (const event of past) if (group.contains(event.key)) first.push(event);
    if (first.length > 0) this.#deliver(watcher, first, this.#settledRevision);
    if (!watcher.active) return watcher;
    if (this.#joining === undefined) this.#join(watcher);
    else this.#joining.push(watcher);
    return watcher;
  }

  /** Hands out the events of one commit. A listener may open and cancel watches meanwhile. */
  publish(events: readonly StoreEvent[]): void {
    const revision = events.at(-1)?.revision ?? this.#revision;
    this.#revision = revision;
    const joining: Watcher[] = [];
    this.#joining = joining;
    for (const [group, batch] of this.#split(events)) {
      for (const watcher of group.watchers) this.#deliver(watcher, batch, revision);
    }
    // Grows while it is worked off: a listener served here may open yet another watch.
    for (const watcher of joining) this.#catchUp(watcher, events, revision);
    this.#joining = undefined;
    this.#settledRevision = revision;
  }

  /** Ends every watch of keys within `range` only, by default of any, with `error`. */
  end(error: StorageErrorLike, range?: KeyRange): void {
    for (const groups of [this.#keys, this.#prefixes, this.#ranges]) {
      for (const group of Array.from(groups.values())) {
        if (range !== undefined && !isWithin(group.range, range)) continue;
        for (const watcher of Array.from(group.watchers)) this.#end(watcher, error);
      }
    }
  }

  /** Called by a watcher that was cancelled. */
  leave(group: Group, watcher: Watcher): void {
    const hadJoined = group.watchers.delete(watcher);
    if (!hadJoined || group.watchers.size > 0) return;
    const { index, name } = this.#index(group.range);
    index.delete(name);
  }

  #deliver(watcher: Watcher, events: readonly StoreEvent[], revision: number): void {
    if (!watcher.active) return;
    try {
      watcher.listener.events(events);
      watcher.deliveredUpTo(revision);
    } catch (error) {
      watcher.cancel();
      this.#logger.error('watch listener failed, its watch is cancelled', { error });
    }
  }

  #catchUp(watcher: Watcher, events: readonly StoreEvent[], revision: number): void {
    const from = watcher.revision;
    const missed = events.filter((event) => event.revision > from && watcher.group.contains(event.key));
    if (missed.length > 0) this.#deliver(watcher, missed, revision);
    if (watcher.active) this.#join(watcher);
  }

  #end(watcher: Watcher, error: StorageErrorLike): void {
    watcher.cancel();
    try {
      watcher.listener.ended(error);
    } catch (thrown) {
      this.#logger.error('watch listener failed when its watch ended', { error: thrown });
    }
  }

  /** The events of a batch for each group that is to see any, in order. */
  #split(events: readonly StoreEvent[]): Map<Group, StoreEvent[]> {
    const batches = new Map<Group, StoreEvent[]>();
    const add = (group: Group | undefined, event: StoreEvent): void => {
      if (group === undefined) return;
      const batch = batches.get(group);
      if (batch === undefined) batches.set(group, [event]);
      else batch.push(event);
    };
    for (const event of events) {
      const { key } = event;
      add(this.#keys.get(key), event);
      for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
        add(this.#prefixes.get(key.slice(0, slash + 1)), event);
      }
      for (const group of this.#ranges.values()) if (group.contains(key)) add(group, event);
    }
    return batches;
  }

  #join(watcher: Watcher): void {
    // Not the group the watcher was made with if that one emptied, and was dropped, in between.
    const { index, name } = this.#index(watcher.group.range);
    const group = index.get(name) ?? watcher.group;
    index.set(name, group);
    watcher.group = group;
    group.watchers.add(watcher);
  }

  #group(range: KeyRange): Group {
    const { index, name } = this.#index(range);
    return index.get(name) ?? { range, contains: containment(range), watchers: new Set() };
  }

  #index(range: KeyRange): { index: Map<string, Group>; name: string } {
    const { start, end } = range;
    if (singleKeyRange(start).end === end) return { index: this.#keys, name: start };
    if (start.endsWith('/') && prefixRange(start).end === end) return { index: this.#prefixes, name: start };
    return { index: this.#ranges, name: JSON.stringify([start, end]) };
  }
}

class Watcher implements Watch {
  active = true;
  group: Group;
  readonly listener: WatchListener;
  /** Ahead of the hub's settled revision only while a batch is handed out; behind it, it means nothing. */
  #delivered: number;
  readonly #hub: WatchHub;

  constructor(hub: WatchHub, group: Group, listener: WatchListener, fromRevision: number) {
    this.#hub = hub;
    this.group = group;
    this.listener = listener;
    this.#delivered = fromRevision;
  }

  get revision(): number {
    return this.active ? Math.max(this.#delivered, this.#hub.settledRevision) : this.#delivered;
  }

  deliveredUpTo(revision: number): void {
    if (this.active) this.#delivered = Math.max(this.#delivered, revision);
  }

  cancel(): void {
    if (!this.active) return;
    this.#delivered = this.revision;
    this.active = false;
    this.#hub.leave(this.group, this);
  }
}

function isWithin(inner: KeyRange, outer: KeyRange): boolean {
  return byteOrder(outer.start) <= byteOrder(inner.start) && byteOrder(inner.end) <= byteOrder(outer.end);
}

function containment(range: KeyRange): (key: string) => boolean {
  const start = byteOrder(range.start);
  const end = byteOrder(range.end);
  return (key) => {
    const ordered = byteOrder(key);
    return start <= ordered && ordered < end;
  };
}
