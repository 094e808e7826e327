import { describe, expect, it } from 'vitest';
import { decodeStored, encodeAt, encodeForm, formOf } from '../../../server/registry/stored-form.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import type { StoredValue } from '../../../storage/interface.ts';

const object = (name: string, more: object = {}): UnknownObject => ({
  kind: 'Thing',
  apiVersion: 'v1',
  metadata: { name },
  ...more,
});

const stored = (encoded: Pick<StoredValue, 'bytes' | 'decoded'>): StoredValue => ({
  key: 'key',
  revision: 7,
  createRevision: 7,
  ...encoded,
});

/** Writes and decodes more objects than are kept. */
function decodeOthers(): void {
  for (let index = 0; index < 2000; index++)
    decodeStored(stored({ bytes: encodeForm(object(`other-${index}`), 1).bytes }));
}

describe('the form of a stored value', () => {
  it('holds compact JSON and the same with a newline behind it in one buffer', () => {
    const { bytes, decoded } = encodeForm(object('a'), 7);
    expect(decoded.document).toBe(bytes);
    expect(decoded.bytes.toString()).toBe('{"kind":"Thing","apiVersion":"v1","metadata":{"name":"a"}}');
    expect(`${decoded.bytes.toString()}\n`).toBe(bytes.toString());
    expect(decoded.bytes.buffer).toBe(bytes.buffer);
  });

  it('reads bytes without a newline, as older versions stored them', () => {
    const form = formOf(stored({ bytes: Buffer.from(JSON.stringify(object('a'))) }));
    expect([form.document, form.bytes.toString()]).toEqual([undefined, JSON.stringify(object('a'))]);
    expect(form.object).toEqual(object('a'));
  });

  it('gives the object it was made from as long as somebody holds it', () => {
    const original = object('a');
    const value = stored(encodeForm(original, 7));
    expect(decodeStored(value)).toBe(original);
    decodeOthers();
    expect(decodeStored(value)).toBe(original);
  });

  it('gives one object that was decoded while it is recent, an equal one later', () => {
    const value = stored({ bytes: encodeForm(object('a'), 7).bytes });
    const first = decodeStored(value);
    expect(decodeStored(value)).toBe(first);
    decodeOthers();
    expect(decodeStored(value)).not.toBe(first);
    expect(decodeStored(value)).toEqual(first);
  });

  it('keeps numbers exact that only fit a bigint', () => {
    const original = object('a', { spec: { count: 9_007_199_254_740_993n } });
    const value = stored({ bytes: encodeForm(original, 7).bytes });
    expect(decodeStored(value)).toEqual(original);
  });

  it.each([
    { name: 'a longer one', revision: 1000 },
    { name: 'a shorter one', revision: 8 },
  ])('is encoded at another revision as if anew, with $name', ({ revision }) => {
    const text = '"resourceVersion":"77" in text, \u00e9\u4e16';
    const original = object('a', { data: { text, resourceVersion: '77' } });
    original.metadata = { name: 'a', uid: 'u', resourceVersion: '77', annotations: { note: text } };
    const value = stored(encodeForm(original, 77));
    const moved = { ...original, metadata: { ...original.metadata, resourceVersion: String(revision) } };
    const { bytes, decoded } = encodeAt(value, revision);
    expect(bytes.toString()).toBe(encodeForm(moved, revision).bytes.toString());
    expect(decoded.object).toEqual(moved);
    expect(decoded.revision).toBe(revision);
    expect(decodeStored(value)).toBe(original);
  });

  it('is one to a value', () => {
    const value = stored({ bytes: Buffer.from('{}') });
    expect(formOf(value)).toBe(formOf(value));
  });
});
