import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ResourceDefinition } from '../../../api/definition.ts';
import { silentLogger } from '../../../api/machinery/logger.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { Selection } from '../../../server/registry/selection.ts';
import { SelectorIndex } from '../../../server/registry/selector-index.ts';
import { encodeForm, selectableOf } from '../../../server/registry/stored-form.ts';
import { openEngine } from '../../../storage/engines/index.ts';
import type { Store, StoredValue } from '../../../storage/interface.ts';
import { namespaceRange, resourceKey, resourceRange } from '../../../storage/keys.ts';
import { openStore } from '../../../storage/store.ts';

const things = { cluster: 'c', group: '', resource: 'things' };
const everything = resourceRange(things);
const definition = {
  namespaced: true,
  behaviour: {
    fieldSelectors: { 'spec.node': (object: { spec?: { node?: string } }) => object.spec?.node ?? '' },
  },
} as unknown as ResourceDefinition;

let store: Store;
let index: SelectorIndex;

beforeEach(async () => {
  store = await openStore({ engine: openEngine({ type: 'memory' }), logger: silentLogger });
  index = new SelectorIndex(store);
});

const keyOf = (namespace: string, name: string): string => resourceKey({ ...things, namespace, name });

function put(
  namespace: string,
  name: string,
  labels: Record<string, string>,
  node = '',
): Promise<StoredValue> {
  const object = { kind: 'Thing', apiVersion: 'v1', metadata: { namespace, name, labels }, spec: { node } };
  const encode = (revision: number) => encodeForm(object as UnknownObject, revision);
  return store.put(keyOf(namespace, name), encode, { expect: 'any' });
}

function remove(namespace: string, name: string): Promise<unknown> {
  return store
    .delete(
      keyOf(namespace, name),
      (revision) => encodeForm({ metadata: { namespace, name } } as UnknownObject, revision),
      { expect: 'any' },
    )
    .catch(() => undefined);
}

/** Keys of what the index finds and the selector then lets through; undefined when the index gives no answer. */
function found(labelSelector: string, fieldSelector = '', range = everything): string[] | undefined {
  const selection = new Selection(definition, labelSelector, fieldSelector);
  return index
    .find(definition, everything, range, selection)
    ?.filter((value) => selection.matches(selectableOf(value, definition)))
    .map(({ key }) => key);
}

function scanned(labelSelector: string, fieldSelector = '', range = everything): string[] {
  const selection = new Selection(definition, labelSelector, fieldSelector);
  return store
    .list(range)
    .entries.filter((value) => selection.matches(selectableOf(value, definition)))
    .map(({ key }) => key);
}

const SELECTORS: [string, string][] = [
  ['app=a', ''],
  ['app in (a,b)', ''],
  ['app=a,tier!=x', ''],
  ['app=a', 'spec.node=n1'],
  ['', 'spec.node=n1'],
  ['', 'spec.node='],
  ['', 'metadata.name=t1'],
  ['app=none', ''],
];

describe('an index for selectors', () => {
  it('finds what a scan finds, in the same order, after whatever was written', async () => {
    const operation = fc.record({
      isDelete: fc.boolean(),
      namespace: fc.constantFrom('a', 'a-b', 'b'),
      name: fc.constantFrom('t1', 't2', 't3', 't-4'),
      app: fc.constantFrom('a', 'b', undefined),
      tier: fc.constantFrom('x', undefined),
      node: fc.constantFrom('', 'n1'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
        store = await openStore({ engine: openEngine({ type: 'memory' }), logger: silentLogger });
        index = new SelectorIndex(store);
        for (const { isDelete, namespace, name, app, tier, node } of operations) {
          const labels = { ...(app === undefined ? {} : { app }), ...(tier === undefined ? {} : { tier }) };
          await (isDelete ? remove(namespace, name) : put(namespace, name, labels, node));
          for (const [labelSelector, fieldSelector] of SELECTORS) {
            for (const range of [everything, namespaceRange({ ...things, namespace: 'a' })])
              expect(found(labelSelector, fieldSelector, range)).toEqual(
                scanned(labelSelector, fieldSelector, range),
              );
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives no answer where every object comes into question', async () => {
    await put('a', 't1', { app: 'a' });
    for (const selector of ['app', '!app', 'app!=a', 'app notin (a)'])
      expect(found(selector)).toBeUndefined();
    expect(found('', 'spec.node!=n1')).toBeUndefined();
  });

  it('gives none where most objects match: a scan has them in order', async () => {
    for (let count = 0; count < 300; count++) await put('a', `t${count}`, { app: 'a' });
    expect(found('app=a')).toBeUndefined();
    await put('a', 'other', { app: 'b' });
    expect(found('app=b')).toEqual([keyOf('a', 'other')]);
  });

  it('gives none to a watcher that is being told of a commit, which readers do not see yet', async () => {
    await put('a', 't1', { app: 'a' });
    expect(found('app=a')).toHaveLength(1);
    const seen: unknown[] = [];
    store.watch(everything, store.revision, {
      events: () => seen.push([found('app=a'), scanned('app=a')]),
      ended: () => {},
    });
    await put('a', 't2', { app: 'a' });
    expect(seen).toEqual([[undefined, [keyOf('a', 't1')]]]);
    expect(found('app=a')).toHaveLength(2);
  });

  it('follows the attributes asked for last, and answers by others as well', async () => {
    await put('a', 't1', Object.fromEntries(Array.from({ length: 40 }, (_, label) => [`l${label}`, 'x'])));
    for (let label = 0; label < 40; label++) expect(found(`l${label}=x`)).toEqual([keyOf('a', 't1')]);
    await put('a', 't2', { l0: 'x', l39: 'x' });
    for (const label of ['l0', 'l39'])
      expect(found(`${label}=x`)).toEqual([keyOf('a', 't1'), keyOf('a', 't2')]);
  });

  it('starts anew with another definition of the resource', async () => {
    await put('a', 't1', { app: 'a' }, 'n1');
    expect(found('', 'spec.node=n1')).toHaveLength(1);
    const other = { ...definition, behaviour: { fieldSelectors: { 'spec.node': () => 'everywhere' } } };
    const selection = new Selection(other, '', 'spec.node=everywhere');
    expect(index.find(other, everything, everything, selection)).toHaveLength(1);
  });
});
