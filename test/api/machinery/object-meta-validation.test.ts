import { describe, expect, it } from 'vitest';
import type { FieldError } from '../../../api/machinery/errors.ts';
import type { ObjectMeta } from '../../../api/machinery/object-meta.ts';
import {
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../../api/machinery/object-meta-validation.ts';

const texts = (errors: readonly FieldError[]): string[] =>
  errors.map((item) => `${item.field}: ${item.message}`);

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
