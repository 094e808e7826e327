import { expect, it } from 'vitest';
import { namespaceFinalizers } from '../../../api/groups/core/namespace.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';

it('names the place of each wrong finalizer that is written through finalize', () => {
  const of = (finalizers: string[]): UnknownObject =>
    ({ metadata: { name: 'a' }, spec: { finalizers } }) as unknown as UnknownObject;
  const errors = namespaceFinalizers.validateUpdate(of(['kubernetes', 'x', 'example.com/y']), of([]));
  expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'spec.finalizers[1]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
  ]);
});
