/** Values by schema, right in most places and odd in some. */
import type { FieldSchema, Schema, StructSchema } from '../../api/machinery/schema.ts';
import type { Source } from './source.ts';

/** Keys that are plain data, whatever JavaScript thinks of them. */
export const ODD_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'a/b',
  '$patch',
  'é',
  '\u0000',
];
export const NAMES = ['a', 'b', 'web', 'default', 'kubernetes', 'constructor'];
const TEXTS = [
  'a',
  'web',
  '',
  'Always',
  'TCP',
  '10.0.0.1',
  '80',
  '100m',
  '-1',
  'true',
  'A_B',
  'x'.repeat(300),
  '__proto__',
  'constructor',
  'toString',
  '\u{1f600}',
  '2024-01-01T00:00:00Z',
  '*/5 * * * *',
];
const NUMBERS = [0, 1, 2, 80, -1, 65_536, 2 ** 31, -(2 ** 31), 2 ** 53, 1.5, 1e21];
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  '',
  'x',
  [],
  {},
  [null],
  [[]],
  { a: null },
  { __proto__x: 1 },
];
const QUANTITIES = ['1', '100m', '1Gi', '0', '-1', '1e3', 'x', '', '1.5Ki', '9'.repeat(40)];
const TIMES = [
  '2024-01-01T00:00:00Z',
  '2024-01-01T00:00:00.5+02:00',
  '',
  'yesterday',
  '9999-99-99T00:00:00Z',
];
const DEPTH_MAX = 7;

export function oddValue(source: Source): unknown {
  return source.pick(ODD);
}

/** A value of the type; once in a while one of another. */
export function valueOf(source: Source, schema: Schema, depth = 0): unknown {
  if (source.chance(0.02)) return oddValue(source);
  switch (schema.kind) {
    case 'struct':
      return structOf(source, schema, depth);
    case 'list':
      return depth >= DEPTH_MAX ? [] : source.list(2, () => valueOf(source, schema.items, depth + 1));
    case 'map': {
      const keys = source.list(2, () => (source.chance(0.2) ? source.pick(ODD_KEYS) : source.pick(NAMES)));
      return fromEntries(keys.map((key) => [key, valueOf(source, schema.values, depth + 1)]));
    }
    case 'scalar':
      return scalarOf(source, schema.type);
    case 'special':
      return specialOf(source, schema.special);
    case 'any':
      return oddValue(source);
  }
}

/** `__proto__` becomes a member like any other. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

function structOf(source: Source, schema: StructSchema, depth: number): Record<string, unknown> {
  // Few fields of many, fewer the deeper: objects stay small and reach far down.
  const likelihood = depth >= DEPTH_MAX ? 0 : Math.min(0.6, 4 / schema.fields.length);
  const chosen = schema.fields.filter(({ required }) =>
    required ? source.chance(0.9) : source.chance(likelihood),
  );
  const members: [string, unknown][] = chosen.map((field) => [field.name, fieldOf(source, field, depth)]);
  if (source.chance(0.03)) members.push([source.pick(ODD_KEYS), oddValue(source)]);
  return fromEntries(members);
}

function fieldOf(source: Source, field: FieldSchema, depth: number): unknown {
  if (field.enum !== undefined && source.chance(0.9)) return source.pick(field.enum);
  if (field.name === 'name' || field.name.endsWith('Name'))
    return source.pick([...NAMES, ...TEXTS.slice(0, 3)]);
  return valueOf(source, field.schema, depth + 1);
}

function scalarOf(source: Source, type: string): unknown {
  if (type === 'bool') return source.chance(0.5);
  if (type === 'string') return source.pick(TEXTS);
  if (type === 'bytes') return source.pick(['', 'YQ==', 'not base64', '=']);
  return source.pick(NUMBERS);
}

function specialOf(source: Source, special: string): unknown {
  if (/quantity/i.test(special)) return source.pick([...QUANTITIES, 1, 0.5]);
  if (/time/i.test(special)) return source.pick(TIMES);
  return source.pick([80, '80', '25%', 'http', -1, 'x%', { a: { b: 1 } }]);
}
