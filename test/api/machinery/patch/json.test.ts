import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchError, patchStatusError } from '../../../../api/machinery/patch/errors.ts';
import { applyJsonPatch, jsonPatchStrictErrors } from '../../../../api/machinery/patch/json.ts';

describe('JSON patch', () => {
  const cases: { name: string; document: unknown; patch: unknown[]; want: unknown }[] = [
    {
      name: 'adds a member',
      document: { a: 1 },
      patch: [{ op: 'add', path: '/b', value: [] }],
      want: { a: 1, b: [] },
    },
    {
      name: 'adds before an item',
      document: [1, 2],
      patch: [{ op: 'add', path: '/1', value: 9 }],
      want: [1, 9, 2],
    },
    {
      name: 'adds behind the last',
      document: [1],
      patch: [{ op: 'add', path: '/-', value: 2 }],
      want: [1, 2],
    },
    { name: 'adds at the length', document: [1], patch: [{ op: 'add', path: '/1', value: 2 }], want: [1, 2] },
    {
      name: 'counts from the end',
      document: [1, 2, 3],
      patch: [{ op: 'remove', path: '/-1' }],
      want: [1, 2],
    },
    {
      name: 'adds over a member',
      document: { a: 1 },
      patch: [{ op: 'add', path: '/a', value: 2 }],
      want: { a: 2 },
    },
    {
      name: 'removes',
      document: { a: [1, 2], b: 1 },
      patch: [{ op: 'remove', path: '/a/0' }],
      want: { a: [2], b: 1 },
    },
    {
      name: 'replaces',
      document: { a: { b: 1 } },
      patch: [{ op: 'replace', path: '/a/b', value: 2 }],
      want: { a: { b: 2 } },
    },
    {
      name: 'replaces what is not there',
      document: {},
      patch: [{ op: 'replace', path: '/a', value: 1 }],
      want: { a: 1 },
    },
    {
      name: 'replaces the document',
      document: { a: 1 },
      patch: [{ op: 'replace', path: '', value: { b: 1 } }],
      want: { b: 1 },
    },
    {
      name: 'moves',
      document: { a: 1, b: {} },
      patch: [{ op: 'move', from: '/a', path: '/b/c' }],
      want: { b: { c: 1 } },
    },
    {
      name: 'moves items',
      document: [1, 2, 3],
      patch: [{ op: 'move', from: '/0', path: '/2' }],
      want: [2, 3, 1],
    },
    {
      name: 'copies',
      document: { a: [1] },
      patch: [{ op: 'copy', from: '/a', path: '/b' }],
      want: { a: [1], b: [1] },
    },
    {
      name: 'does not tie a copy to its source',
      document: { a: [1] },
      patch: [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/-', value: 2 },
      ],
      want: { a: [1], b: [1, 2] },
    },
    {
      name: 'tests objects in any order',
      document: { a: { b: 1, c: 2 } },
      patch: [{ op: 'test', path: '/a', value: { c: 2, b: 1 } }],
      want: { a: { b: 1, c: 2 } },
    },
    {
      name: 'tests a missing member as null',
      document: {},
      patch: [{ op: 'test', path: '/a', value: null }],
      want: {},
    },
    {
      name: 'decodes ~1 and ~0',
      document: { 'a/b': 1, '~1': 2 },
      patch: [
        { op: 'remove', path: '/a~1b' },
        { op: 'remove', path: '/~01' },
      ],
      want: {},
    },
    {
      name: 'takes an absent value as null',
      document: {},
      patch: [{ op: 'add', path: '/a' }],
      want: { a: null },
    },
    {
      name: 'knows the empty key',
      document: { '': 1 },
      patch: [{ op: 'replace', path: '/', value: 2 }],
      want: { '': 2 },
    },
  ];
  for (const { name, document, patch, want } of cases) {
    it(name, () => expect(applyJsonPatch(document, patch)).toEqual(want));
  }

  const wrong: { name: string; document?: unknown; patch: unknown; kind: string; message: string }[] = [
    {
      name: 'no list',
      patch: {},
      kind: 'bad-request',
      message:
        'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    },
    {
      name: 'no operation',
      patch: ['x'],
      kind: 'bad-request',
      message:
        'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
    },
    {
      name: 'path of a wrong type',
      patch: [{ op: 'add', path: 1 }],
      kind: 'bad-request',
      message:
        'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
    },
    {
      name: 'unknown operation',
      patch: [{ op: 'swap', path: '/a' }],
      kind: 'invalid',
      message: 'Unexpected kind: swap',
    },
    {
      name: 'no path',
      patch: [{ op: 'remove' }],
      kind: 'invalid',
      message: 'remove operation failed to decode path: missing value',
    },
    {
      name: 'missing parent',
      patch: [{ op: 'add', path: '/x/y', value: 1 }],
      kind: 'invalid',
      message: 'add operation does not apply: doc is missing path: "/x/y": missing value',
    },
    {
      name: 'missing member removed',
      patch: [{ op: 'remove', path: '/x' }],
      kind: 'invalid',
      message: "error in remove for path: 'x': Unable to remove nonexistent key: x: missing value",
    },
    {
      name: 'index too high',
      document: { a: [1] },
      patch: [{ op: 'add', path: '/a/2', value: 1 }],
      kind: 'invalid',
      message: "error in add for path: '/a/2': Unable to access invalid index: 2: invalid index referenced",
    },
    {
      name: 'inherited member',
      patch: [{ op: 'remove', path: '/constructor' }],
      kind: 'invalid',
      message:
        "error in remove for path: 'constructor': Unable to remove nonexistent key: constructor: missing value",
    },
    {
      name: 'failed test',
      document: { a: 1 },
      patch: [{ op: 'test', path: '/a', value: 2 }],
      kind: 'invalid',
      message: 'testing value /a failed: test failed',
    },
    {
      name: 'moving into itself',
      document: { a: {} },
      patch: [{ op: 'move', from: '/a', path: '/a/b' }],
      kind: 'invalid',
      message: 'move operation does not apply: doc is missing path: "/a/b": missing value',
    },
  ];
  for (const { name, document, patch, kind, message } of wrong) {
    it(`refuses: ${name}`, () => {
      let caught: unknown;
      try {
        applyJsonPatch(document ?? {}, patch);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(PatchError);
      expect(caught).toMatchObject({ kind, message });
    });
  }

  it('applies all or nothing and leaves its arguments alone', () => {
    const document = { a: [1] };
    const patch = [
      { op: 'add', path: '/a/-', value: 2 },
      { op: 'test', path: '/a/0', value: 9 },
    ];
    expect(() => applyJsonPatch(document, patch)).toThrow(PatchError);
    expect(document).toEqual({ a: [1] });
    const value = { deep: [1] };
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/v', value }]) as { v: { deep: number[] } };
    patched.v.deep.push(2);
    expect(value).toEqual({ deep: [1] });
  });

  it('writes __proto__ as a member like any other', () => {
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":true}}');
  });

  it('names members that operations do not have', () => {
    expect(jsonPatchStrictErrors([{ op: 'add', path: '/a', vlaue: 1 }])).toEqual([
      'json patch unknown field "[0].vlaue"',
    ]);
  });

  it('undoes what it did, whatever the document', () => {
    const document = fc.dictionary(fc.string(), fc.jsonValue());
    const escape = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    fc.assert(
      fc.property(document, fc.string(), fc.jsonValue(), (object, key, value) => {
        const before = JSON.stringify(object);
        const path = escape(key);
        const undo = Object.hasOwn(object, key)
          ? { op: 'add', path, value: object[key] }
          : { op: 'remove', path };
        const patched = applyJsonPatch(object, [
          { op: 'add', path, value },
          { op: 'test', path, value },
        ]);
        // As text: JSON has one zero, JavaScript two.
        expect(JSON.parse(JSON.stringify(applyJsonPatch(patched, [undo])))).toEqual(JSON.parse(before));
        expect(JSON.stringify(object)).toBe(before);
      }),
    );
  });
});

describe('answers', () => {
  it('keep what does not apply to themselves', () => {
    const { status } = patchStatusError(new PatchError('invalid', 'testing value /a failed: test failed'));
    expect(status).toMatchObject({
      reason: 'Invalid',
      code: 422,
      message: 'the server rejected our request due to an error in our request',
      details: {},
    });
  });

  it('tell what cannot be understood', () => {
    expect(patchStatusError(new PatchError('bad-request', 'x')).status).toMatchObject({
      reason: 'BadRequest',
      code: 400,
      message: 'x',
    });
    const { status } = patchStatusError(new PatchError('unknown', 'y'));
    expect(status).toMatchObject({ code: 500, message: 'y' });
    expect(status.reason).toBeUndefined();
  });
});
