import { describe, expect, it } from 'vitest';
import type { Store } from '../../../storage/interface.ts';
import { clusterRange } from '../../../storage/keys.ts';
import { logKey } from '../../../storage/log-format.ts';
import type { MediumFactory } from '../fixtures/engines.ts';
import {
  engineKeys,
  EVERYTHING,
  put,
  record,
  remove,
  show,
  showEvent,
  storeBenches,
  text,
} from '../fixtures/stores.ts';

const NOT_PERSISTENT = 'the engine does not keep its contents after close';

const key = (cluster: string, name: string): string => `registry/${cluster}/core/pods/x/${name}`;

/** What a cluster holds, `name=text@revision/createRevision`, after a check that the keys are its own. */
function contents(store: Store, cluster: string, revision?: number): string[] {
  const prefix = key(cluster, '');
  return store.list(clusterRange(cluster), { revision }).entries.map((value) => {
    expect(value.key.startsWith(prefix)).toBe(true);
    return show(value)!.slice(prefix.length);
  });
}

async function fill(store: Store, cluster = 'main'): Promise<void> {
  for (const name of ['a', 'b', 'c']) await put(store, key(cluster, name), '1');
}

/** Clusters that began as copies of others. */
export function forkCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  describe('begin', () => {
    it('with the keys of their parent under their own prefix, its bytes and revisions', async () => {
      const { store, engine } = await open();
      await fill(store);
      await put(store, 'registry/another/core/pods/x/a');
      const batches = engine.batches.length;
      const fork = await store.fork('child', { parent: 'main' });
      expect(fork).toEqual({ cluster: 'child', parent: 'main', parentRevision: 5, revision: 5 });
      expect(store.forks()).toEqual([fork]);
      expect(contents(store, 'child')).toEqual(['a=1@2/2', 'b=1@3/3', 'c=1@4/4']);
      expect(store.get(key('child', 'b'))?.bytes).toBe(store.get(key('main', 'b'))?.bytes);
      expect(store.get(key('child', 'b'))).toBe(store.get(key('child', 'b')));
      expect([store.count(clusterRange('child')), store.count(EVERYTHING)]).toEqual([3, 7]);
      // The note and meta, however much the parent holds.
      expect(engine.batches.slice(batches).map(({ length }) => length)).toEqual([2]);
    });

    it('with the decoded forms of their parent, and share what is decoded later', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      const decoded = {};
      store.get(key('child', 'a'))!.decoded = decoded;
      expect(store.get(key('main', 'a'))!.decoded).toBe(decoded);
    });

    it('at an older revision, compacted but named', async () => {
      const { store } = await open();
      await fill(store);
      await store.createSnapshot('x', 3);
      await put(store, key('main', 'a'), '2');
      await store.fork('early', { parent: 'main', revision: 4 });
      await store.compact(store.revision);
      await store.fork('earlier', { parent: 'main', revision: 3 });
      expect(contents(store, 'early')).toEqual(['a=1@2/2', 'b=1@3/3', 'c=1@4/4']);
      expect(contents(store, 'earlier')).toEqual(['a=1@2/2', 'b=1@3/3']);
    });

    it('empty, when their parent is', async () => {
      const { store } = await open();
      await store.fork('child', { parent: 'nobody' });
      expect(contents(store, 'child')).toEqual([]);
      await put(store, key('nobody', 'a'));
      await put(store, key('child', 'b'));
      expect(contents(store, 'child')).toEqual(['b=x@3/3']);
    });
  });

  describe('and their parents', () => {
    it('write without seeing each other', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      await put(store, key('child', 'a'), 'child');
      await put(store, key('main', 'b'), 'main');
      await remove(store, key('main', 'c'));
      await remove(store, key('child', 'b'));
      await put(store, key('child', 'd'), 'child');
      expect(contents(store, 'main')).toEqual(['a=1@2/2', 'b=main@6/3']);
      expect(contents(store, 'child')).toEqual(['a=child@5/2', 'c=1@4/4', 'd=child@9/9']);
      expect(contents(store, 'child', 4)).toEqual(['a=1@2/2', 'b=1@3/3', 'c=1@4/4']);
      expect(contents(store, 'child', 7)).toEqual(['a=child@5/2', 'b=1@3/3', 'c=1@4/4']);
    });

    it('are listed together in key order', async () => {
      const { store } = await open();
      await fill(store, 'main');
      await put(store, 'registry', 'before');
      await put(store, 'registry/zoo/core/pods/x/a', 'behind');
      await store.fork('child', { parent: 'main' });
      await store.fork('niece', { parent: 'main' });
      await put(store, key('child', 'b2'), 'child');
      const all = store.list(EVERYTHING).entries.map((value) => value.key);
      const expected = [
        'registry',
        ...['a', 'b', 'b2', 'c'].map((name) => key('child', name)),
        ...['a', 'b', 'c'].flatMap((name) => key('main', name)),
        ...['a', 'b', 'c'].map((name) => key('niece', name)),
        'registry/zoo/core/pods/x/a',
      ];
      expect(all).toEqual(expected);
      expect(store.count(EVERYTHING)).toBe(expected.length);
      const page = store.list({ start: key('child', 'b'), end: key('niece', 'b') }, { limit: 5 });
      expect([page.entries.map((value) => value.key), page.more]).toEqual([expected.slice(2, 7), true]);
      expect(store.list(EVERYTHING, { revision: 5 }).entries.map((value) => value.key)).toEqual([
        'registry',
        ...['a', 'b', 'c'].map((name) => key('main', name)),
      ]);
    });

    it('have watches of their own', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      const main = record(store, clusterRange('main'), 3);
      const child = record(store, clusterRange('child'), 4);
      await put(store, key('child', 'a'), '2');
      await remove(store, key('main', 'a'));
      await remove(store, key('child', 'b'));
      const late = record(store, clusterRange('child'), 4);
      const shown = ['updated', 'deleted'].map(
        (type, index) => `${type} ${key('child', 'ab'[index]!)}@${5 + 2 * index}`,
      );
      expect([child, late].map(({ events }) => events.map(showEvent))).toEqual([shown, shown]);
      expect(show(child.events[0]!.previous)).toBe(`${key('child', 'a')}=1@2/2`);
      expect(main.events.map(showEvent)).toEqual([
        `created ${key('main', 'c')}@4`,
        `deleted ${key('main', 'a')}@6`,
      ]);
    });

    it('compare and set against what was inherited', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      const a = key('child', 'a');
      await expect(store.put(a, text('2'), { expect: 'absent' })).rejects.toMatchObject({
        code: 'key-exists',
      });
      await expect(store.put(a, text('2'), { expect: 3 })).rejects.toMatchObject({
        code: 'revision-conflict',
        revision: 2,
      });
      expect(show(await store.put(a, text('2'), { expect: 2 }))).toBe(`${a}=2@5/2`);
      expect(show(await store.delete(key('child', 'b'), text(''), { expect: 3 }))).toBe(
        `${key('child', 'b')}=1@3/3`,
      );
    });
  });

  it('have no history before the revision they were made at', async () => {
    const { store } = await open();
    await fill(store);
    await store.fork('child', { parent: 'main', revision: 3 });
    const compacted = expect.objectContaining({ code: 'compacted', revision: 4 });
    expect(() => contents(store, 'child', 3)).toThrow(compacted);
    expect(() => store.getAt(key('child', 'a'), 3)).toThrow(compacted);
    expect(() => record(store, clusterRange('child'), 3)).toThrow(compacted);
    expect(contents(store, 'child', 4)).toEqual(['a=1@2/2', 'b=1@3/3']);
    expect(contents(store, 'main', 3)).toEqual(['a=1@2/2', 'b=1@3/3']);
  });

  it('can be forked', async () => {
    const { store } = await open();
    await fill(store);
    await store.fork('child', { parent: 'main' });
    await put(store, key('child', 'a'), 'child');
    await store.fork('grandchild', { parent: 'child' });
    await put(store, key('grandchild', 'b'), 'grandchild');
    await put(store, key('child', 'a'), 'later');
    await remove(store, key('main', 'c'));
    expect(contents(store, 'grandchild')).toEqual(['a=child@5/2', 'b=grandchild@6/3', 'c=1@4/4']);
    await store.compact(store.revision);
    await store.fork('third', { parent: 'grandchild' });
    expect(contents(store, 'third')).toEqual(contents(store, 'grandchild'));
  });

  describe('are refused', () => {
    it.each([
      { name: 'over keys', cluster: 'main', parent: 'child', revision: undefined, code: 'key-exists' },
      { name: 'over a fork', cluster: 'child', parent: 'main', revision: undefined, code: 'key-exists' },
      { name: 'of old history', cluster: 'new', parent: 'main', revision: 2, code: 'compacted' },
      { name: 'of a fork before it was', cluster: 'new', parent: 'child', revision: 3, code: 'compacted' },
      { name: 'of the future', cluster: 'new', parent: 'main', revision: 9, code: 'future-revision' },
    ])('$name', async ({ cluster, parent, revision, code }) => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      await store.compact(3);
      await expect(store.fork(cluster, { parent, revision })).rejects.toMatchObject({ code });
      expect(store.forks().length).toBe(1);
    });

    it('writes to a cluster that is being made, and a cluster that has a write on its way', async () => {
      const { store } = await open();
      const made = store.fork('child', { parent: 'main' });
      await expect(put(store, key('child', 'a'))).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.fork('child', { parent: 'main' })).rejects.toMatchObject({ code: 'key-exists' });
      await made;
      const written = put(store, key('other', 'a'));
      await expect(store.fork('other', { parent: 'main' })).rejects.toMatchObject({ code: 'key-exists' });
      await written;
    });

    it('when the engine failed', async () => {
      const { store, engine } = await open();
      engine.failFrom = engine.batches.length;
      await expect(store.fork('child', { parent: 'main' })).rejects.toMatchObject({ code: 'unavailable' });
      expect(store.forks()).toEqual([]);
    });
  });

  describe('dropped', () => {
    it('are gone with all they wrote; their watches end, and nobody else notices', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      await put(store, key('child', 'a'), 'child');
      const child = record(store, clusterRange('child'));
      const [main, all] = [record(store, clusterRange('main')), record(store, EVERYTHING)];
      const written = put(store, key('child', 'b'), 'child');
      const dropped = store.dropFork('child');
      await expect(put(store, key('child', 'c'))).rejects.toMatchObject({ code: 'unavailable' });
      await Promise.all([written, dropped]);
      expect([child.events.length, child.ends.map(({ code }) => code)]).toEqual([1, ['unavailable']]);
      expect([main.ends, all.ends, store.forks()]).toEqual([[], [], []]);
      expect(contents(store, 'child')).toEqual([]);
      expect(contents(store, 'main').length).toBe(3);
      expect(record(store, EVERYTHING, 1).events.length).toBe(3);
      expect(store.get(key('child', 'a'))).toBeUndefined();
    });

    it('leave their name to others, without anything from before', async () => {
      let bench = await open();
      let { store } = bench;
      await fill(store);
      await store.fork('child', { parent: 'main' });
      await put(store, key('child', 'a'), 'first');
      await store.dropFork('child');
      await store.fork('child', { parent: 'main' });
      await put(store, key('child', 'b'), 'second');
      await store.dropFork('child');
      await put(store, key('child', 'z'), 'third');
      for (let look = 0; look < 2; look++) {
        expect(contents(store, 'child')).toEqual(['z=third@7/7']);
        expect(record(store, clusterRange('child'), 4).events.map(showEvent)).toEqual([
          `created ${key('child', 'z')}@7`,
        ]);
        if (!bench.persistent) return;
        bench = await bench.reopen();
        ({ store } = bench);
      }
    });

    it('have to have no forks themselves', async () => {
      const { store } = await open();
      await fill(store);
      await store.fork('child', { parent: 'main' });
      const made = store.fork('grandchild', { parent: 'child' });
      await expect(store.dropFork('child')).rejects.toMatchObject({ code: 'key-exists' });
      await made;
      await expect(store.dropFork('child')).rejects.toMatchObject({
        code: 'key-exists',
        key: 'registry/grandchild/',
      });
      await store.dropFork('grandchild');
      await store.dropFork('child');
      await expect(store.dropFork('child')).rejects.toMatchObject({ code: 'key-not-found' });
      await expect(store.dropFork('main')).rejects.toMatchObject({ code: 'key-not-found' });
    });

    it('can be opened again without each other', async (test) => {
      const bench = await open();
      test.skip(!bench.persistent, NOT_PERSISTENT);
      await fill(bench.store);
      await bench.store.fork('child', { parent: 'main' });
      await put(bench.store, key('child', 'a'));
      await bench.store.fork('grandchild', { parent: 'child' });
      await put(bench.store, key('grandchild', 'a'));
      await bench.store.dropFork('grandchild');
      await bench.store.dropFork('child');
      const { store } = await bench.reopen();
      expect([store.forks(), contents(store, 'main').length, store.count(EVERYTHING)]).toEqual([[], 3, 3]);
    });

    it('free the engine', async () => {
      const bench = await open();
      let { store, engine } = bench;
      await fill(store);
      await store.fork('child', { parent: 'main' });
      await put(store, key('child', 'a'), 'child');
      await remove(store, key('child', 'b'));
      await remove(store, key('main', 'c'));
      await store.compact(store.revision);
      await put(store, key('child', 'a'), 'late');
      await put(store, key('child', 'd'), 'late');
      const logKeys = async () => (await engineKeys(engine)).filter((each) => each.startsWith('log/'));
      await expect.poll(logKeys, { interval: 1 }).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map(logKey));
      await store.dropFork('child');
      if (bench.persistent) ({ store, engine } = await bench.reopen());
      await store.compact(store.revision);
      await expect
        .poll(async () => (await engineKeys(engine)).join(' '), { interval: 1 })
        .toBe(`${logKey(2)} ${logKey(3)} meta`);
    });
  });

  it('are found again, with and without compaction in between', async (test) => {
    let bench = await open();
    test.skip(!bench.persistent, NOT_PERSISTENT);
    let { store } = bench;
    await fill(store);
    await store.fork('child', { parent: 'main' });
    await put(store, key('child', 'a'), 'child');
    await remove(store, key('child', 'b'));
    await store.fork('grandchild', { parent: 'child', revision: 5 });
    await put(store, key('main', 'a'), 'main');
    await remove(store, key('main', 'c'));
    await put(store, key('grandchild', 'c'), 'grandchild');
    await store.createSnapshot('x');
    await remove(store, key('grandchild', 'a'));
    const look = () => ({
      forks: store.forks(),
      contents: ['main', 'child', 'grandchild'].map((cluster) => contents(store, cluster)),
      named: ['main', 'child', 'grandchild'].map((cluster) => contents(store, cluster, 9)),
    });
    const before = look();
    expect(before.contents).toEqual([
      ['a=main@7/2', 'b=1@3/3'],
      ['a=child@5/2', 'c=1@4/4'],
      ['b=1@3/3', 'c=grandchild@9/4'],
    ]);
    bench = await bench.reopen();
    ({ store } = bench);
    expect(look()).toEqual(before);
    await store.compact(store.revision);
    await put(store, 'z');
    bench = await bench.reopen();
    ({ store } = bench);
    expect(look()).toEqual(before);
    await put(store, 'z');
    bench = await bench.reopen();
    ({ store } = bench);
    expect(look()).toEqual(before);
  });
}
