import type { EventLog } from './event-log.ts';
import type { KeyRange, StoredValue, StoreEvent } from './interface.ts';
import { afterCluster, clusterPrefix, intersect, prefixRange } from './keys.ts';
import type { ForkRecord } from './log-format.ts';
import { SortedMap } from './sorted-map.ts';

/** State of a branch at one revision. */
interface Snapshot {
  readonly revision: number;
  readonly state: SortedMap<StoredValue>;
}

/**
 * Distance between the snapshots kept along history, at first. Any state is at most half of this many events away from
 * one, which is about a millisecond of work; a snapshot keeps alive the tree nodes that changed since.
 */
const SNAPSHOT_INTERVAL = 4096;
/** Snapshots kept along history. When there are more, every other one goes and their distance doubles. */
const MILESTONES_MAX = 32;
/** Snapshots kept of revisions somebody asked for: pages of one list ask for the same revision again and again. */
const REQUESTED_SNAPSHOTS_MAX = 8;

/**
 * The keys of one fork, or, as the trunk, all keys that no fork has, through their history. A fork begins as a clone of its
 * parent's tree, so the keys in it are those of the cluster it was first forked from; they are translated at the border.
 */
export class Branch {
  /** Undefined for the trunk. */
  readonly fork: ForkRecord | undefined;
  readonly parent: Branch | undefined;
  /** Keys it holds; the trunk's are all, less those of forks. */
  readonly range: KeyRange;
  /** The oldest revision it can be read at, leaving compaction aside. */
  readonly since: number;
  /** Revisions whose state must be found again at the next opening, because forks build on it. */
  readonly pins: number[] = [];
  /** Nothing can be read any more; its records are being deleted. */
  dropped = false;
  readonly #log: EventLog;
  readonly #prefix: string;
  readonly #originPrefix: string;
  #tree = new SortedMap<StoredValue>();
  /** The values of the trunk's tree, found without comparing keys. */
  readonly #current = new Map<string, StoredValue>();
  /** Revision of its last event. */
  #changed = 0;
  /** By ascending revision. */
  #milestones: Snapshot[] = [];
  #interval = SNAPSHOT_INTERVAL;
  /** Most recently used last. */
  #requested: Snapshot[] = [];
  /** Values of ancestors under the keys they have here. */
  readonly #inherited = new WeakMap<StoredValue, StoredValue>();

  constructor(log: EventLog, fork?: ForkRecord, parent?: Branch) {
    this.#log = log;
    this.fork = fork;
    this.parent = parent;
    this.#prefix = fork === undefined ? '' : clusterPrefix(fork.cluster);
    this.#originPrefix =
      fork === undefined
        ? ''
        : parent?.fork === undefined
          ? clusterPrefix(fork.parent)
          : parent.#originPrefix;
    this.range = prefixRange(this.#prefix);
    this.since = fork?.revision ?? 0;
    if (fork !== undefined) this.pins.push(fork.revision);
  }

  /** Takes over the state a fork begins with. */
  begin(base: SortedMap<StoredValue>): void {
    this.#tree = base;
  }

  /** The state now, under the keys inside: not to be changed. */
  get tree(): SortedMap<StoredValue> {
    return this.#tree;
  }

  /** The value now of a key inside `range`. */
  current(key: string): StoredValue | undefined {
    return this.fork === undefined ? this.#current.get(key) : this.get(this.#tree, key);
  }

  /** The value of a key inside `range` in `state`, one of the trees of this branch. */
  get(state: SortedMap<StoredValue>, key: string): StoredValue | undefined {
    const value = state.get(this.#inner(key));
    return value === undefined ? undefined : this.#outer(value);
  }

  /** The values of `range`, part of the branch's, in key order. */
  values(state: SortedMap<StoredValue>, range: KeyRange, limit?: number): StoredValue[] {
    const values = state.values(this.#innerRange(range), limit);
    return this.fork === undefined ? values : values.map((value) => this.#outer(value));
  }

  count(state: SortedMap<StoredValue>, range: KeyRange): number {
    return state.count(this.#innerRange(range));
  }

  /** Sets a value without an event: state older than all history. */
  setBase(value: StoredValue): void {
    this.#tree.set(this.#inner(value.key), value);
    if (this.fork === undefined) this.#current.set(value.key, value);
  }

  deleteBase(key: string): void {
    this.#tree.delete(this.#inner(key));
    if (this.fork === undefined) this.#current.delete(key);
  }

  /** Applies an event, which is the last of the log. */
  append(event: StoreEvent): void {
    this.#redo(this.#tree, event);
    if (this.fork === undefined) {
      if (event.type === 'deleted') this.#current.delete(event.key);
      else this.#current.set(event.key, event.value);
    }
    const last = this.#milestones.at(-1)?.revision ?? Math.max(this.#log.compactedRevision, this.since);
    this.#changed = event.revision;
    if (event.revision - last >= this.#interval) this.#addMilestone();
  }

  /** State at `revision`, which history reaches; not to be changed. */
  at(revision: number): SortedMap<StoredValue> {
    if (revision >= this.#changed) return this.#tree;
    const nearest = this.#nearest(revision);
    if (nearest.revision !== revision) return this.#build(nearest, revision);
    this.#touch(nearest);
    return nearest.state;
  }

  /** Forgets states before `revision`. */
  compact(revision: number): void {
    const isKnown = (snapshot: Snapshot): boolean => snapshot.revision >= revision;
    this.#milestones = this.#milestones.filter(isKnown);
    this.#requested = this.#requested.filter(isKnown);
    if (this.#milestones.length === 0) this.#interval = SNAPSHOT_INTERVAL;
  }

  /** Revisions of its own, not inherited, among the current values. */
  ownRevisions(): number[] {
    const revisions: number[] = [];
    for (const { revision } of this.#tree.values(this.#innerRange(this.range))) {
      if (this.isOwn(revision)) revisions.push(revision);
    }
    return revisions;
  }

  /** Whether the record of `revision` is one of this branch, not inherited. */
  isOwn(revision: number): boolean {
    return revision > this.since;
  }

  #inner(key: string): string {
    return this.fork === undefined ? key : this.#originPrefix + key.slice(this.#prefix.length);
  }

  #innerRange(range: KeyRange): KeyRange {
    if (this.fork === undefined) return range;
    const { start, end } = intersect(range, this.range);
    const { end: innerEnd } = prefixRange(this.#originPrefix);
    return { start: this.#inner(start), end: end === this.range.end ? innerEnd : this.#inner(end) };
  }

  #outer(value: StoredValue): StoredValue {
    if (this.fork === undefined || value.key.startsWith(this.#prefix)) return value;
    let inherited = this.#inherited.get(value);
    if (inherited === undefined) {
      inherited = new InheritedValue(this.#prefix + afterCluster(value.key), value);
      this.#inherited.set(value, inherited);
    }
    return inherited;
  }

  #addMilestone(): void {
    this.#milestones.push({ revision: this.#changed, state: this.#tree.clone() });
    if (this.#milestones.length <= MILESTONES_MAX) return;
    this.#milestones = this.#milestones.filter((_, index) => index % 2 === 1);
    this.#interval *= 2;
  }

  #nearest(revision: number): Snapshot {
    let nearest: Snapshot = { revision: this.#changed, state: this.#tree };
    const distance = (snapshot: Snapshot): number => Math.abs(snapshot.revision - revision);
    for (const snapshot of [...this.#milestones, ...this.#requested]) {
      if (distance(snapshot) < distance(nearest)) nearest = snapshot;
    }
    return nearest;
  }

  #build(from: Snapshot, revision: number): SortedMap<StoredValue> {
    const state = from.state.clone();
    for (let next = from.revision + 1; next <= revision; next++) {
      const { event, branch } = this.#log.at(next);
      if (branch === this) this.#redo(state, event);
    }
    for (let last = from.revision; last > revision; last--) {
      const { event, branch } = this.#log.at(last);
      if (branch === this) this.#undo(state, event);
    }
    this.#touch({ revision, state });
    return state;
  }

  #touch(snapshot: Snapshot): void {
    this.#requested = this.#requested.filter((other) => other.revision !== snapshot.revision);
    this.#requested.push(snapshot);
    if (this.#requested.length > REQUESTED_SNAPSHOTS_MAX) this.#requested.shift();
  }

  #redo(state: SortedMap<StoredValue>, event: StoreEvent): void {
    if (event.type === 'deleted') state.delete(this.#inner(event.key));
    else state.set(this.#inner(event.key), event.value);
  }

  #undo(state: SortedMap<StoredValue>, event: StoreEvent): void {
    if (event.previous === undefined) state.delete(this.#inner(event.key));
    else state.set(this.#inner(event.key), event.previous);
  }
}

/** A value of an ancestor under the key a fork knows it by. The decoded form is shared, too. */
class InheritedValue implements StoredValue {
  readonly key: string;
  readonly #value: StoredValue;

  constructor(key: string, value: StoredValue) {
    this.key = key;
    this.#value = value;
  }

  get bytes(): Buffer {
    return this.#value.bytes;
  }

  get revision(): number {
    return this.#value.revision;
  }

  get createRevision(): number {
    return this.#value.createRevision;
  }

  get decoded(): unknown {
    return this.#value.decoded;
  }

  set decoded(object: unknown) {
    this.#value.decoded = object;
  }
}
