import { describe, expect, it } from 'vitest';
import { logKey } from '../../../storage/log-format.ts';
import type { MediumFactory } from '../fixtures/engines.ts';
import { engineKeys, EVERYTHING, put, record, remove, showList, storeBenches } from '../fixtures/stores.ts';

const NOT_PERSISTENT = 'the engine does not keep its contents after close';

/** Revisions with a name. */
export function snapshotCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  it('keep a revision from compaction until they are released', async () => {
    const { store } = await open();
    await put(store, 'a', '1');
    await put(store, 'b', '1');
    expect(await store.createSnapshot('before')).toEqual({ name: 'before', revision: 3 });
    await put(store, 'a', '2');
    await remove(store, 'b');
    await store.compact(store.revision);
    expect(store.snapshots()).toEqual([{ name: 'before', revision: 3 }]);
    expect(showList(store, EVERYTHING, 3)).toEqual(['a=1@2/2', 'b=1@3/3']);
    expect(store.getAt('b', 3)?.bytes.toString()).toBe('1');
    expect(showList(store)).toEqual(['a=2@4/2']);
    const compacted = expect.objectContaining({ code: 'compacted', revision: 5 });
    expect(() => record(store, EVERYTHING, 3)).toThrow(compacted);
    expect(() => showList(store, EVERYTHING, 4)).toThrow(compacted);
    await store.releaseSnapshot('before');
    expect(store.snapshots()).toEqual([]);
    expect(() => showList(store, EVERYTHING, 3)).toThrow(compacted);
  });

  it('can name an older revision, and one revision can have several names', async () => {
    const { store } = await open();
    for (const value of ['1', '2', '3']) await put(store, 'a', value);
    await Promise.all([store.createSnapshot('x', 3), store.createSnapshot('y', 3)]);
    await store.compact(store.revision);
    await store.releaseSnapshot('x');
    expect(showList(store, EVERYTHING, 3)).toEqual(['a=2@3/2']);
    await store.releaseSnapshot('y');
    expect(() => showList(store, EVERYTHING, 3)).toThrow(expect.objectContaining({ code: 'compacted' }));
  });

  it('take their state at once, whatever is compacted or written before they are made', async () => {
    const { store, engine } = await open();
    await put(store, 'a', '1');
    const release = engine.hold();
    const others = [put(store, 'a', '2'), store.compact(2)];
    const made = store.createSnapshot('x', 2);
    release();
    await Promise.all([...others, made]);
    await store.compact(store.revision);
    expect(showList(store, EVERYTHING, 2)).toEqual(['a=1@2/2']);
  });

  it.each([
    { name: 'a name in use', act: 'create', of: 'x', revision: undefined, code: 'key-exists' },
    { name: 'an old revision', act: 'create', of: 'y', revision: 2, code: 'compacted' },
    { name: 'a revision to come', act: 'create', of: 'y', revision: 9, code: 'future-revision' },
    { name: 'a name nobody gave', act: 'release', of: 'y', revision: undefined, code: 'key-not-found' },
  ])('are refused: $name', async ({ act, of, revision, code }) => {
    const { store } = await open();
    for (const value of ['1', '2', '3']) await put(store, 'a', value);
    await store.compact(3);
    await store.createSnapshot('x');
    const refused = act === 'create' ? store.createSnapshot(of, revision) : store.releaseSnapshot(of);
    await expect(refused).rejects.toMatchObject({ name: 'StorageError', code });
    expect(store.snapshots()).toEqual([{ name: 'x', revision: 4 }]);
  });

  it('refuse a name twice while the first is on its way', async () => {
    const { store } = await open();
    const first = store.createSnapshot('x');
    await expect(store.createSnapshot('x')).rejects.toMatchObject({ code: 'key-exists', key: 'x' });
    await first;
  });

  it('are not there when the engine failed', async () => {
    const { store, engine } = await open();
    engine.failFrom = engine.batches.length;
    await expect(store.createSnapshot('x')).rejects.toMatchObject({ code: 'unavailable' });
    expect(store.snapshots()).toEqual([]);
  });

  describe('on the engine', () => {
    it('hold back what they need, deletes included, and give it free when released', async () => {
      const bench = await open();
      let { store, engine } = bench;
      await put(store, 'a', '1');
      await put(store, 'b', '1');
      await store.createSnapshot('x');
      await put(store, 'a', '2');
      await put(store, 'a', '3');
      await remove(store, 'a');
      await remove(store, 'b');
      await put(store, 'c', '1');
      await store.compact(store.revision);
      const held = [2, 3, 6, 7, 8].map(logKey);
      const logKeys = async () => (await engineKeys(engine)).filter((key) => key.startsWith('log/'));
      await expect.poll(logKeys, { interval: 1 }).toEqual(held);
      if (bench.persistent) {
        ({ store, engine } = await bench.reopen());
        expect(showList(store)).toEqual(['c=1@8/8']);
        expect(showList(store, EVERYTHING, 3)).toEqual(['a=1@2/2', 'b=1@3/3']);
        expect(await logKeys()).toEqual(held);
      }
      await store.releaseSnapshot('x');
      await expect
        .poll(async () => (await engineKeys(engine)).join(' '), { interval: 1 })
        .toBe(`${logKey(8)} meta`);
    });

    it('are found again', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      await put(bench.store, 'a', '1');
      await bench.store.createSnapshot('x');
      await put(bench.store, 'a', '2');
      await bench.store.createSnapshot('é');
      await bench.store.createSnapshot('gone');
      await bench.store.releaseSnapshot('gone');
      const { store } = await bench.reopen();
      expect(store.snapshots()).toEqual([
        { name: 'x', revision: 2 },
        { name: 'é', revision: 3 },
      ]);
      await store.compact(store.revision);
      expect(showList(store, EVERYTHING, 2)).toEqual(['a=1@2/2']);
      await expect(store.createSnapshot('x')).rejects.toMatchObject({ code: 'key-exists' });
      await store.createSnapshot('gone');
    });
  });
}
