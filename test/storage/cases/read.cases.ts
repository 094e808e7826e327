import { describe, expect, it } from 'vitest';
import { prefixRange } from '../../../storage/keys.ts';
import type { MediumFactory } from '../fixtures/engines.ts';
import { EVERYTHING, put, remove, show, showList, storeBenches } from '../fixtures/stores.ts';

/** get, getAt, list, count, waitFor. */
export function readCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  it('answers undefined and empty for what is not there', async () => {
    const { store } = await open();
    expect([store.get('a'), store.latest('a'), store.getAt('a', 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(store.list(EVERYTHING)).toEqual({ entries: [], revision: 1, more: false });
    expect(store.count(EVERYTHING)).toBe(0);
  });

  it('lists a half-open range in order of UTF-8 bytes', async () => {
    const { store } = await open();
    const keys = [
      'p/é',
      'p/a/b',
      'p/a',
      'p/\u{1f600}',
      'p/a-b',
      'p/\uffee',
      'p/Z',
      'p/a\0',
      'p',
      'p0',
      'o',
      'q',
    ];
    await Promise.all(keys.map((key) => put(store, key)));
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const list = (start: string, end: string) => store.list({ start, end }).entries.map(({ key }) => key);
    expect(list('', EVERYTHING.end)).toEqual(byBytes);
    const inside = byBytes.filter((key) => key.startsWith('p/'));
    expect(list('p/', prefixRange('p/').end)).toEqual(inside);
    expect(store.count(prefixRange('p/'))).toBe(inside.length);
    expect(list('o', 'p')).toEqual(['o']);
    expect(list('p', 'p')).toEqual([]);
    expect(list('q', 'o')).toEqual([]);
    expect(store.count({ start: 'q', end: 'o' })).toBe(0);
  });

  it.each([
    { limit: undefined, entries: 3, more: false },
    { limit: 0, entries: 3, more: false },
    { limit: 2, entries: 2, more: true },
    { limit: 3, entries: 3, more: false },
    { limit: 4, entries: 3, more: false },
  ])('a list with limit $limit has $entries of 3 entries, more: $more', async ({ limit, entries, more }) => {
    const { store } = await open();
    await Promise.all(['a', 'b', 'c'].map((key) => put(store, key)));
    const result = store.list(EVERYTHING, { limit });
    expect([result.entries.length, result.more, result.revision]).toEqual([entries, more, 4]);
  });

  it('a list is a snapshot, however slowly it is read', async () => {
    const { store } = await open();
    await Promise.all(Array.from({ length: 200 }, (_, index) => put(store, `k${index}`, 'old')));
    const { entries, revision } = store.list(EVERYTHING);
    const seen: (string | undefined)[] = [];
    for (const entry of entries) {
      await put(store, entry.key, 'new');
      if (seen.length % 10 === 0) await put(store, `late${seen.length}`);
      if (seen.length % 10 === 1) await remove(store, entry.key);
      seen.push(show(entry));
    }
    expect(seen).toEqual(showList(store, EVERYTHING, revision));
    expect(seen.every((entry) => entry?.includes('=old@'))).toBe(true);
  });

  describe('at a revision', () => {
    it('lists and reads every revision as it was', async () => {
      const { store } = await open();
      await put(store, 'a', '1');
      await put(store, 'b', '1');
      await put(store, 'a', '2');
      await remove(store, 'b');
      await put(store, 'b', '2');
      await remove(store, 'a');
      const expected = [
        [],
        ['a=1@2/2'],
        ['a=1@2/2', 'b=1@3/3'],
        ['a=2@4/2', 'b=1@3/3'],
        ['a=2@4/2'],
        ['a=2@4/2', 'b=2@6/6'],
        ['b=2@6/6'],
      ];
      for (const [index, entries] of expected.entries()) {
        const revision = index + 1;
        expect(showList(store, EVERYTHING, revision)).toEqual(entries);
        expect(store.list(EVERYTHING, { revision }).revision).toBe(revision);
        const read = ['a', 'b'].map((key) => show(store.getAt(key, revision)));
        expect(read.filter((value) => value !== undefined)).toEqual(entries);
      }
    });

    it('pages of one revision make up the list of that revision while writes go on', async () => {
      const { store } = await open();
      await Promise.all(Array.from({ length: 50 }, (_, index) => put(store, `k${index}`)));
      const whole = store.list(EVERYTHING);
      const pages: (string | undefined)[] = [];
      let start = '';
      for (let more = true; more;) {
        const page = store.list({ start, end: EVERYTHING.end }, { revision: whole.revision, limit: 7 });
        pages.push(...page.entries.map(show));
        more = page.more;
        start = `${page.entries.at(-1)?.key}\0`;
        await remove(store, whole.entries[pages.length % 10]?.key ?? '').catch(() => undefined);
        await put(store, `k${pages.length}`, 'new');
        await put(store, `new${pages.length}`);
      }
      expect(pages).toEqual(whole.entries.map(show));
    });

    it('finds any revision of a long history', async () => {
      const { store } = await open();
      const writes = 10_000;
      await Promise.all(
        Array.from({ length: writes }, (_, index) => put(store, `k${index % 10}`, `${index}`)),
      );
      for (const revision of [2, 11, 4_095, 4_097, 4_098, 6_000, 8_193, 9_999, 10_001, 5_000]) {
        const last = revision - 2;
        expect(show(store.getAt(`k${last % 10}`, revision))).toContain(`=${last}@${revision}/`);
        expect(store.list(EVERYTHING, { revision }).entries.length).toBe(Math.min(10, last + 1));
      }
    });

    it('refuses revisions that are not there yet, with the current one', async () => {
      const { store } = await open();
      await put(store, 'a');
      const error = expect.objectContaining({ name: 'StorageError', code: 'future-revision', revision: 2 });
      expect(() => store.list(EVERYTHING, { revision: 3 })).toThrow(error);
      expect(() => store.getAt('a', 3)).toThrow(error);
    });

    it('refuses revision 0', async () => {
      const { store } = await open();
      expect(() => store.list(EVERYTHING, { revision: 0 })).toThrow(
        expect.objectContaining({ code: 'compacted' }),
      );
    });
  });

  describe('waitFor', () => {
    it('resolves at once for what is committed, and for later revisions when they are', async () => {
      const { store } = await open();
      await store.waitFor(1);
      const reached: number[] = [];
      const waits = [4, 2, 3].map((revision) => store.waitFor(revision).then(() => reached.push(revision)));
      await put(store, 'a');
      await store.waitFor(2);
      expect(reached).toEqual([2]);
      await Promise.all([put(store, 'a'), put(store, 'a')]);
      await Promise.all(waits);
      expect(reached.toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
    });

    it('finds the revision readable when it resolves', async () => {
      const { store } = await open();
      const read = store.waitFor(2).then(() => show(store.get('a')));
      await put(store, 'a');
      expect(await read).toBe('a=x@2/2');
    });

    it('rejects with the reason of its signal', async () => {
      const { store } = await open();
      const controller = new AbortController();
      const reason = new Error('enough');
      const waited = store.waitFor(2, controller.signal);
      controller.abort(reason);
      await expect(waited).rejects.toBe(reason);
      await expect(store.waitFor(2, controller.signal)).rejects.toBe(reason);
      await store.waitFor(1, controller.signal);
      await put(store, 'a');
    });
  });
}
