import { afterEach, beforeEach, expect, it } from 'vitest';
import { namespaceController } from '../../../controllers/namespace/namespace-controller.ts';
import { configMaps, namespaces, pods, secrets } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

let harness: Harness;
const namespace = 'doomed';
beforeEach(async () => {
  harness = await startHarness([namespaceController]);
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
