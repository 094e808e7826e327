import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchError } from '../../../../api/machinery/patch/errors.ts';
import { applyStrategicMergePatch } from '../../../../api/machinery/patch/strategic.ts';
import { deployment } from './test-schema.ts';

type Document = Record<string, unknown>;

const inPod = (spec: Document): Document => ({ spec: { template: { spec } } });
const inMetadata = (metadata: Document): Document => ({ metadata });
const inSpec = (spec: Document): Document => ({ spec });

interface Case {
  readonly name: string;
  readonly at: (part: Document) => Document;
  readonly document: Document;
  readonly patch: Document;
  readonly want: Document;
}

const containers = (...names: string[]): Document[] => names.map((name) => ({ name }));

const cases: Case[] = [
  {
    name: 'merges objects and scalars, deletes nulls',
    at: inMetadata,
    document: { name: 'x', labels: { a: '1', b: '2' } },
    patch: { labels: { a: null, c: '3' } },
    want: { name: 'x', labels: { b: '2', c: '3' } },
  },
  {
    name: 'merges lists by key, items of the patch ahead of those it does not name',
    at: inPod,
    document: { containers: [{ name: 'a', image: '1', command: ['x'] }, { name: 'b' }] },
    patch: { containers: [{ name: 'a', image: '2' }, { name: 'c' }] },
    want: { containers: [{ name: 'a', image: '2', command: ['x'] }, { name: 'c' }, { name: 'b' }] },
  },
  {
    name: 'merges lists within lists, by numbers too',
    at: inPod,
    document: {
      containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'x' }, { containerPort: 81 }] }],
    },
    patch: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'y' }] }] },
    want: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'y' }, { containerPort: 81 }] }] },
  },
  {
    name: 'replaces lists without strategy',
    at: inPod,
    document: { tolerations: [{ key: 'a' }, { key: 'b' }] },
    patch: { tolerations: [{ key: 'c' }] },
    want: { tolerations: [{ key: 'c' }] },
  },
  {
    name: 'joins primitive lists that merge, without repeating',
    at: inMetadata,
    document: { finalizers: ['a', 'b'] },
    patch: { finalizers: ['b', 'c'] },
    want: { finalizers: ['a', 'b', 'c'] },
  },
  {
    name: '$deleteFromPrimitiveList takes out',
    at: inMetadata,
    document: { finalizers: ['a', 'b', 'c'] },
    patch: { '$deleteFromPrimitiveList/finalizers': ['b', 'x'] },
    want: { finalizers: ['a', 'c'] },
  },
  {
    name: '$deleteFromPrimitiveList of nothing does nothing',
    at: inMetadata,
    document: { name: 'x' },
    patch: { '$deleteFromPrimitiveList/finalizers': ['b'] },
    want: { name: 'x' },
  },
  {
    name: '$patch: delete takes an item out',
    at: inPod,
    document: { containers: containers('a', 'b') },
    patch: { containers: [{ name: 'a', $patch: 'delete' }] },
    want: { containers: containers('b') },
  },
  {
    name: '$patch: delete of a missing item is fine',
    at: inPod,
    document: { containers: containers('a') },
    patch: { containers: [{ name: 'x', $patch: 'delete' }] },
    want: { containers: containers('a') },
  },
  {
    name: '$patch: delete in a list that is new leaves it empty',
    at: inPod,
    document: {},
    patch: { containers: [{ name: 'x', $patch: 'delete' }] },
    want: { containers: [] },
  },
  {
    name: '$patch: replace in a list replaces it',
    at: inPod,
    document: { containers: [{ name: 'a', image: '1' }, { name: 'b' }] },
    patch: { containers: [{ name: 'a', command: ['x'] }, { $patch: 'replace' }] },
    want: { containers: [{ name: 'a', command: ['x'] }] },
  },
  {
    name: '$patch: replace in an object replaces it',
    at: inMetadata,
    document: { labels: { a: '1' } },
    patch: { labels: { $patch: 'replace', b: '2' } },
    want: { labels: { b: '2' } },
  },
  {
    name: '$patch: delete in an object empties it',
    at: inMetadata,
    document: { labels: { a: '1' } },
    patch: { labels: { $patch: 'delete' } },
    want: { labels: {} },
  },
  {
    name: '$setElementOrder orders, server-only items keep their place',
    at: inPod,
    document: { containers: containers('a', 'server', 'b') },
    patch: {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
      containers: containers('c'),
    },
    want: { containers: containers('server', 'b', 'c', 'a') },
  },
  {
    name: '$setElementOrder alone orders',
    at: inPod,
    document: { containers: containers('a', 'b', 'c') },
    patch: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] },
    want: { containers: containers('b', 'c', 'a') },
  },
  {
    name: '$setElementOrder orders primitives',
    at: inMetadata,
    document: { finalizers: ['a', 'b', 'c'] },
    patch: { '$setElementOrder/finalizers': ['c', 'd', 'a'], finalizers: ['d'] },
    want: { finalizers: ['b', 'c', 'd', 'a'] },
  },
  {
    name: '$setElementOrder with an item exchanged puts the new one behind server-only items',
    at: inPod,
    document: { containers: containers('a', 'server', 'old') },
    patch: {
      '$setElementOrder/containers': [{ name: 'a' }, { name: 'new' }],
      containers: [{ name: 'new' }, { name: 'old', $patch: 'delete' }],
    },
    want: { containers: containers('a', 'server', 'new') },
  },
  {
    name: '$setElementOrder of a list that is nowhere is dropped',
    at: inPod,
    document: { nodeName: 'n' },
    patch: { '$setElementOrder/containers': [{ name: 'a' }] },
    want: { nodeName: 'n' },
  },
  {
    name: '$retainKeys drops what it does not name',
    at: inSpec,
    document: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    want: { strategy: { type: 'Recreate' } },
  },
  {
    name: '$retainKeys exchanges the source of a volume',
    at: inPod,
    document: { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] },
    patch: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] },
    want: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] },
  },
  {
    name: 'drops nulls and directives in objects that are new',
    at: inMetadata,
    document: {},
    patch: { labels: { a: null, b: '1' }, annotations: { $patch: 'delete' } },
    want: { labels: { b: '1' } },
  },
  {
    name: 'replaces a value of another type',
    at: inSpec,
    document: { strategy: { type: 'x' } },
    patch: { strategy: 'y' },
    want: { strategy: 'y' },
  },
];

describe('strategic merge patch', () => {
  for (const { name, at, document, patch, want } of cases) {
    it(name, () => {
      const before = JSON.stringify([document, patch]);
      expect(applyStrategicMergePatch(deployment, at(document), at(patch))).toEqual(at(want));
      expect(JSON.stringify([document, patch])).toBe(before);
    });
  }

  const wrong: { name: string; document: Document; patch: unknown; kind: string; message: string }[] = [
    {
      name: 'no object',
      document: {},
      patch: [],
      kind: 'bad-request',
      message: 'json: cannot unmarshal array into Go value of type map[string]interface {}',
    },
    {
      name: 'merge key missing',
      document: inPod({ containers: containers('a') }),
      patch: inPod({ containers: [{ image: 'x', command: ['y'] }] }),
      kind: 'unknown',
      message: 'map: map[command:[y] image:x] does not contain declared merge key: name',
    },
    {
      name: 'unknown directive',
      document: inMetadata({ labels: { a: '1' } }),
      patch: inMetadata({ labels: { $patch: 'swap' } }),
      kind: 'unknown',
      message: 'unknown patch type: swap in map: map[$patch:swap]',
    },
    {
      name: '$patch: merge in a list',
      document: inPod({ containers: containers('a') }),
      patch: inPod({ containers: [{ name: 'a', $patch: 'merge' }] }),
      kind: 'unknown',
      message: 'merging lists cannot yet be specified in the patch',
    },
    {
      name: '$retainKeys that is no list',
      document: inSpec({ strategy: { type: 'x' } }),
      patch: inSpec({ strategy: { $retainKeys: 'type' } }),
      kind: 'bad-request',
      message: 'invalid patch format of retainKeys',
    },
    {
      name: '$retainKeys that leaves out a member of the patch',
      document: inSpec({ strategy: { type: 'x' } }),
      patch: inSpec({ strategy: { $retainKeys: ['rollingUpdate'], type: 'y' } }),
      kind: 'bad-request',
      message: 'invalid patch format of retainKeys',
    },
    {
      name: 'directive without a list name',
      document: inMetadata({ name: 'x' }),
      patch: inMetadata({ $setElementOrder: ['a'] }),
      kind: 'bad-request',
      message: 'invalid patch format of setElementOrder list',
    },
    {
      name: 'deletion without a list name',
      document: inMetadata({ name: 'x' }),
      patch: inMetadata({ '$deleteFromPrimitiveListx/finalizers': ['a'] }),
      kind: 'bad-request',
      message: 'invalid patch format of primitive list',
    },
    {
      name: 'order that does not name an item of the patch',
      document: inMetadata({ finalizers: ['a'] }),
      patch: inMetadata({ finalizers: ['b'], '$setElementOrder/finalizers': ['a'] }),
      kind: 'unknown',
      message: "The order in patch list:\n[b]\n doesn't match $setElementOrder list:\n[a]\n",
    },
    {
      name: 'objects and scalars in one list',
      document: inPod({ containers: containers('a') }),
      patch: inPod({ containers: ['b'] }),
      kind: 'unknown',
      message: 'list element types are not identical: [[map[name:a]] [b]]',
    },
    {
      name: 'lists of lists',
      document: inMetadata({ finalizers: [['a']] }),
      patch: inMetadata({ finalizers: [['b']] }),
      kind: 'invalid',
      message: 'lists of lists are not supported',
    },
    {
      name: 'unknown field met on both sides',
      document: inMetadata({ strange: { a: 1 } }),
      patch: inMetadata({ strange: { a: 2 } }),
      kind: 'unknown',
      message: 'unable to find api field in struct ObjectMeta for the json field "strange"',
    },
  ];
  for (const { name, document, patch, kind, message } of wrong) {
    it(`refuses: ${name}`, () => {
      let caught: unknown;
      try {
        applyStrategicMergePatch(deployment, document, patch);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(PatchError);
      expect(caught).toMatchObject({ kind, message });
    });
  }

  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const container = fc.record(
    { name, image: fc.constantFrom('1', '2'), command: fc.subarray(['x', 'y', 'z']) },
    { requiredKeys: ['name'] },
  );
  const list = fc.uniqueArray(container, { selector: (item) => item.name });

  it('applied twice is applied once', () => {
    fc.assert(
      fc.property(list, list, (document, patch) => {
        const once = applyStrategicMergePatch(
          deployment,
          inPod({ containers: document }),
          inPod({ containers: patch }),
        );
        expect(applyStrategicMergePatch(deployment, once, inPod({ containers: patch }))).toEqual(once);
      }),
    );
  });

  it('keeps every item of both lists once, and the order of each where only one knows it', () => {
    const namesOf = (patched: Document): string[] => {
      const { spec } = patched as { spec: { template: { spec: { containers: { name: string }[] } } } };
      return spec.template.spec.containers.map((item) => item.name);
    };
    fc.assert(
      fc.property(list, list, (document, patch) => {
        const order = patch.map((item) => ({ name: item.name }));
        fc.pre(document.length + patch.length > 0);
        fc.pre(document.length > 0 || order.length > 0);
        const patched = namesOf(
          applyStrategicMergePatch(
            deployment,
            inPod({ containers: document }),
            inPod({ containers: patch, '$setElementOrder/containers': order }),
          ),
        );
        const wanted: string[] = patch.map((item) => item.name);
        const serverOnly = document.map((item): string => item.name).filter((item) => !wanted.includes(item));
        expect(patched.filter((item) => wanted.includes(item))).toEqual(wanted);
        expect(patched.filter((item) => !wanted.includes(item))).toEqual(serverOnly);
      }),
    );
  });
});
