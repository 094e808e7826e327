import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringifyJSON } from '../../../api/machinery/json.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { outlineOf, outlineOfJSON } from '../../../server/registry/outline.ts';

const text = fc.oneof(
  fc.string(),
  fc.constantFrom('}', '{', '"', '\\', '"}', ']},"spec":{', ',"managedFields":['),
);
const labels = fc.dictionary(text, text);
const managedFields = fc.array(
  fc.record({ manager: text, fieldsV1: fc.dictionary(text, fc.dictionary(text, fc.constant({}))) }),
  { minLength: 1, maxLength: 3 },
);
const objects = fc.record(
  {
    kind: fc.constant('Pod'),
    apiVersion: fc.constant('v1'),
    metadata: fc.record({ name: text, annotations: labels, managedFields }, { requiredKeys: ['name'] }),
    spec: fc.dictionary(text, fc.oneof(text, labels)),
  },
  { requiredKeys: ['kind', 'apiVersion', 'metadata'] },
);

const json = (object: unknown): Buffer => Buffer.from(`${stringifyJSON(object)}\n`);

describe('the outline of an object', () => {
  it('is its metadata as it is stored, and the object without its managed fields', () => {
    fc.assert(
      fc.property(objects, (object) => {
        const outline = outlineOfJSON(json(object));
        expect(outline.metadata).toBe(stringifyJSON(object.metadata));
        const { managedFields: _, ...metadata } = object.metadata;
        expect(outline.object).toEqual({ ...object, metadata });
      }),
      { numRuns: 500 },
    );
  });

  it('takes an object that is decoded already as it is', () => {
    const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } } as unknown as UnknownObject;
    expect(outlineOfJSON(json(object), object).object).toBe(object);
    expect(outlineOf(object)).toEqual({ object, metadata: '{"name":"a"}' });
  });

  it.each([
    { name: 'without metadata', object: { kind: 'Pod', apiVersion: 'v1', metadata: {} } },
    { name: 'in another order', object: { metadata: { name: 'a' }, kind: 'Pod', apiVersion: 'v1' } },
  ])('is there for one $name', ({ object }) => {
    expect(outlineOfJSON(json(object))).toEqual({ object, metadata: JSON.stringify(object.metadata) });
  });

  it('keeps numbers that only fit a bigint', () => {
    const stored = Buffer.from(
      '{"kind":"X","apiVersion":"v1","metadata":{"name":"a"},"value":9007199254740993}\n',
    );
    expect(outlineOfJSON(stored).object['value']).toBe(9007199254740993n);
  });
});
