import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyRange, Store, StoredValue, StoreEvent } from '../../storage/interface.ts';
import { prefixRange, singleKeyRange } from '../../storage/keys.ts';
import { openStore } from '../../storage/store.ts';
import { levelMedium, type Medium, type MediumFactory, memoryMedium } from './fixtures/engines.ts';
import { EVERYTHING, record, type Recording } from './fixtures/stores.ts';
import { type ModelEvent, type ModelValue, StoreModel } from './fixtures/store-model.ts';

/** `KUBEMU_SEED=123 npx vitest run test/storage/model.test.ts` tries other histories; a failure prints its seed and path. */
const SEED = Number(process.env['KUBEMU_SEED'] ?? 20260101);

const KEYS = ['p/a', 'p/a-b', 'p/a/b', 'p/b', 'p', 'p/\uffee', 'p/\u{1f600}', 'q/a'];
const RANGES: KeyRange[] = [
  EVERYTHING,
  prefixRange('p/'),
  prefixRange('p/a'),
  prefixRange('p/a/'),
  singleKeyRange('p/a'),
  { start: 'p/a\0', end: 'p/b\0' },
  { start: 'q', end: 'p' },
];

const key = fc.constantFrom(...KEYS);
const range = fc.constantFrom(...RANGES);
/** Where between the oldest and the newest revision something happens; a bit outside, too. */
const place = fc.double({ min: -0.2, max: 1.2, noNaN: true });
const expectation = fc.constantFrom('absent', 'any', 'right', 'wrong');

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('put'), key, expectation, text: fc.string({ maxLength: 4 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete'), key, expectation }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('microtask', 'task') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('list'), range, place, limit: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('getAt'), key, place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch'), range, place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel'), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact'), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelledWatch extends Recording {
  readonly range: KeyRange;
  readonly from: number;
}

/** A store and its model, going through the same steps. Writes are not awaited until a `settle` or something like it. */
class ModelRun {
  readonly #medium: Medium;
  readonly #model = new StoreModel();
  #store: Store;
  #watches: ModelledWatch[] = [];
  #ended: ModelledWatch[] = [];
  #writes: Promise<void>[] = [];

  constructor(medium: Medium, store: Store) {
    this.#medium = medium;
    this.#store = store;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      await this.#step(next);
      this.#check();
    }
    await this.#settle();
    this.#check();
    await this.#close();
  }

  async #step(next: Step): Promise<void> {
    switch (next.do) {
      case 'put':
      case 'delete':
        return this.#write(next);
      case 'microtask':
        return Promise.resolve();
      case 'task':
        return new Promise((resolve) => setImmediate(resolve));
      case 'settle':
        return this.#settle();
      case 'list':
        return this.#list(next.range, this.#revisionAt(next.place), next.limit);
      case 'getAt':
        return this.#getAt(next.key, this.#revisionAt(next.place));
      case 'watch':
        return this.#watch(next.range, this.#revisionAt(next.place));
      case 'cancel':
        return this.#cancel(next.which);
      case 'compact':
        return this.#compact(this.#revisionAt(next.place));
      case 'reopen':
        return this.#reopen();
    }
  }

  #write(next: Extract<Step, { do: 'put' | 'delete' }>): void {
    const latest = this.#model.latest(next.key)?.revision ?? 0;
    const revisions = { right: latest, wrong: latest + 1, absent: 'absent', any: 'any' } as const;
    const expected = revisions[next.expectation as keyof typeof revisions];
    const given: number[] = [];
    const encode = (text: string) => (revision: number) => {
      given.push(revision);
      return { bytes: Buffer.from(text) };
    };
    const text = 'text' in next ? next.text : 'gone';
    const write = next.do === 'put' ? 'put' : 'delete';
    const outcome = this.#model[write](next.key, text, expected);
    const result = this.#store[write](next.key, encode(text), { expect: expected });
    if ('error' in outcome) {
      expect(given).toEqual([]);
      this.#writes.push(expect(result).rejects.toMatchObject({ code: outcome.error, key: next.key }));
    } else {
      expect(given).toEqual([this.#model.revision]);
      this.#writes.push(result.then((value) => expect(toModel(value)).toEqual(outcome.value)));
    }
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#writes.splice(0));
    expect(this.#store.revision).toBe(this.#model.revision);
  }

  #list(listed: KeyRange, revision: number, limit: number): void {
    const code = this.#refusal(revision);
    if (code !== undefined) {
      expect(() => this.#store.list(listed, { revision, limit })).toThrow(expect.objectContaining({ code }));
      return;
    }
    const result = this.#store.list(listed, { revision, limit });
    const all = this.#model.list(listed, revision);
    expect(result.entries.map(toModel)).toEqual(limit === 0 ? all : all.slice(0, limit));
    expect([result.revision, result.more]).toEqual([revision, limit !== 0 && all.length > limit]);
  }

  #getAt(read: string, revision: number): void {
    const code = this.#refusal(revision);
    if (code === undefined) {
      expect(toModel(this.#store.getAt(read, revision))).toEqual(this.#model.at(revision).get(read));
    } else {
      expect(() => this.#store.getAt(read, revision)).toThrow(expect.objectContaining({ code }));
    }
  }

  #watch(watched: KeyRange, from: number): void {
    const code = this.#refusal(from);
    if (code === undefined) {
      this.#watches.push({ range: watched, from, ...record(this.#store, watched, from) });
    } else {
      expect(() => record(this.#store, watched, from)).toThrow(expect.objectContaining({ code }));
    }
  }

  #cancel(which: number): void {
    const [cancelled] = this.#watches.splice(which % Math.max(1, this.#watches.length), 1);
    if (cancelled === undefined) return;
    cancelled.watch.cancel();
    expect(cancelled.watch.revision).toBe(this.#store.revision);
    this.#ended.push(cancelled);
  }

  async #compact(revision: number): Promise<void> {
    const compacted = this.#store.compact(revision);
    if (revision > this.#store.revision) {
      await expect(compacted).rejects.toMatchObject({
        code: 'future-revision',
        revision: this.#store.revision,
      });
    } else {
      await compacted;
      this.#model.compactedRevision = Math.max(this.#model.compactedRevision, revision);
    }
  }

  async #reopen(): Promise<void> {
    if (!this.#medium.engine().supports.persistent) return;
    const watches = this.#watches.splice(0);
    await this.#close();
    this.#store = await openStore({ engine: this.#medium.engine() });
    for (const { range: watched, watch } of watches) this.#watch(watched, watch.revision);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#store.close(), ...this.#writes.splice(0)]);
    expect(this.#store.revision).toBe(this.#model.revision);
    this.#ended.push(...this.#watches.splice(0));
    this.#check();
  }

  // Runs after every step: `assert` takes a tenth of the time of `expect`.
  #check(): void {
    const { revision } = this.#store;
    assert.equal(this.#store.compactedRevision, this.#model.compactedRevision);
    assert(revision <= this.#model.revision);
    assert.deepEqual(
      this.#store.list(EVERYTHING).entries.map(toModel),
      this.#model.list(EVERYTHING, revision),
    );
    for (const each of KEYS) {
      assert.deepEqual(toModel(this.#store.get(each)), this.#model.at(revision).get(each));
      assert.deepEqual(toModel(this.#store.latest(each)), this.#model.latest(each));
    }
    for (const each of RANGES) assert.equal(this.#store.count(each), this.#model.list(each, revision).length);
    for (const { watch } of this.#watches) assert.equal(watch.revision, revision);
    for (const { range: watched, from, watch, events } of [...this.#watches, ...this.#ended]) {
      assert.deepEqual(events.map(toModelEvent), this.#model.events(watched, from, watch.revision));
    }
  }

  #revisionAt(at: number): number {
    const { compactedRevision } = this.#model;
    return Math.round(compactedRevision + at * (this.#store.revision - compactedRevision));
  }

  #refusal(revision: number): string | undefined {
    if (revision < this.#model.compactedRevision) return 'compacted';
    return revision > this.#store.revision ? 'future-revision' : undefined;
  }
}

function toModel(value: StoredValue): ModelValue;
function toModel(value: StoredValue | undefined): ModelValue | undefined;
function toModel(value: StoredValue | undefined): ModelValue | undefined {
  if (value === undefined) return undefined;
  const { bytes, revision, createRevision } = value;
  return { key: value.key, text: bytes.toString(), revision, createRevision };
}

function toModelEvent({ type, value, previous }: StoreEvent): ModelEvent {
  return { type, value: toModel(value), previous: toModel(previous) };
}

describe('the store behaves as its model through random histories', () => {
  it.each<{ name: string; factory: MediumFactory; numRuns: number }>([
    { name: 'memory engine', factory: memoryMedium, numRuns: 150 },
    { name: 'level engine', factory: levelMedium('process'), numRuns: 40 },
  ])('$name', async ({ factory, numRuns }) => {
    const steps = fc.array(step, { maxLength: 120, size: 'max' });
    const property = fc.asyncProperty(steps, async (taken) => {
      const medium = await factory();
      try {
        const store = await openStore({ engine: medium.engine() });
        await new ModelRun(medium, store).run(taken);
      } finally {
        await medium.remove();
      }
    });
    await fc.assert(property, { numRuns, seed: SEED });
  });
});
