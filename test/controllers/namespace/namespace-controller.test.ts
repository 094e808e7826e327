import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namespaceController } from '../../../controllers/namespace/namespace-controller.ts';
import type { Client } from '../../../api/machinery/client.ts';
import { newForbidden } from '../../../api/machinery/errors.ts';
import { configMaps, namespaces, pods, secrets } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

let harness: Harness;
let kept: boolean;
const namespace = 'doomed';

/** As if admission kept secrets from being deleted. */
function keepingSecrets(client: Client): Client {
  const own: Pick<Client, 'as' | 'delete'> = {
    as: (component) => keepingSecrets(client.as(component)),
    delete: async (resource, target, options) => {
      if (kept && resource.resource === 'secrets') throw newForbidden(secrets, target.name, 'kept');
      await client.delete(resource, target, options);
    },
  };
  return new Proxy(client, {
    get: (_, key) => {
      const value: unknown = Reflect.get(key in own ? own : client, key);
      return typeof value === 'function' ? value.bind(client) : value;
    },
  });
}

beforeEach(async () => {
  kept = false;
  harness = await startHarness([namespaceController], 'test', { clientFor: keepingSecrets });
  await harness.client.create(namespaces, { metadata: { name: namespace }, spec: {} });
});
afterEach(() => harness.stop());

const conditions = async (): Promise<Record<string, string>> => {
  const { status } = await harness.client.get(namespaces, { name: namespace });
  return Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: value, reason, message }) => [
      type,
      `${value} ${reason} ${message}`,
    ]),
  );
};

it('an emptied namespace goes', async () => {
  await harness.client.create(configMaps, { metadata: { name: 'a', namespace } });
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
});

it('one with content that does not go says what is left, and goes when that does', async () => {
  const finalizers = ['example.com/hold'];
  for (const name of ['a', 'b'])
    await harness.client.create(configMaps, { metadata: { name, namespace, finalizers } });
  await harness.client.create(secrets, { metadata: { name: 'free', namespace } });
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  expect(await conditions()).toEqual({
    NamespaceDeletionDiscoveryFailure: 'False ResourcesDiscovered All resources successfully discovered',
    NamespaceDeletionGroupVersionParsingFailure:
      'False ParsedGroupVersions All legacy kube types successfully parsed',
    NamespaceDeletionContentFailure:
      'False ContentDeleted All content successfully deleted, may be waiting on finalization',
    NamespaceContentRemaining:
      'True SomeResourcesRemain Some resources are remaining: configmaps. has 2 resource instances',
    NamespaceFinalizersRemaining:
      'True SomeFinalizersRemain Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances',
  });
  await expect(harness.client.get(secrets, { namespace, name: 'free' })).rejects.toThrow('not found');
  for (const name of ['a', 'b']) {
    const held = await harness.client.get(configMaps, { namespace, name });
    await harness.client.update(configMaps, {
      ...held,
      metadata: { ...held.metadata, finalizers: undefined },
    });
  }
  await harness.advance(5000);
  await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
});

it('pods go before everything else', async () => {
  await harness.client.create(pods, {
    metadata: { name: 'p', namespace },
    spec: { nodeName: 'n', containers: [{ name: 'a', image: 'a' }] },
  });
  await harness.client.create(configMaps, { metadata: { name: 'needed', namespace } });
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  expect((await harness.client.get(pods, { namespace, name: 'p' })).metadata.deletionTimestamp).toBeDefined();
  expect(await harness.client.get(configMaps, { namespace, name: 'needed' })).toBeDefined();
  await harness.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
  await harness.advance(20_000);
  await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
});

it('what cannot be deleted is told of, keeps the namespace, and nothing else', async () => {
  kept = true;
  await harness.client.create(secrets, { metadata: { name: 's', namespace } });
  await harness.client.create(configMaps, { metadata: { name: 'a', namespace } });
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  expect(await conditions()).toMatchObject({
    NamespaceDeletionContentFailure:
      'True ContentDeletionFailed Failed to delete all resource types, 1 remaining: secrets "s" is forbidden: kept',
    NamespaceContentRemaining: 'False ContentRemoved All content successfully removed',
  });
  expect((await harness.client.list(configMaps, { namespace })).items).toEqual([]);
  kept = false;
  await harness.advance(20_000);
  await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
});

it('conditions of others stay, and so does the namespace as long as it has a finalizer of others', async () => {
  const other = {
    type: 'Other',
    status: 'True',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: 'R',
    message: 'm',
  };
  const fresh = await harness.client.get(namespaces, { name: namespace });
  const spec = { finalizers: [...(fresh.spec.finalizers ?? []), 'example.com/hold'] };
  const held = await harness.client.update(namespaces, { ...fresh, spec }, { subresource: 'finalize' });
  await harness.client.update(
    namespaces,
    { ...held, status: { ...held.status, conditions: [other] } },
    { subresource: 'status' },
  );
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  expect(Object.keys(await conditions())).toContain('Other');
  expect((await harness.client.get(namespaces, { name: namespace })).spec.finalizers).toEqual([
    'example.com/hold',
  ]);
});

describe('while pods are left', () => {
  const target = { namespace, name: 'p' };
  const fine = {
    NamespaceContentRemaining: 'False ContentRemoved All content successfully removed',
    NamespaceFinalizersRemaining: 'False ContentHasNoFinalizers All content-preserving finalizers finished',
  };
  const start = async (finalizers?: string[]): Promise<void> => {
    await harness.client.create(pods, {
      metadata: { name: 'p', namespace, finalizers },
      spec: { nodeName: 'n', containers: [{ name: 'a', image: 'a' }], terminationGracePeriodSeconds: 40 },
    });
    await harness.client.delete(namespaces, { name: namespace });
    await harness.settle();
  };

  it('nothing is said of what remains', async () => {
    await start(['example.com/hold']);
    const content = 'False ContentDeleted All content successfully deleted, may be waiting on finalization';
    expect(await conditions()).toMatchObject({ ...fine, NamespaceDeletionContentFailure: content });
    await harness.advance(60_000);
    expect(await conditions()).toMatchObject({ ...fine, NamespaceDeletionContentFailure: content });
  });

  it('those that outlive their grace are unexpected, unless they have finalizers', async () => {
    await start();
    const failed = {
      NamespaceDeletionContentFailure:
        `True ContentDeletionFailed Failed to delete all resource types, 1 remaining: ` +
        `unexpected items still remain in namespace: ${namespace} for gvr: /v1, Resource=pods`,
    };
    await harness.advance(35_000);
    expect(await conditions()).not.toMatchObject(failed);
    await harness.advance(15_000);
    expect(await conditions()).toMatchObject({ ...fine, ...failed });
    await harness.client.delete(pods, target, { gracePeriodSeconds: 0 });
    await harness.advance(20_000);
    await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
  });
});

it.each(['Foreground', 'Orphan'] as const)(
  'an object whose deletion is %s waits no longer',
  async (propagationPolicy) => {
    const target = { namespace, name: 'a' };
    await harness.client.create(configMaps, { metadata: target });
    await harness.client.delete(configMaps, target, { propagationPolicy });
    expect((await harness.client.get(configMaps, target)).metadata.finalizers).toHaveLength(1);
    await harness.client.delete(namespaces, { name: namespace });
    await harness.settle();
    await expect(harness.client.get(namespaces, { name: namespace })).rejects.toThrow('not found');
  },
);

it('finalizers of others end up in order, each once', async () => {
  const fresh = await harness.client.get(namespaces, { name: namespace });
  const spec = { finalizers: ['example.com/b', 'kubernetes', 'example.com/a', 'example.com/b'] };
  await harness.client.update(namespaces, { ...fresh, spec }, { subresource: 'finalize' });
  await harness.client.delete(namespaces, { name: namespace });
  await harness.settle();
  const { spec: left } = await harness.client.get(namespaces, { name: namespace });
  expect(left.finalizers).toEqual(['example.com/a', 'example.com/b']);
});
