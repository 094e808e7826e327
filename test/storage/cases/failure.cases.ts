import { afterEach, describe, expect, it } from 'vitest';
import type { Engine, Store } from '../../../storage/interface.ts';
import { encodeMeta, encodeRecord, logKey, META_KEY } from '../../../storage/log-format.ts';
import { openStore } from '../../../storage/store.ts';
import type { Medium, MediumFactory } from '../fixtures/engines.ts';
import { ControlledEngine } from '../fixtures/controlled-engine.ts';
import { EVERYTHING, put, record, remove, showEvent, showList, storeBenches } from '../fixtures/stores.ts';

const REFUSAL = {
  name: 'StorageError',
  code: 'unavailable',
  message: 'the storage engine failed (disk on fire); nothing is written until the store is opened again',
};

/** Engines that fail to write, and media with damaged contents. */
export function failureCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  it.each([0, 1, 2, 3])(
    'that fails %i batches on: what was acknowledged is there, nothing else is',
    async (good) => {
      const bench = await open();
      const { store, engine } = bench;
      const { events, ends } = record(store);
      engine.failFrom = engine.batches.length + good;
      const acknowledged: number[] = [];
      for (let index = 0; index < 5; index++) {
        const write = put(store, `k${index}`, `${index}`);
        if (index < good) acknowledged.push((await write).revision);
        else
          await expect(write).rejects.toMatchObject({
            ...REFUSAL,
            key: `k${index}`,
            cause: expect.any(Error),
          });
      }
      const revisions = Array.from({ length: good }, (_, index) => index + 2);
      const entries = revisions.map((revision) => `k${revision - 2}=${revision - 2}@${revision}/${revision}`);
      expect(acknowledged).toEqual(revisions);
      expect(events.map(({ revision }) => revision)).toEqual(revisions);
      expect([store.revision, showList(store), ends]).toEqual([good + 1, entries, []]);
      if (!bench.persistent) return;
      const { store: again } = await bench.reopen();
      expect([again.revision, showList(again)]).toEqual([good + 1, entries]);
      expect((await put(again, 'after')).revision).toBe(good + 2);
    },
  );

  it('fails the writes of the batch and all behind it, and goes back to what is committed', async () => {
    const { store, engine } = await open();
    await put(store, 'a', '1');
    await put(store, 'b', '1');
    const { events, ends } = record(store);
    engine.failFrom = engine.batches.length;
    const release = engine.hold();
    const waited = store.waitFor(4);
    const early = [put(store, 'a', '2'), remove(store, 'b'), put(store, 'c')];
    await engine.writing();
    const late = [put(store, 'a', '3'), put(store, 'b', '2'), store.compact(2)];
    const settled = Promise.allSettled([...early, ...late, waited]);
    expect(store.latest('a')?.revision).toBe(7);
    release();
    for (const result of await settled) expect(result).toMatchObject({ status: 'rejected', reason: REFUSAL });
    expect(['a', 'b', 'c'].map((key) => store.latest(key))).toEqual(
      ['a', 'b', 'c'].map((key) => store.get(key)),
    );
    expect([store.revision, store.compactedRevision, events, ends]).toEqual([3, 1, [], []]);
    expect(showList(store)).toEqual(['a=1@2/2', 'b=1@3/3']);
  });

  it('refuses further writes without trying the engine, while reads and watches go on', async () => {
    const { store, engine } = await open();
    await put(store, 'a');
    engine.failFrom = engine.batches.length;
    await expect(put(store, 'a')).rejects.toMatchObject(REFUSAL);
    const tried = engine.batches.length;
    await expect(put(store, 'b')).rejects.toMatchObject(REFUSAL);
    await expect(remove(store, 'a')).rejects.toMatchObject(REFUSAL);
    await expect(store.compact(2)).rejects.toMatchObject(REFUSAL);
    await expect(store.waitFor(3)).rejects.toMatchObject(REFUSAL);
    expect(engine.batches.length).toBe(tried);
    expect(showList(store, EVERYTHING, 2)).toEqual(['a=x@2/2']);
    const { events, ends } = record(store, EVERYTHING, 1);
    expect(events.map(showEvent)).toEqual(['created a@2']);
    await store.close();
    expect(ends).toMatchObject([REFUSAL]);
    expect(engine.closes).toBe(1);
  });

  describe('at any operation', () => {
    const media: Medium[] = [];
    afterEach(async () => {
      for (const medium of media.splice(0)) await medium.remove();
    });

    const child = 'registry/child/core/pods/x/a';
    const steps: readonly ((store: Store) => Promise<unknown>)[] = [
      (store) => put(store, 'registry/main/core/pods/x/a', '1'),
      (store) => store.createSnapshot('s'),
      (store) => put(store, 'registry/main/core/pods/x/a', '2'),
      (store) => store.fork('child', { parent: 'main' }),
      (store) => put(store, child, 'child'),
      (store) => store.compact(store.revision),
      (store) => remove(store, 'registry/main/core/pods/x/a'),
      (store) => store.fork('grandchild', { parent: 'child' }),
      (store) => remove(store, child),
      (store) => store.releaseSnapshot('s'),
      (store) => store.compact(store.revision),
      (store) => store.dropFork('grandchild'),
      (store) => store.dropFork('child'),
      (store) => put(store, child, 'new'),
      (store) => store.compact(store.revision),
    ];

    const look = (store: Store): unknown => ({
      revisions: [store.revision, store.compactedRevision],
      keys: showList(store),
      forks: store.forks(),
      snapshots: store.snapshots().map(({ name, revision }) => [name, showList(store, EVERYTHING, revision)]),
    });

    /** Takes the steps up to the first that fails. Returns what the store showed after each, and before the first. */
    async function take(store: Store): Promise<unknown[]> {
      const looks = [look(store)];
      for (const step of steps) {
        const isDone = await step(store).then(
          () => true,
          () => false,
        );
        if (!isDone) break;
        looks.push(look(store));
      }
      return looks;
    }

    it.each([false, true])(
      'keeps what was acknowledged (failed writes on the medium: %s)',
      async (written) => {
        const whole = await open();
        const expected = await take(whole.store);
        expect(expected.length).toBe(steps.length + 1);
        const { length: operations } = whole.engine.batches;
        for (let failing = 1; failing < operations; failing++) {
          const bench = await open();
          bench.engine.failFrom = failing;
          bench.engine.writesWhenFailing = written;
          const looks = await take(bench.store);
          expect(looks).toEqual(expected.slice(0, looks.length));
          expect(look(bench.store)).toEqual(looks.at(-1));
          if (looks.length <= steps.length) {
            await expect(put(bench.store, 'z')).rejects.toMatchObject(REFUSAL);
          }
          if (!bench.persistent) continue;
          const again = look((await bench.reopen()).store);
          const allowed = expected.slice(looks.length - 1, looks.length + (written ? 1 : 0));
          expect(allowed).toContainEqual(again);
        }
      },
    );

    it('reads nothing wrong, or does not open', async (test) => {
      const medium = await factory();
      media.push(medium);
      const store = await openStore({ engine: medium.engine() });
      test.skip(!medium.engine().supports.persistent, 'the engine does not keep its contents after close');
      for (const step of steps.slice(0, 9)) await step(store);
      const expected = look(store);
      await store.close();
      for (let failing = 0; ; failing++) {
        const engine = new ControlledEngine(medium.engine());
        engine.failReadsFrom = failing;
        const opened = await openStore({ engine }).catch((error: unknown) => error);
        if (opened instanceof Error) {
          expect(opened).toMatchObject({ code: 'unavailable', message: 'disk on fire' });
          expect(engine.closes).toBe(1);
          continue;
        }
        expect(failing).toBeGreaterThan(5);
        expect(look(opened as Store)).toEqual(expected);
        await (opened as Store).close();
        break;
      }
    });
  });

  describe('with contents the store did not write', () => {
    const media: Medium[] = [];
    afterEach(async () => {
      for (const medium of media.splice(0)) await medium.remove();
    });

    const value = { key: 'a', bytes: Buffer.from('1'), revision: 2, createRevision: 2 };
    const created = encodeRecord({ type: 'created', key: 'a', revision: 2, value });
    const updated = encodeRecord({
      type: 'updated',
      key: 'a',
      revision: 3,
      value: { ...value, revision: 3 },
      previous: value,
    });
    const deletion = encodeRecord({ type: 'deleted', key: 'a', revision: 2, value });
    const renewed = encodeRecord({
      type: 'updated',
      key: 'a',
      revision: 3,
      value: { ...value, createRevision: 3, revision: 3 },
      previous: value,
    });
    const meta = (revision: number, compactedRevision = 1) => encodeMeta({ revision, compactedRevision });
    const flipped = Buffer.from(created);
    flipped[flipped.length - 1] = 0;

    it.each<{ name: string; contents: Readonly<Record<string, Buffer>>; key: string }>([
      { name: 'no meta', contents: { something: Buffer.from('else') }, key: META_KEY },
      { name: 'meta that is not JSON', contents: { [META_KEY]: Buffer.from('{') }, key: META_KEY },
      { name: 'meta without version', contents: { [META_KEY]: Buffer.from('{}') }, key: META_KEY },
      { name: 'meta without object', contents: { [META_KEY]: Buffer.from('null') }, key: META_KEY },
      { name: 'meta compacted ahead of itself', contents: { [META_KEY]: meta(2, 3) }, key: META_KEY },
      {
        name: 'a record missing in between',
        contents: { [META_KEY]: meta(3), [logKey(3)]: updated },
        key: logKey(2),
      },
      {
        name: 'a record missing at the end',
        contents: { [META_KEY]: meta(3), [logKey(2)]: created },
        key: logKey(3),
      },
      { name: 'a record too new', contents: { [META_KEY]: meta(1), [logKey(2)]: created }, key: logKey(2) },
      {
        name: 'a record under a wrong key',
        contents: { [META_KEY]: meta(2), 'log/2': created },
        key: 'log/2',
      },
      { name: 'a flipped bit', contents: { [META_KEY]: meta(2), [logKey(2)]: flipped }, key: logKey(2) },
      {
        name: 'a record cut short',
        contents: { [META_KEY]: meta(2), [logKey(2)]: created.subarray(0, 9) },
        key: logKey(2),
      },
      {
        name: 'a second create',
        contents: { [META_KEY]: meta(3), [logKey(2)]: created, [logKey(3)]: created },
        key: logKey(3),
      },
      {
        name: 'an update of nothing',
        contents: { [META_KEY]: meta(3, 2), [logKey(3)]: updated },
        key: logKey(3),
      },
      {
        name: 'a delete of nothing',
        contents: { [META_KEY]: meta(2), [logKey(2)]: deletion },
        key: logKey(2),
      },
      {
        name: 'an update that says the key is new',
        contents: { [META_KEY]: meta(3), [logKey(2)]: created, [logKey(3)]: renewed },
        key: logKey(3),
      },
    ])('$name: refuses to open, names the key, closes the engine', async ({ contents, key }) => {
      const engine = await engineWith(contents);
      await expect(openStore({ engine })).rejects.toMatchObject({
        name: 'StorageError',
        code: 'corrupt',
        key,
      });
      expect(engine.closes).toBe(1);
    });

    it('refuses a format that is newer, and says so', async () => {
      const contents = { [META_KEY]: Buffer.from('{"format":3,"revision":{"new":"form"}}') };
      await expect(openStore({ engine: await engineWith(contents) })).rejects.toMatchObject({
        code: 'unavailable',
        message: 'the data has format version 3, this kubemu reads up to 2: use a newer kubemu',
      });
    });

    it('ignores what a compaction left behind', async () => {
      const contents = { [META_KEY]: meta(3, 3), [logKey(2)]: created, [logKey(3)]: updated };
      const store = await openStore({ engine: await engineWith(contents) });
      expect(showList(store)).toEqual(['a=1@3/2']);
      await store.close();
    });

    /** An engine that finds `contents` when it is opened. */
    async function engineWith(contents: Readonly<Record<string, Buffer>>): Promise<ControlledEngine> {
      const medium = await factory();
      media.push(medium);
      return new ControlledEngine(withContents(medium.engine(), contents));
    }
  });
}

function withContents(inner: Engine, contents: Readonly<Record<string, Buffer>>): Engine {
  const open = async (): Promise<void> => {
    await inner.open();
    await inner.write(Object.entries(contents).map(([key, value]) => ({ type: 'put', key, value })));
  };
  return {
    supports: inner.supports,
    open,
    range: (start, end) => inner.range(start, end),
    get: (key) => inner.get(key),
    write: (operations) => inner.write(operations),
    close: () => inner.close(),
  };
}
