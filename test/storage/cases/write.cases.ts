import { expect, it } from 'vitest';
import type { MediumFactory } from '../fixtures/engines.ts';
import { put, record, remove, show, showEvent, showList, storeBenches, text } from '../fixtures/stores.ts';

/** Revisions, compare and set, encode, group commit. */
export function writeCases(factory: MediumFactory): void {
  const open = storeBenches(factory);

  it('starts at revision 1 and counts every write', async () => {
    const { store } = await open();
    expect([store.revision, store.compactedRevision]).toEqual([1, 1]);
    expect(show(await put(store, 'a', '1'))).toBe('a=1@2/2');
    expect(show(await put(store, 'b', '1'))).toBe('b=1@3/3');
    expect(show(await put(store, 'a', '2'))).toBe('a=2@4/2');
    expect(show(await remove(store, 'b'))).toBe('b=1@3/3');
    expect(store.revision).toBe(5);
    expect(show(await put(store, 'b', '2'))).toBe('b=2@6/6');
  });

  it('gives writes revisions in the order they were made, without holes', async () => {
    const { store } = await open();
    const values = await Promise.all(Array.from({ length: 100 }, (_, index) => put(store, `k${index}`)));
    expect(values.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
  });

  it('keeps the very bytes and the decoded form it is given', async () => {
    const { store } = await open();
    const bytes = Buffer.from('bytes');
    const decoded = { any: 'thing' };
    const { events } = record(store);
    const value = await store.put('a', () => ({ bytes, decoded }), { expect: 'absent' });
    expect(value.bytes).toBe(bytes);
    expect(value.decoded).toBe(decoded);
    expect(store.get('a')).toBe(value);
    expect(store.list({ start: 'a', end: 'b' }).entries[0]).toBe(value);
    expect(events[0]?.value).toBe(value);
  });

  it('refuses keys that have no UTF-8 form', async () => {
    const { store } = await open();
    for (const key of ['', '\ud800', 'a\udc00b']) await expect(put(store, key)).rejects.toThrow(TypeError);
    expect(store.revision).toBe(1);
  });

  it.each([
    { name: 'put absent', write: 'put', expected: 'absent', missing: 'ok', present: 'key-exists' },
    { name: 'put any', write: 'put', expected: 'any', missing: 'ok', present: 'ok' },
    { name: 'put right revision', write: 'put', expected: 2, missing: 'key-not-found', present: 'ok' },
    {
      name: 'put other revision',
      write: 'put',
      expected: 1,
      missing: 'key-not-found',
      present: 'revision-conflict',
    },
    {
      name: 'delete absent',
      write: 'delete',
      expected: 'absent',
      missing: 'key-not-found',
      present: 'key-exists',
    },
    { name: 'delete any', write: 'delete', expected: 'any', missing: 'key-not-found', present: 'ok' },
    { name: 'delete right revision', write: 'delete', expected: 2, missing: 'key-not-found', present: 'ok' },
    {
      name: 'delete other revision',
      write: 'delete',
      expected: 3,
      missing: 'key-not-found',
      present: 'revision-conflict',
    },
  ] as const)('$name: $missing on a missing key, $present on a present one', async (row) => {
    const { store } = await open();
    await put(store, 'there');
    for (const [key, outcome] of [
      ['missing', row.missing],
      ['there', row.present],
    ] as const) {
      const before = store.revision;
      const written = store[row.write](key, text('new'), { expect: row.expected });
      if (outcome === 'ok') {
        await written;
        expect(store.revision).toBe(before + 1);
      } else {
        const revision = outcome === 'revision-conflict' ? 2 : undefined;
        await expect(written).rejects.toMatchObject({ name: 'StorageError', code: outcome, key, revision });
        expect(store.revision).toBe(before);
      }
    }
  });

  it('lets exactly one of two concurrent creates win', async () => {
    const { store } = await open();
    const results = await Promise.allSettled([
      store.put('a', text('first'), { expect: 'absent' }),
      store.put('a', text('second'), { expect: 'absent' }),
    ]);
    expect(results[0]?.status).toBe('fulfilled');
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'key-exists' } });
    expect(showList(store)).toEqual(['a=first@2/2']);
  });

  it('lets exactly one of many concurrent updates of a revision win, in the same batch or not', async () => {
    const { store, engine } = await open();
    const { revision } = await put(store, 'a', '0');
    const update = () => store.put('a', text('new'), { expect: revision });
    const release = engine.hold();
    const early = [update(), update()];
    await Promise.resolve();
    const late = [update(), store.delete('a', text(''), { expect: revision })];
    const settled = Promise.allSettled([...early, ...late]);
    release();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', ...Array(3).fill('rejected')]);
    expect(showList(store)).toEqual(['a=new@3/2']);
  });

  it('checks expectations against writes that are still on their way', async () => {
    const { store, engine } = await open();
    const release = engine.hold();
    const created = put(store, 'a', '1');
    expect(store.get('a')).toBeUndefined();
    expect(show(store.latest('a'))).toBe('a=1@2/2');
    const updated = store.put('a', text('2'), { expect: 2 });
    const deleted = store.delete('a', text('gone'), { expect: 3 });
    expect(store.latest('a')).toBeUndefined();
    const recreated = store.put('a', text('3'), { expect: 'absent' });
    expect(show(store.latest('a'))).toBe('a=3@5/5');
    expect([store.revision, store.get('a')]).toEqual([1, undefined]);
    release();
    const results = await Promise.all([created, updated, deleted, recreated]);
    expect(results.map(show)).toEqual(['a=1@2/2', 'a=2@3/2', 'a=2@3/2', 'a=3@5/5']);
    expect(store.latest('a')).toBe(store.get('a'));
  });

  it('gives a refusal that rests on a write on its way only once that write can be read', async () => {
    const { store, engine } = await open();
    await put(store, 'b');
    const release = engine.hold();
    const pending = [put(store, 'a'), store.delete('b', text(''), { expect: 'any' })];
    const seen: unknown[] = [];
    const look = (): number => seen.push([store.get('a') !== undefined, store.get('b') !== undefined]);
    const refused = [
      store.put('a', text('2'), { expect: 'absent' }).catch(look),
      store.put('a', text('2'), { expect: 1 }).catch(look),
      store.delete('b', text(''), { expect: 'any' }).catch(look),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
    release();
    await Promise.all([...pending, ...refused]);
    expect(seen).toEqual(Array(3).fill([true, false]));
  });

  it('calls encode once, at once, with the revision the write gets', async () => {
    const { store } = await open();
    const given: number[] = [];
    const encode = (revision: number) => {
      given.push(revision);
      return { bytes: Buffer.from(`${revision}`) };
    };
    const writes = [
      store.put('a', encode, { expect: 'absent' }),
      store.put('a', encode, { expect: 'absent' }),
      store.put('a', encode, { expect: 2 }),
      store.delete('a', encode, { expect: 'any' }),
    ];
    expect(given).toEqual([2, 3, 4]);
    const results = await Promise.allSettled(writes);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(given).toEqual([2, 3, 4]);
  });

  it('writes nothing and uses up no revision when encode throws, and passes the error on', async () => {
    const { store } = await open();
    const { events } = record(store);
    const error = new Error('cannot encode');
    const fail = () => {
      throw error;
    };
    const failed = store.put('a', fail, { expect: 'any' });
    const next = put(store, 'b');
    await expect(failed).rejects.toBe(error);
    expect((await next).revision).toBe(2);
    await expect(store.delete('b', fail, { expect: 'any' })).rejects.toBe(error);
    expect(events.map(showEvent)).toEqual(['created b@2']);
    expect([store.get('a'), store.latest('a'), store.revision]).toEqual([undefined, undefined, 2]);
  });

  it('refuses an encode that writes', async () => {
    const { store } = await open();
    const inner: Promise<unknown>[] = [];
    const encode = () => {
      inner.push(put(store, 'b'));
      return { bytes: Buffer.alloc(0) };
    };
    await expect(store.put('a', encode, { expect: 'any' })).rejects.toThrow(TypeError);
    await Promise.all(inner);
    expect(showList(store)).toEqual(['b=x@2/2']);
  });

  it('writes one batch at a time, and what arrives meanwhile goes into the next', async () => {
    const { store, engine } = await open();
    const before = engine.batches.length;
    const release = engine.hold();
    const writes = [put(store, 'a')];
    await engine.writing();
    for (let index = 0; index < 50; index++) writes.push(put(store, `b${index}`));
    release();
    await Promise.all(writes);
    expect(engine.batches.length - before).toBe(2);
    expect(engine.overlapped).toBe(false);
  });

  it('does not acknowledge or show a write before the engine has it', async () => {
    const { store, engine } = await open();
    const release = engine.hold();
    let isAcknowledged = false;
    const { events } = record(store);
    const written = put(store, 'a').then(() => (isAcknowledged = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isAcknowledged, store.revision, store.count({ start: 'a', end: 'b' }), events]).toEqual([
      false,
      1,
      0,
      [],
    ]);
    release();
    await written;
    expect([store.revision, store.count({ start: 'a', end: 'b' }), events.length]).toEqual([2, 1, 1]);
  });

  it('gets through more writes at once than fit into one batch', async () => {
    const { store, engine } = await open();
    const bytes = Buffer.alloc(3 * 1024 * 1024);
    const large = Array.from({ length: 5 }, (_, index) => {
      return store.put(`large${index}`, () => ({ bytes }), { expect: 'absent' });
    });
    const small = Array.from({ length: 3_000 }, (_, index) => put(store, `small${index}`));
    await Promise.all([...large, ...small]);
    expect(store.revision).toBe(1 + 3_005);
    expect(engine.batches.length).toBeGreaterThan(4);
  });
}
