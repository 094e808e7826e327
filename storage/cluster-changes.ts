import * as errors from './errors.ts';
import type { History } from './history.ts';
import type { EngineOperation, ForkInfo, ForkSource, KeyRange, SnapshotInfo } from './interface.ts';
import { clusterPrefix, clusterPrefixOf, clusterRange } from './keys.ts';
import { encodeNote, forkKey, type ForkRecord, snapshotKey, type SnapshotRecord } from './log-format.ts';

/** A change of what the store knows about revisions and clusters, made together with a batch of writes. */
export interface Change<T> {
  /** What the engine is to do; `revision` is the store revision after the batch. */
  operation(revision: number): EngineOperation;
  /** Makes the change visible after the engine took the batch. */
  apply(revision: number): T;
  /** Called instead of `apply` when the batch failed. */
  abandon(): void;
}

/** Checks changes of snapshots and forks and prepares them. What a change rests on cannot be compacted meanwhile. */
export class ClusterChanges {
  readonly #history: History;
  #sequence: number;
  /** Names of snapshots on their way. */
  readonly #names = new Set<string>();
  /** Prefixes of clusters that take no writes, and why. */
  readonly #closed = new Map<string, string>();
  /** Forks being made of a cluster, by its prefix. */
  readonly #children = new Map<string, number>();

  /** `sequence` is the newest in use. */
  constructor(history: History, sequence: number) {
    this.#history = history;
    this.#sequence = sequence;
  }

  /** Throws `unavailable` for a key of a cluster that is being made or dropped. */
  checkWritable(key: string): void {
    if (this.#closed.size === 0) return;
    const reason = this.#closed.get(clusterPrefixOf(key) ?? '');
    if (reason !== undefined) throw errors.newUnavailable(reason, { key });
  }

  createSnapshot(name: string, revision: number): Change<SnapshotInfo> {
    if (name === '') throw new TypeError('a snapshot needs a name');
    if (this.#names.has(name) || this.#history.snapshots.some((snapshot) => snapshot.name === name)) {
      throw errors.newKeyExists(name);
    }
    const states = this.#history.capture(revision);
    const unpin = this.#history.pin(revision);
    this.#names.add(name);
    const record: SnapshotRecord = { sequence: ++this.#sequence, name, revision };
    return {
      operation: () => ({ type: 'put', key: snapshotKey(record.sequence), value: encodeNote(record) }),
      apply: () => {
        this.#names.delete(name);
        this.#history.addSnapshot(record, states);
        return toSnapshotInfo(record);
      },
      abandon: () => {
        this.#names.delete(name);
        unpin();
      },
    };
  }

  releaseSnapshot(name: string): Change<void> {
    const record = this.#history.snapshots.find((snapshot) => snapshot.name === name);
    if (record === undefined) throw errors.newKeyNotFound(name);
    return {
      operation: () => ({ type: 'delete', key: snapshotKey(record.sequence) }),
      apply: () => this.#history.removeSnapshot(name),
      abandon: () => {},
    };
  }

  /** `isEmpty` tells whether no key of a range exists or is on its way. */
  fork(
    cluster: string,
    source: Required<ForkSource>,
    isEmpty: (range: KeyRange) => boolean,
  ): Change<ForkInfo> {
    if (cluster === source.parent) throw new TypeError(`cluster ${cluster} cannot be forked from itself`);
    const prefix = clusterPrefix(cluster);
    const parentPrefix = clusterPrefix(source.parent);
    if (
      this.#closed.has(prefix) ||
      this.#history.fork(cluster) !== undefined ||
      !isEmpty(clusterRange(cluster))
    ) {
      throw errors.newKeyExists(prefix);
    }
    this.checkWritable(parentPrefix);
    const parent = this.#history.branchOf(parentPrefix);
    const base = this.#history.baseOf(parent, source.revision);
    const unpin = this.#history.pin(source.revision, parent.pins);
    this.#closed.set(prefix, `cluster ${cluster} is being made`);
    this.#children.set(parentPrefix, (this.#children.get(parentPrefix) ?? 0) + 1);
    const sequence = ++this.#sequence;
    const settle = (): void => {
      this.#closed.delete(prefix);
      this.#children.set(parentPrefix, this.#children.get(parentPrefix)! - 1);
    };
    const record = (revision: number): ForkRecord => ({
      sequence,
      cluster,
      parent: source.parent,
      parentSequence: parent.fork?.sequence,
      parentRevision: source.revision,
      revision,
    });
    return {
      operation: (revision) => ({ type: 'put', key: forkKey(sequence), value: encodeNote(record(revision)) }),
      apply: (revision) => {
        settle();
        const branch = this.#history.newBranch(record(revision), parent);
        branch.begin(base);
        this.#history.addFork(branch);
        return toForkInfo(branch.fork!);
      },
      abandon: () => {
        settle();
        unpin();
      },
    };
  }

  dropFork(cluster: string): Change<void> {
    const prefix = clusterPrefix(cluster);
    const branch = this.#history.fork(cluster);
    if (branch === undefined || this.#closed.has(prefix)) throw errors.newKeyNotFound(prefix);
    const child = this.#history.forks.find((fork) => fork.parent === branch);
    if (child !== undefined) throw errors.newKeyExists(child.range.start);
    if ((this.#children.get(prefix) ?? 0) > 0) throw errors.newKeyExists(prefix);
    this.#closed.set(prefix, `cluster ${cluster} is being dropped`);
    const record = (revision: number): ForkRecord => ({ ...branch.fork!, droppedRevision: revision });
    return {
      operation: (revision) => ({
        type: 'put',
        key: forkKey(branch.fork!.sequence),
        value: encodeNote(record(revision)),
      }),
      apply: (revision) => {
        this.#closed.delete(prefix);
        this.#history.removeFork(branch, record(revision));
      },
      abandon: () => void this.#closed.delete(prefix),
    };
  }
}

export function toForkInfo({ cluster, parent, parentRevision, revision }: ForkRecord): ForkInfo {
  return { cluster, parent, parentRevision, revision };
}

export function toSnapshotInfo({ name, revision }: SnapshotRecord): SnapshotInfo {
  return { name, revision };
}
