import { Branch } from './branch.ts';
import { newCompacted, newFutureRevision } from './errors.ts';
import { EventLog } from './event-log.ts';
import { Garbage } from './garbage.ts';
import type { KeyRange, StoredValue, StoreEvent } from './interface.ts';
import { byteOrder, clusterPrefix, clusterPrefixOf } from './keys.ts';
import { type ForkRecord, forkKey, type SnapshotRecord } from './log-format.ts';
import type { SortedMap } from './sorted-map.ts';

interface NamedSnapshot {
  readonly record: SnapshotRecord;
  readonly states: ReadonlyMap<Branch, SortedMap<StoredValue>>;
}

/** Part of a range, all of it in one branch. */
interface Piece {
  readonly branch: Branch;
  readonly range: KeyRange;
}

/** The events since `compactedRevision`, the states they lead through, and the older states that have a name. */
export class History {
  readonly #log: EventLog;
  readonly trunk: Branch;
  /** By the prefix of their keys, in byte order of it. */
  #forks = new Map<string, Branch>();
  readonly #snapshots = new Map<string, NamedSnapshot>();
  /** Revisions whose state is about to get a name, and that compaction spares therefore. */
  readonly #pins: number[] = [];
  readonly #garbage: Garbage;
  /** Dropped forks whose records have not all been found yet. */
  #leftovers: ForkRecord[] = [];

  /** Without any event and key. */
  constructor(compactedRevision: number) {
    this.#log = new EventLog(compactedRevision);
    this.trunk = new Branch(this.#log);
    const isWithin = (from: number, to: number) => (pin: number) => from <= pin && pin < to;
    this.#garbage = new Garbage(
      (branch, from, to) => branch.pins.some(isWithin(from, to)) || this.#pins.some(isWithin(from, to)),
    );
  }

  get compactedRevision(): number {
    return this.#log.compactedRevision;
  }

  /** Revision of the last event. */
  get revision(): number {
    return this.#log.revision;
  }

  /** Memory that forgetting all history would give back, in bytes, estimated. */
  get bytes(): number {
    return this.#log.bytes;
  }

  get garbage(): Garbage {
    return this.#garbage;
  }

  /** The branch that holds `key` now. */
  branchOf(key: string): Branch {
    if (this.#forks.size === 0) return this.trunk;
    return this.#forks.get(clusterPrefixOf(key) ?? '') ?? this.trunk;
  }

  fork(cluster: string): Branch | undefined {
    return this.#forks.get(clusterPrefix(cluster));
  }

  /** In order of creation. */
  get forks(): Branch[] {
    return [...this.#forks.values()].toSorted((a, b) => a.fork!.sequence - b.fork!.sequence);
  }

  get snapshots(): SnapshotRecord[] {
    return Array.from(this.#snapshots.values(), ({ record }) => record);
  }

  /** Current value of a key. */
  get(key: string): StoredValue | undefined {
    return this.branchOf(key).current(key);
  }

  /** Errors: `compacted`, `future-revision`. */
  getAt(key: string, revision: number): StoredValue | undefined {
    const branch = this.branchOf(key);
    return branch.get(this.#stateOf(branch, revision), key);
  }

  /** Values of `range` at `revision` in key order, at most `limit`. Errors: `compacted`, `future-revision`. */
  list(range: KeyRange, revision: number, limit = Infinity): StoredValue[] {
    const pieces = this.#pieces(range, revision);
    const [only] = pieces;
    if (pieces.length === 1) {
      return only!.branch.values(this.#stateOf(only!.branch, revision), only!.range, limit);
    }
    const values: StoredValue[] = [];
    for (const piece of pieces) {
      const state = this.#stateOf(piece.branch, revision);
      const left = limit - values.length;
      if (left > 0) for (const value of piece.branch.values(state, piece.range, left)) values.push(value);
    }
    return values;
  }

  count(range: KeyRange): number {
    return this.#pieces(range, this.revision).reduce(
      (sum, piece) => sum + piece.branch.count(piece.branch.tree, piece.range),
      0,
    );
  }

  /** Applies an event that follows the last one without a hole, to the branch that has its key unless told otherwise. */
  append(event: StoreEvent, branch = this.branchOf(event.key)): void {
    this.#log.push(event, branch);
    if (!branch.dropped) branch.append(event);
  }

  /** Moves on by a revision of which nothing is known. */
  skip(): void {
    const value = { key: '', bytes: Buffer.alloc(0), revision: this.revision + 1, createRevision: 0 };
    const nowhere = new Branch(this.#log);
    nowhere.dropped = true;
    this.append({ type: 'updated', key: '', revision: value.revision, value }, nowhere);
  }

  /** Events with a revision greater than `revision`, oldest first, for a watcher of `range`. Errors: as `check`. */
  since(revision: number, range: KeyRange): Iterable<StoreEvent> {
    this.check(revision);
    const fork = this.#forkAround(range);
    if (fork !== undefined && revision < fork.since) throw newCompacted(revision, fork.since);
    return this.#log.since(revision);
  }

  /** Errors: `compacted`, `future-revision`. */
  check(revision: number): void {
    if (revision > this.revision) throw newFutureRevision(revision, this.revision);
    if (revision < this.compactedRevision) throw newCompacted(revision, this.compactedRevision);
  }

  /** The oldest revision to compact to so that history takes at most `bytes`. */
  revisionKeeping(bytes: number): number {
    return this.#log.revisionKeeping(bytes);
  }

  /** Forgets the events up to `revision`, which must be known. */
  compact(revision: number): void {
    if (revision <= this.compactedRevision) return;
    this.#log.forget(revision);
    this.trunk.compact(revision);
    for (const branch of this.#forks.values()) branch.compact(revision);
  }

  /** Whether `takeUnreachable` has anything to do. */
  get isUnclean(): boolean {
    return (
      this.#log.hasForgotten || this.#garbage.size > 0 || this.#leftovers.some((fork) => this.#isOver(fork))
    );
  }

  /** Looks at up to `count` forgotten events. Returns up to `count` engine keys that nothing needs any more. */
  takeUnreachable(count: number): string[] {
    if (this.#garbage.size < count) {
      for (const { event, branch } of this.#log.takeForgotten(count)) this.#discard(event, branch);
      const over = this.#leftovers.filter((fork) => this.#isOver(fork));
      this.#leftovers = this.#leftovers.filter((fork) => !over.includes(fork));
      // Last of all: it tells whose the records were.
      for (const { sequence } of over) this.#garbage.addKey(forkKey(sequence));
    }
    return this.#garbage.take(count);
  }

  /** State of every branch at `revision`, to be given a name. Errors: `compacted`, `future-revision`. */
  capture(revision: number): ReadonlyMap<Branch, SortedMap<StoredValue>> {
    const forks = [...this.#forks.values()].filter((branch) => this.#isThere(branch, revision));
    return new Map(
      [this.trunk, ...forks].map((branch) => [branch, this.#stateOf(branch, revision).clone()] as const),
    );
  }

  /** Spares what the states at `revision` are made of; call the result to stop. */
  pin(revision: number, pins: number[] = this.#pins): () => void {
    pins.push(revision);
    return () => {
      pins.splice(pins.indexOf(revision), 1);
      this.#garbage.recheck();
    };
  }

  /** `states` are those of `capture`. The revision is pinned already. */
  addSnapshot(record: SnapshotRecord, states: ReadonlyMap<Branch, SortedMap<StoredValue>>): void {
    this.#snapshots.set(record.name, { record, states });
  }

  removeSnapshot(name: string): void {
    const snapshot = this.#snapshots.get(name);
    if (snapshot === undefined) return;
    this.#snapshots.delete(name);
    this.#pins.splice(this.#pins.indexOf(snapshot.record.revision), 1);
    this.#garbage.recheck();
  }

  /** The state a fork of `parent` begins with. Errors: `compacted`, `future-revision`. */
  baseOf(parent: Branch, revision: number): SortedMap<StoredValue> {
    return this.#stateOf(parent, revision).clone();
  }

  /** Without its base, and without a pin on its parent. */
  newBranch(fork: ForkRecord, parent: Branch): Branch {
    return new Branch(this.#log, fork, parent);
  }

  /** Lets `branch` have the keys of its cluster from now on. */
  addFork(branch: Branch): void {
    const forks = [...this.#forks.values(), branch];
    const byPrefix = forks.toSorted((a, b) => (byteOrder(a.range.start) < byteOrder(b.range.start) ? -1 : 1));
    this.#forks = new Map(byPrefix.map((fork) => [fork.range.start, fork]));
  }

  /** Forgets a fork that has no forks. Its last event may still be waiting to be forgotten. */
  removeFork(branch: Branch, dropped: ForkRecord): void {
    branch.dropped = true;
    this.#forks.delete(branch.range.start);
    const { parent, fork } = branch;
    parent!.pins.splice(parent!.pins.indexOf(fork!.parentRevision), 1);
    for (const { states } of this.#snapshots.values()) (states as Map<Branch, unknown>).delete(branch);
    for (const revision of branch.ownRevisions()) {
      // The others go with their events.
      if (revision <= this.#log.takenRevision) this.#garbage.addReplaced(branch, revision, Infinity);
    }
    this.addLeftover(dropped);
    this.#garbage.recheck();
  }

  /** A dropped fork whose record goes when all of its events have been forgotten. */
  addLeftover(dropped: ForkRecord): void {
    this.#leftovers.push(dropped);
  }

  #discard({ type, previous, value, revision }: StoreEvent, branch: Branch): void {
    if (previous !== undefined) this.#garbage.addReplaced(branch, previous.revision, revision);
    if (type === 'deleted') this.#garbage.addDelete(branch, revision, value.createRevision);
    else if (branch.dropped) this.#garbage.addReplaced(branch, revision, Infinity);
  }

  #isOver(dropped: ForkRecord): boolean {
    return dropped.droppedRevision! <= this.#log.takenRevision;
  }

  /** Whether `branch` can be read at `revision`. */
  #isThere(branch: Branch, revision: number): boolean {
    if (revision < branch.since) return false;
    return revision >= this.compactedRevision || this.#namedState(branch, revision) !== undefined;
  }

  #stateOf(branch: Branch, revision: number): SortedMap<StoredValue> {
    if (revision > this.revision) throw newFutureRevision(revision, this.revision);
    if (revision >= this.compactedRevision && revision >= branch.since) return branch.at(revision);
    const named = this.#namedState(branch, revision);
    if (named !== undefined) return named;
    throw newCompacted(revision, Math.max(this.compactedRevision, branch.since));
  }

  #namedState(branch: Branch, revision: number): SortedMap<StoredValue> | undefined {
    for (const { record, states } of this.#snapshots.values()) {
      if (record.revision === revision && states.has(branch)) return states.get(branch);
    }
    return undefined;
  }

  /** The fork that all of `range` belongs to. */
  #forkAround({ start, end }: KeyRange): Branch | undefined {
    const branch = this.branchOf(start);
    return branch !== this.trunk && byteOrder(end) <= byteOrder(branch.range.end) ? branch : undefined;
  }

  #pieces(range: KeyRange, revision: number): Piece[] {
    if (this.#forks.size === 0) return [{ branch: this.trunk, range }];
    const fork = this.#forkAround(range);
    if (fork !== undefined) return [{ branch: fork, range }];
    const pieces: Piece[] = [];
    let { start } = range;
    const isBefore = (a: string, b: string): boolean => byteOrder(a) < byteOrder(b);
    for (const branch of this.#forks.values()) {
      const { range: own } = branch;
      if (!isBefore(start, own.end) || !isBefore(own.start, range.end)) continue;
      if (!this.#isThere(branch, revision)) continue;
      if (isBefore(start, own.start)) pieces.push({ branch: this.trunk, range: { start, end: own.start } });
      pieces.push({ branch, range: { start, end: range.end } });
      start = own.end;
    }
    if (isBefore(start, range.end) || pieces.length === 0) {
      pieces.push({ branch: this.trunk, range: { start, end: range.end } });
    }
    return pieces;
  }
}
