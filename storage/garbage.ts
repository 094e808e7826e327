import type { Branch } from './branch.ts';
import { logKey } from './log-format.ts';

/** A record of compacted history that states from `from` on, and before `to`, are made of. */
interface HeldRecord {
  readonly branch: Branch;
  readonly revision: number;
  readonly from: number;
  readonly to: number;
}

/** Engine keys nothing needs any more, in the order in which they may be deleted, and records that wait for that. */
export class Garbage {
  readonly #isPinned: (branch: Branch, from: number, to: number) => boolean;
  readonly #keys: string[] = [];
  #held: HeldRecord[] = [];

  /** `isPinned` tells whether a snapshot or a fork needs a state of `branch` at a revision from `from` on, before `to`. */
  constructor(isPinned: (branch: Branch, from: number, to: number) => boolean) {
    this.#isPinned = isPinned;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** A state that was replaced, or deleted, at revision `to`. */
  addReplaced(branch: Branch, revision: number, to: number): void {
    // What a fork inherited is its ancestor's to throw away.
    if (branch.isOwn(revision)) this.#add({ branch, revision, from: revision, to });
  }

  /**
   * The delete at `revision` of a key created at `createRevision`. It is needed as long as a record of that key is: without
   * it, the key would come back.
   */
  addDelete(branch: Branch, revision: number, createRevision: number): void {
    this.#add({ branch, revision, from: createRevision, to: revision });
  }

  addKey(key: string): void {
    this.#keys.push(key);
  }

  /** Looks again at what was held back, after a pin is gone. */
  recheck(): void {
    const held = this.#held;
    this.#held = [];
    for (const record of held) this.#add(record);
  }

  /** Up to `count` keys, the oldest first. */
  take(count: number): string[] {
    return this.#keys.splice(0, count);
  }

  #add(record: HeldRecord): void {
    const { branch, revision, from, to } = record;
    if (!branch.dropped && this.#isPinned(branch, from, to)) this.#held.push(record);
    else this.#keys.push(logKey(revision));
  }
}
