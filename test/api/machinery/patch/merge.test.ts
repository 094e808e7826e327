import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchError } from '../../../../api/machinery/patch/errors.ts';
import { applyMergePatch } from '../../../../api/machinery/patch/merge.ts';

describe('merge patch', () => {
  const cases: { name: string; document: unknown; patch: unknown; want: unknown }[] = [
    { name: 'sets', document: { a: 'b' }, patch: { a: 'c' }, want: { a: 'c' } },
    { name: 'adds', document: { a: 'b' }, patch: { b: 'c' }, want: { a: 'b', b: 'c' } },
    { name: 'deletes', document: { a: 'b', b: 'c' }, patch: { a: null }, want: { b: 'c' } },
    { name: 'deletes what is not there', document: { a: 'b' }, patch: { c: null }, want: { a: 'b' } },
    { name: 'replaces lists', document: { a: [{ b: 'c' }] }, patch: { a: [1] }, want: { a: [1] } },
    {
      name: 'goes into objects',
      document: { a: { b: 1, c: 2 } },
      patch: { a: { b: 3, c: null } },
      want: { a: { b: 3 } },
    },
    {
      name: 'makes objects of scalars',
      document: { a: 1 },
      patch: { a: { b: 1, c: null } },
      want: { a: { b: 1 } },
    },
    {
      name: 'drops nulls in what is new',
      document: {},
      patch: { a: { bb: { ccc: null } } },
      want: { a: { bb: {} } },
    },
    { name: 'keeps null items', document: {}, patch: { a: [null, { b: null }] }, want: { a: [null, {}] } },
    { name: 'treats null as absent', document: { a: null }, patch: { a: { b: null } }, want: { a: {} } },
    { name: 'leaves the rest', document: { a: null, b: 1 }, patch: {}, want: { a: null, b: 1 } },
  ];
  for (const { name, document, patch, want } of cases) {
    it(name, () => expect(applyMergePatch(document, patch)).toEqual(want));
  }

  it('refuses what is no object', () => {
    expect(() => applyMergePatch({}, null)).toThrow(new PatchError('bad-request', 'Invalid JSON Patch'));
    expect(() => applyMergePatch({}, [])).toThrow(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  });

  it('does not pollute prototypes', () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"a":1}}'));
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"a":1}}');
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
  });

  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.array(fc.integer()),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any')),
  })).object;

  it('is idempotent, changes nothing when empty, and reaches a document without nulls whole', () => {
    fc.assert(
      fc.property(value, value, (document, patch) => {
        const before = JSON.stringify([document, patch]);
        const once = applyMergePatch(document, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
        expect(applyMergePatch(document, {})).toEqual(document);
        expect(applyMergePatch({}, document)).toEqual(document);
        expect(JSON.stringify([document, patch])).toBe(before);
      }),
    );
  });
});
