import { describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../api/machinery/logger.ts';
import type { StoreEvent, Watch } from '../../../storage/interface.ts';
import { prefixRange, singleKeyRange } from '../../../storage/keys.ts';
import type { MediumFactory } from '../fixtures/engines.ts';
import {
  EVERYTHING,
  put,
  record,
  type Recording,
  remove,
  show,
  showEvent,
  storeBenches,
} from '../fixtures/stores.ts';

/** watch: content and order of events, ranges, listeners that misbehave. */
export function watchCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  it('tells of creates, updates and deletes with the states before and after', async () => {
    const { store } = await open();
    const { events } = record(store);
    await put(store, 'a', '1');
    await put(store, 'a', '2');
    await remove(store, 'a');
    await put(store, 'a', '3');
    const told = events.map((event) => [showEvent(event), show(event.value), show(event.previous)]);
    expect(told).toEqual([
      ['created a@2', 'a=1@2/2', undefined],
      ['updated a@3', 'a=2@3/2', 'a=1@2/2'],
      ['deleted a@4', 'a=gone@4/2', 'a=2@3/2'],
      ['created a@5', 'a=3@5/5', undefined],
    ]);
  });

  it('hands over history before it returns, then each commit in one batch', async () => {
    const { store, engine } = await open();
    for (const key of ['a', 'b', 'c']) await put(store, key);
    const { watch, events, batches } = record(store, EVERYTHING, 2);
    expect(events.map(showEvent)).toEqual(['created b@3', 'created c@4']);
    expect([batches, watch.revision]).toEqual([[2], 4]);
    const release = engine.hold();
    const writes = ['d', 'e', 'f'].map((key) => put(store, key));
    release();
    await Promise.all(writes);
    expect([batches, watch.revision]).toEqual([[2, 3], 7]);
    expect(events.map(({ revision }) => revision)).toEqual([3, 4, 5, 6, 7]);
  });

  it('misses nothing and repeats nothing from wherever it starts while writes go on', async () => {
    const { store } = await open();
    const isDone = { value: false };
    const write = async (name: string) => {
      for (let round = 0; round < 60; round++) {
        await put(store, `${name}/${round % 5}`, `${round}`);
        if (round % 4 === 3) await remove(store, `${name}/${round % 5}`);
        if (round % 5 === 4) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writers = Promise.all(['u', 'v', 'w'].map(write)).then(() => (isDone.value = true));
    const recordings = [];
    while (!isDone.value) {
      const from = 1 + Math.floor(store.revision / 2);
      recordings.push({ from, ...record(store, EVERYTHING, from) });
      recordings.push({ from: store.revision, ...record(store) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writers;
    expect(recordings.length).toBeGreaterThan(4);
    for (const { from, events, watch } of recordings) {
      const revisions = Array.from({ length: store.revision - from }, (_, index) => from + 1 + index);
      expect(events.map(({ revision }) => revision)).toEqual(revisions);
      expect(watch.revision).toBe(store.revision);
    }
  });

  it('tells all watchers of the same events, in order of revision', async () => {
    const { store } = await open();
    const all = [record(store), record(store), record(store, prefixRange('k'))];
    await Promise.all(Array.from({ length: 20 }, (_, index) => put(store, `k${index % 3}`)));
    const [first] = all;
    expect(first?.events.length).toBe(20);
    for (const { events } of all) expect(events).toEqual(first?.events);
  });

  it('is sent the events of a revision before the revision can be read', async () => {
    const { store } = await open();
    const seen: unknown[] = [];
    const listener = {
      events: (events: readonly StoreEvent[]) => {
        seen.push([events.map(showEvent), store.revision, show(store.get('a')), show(store.latest('a'))]);
      },
      ended: () => {},
    };
    store.watch(EVERYTHING, 1, listener);
    await put(store, 'a');
    expect(seen).toEqual([[['created a@2'], 1, undefined, 'a=x@2/2']]);
    expect(store.revision).toBe(2);
  });

  describe('ranges', () => {
    const keys = [
      'r/pods/a',
      'r/pods/a/b',
      'r/pods/a/b/c',
      'r/pods',
      'r/pods/',
      'r/pods0',
      'r/podsx/a',
      'r/pod/a',
      'q',
      's',
    ];

    it.each([
      { name: 'a prefix with a slash', range: prefixRange('r/pods/') },
      { name: 'a longer prefix', range: prefixRange('r/pods/a/') },
      { name: 'a prefix without a slash', range: prefixRange('r/pod') },
      { name: 'one key', range: singleKeyRange('r/pods/a') },
      { name: 'part of a prefix', range: { start: 'r/pods/a\0', end: prefixRange('r/pods/').end } },
      { name: 'everything', range: EVERYTHING },
      { name: 'nothing', range: { start: 'r', end: 'r' } },
    ])('$name: tells of the same keys a list has', async ({ range }) => {
      const { store } = await open();
      const live = record(store, range);
      await Promise.all(keys.map((key) => put(store, key)));
      for (const key of keys) await put(store, key);
      const past = record(store, range, 1);
      const listed = store.list(range).entries.map(({ key }) => key);
      for (const { events, watch } of [live, past]) {
        expect([...new Set(events.map(({ key }) => key))].toSorted()).toEqual(listed.toSorted());
        expect(events.length).toBe(2 * listed.length);
        expect(watch.revision).toBe(store.revision);
      }
    });
  });

  it('refuses revisions that are not there yet, with the current one', async () => {
    const { store } = await open();
    const error = expect.objectContaining({ name: 'StorageError', code: 'future-revision', revision: 1 });
    expect(() => record(store, EVERYTHING, 2)).toThrow(error);
  });

  it('is told nothing after cancel', async () => {
    const { store } = await open();
    const { watch, events, ends } = record(store);
    await put(store, 'a');
    watch.cancel();
    watch.cancel();
    await put(store, 'a');
    await store.close();
    expect([events.map(showEvent), ends, watch.revision]).toEqual([['created a@2'], [], 2]);
  });

  describe('listeners', () => {
    it('that throw lose their watch, and nobody else notices', async () => {
      const error = vi.fn();
      const { store } = await open({ logger: { ...silentLogger, error } });
      await put(store, 'a');
      const broken = {
        events: vi.fn(() => {
          throw new Error('broken listener');
        }),
        ended: vi.fn(),
      };
      store.watch(EVERYTHING, 1, broken);
      store.watch(EVERYTHING, 2, broken);
      const { events } = record(store);
      await put(store, 'b');
      await put(store, 'c');
      expect(events.length).toBe(2);
      expect([broken.events, broken.ended, error].map(({ mock }) => mock.calls.length)).toEqual([2, 0, 2]);
    });

    it('may cancel watches, their own too, while they are told', async () => {
      const { store } = await open();
      const other = record(store, prefixRange('a'));
      const told: string[] = [];
      const watches: Watch[] = [];
      const listen = (name: string) => ({
        events: () => {
          told.push(name);
          for (const watch of watches) watch.cancel();
        },
        ended: () => {},
      });
      watches.push(store.watch(EVERYTHING, 1, listen('first')), store.watch(EVERYTHING, 1, listen('second')));
      await put(store, 'a');
      await put(store, 'a');
      expect(told).toEqual(['first']);
      expect(other.events.length).toBe(2);
    });

    it('may cancel a watch they have just opened, which is then told nothing', async () => {
      const { store } = await open();
      const { watch, events } = record(store);
      const opened: Recording[] = [];
      store.watch(EVERYTHING, 1, {
        events: () => {
          watch.cancel();
          if (opened.length > 0) return;
          opened.push(record(store), record(store));
          opened[0]?.watch.cancel();
        },
        ended: () => {},
      });
      await put(store, 'a');
      opened[1]?.watch.cancel();
      await put(store, 'a');
      expect([events.length, ...opened.map((recording) => recording.events.length)]).toEqual([1, 0, 1]);
    });

    it('may open watches while they are told, which miss and repeat nothing', async () => {
      const { store, engine } = await open();
      await put(store, 'k/0');
      const opened: { from: number; events: StoreEvent[]; watch: Watch }[] = [];
      const openFrom = (from: number, range = EVERYTHING) =>
        opened.push({ from, ...record(store, range, from) });
      const watch = store.watch(EVERYTHING, 2, {
        events: (events) => {
          watch.cancel();
          openFrom(1);
          openFrom(store.revision);
          openFrom(store.revision, prefixRange('k/'));
          for (const { revision } of events) openFrom(revision, prefixRange('k'));
        },
        ended: () => {},
      });
      const release = engine.hold();
      const writes = ['k/1', 'k/2', 'k/3'].map((key) => put(store, key));
      release();
      await Promise.all(writes);
      await put(store, 'k/4');
      expect(opened.map(({ from }) => from)).toEqual([1, 2, 2, 3, 4, 5]);
      for (const {
        from,
        events,
        watch: { revision },
      } of opened) {
        expect(events.map((event) => event.revision)).toEqual(
          [2, 3, 4, 5, 6].filter((number) => number > from),
        );
        expect(revision).toBe(6);
      }
    });
  });
}
