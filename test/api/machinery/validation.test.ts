import { describe, expect, it } from 'vitest';
import type { FieldError } from '../../../api/machinery/errors.ts';
import { path } from '../../../api/machinery/field-path.ts';
import type { ObjectMeta } from '../../../api/machinery/object-meta.ts';
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
  validateLabelSelector,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../../api/machinery/validation.ts';

const texts = (errors: readonly FieldError[]): string[] =>
  errors.map((item) => `${item.field}: ${item.message}`);

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

describe('metadata of a new object', () => {
  const cases: { name: string; meta: ObjectMeta; namespaced?: boolean; want: string[] }[] = [
    {
      name: 'good',
      meta: { name: 'a', namespace: 'n', labels: { 'x/y': 'z' }, finalizers: ['a/b'] },
      want: [],
    },
    {
      name: 'nameless',
      meta: { namespace: 'n' },
      want: ['metadata.name: Required value: name or generateName is required'],
    },
    { name: 'without namespace', meta: { name: 'a' }, want: ['metadata.namespace: Required value'] },
    {
      name: 'namespace on a cluster kind',
      meta: { name: 'a', namespace: 'n' },
      namespaced: false,
      want: ['metadata.namespace: Forbidden: not allowed on this type'],
    },
    {
      name: 'annotations too big',
      meta: { name: 'a', namespace: 'n', annotations: { a: 'x'.repeat(262144) } },
      want: ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    },
    {
      name: 'annotations just fit',
      meta: { name: 'a', namespace: 'n', annotations: { a: 'x'.repeat(262143) } },
      want: [],
    },
    {
      name: 'annotation keys may have capitals in the prefix',
      meta: { name: 'a', namespace: 'n', annotations: { 'A.b/c': '' } },
      want: [],
    },
    {
      name: 'two controllers',
      meta: {
        name: 'a',
        namespace: 'n',
        ownerReferences: [
          { apiVersion: 'v1', kind: 'A', name: 'a', uid: '1', controller: true },
          { apiVersion: 'v1', kind: 'B', name: 'b', uid: '2', controller: true },
        ],
      },
      want: [
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"A","name":"a","uid":"1","controller":true},{"apiVersion":"v1","kind":"B","name":"b","uid":"2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for A/a and B/b',
      ],
    },
    {
      name: 'incomplete and forbidden owners',
      meta: {
        name: 'a',
        namespace: 'n',
        ownerReferences: [
          { apiVersion: '', kind: 'A', name: '', uid: '1' },
          { apiVersion: 'v1', kind: 'Event', name: 'e', uid: '2' },
        ],
      },
      want: [
        'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
        'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"e","uid":"2"}: /v1, Kind=Event is disallowed from being an owner',
      ],
    },
    {
      name: 'finalizers that exclude each other',
      meta: { name: 'a', namespace: 'n', finalizers: ['orphan', 'foregroundDeletion'] },
      want: [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    },
    {
      name: 'managed fields',
      meta: {
        name: 'a',
        namespace: 'n',
        managedFields: [{ operation: 'X', fieldsType: 'V2', manager: 'a\u0007' }],
      },
      want: [
        'metadata.managedFields[0].operation: Invalid value: "X": must be `Apply` or `Update`',
        'metadata.managedFields[0].fieldsType: Invalid value: "V2": must be `FieldsV1`',
        'metadata.managedFields[0].manager: Invalid value: "a\\a": invalid character U+0007 (at position 1)',
      ],
    },
  ];
  for (const { name, meta, namespaced, want } of cases) {
    it(name, () => expect(texts(validateObjectMeta(meta, { namespaced: namespaced ?? true }))).toEqual(want));
  }
});

describe('metadata of a changed object', () => {
  const old: ObjectMeta = {
    name: 'a',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '5',
    generation: 2,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const cases: { name: string; change: ObjectMeta; old?: ObjectMeta; want: string[] }[] = [
    { name: 'same', change: {}, want: [] },
    { name: 'name', change: { name: 'b' }, want: ['metadata.name: Invalid value: "b": field is immutable'] },
    {
      name: 'resourceVersion missing',
      change: { resourceVersion: undefined },
      want: ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
    },
    {
      name: 'generation going back',
      change: { generation: 1 },
      want: ['metadata.generation: Invalid value: 1: must not be decremented'],
    },
    {
      name: 'creationTimestamp',
      change: { creationTimestamp: '2026-01-02T00:00:00Z' },
      want: ['metadata.creationTimestamp: Invalid value: "2026-01-02T00:00:00Z": field is immutable'],
    },
    {
      name: 'finalizers while being deleted',
      change: { finalizers: ['b', 'x', 'a'], deletionTimestamp: undefined },
      old: { finalizers: ['x'], deletionTimestamp: '2026-01-02T00:00:00Z' },
      want: [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a", "b"}',
        'metadata.deletionTimestamp: Invalid value: null: field is immutable',
      ],
    },
  ];
  for (const { name, change, old: oldChange, want } of cases) {
    it(name, () => {
      const stored = { ...old, ...oldChange };
      expect(texts(validateObjectMetaUpdate({ ...stored, ...change }, stored))).toEqual(want);
    });
  }
});

describe('label selectors as objects', () => {
  it('names what is wrong', () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { a: '-' },
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
          { key: 'c', operator: 'Near', values: ['-'] },
        ],
      },
      path('spec', 'selector'),
    );
    expect(texts(errors).map((text) => text.replace(/ \(e\.g.*/, ''))).toEqual([
      `spec.selector.matchLabels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
      `spec.selector.matchExpressions[2].values[0]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    ]);
  });
});
