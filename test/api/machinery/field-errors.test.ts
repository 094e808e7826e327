import { describe, expect, it } from 'vitest';
import type { FieldError } from '../../../api/machinery/errors.ts';
import { path } from '../../../api/machinery/field-path.ts';
import {
  duplicate,
  forbidden,
  internal,
  invalid,
  notFound,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../../../api/machinery/field-errors.ts';

describe('paths', () => {
  it('joins fields, indexes and keys', () => {
    const at = path('spec').child('template', 'spec').child('containers').index(0).child('env').key('A.b');
    expect(String(at)).toBe('spec.template.spec.containers[0].env[A.b]');
  });

  it('does not change when it grows', () => {
    const root = path('spec');
    root.child('a');
    expect(String(root)).toBe('spec');
    expect(String(path().child('a'))).toBe('a');
  });
});

describe('field errors', () => {
  const cases: { name: string; got: FieldError; type: string; message: string }[] = [
    { name: 'required', got: required('a'), type: 'FieldValueRequired', message: 'Required value' },
    {
      name: 'required with detail',
      got: required('a', 'd'),
      type: 'FieldValueRequired',
      message: 'Required value: d',
    },
    {
      name: 'string',
      got: invalid('a', 'x"\n', 'd'),
      type: 'FieldValueInvalid',
      message: 'Invalid value: "x\\"\\n": d',
    },
    {
      name: 'number',
      got: invalid('a', -1, 'd'),
      type: 'FieldValueInvalid',
      message: 'Invalid value: -1: d',
    },
    {
      name: 'boolean',
      got: invalid('a', true, 'd'),
      type: 'FieldValueInvalid',
      message: 'Invalid value: true: d',
    },
    {
      name: 'absent',
      got: invalid('a', undefined, 'd'),
      type: 'FieldValueInvalid',
      message: 'Invalid value: null: d',
    },
    {
      name: 'object',
      got: invalid('a', { b: [1, '<'] }, 'd'),
      type: 'FieldValueInvalid',
      message: 'Invalid value: {"b":[1,"\\u003c"]}: d',
    },
    {
      name: 'not supported, in order',
      got: notSupported('a', 'x', ['B', 'A']),
      type: 'FieldValueNotSupported',
      message: 'Unsupported value: "x": supported values: "B", "A"',
    },
    {
      name: 'not supported, of a set',
      got: notSupported('a', 'x', new Set(['B', 'A'])),
      type: 'FieldValueNotSupported',
      message: 'Unsupported value: "x": supported values: "A", "B"',
    },
    { name: 'forbidden', got: forbidden('a', 'd'), type: 'FieldValueForbidden', message: 'Forbidden: d' },
    {
      name: 'duplicate',
      got: duplicate('a', 80),
      type: 'FieldValueDuplicate',
      message: 'Duplicate value: 80',
    },
    { name: 'not found', got: notFound('a', 'v'), type: 'FieldValueNotFound', message: 'Not found: "v"' },
    {
      name: 'too long',
      got: tooLong('a', '', 1),
      type: 'FieldValueTooLong',
      message: 'Too long: may not be more than 1 byte',
    },
    {
      name: 'too many',
      got: tooMany('a', 5, 3),
      type: 'FieldValueTooMany',
      message: 'Too many: 5: must have at most 3 items',
    },
    {
      name: 'internal',
      got: internal('a', new Error('e')),
      type: 'InternalError',
      message: 'Internal error: e',
    },
  ];
  for (const { name, got, type, message } of cases) {
    it(name, () => expect(got).toEqual({ type, field: 'a', message }));
  }
});
