import { describe, expect, it } from 'vitest';
import { logKey } from '../../../storage/log-format.ts';
import type { MediumFactory } from '../fixtures/engines.ts';
import {
  engineKeys,
  EVERYTHING,
  put,
  record,
  remove,
  showEvent,
  showList,
  storeBenches,
} from '../fixtures/stores.ts';

const NOT_PERSISTENT = 'the engine does not keep its contents after close';

/** compact, reopening, close. */
export function lifecycleCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  describe('compaction', () => {
    it('forgets what was before the revision and keeps the rest', async () => {
      const { store } = await open();
      await put(store, 'a', '1');
      await put(store, 'b', '1');
      await put(store, 'a', '2');
      await remove(store, 'b');
      await put(store, 'c', '1');
      await store.compact(4);
      expect([store.compactedRevision, store.revision]).toEqual([4, 6]);
      expect(showList(store, EVERYTHING, 4)).toEqual(['a=2@4/2', 'b=1@3/3']);
      expect(showList(store, EVERYTHING, 5)).toEqual(['a=2@4/2']);
      expect(showList(store)).toEqual(['a=2@4/2', 'c=1@6/6']);
      expect(record(store, EVERYTHING, 4).events.map(showEvent)).toEqual(['deleted b@5', 'created c@6']);
      const compacted = expect.objectContaining({ name: 'StorageError', code: 'compacted', revision: 4 });
      expect(() => store.list(EVERYTHING, { revision: 3 })).toThrow(compacted);
      expect(() => store.getAt('a', 3)).toThrow(compacted);
      expect(() => record(store, EVERYTHING, 3)).toThrow(compacted);
    });

    it('never moves back, and not ahead of the store', async () => {
      const { store } = await open();
      await Promise.all(['a', 'b', 'c'].map((key) => put(store, key)));
      await store.compact(3);
      await store.compact(2);
      expect(store.compactedRevision).toBe(3);
      await expect(store.compact(5)).rejects.toMatchObject({ code: 'future-revision', revision: 4 });
      await store.compact(4);
      expect([store.compactedRevision, showList(store, EVERYTHING, 4).length]).toEqual([4, 3]);
      await Promise.all([store.compact(4), put(store, 'd').then(() => store.compact(5)), store.compact(2)]);
      expect(store.compactedRevision).toBe(5);
    });

    it('does not touch watches and lists that are under way', async () => {
      const { store } = await open();
      const { events, ends, watch } = record(store);
      await Promise.all(['a', 'b', 'c'].map((key) => put(store, key)));
      const { entries } = store.list(EVERYTHING, { revision: 3 });
      const writes = ['d', 'e'].map((key) => put(store, key));
      await store.compact(4);
      await Promise.all(writes);
      await put(store, 'f');
      await store.compact(store.revision);
      await put(store, 'g');
      expect(events.map(({ revision }) => revision)).toEqual([2, 3, 4, 5, 6, 7, 8]);
      expect([ends, watch.revision, entries.length]).toEqual([[], 8, 2]);
    });

    it('frees the engine of replaced states and deletes', async () => {
      const { store, engine } = await open();
      for (let round = 0; round < 5; round++) await put(store, 'a');
      await put(store, 'b');
      await remove(store, 'b');
      const last = await put(store, 'c');
      await store.compact(store.revision);
      await expect
        .poll(() => engineKeys(engine), { interval: 1 })
        .toEqual([logKey(6), logKey(last.revision), 'meta']);
    });

    it('frees the engine behind a long history without garbage', async () => {
      const { store, engine } = await open();
      await put(store, 'first', '1');
      const keys = Array.from({ length: 3_000 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => put(store, key)));
      await put(store, 'first', '2');
      await store.compact(store.revision);
      await expect.poll(() => engineKeys(engine), { interval: 1 }).not.toContain(logKey(2));
      expect((await engineKeys(engine)).length).toBe(3_002);
    });

    it('happens by itself when history takes more memory than it may', async () => {
      const historyBytesMax = 1024 * 1024;
      const bench = await open({ historyBytesMax });
      let { store } = bench;
      const { events, ends } = record(store);
      const value = 'x'.repeat(2_000);
      for (let round = 0; round < 100; round++) {
        await Promise.all(Array.from({ length: 20 }, (_, index) => put(store, `k${index}`, value)));
        // The compaction is a batch of its own behind the one that made it necessary.
        await store.compact(1);
        expect(store.historyBytes).toBeLessThan(historyBytesMax * 1.1);
      }
      await put(store, 'last');
      expect(store.historyBytes).toBeGreaterThan(historyBytesMax / 2);
      expect(store.compactedRevision).toBeGreaterThan(1_000);
      expect(() => record(store, EVERYTHING, 1)).toThrow(expect.objectContaining({ code: 'compacted' }));
      expect([events.length, ends]).toEqual([2_001, []]);
      await store.compact(store.revision);
      expect(store.historyBytes).toBe(0);
      if (!bench.persistent) return;
      ({ store } = await bench.reopen());
      expect([store.revision, showList(store).length]).toEqual([2_002, 21]);
    });

    it('happens at opening when the bound has become lower', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      for (let round = 0; round < 20; round++) await put(bench.store, 'a', 'x'.repeat(2_000));
      const { store } = await bench.reopen({ historyBytesMax: 10_000 });
      await put(store, 'b');
      expect(store.historyBytes).toBeLessThanOrEqual(10_000);
      expect(showList(store).length).toBe(2);
    });

    it('gives way to writes when there is much to free', async () => {
      const { store, engine } = await open();
      await Promise.all(Array.from({ length: 5_000 }, (_, index) => put(store, 'a', `${index}`)));
      const compacted = store.compact(store.revision);
      await Promise.all([compacted, put(store, 'b')]);
      const sizes = engine.batches.map(({ length }) => length);
      expect(Math.max(...sizes)).toBeLessThan(2_100);
    });
  });

  describe('reopening', () => {
    it('finds everything as it was', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      let { store } = bench;
      await put(store, 'a', '1');
      await put(store, 'é\u{1f600}', '1');
      await put(store, 'a', '2');
      await put(store, 'empty', '');
      await store.compact(3);
      await remove(store, 'é\u{1f600}');
      await put(store, 'é\u{1f600}', '2');
      await put(store, 'b', '1');
      const look = () => ({
        revisions: [store.revision, store.compactedRevision],
        lists: [3, 4, 5, 6, 7, 8].map((revision) => showList(store, EVERYTHING, revision)),
        events: record(store, EVERYTHING, 3).events.map((event) => ({
          ...event,
          value: { ...event.value, bytes: event.value.bytes.toString() },
          previous: event.previous && { ...event.previous, bytes: event.previous.bytes.toString() },
        })),
      });
      const before = look();
      expect(before.revisions).toEqual([8, 3]);
      ({ store } = await bench.reopen());
      expect(look()).toEqual(before);
      expect((await put(store, 'a', '3')).createRevision).toBe(2);
      expect(store.revision).toBe(9);
    });

    it('never gives out a revision twice, even when the last ones left nothing behind', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      await put(bench.store, 'a');
      await remove(bench.store, 'a');
      await bench.store.compact(3);
      const { store } = await bench.reopen();
      expect([store.revision, store.compactedRevision, showList(store)]).toEqual([3, 3, []]);
      expect((await put(store, 'a')).revision).toBe(4);
    });

    it('frees what a compaction before it left behind', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      await Promise.all(Array.from({ length: 4_000 }, (_, index) => put(bench.store, 'a', `${index}`)));
      await put(bench.store, 'b');
      await remove(bench.store, 'b');
      await bench.store.compact(bench.store.revision);
      // Closed at once: there was time for little of it.
      const { store, engine } = await bench.reopen();
      expect(showList(store)).toEqual(['a=3999@4001/2']);
      await expect.poll(() => engineKeys(engine), { interval: 1 }).toEqual([logKey(4_001), 'meta']);
    });
  });

  describe('close', () => {
    it('waits for accepted writes, then closes the engine, once', async () => {
      const { store, engine } = await open();
      const release = engine.hold();
      const written = [put(store, 'a'), put(store, 'b')];
      await Promise.resolve();
      written.push(put(store, 'c'));
      const closed = [store.close(), store.close()];
      await new Promise((resolve) => setImmediate(resolve));
      expect(engine.closes).toBe(0);
      release();
      await Promise.all([...closed, ...written, store.close()]);
      expect([engine.closes, store.revision]).toEqual([1, 4]);
    });

    it('ends watches and waits with unavailable, after the last event', async () => {
      const { store } = await open();
      const { events, ends } = record(store);
      const waited = store.waitFor(9);
      const written = put(store, 'a');
      await Promise.all([store.close(), expect(waited).rejects.toMatchObject({ code: 'unavailable' })]);
      await written;
      expect([events.map(showEvent), ends.map(({ code }) => code)]).toEqual([
        ['created a@2'],
        ['unavailable'],
      ]);
    });

    it('refuses everything but reads from then on', async () => {
      const { store } = await open();
      await put(store, 'a');
      const closed = store.close();
      const unavailable = { name: 'StorageError', code: 'unavailable', message: 'the store is closed' };
      for (const refuse of [
        () => put(store, 'a'),
        () => remove(store, 'a'),
        () => store.compact(2),
        () => store.waitFor(3),
      ]) {
        await expect(refuse()).rejects.toMatchObject(unavailable);
      }
      expect(() => record(store)).toThrow(expect.objectContaining(unavailable));
      await closed;
      await expect(put(store, 'a')).rejects.toMatchObject(unavailable);
      expect(showList(store)).toEqual(['a=x@2/2']);
      expect(showList(store, EVERYTHING, 1)).toEqual([]);
    });
  });
}
