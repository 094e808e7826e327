import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { garbageCollectorController } from '../../../controllers/garbage-collector/garbage-collector.ts';
import type { OwnerReference } from '../../../api/machinery/object-meta.ts';
import { configMaps, events, namespaces, type ConfigMap } from '../../../openapi/generated/core-v1.ts';
import { clusterRoles } from '../../../openapi/generated/rbac-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([garbageCollectorController]);
});
afterEach(() => harness.stop());

async function make(
  name: string,
  owners: readonly OwnerReference[] = [],
  finalizers: string[] = [],
): Promise<ConfigMap> {
  const made = await harness.client.create(configMaps, {
    metadata: {
      name,
      namespace: NAMESPACE,
      ...(owners.length === 0 ? {} : { ownerReferences: [...owners] }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
    },
  });
  await harness.settle();
  return made;
}

const owner = ({ metadata }: ConfigMap, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: metadata.name!,
  uid: metadata.uid!,
  ...more,
});

async function remove(
  name: string,
  propagationPolicy: 'Foreground' | 'Background' | 'Orphan',
): Promise<void> {
  await harness.client.delete(configMaps, { namespace: NAMESPACE, name }, { propagationPolicy });
  await harness.settle();
}

const names = async (): Promise<string[]> =>
  (await harness.list(configMaps)).map(({ metadata }) => metadata.name!);
const release = (name: string): Promise<ConfigMap> =>
  harness.change(configMaps, name, ({ metadata }) => delete metadata.finalizers);

describe('dependents', () => {
  it('go with their last owner, and theirs with them', async () => {
    const a = await make('a');
    const b = await make('b');
    const child = await make('child', [owner(a), owner(b)]);
    await make('grandchild', [owner(child)]);
    await remove('a', 'Background');
    expect(await names()).toEqual(['b', 'child', 'grandchild']);
    expect((await harness.get(configMaps, 'child')).metadata.ownerReferences).toEqual([owner(b)]);
    await remove('b', 'Background');
    expect(await names()).toEqual([]);
  });

  it('block the owner in the foreground only where they say so', async () => {
    const a = await make('a');
    await make('blocking', [owner(a, { blockOwnerDeletion: true })], ['example.com/hold']);
    await make('other', [owner(a)], ['example.com/hold']);
    await remove('a', 'Foreground');
    expect((await harness.get(configMaps, 'a')).metadata.finalizers).toEqual(['foregroundDeletion']);
    expect((await harness.get(configMaps, 'blocking')).metadata.deletionTimestamp).toBeDefined();
    await release('blocking');
    await harness.settle();
    expect(await names()).toEqual(['other']);
    expect((await harness.get(configMaps, 'other')).metadata.deletionTimestamp).toBeDefined();
  });

  it('are set free by orphaning', async () => {
    const a = await make('a');
    await make('child', [owner(a)]);
    await remove('a', 'Orphan');
    expect(await names()).toEqual(['child']);
    expect((await harness.get(configMaps, 'child')).metadata.ownerReferences).toBeUndefined();
  });

  it('go when the owner is another of the same name', async () => {
    const a = await make('a');
    await make('child', [owner(a, { uid: 'b7f1e1f0-0000-4000-8000-000000000000' })]);
    expect(await names()).toEqual(['a']);
  });

  it.each([
    { what: 'another name', wrong: { name: 'other' } },
    { what: 'another kind', wrong: { kind: 'Secret' } },
  ])('go when they name the identity of an object of $what', async ({ wrong }) => {
    const a = await make('a');
    await make('child', [owner(a, wrong)]);
    await make('kept', [owner(a)]);
    expect(await names()).toEqual(['a', 'kept']);
  });

  it('go when no owner is there in a version that is served', async () => {
    const uid = 'b7f1e1f0-0000-4000-8000-000000000000';
    await make('child', [{ apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', name: 'a', uid }]);
    expect(await names()).toEqual([]);
  });

  it.each([
    { what: 'a kind that is not served', wrong: { kind: 'Nothing' } },
    { what: 'a version that is not served', wrong: { apiVersion: 'v9' } },
  ])('stay as they are when an owner is of $what', async ({ wrong }) => {
    const a = await make('a');
    const missing = owner(a, { name: 'b', uid: 'b7f1e1f0-0000-4000-8000-000000000000' });
    const owners = [owner(a, wrong), missing];
    await make('child', owners);
    expect((await harness.get(configMaps, 'child')).metadata.ownerReferences).toEqual(owners);
  });

  it('stay when a reference of theirs changes to something else, until their owner goes', async () => {
    const a = await make('a');
    await make('child', [owner(a)]);
    await harness.change(configMaps, 'child', ({ metadata }) => {
      metadata.ownerReferences = [owner(a, { name: 'other' })];
    });
    await harness.settle();
    expect(await names()).toEqual(['a', 'child']);
    await remove('a', 'Background');
    expect(await names()).toEqual([]);
  });

  it.each([true, false])(
    'that come while their owner waits (blocking: %s) stay until it goes',
    async (blockOwnerDeletion) => {
      const a = await make('a');
      await make('first', [owner(a, { blockOwnerDeletion: true })], ['example.com/hold']);
      await remove('a', 'Foreground');
      await make('late', [owner(a, { blockOwnerDeletion })]);
      expect(await names()).toEqual(['a', 'first', 'late']);
      await release('first');
      await harness.settle();
      expect(await names()).toEqual([]);
    },
  );

  it('that would orphan what they own do not while their owner waits', async () => {
    const a = await make('a');
    const child = await make('child', [owner(a)], ['orphan']);
    await make('grandchild', [owner(child)]);
    await remove('a', 'Foreground');
    expect(await names()).toEqual([]);
  });

  it('in a circle let go only of owners they block', async () => {
    const a = await make('a');
    const c = await make('c', [], ['example.com/hold']);
    const b = await make('b', [owner(a, { blockOwnerDeletion: true }), owner(c)], ['example.com/hold']);
    await harness.change(configMaps, 'a', ({ metadata }) => {
      metadata.ownerReferences = [owner(b, { blockOwnerDeletion: true })];
    });
    await harness.settle();
    await harness.stopControllers();
    await remove('a', 'Foreground');
    await remove('c', 'Foreground');
    await harness.restart();
    expect((await harness.get(configMaps, 'b')).metadata.ownerReferences).toEqual([
      owner(a, { blockOwnerDeletion: false }),
      owner(c),
    ]);
  });

  it('in a circle do not hold each other up', async () => {
    const a = await make('a');
    const b = await make('b', [owner(a, { blockOwnerDeletion: true })]);
    await harness.change(configMaps, 'a', ({ metadata }) => {
      metadata.ownerReferences = [owner(b, { blockOwnerDeletion: true })];
    });
    await harness.settle();
    await remove('a', 'Foreground');
    expect(await names()).toEqual([]);
  });
});

describe('owners of the wrong namespace', () => {
  const said = async (namespace: string): Promise<string[]> =>
    (await harness.client.list(events, { namespace })).items.map(
      ({ reason, message }) => `${reason} ${message}`,
    );

  it('are reported, and own nothing', async () => {
    await harness.client.create(namespaces, { metadata: { name: 'elsewhere' }, spec: {} });
    const far = await harness.client.create(configMaps, {
      metadata: { name: 'far', namespace: 'elsewhere' },
    });
    await make('child', [owner(far)]);
    expect(await said(NAMESPACE)).toEqual([
      `OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: default, name: far, uid: ${far.metadata.uid}] does not exist in namespace "default"`,
    ]);
    expect(await names()).toEqual([]);
  });

  it('are not reported when they are not there', async () => {
    const a = await make('a');
    const missing = owner(a, { uid: 'b7f1e1f0-0000-4000-8000-000000000000' });
    await harness.client.create(clusterRoles, {
      metadata: { name: 'role', ownerReferences: [missing] },
      rules: [],
    });
    await harness.settle();
    expect(await said('default')).toEqual([]);
    expect(await harness.client.get(clusterRoles, { name: 'role' })).toBeDefined();
  });

  it('are reported once, and with no version of the object', async () => {
    const a = await make('a');
    const role = { metadata: { name: 'role', ownerReferences: [owner(a)] }, rules: [] };
    const { metadata } = await harness.client.create(clusterRoles, role);
    await harness.settle();
    await harness.client.patch(
      clusterRoles,
      { name: 'role' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } },
    );
    await harness.settle();
    const { items } = await harness.client.list(events, { namespace: 'default' });
    expect(items.map(({ count, involvedObject }) => ({ count, involvedObject }))).toEqual([
      {
        count: 1,
        involvedObject: {
          kind: 'ClusterRole',
          name: 'role',
          uid: metadata.uid,
          apiVersion: 'rbac.authorization.k8s.io/v1',
        },
      },
    ]);
  });

  it('leave cluster-scoped objects alone', async () => {
    const a = await make('a');
    await harness.client.create(clusterRoles, {
      metadata: { name: 'role', ownerReferences: [owner(a)] },
      rules: [],
    });
    await harness.settle();
    expect(await said('default')).toEqual([
      `OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: , name: a, uid: ${a.metadata.uid}] does not exist in namespace ""`,
    ]);
    await remove('a', 'Background');
    expect(
      (await harness.client.get(clusterRoles, { name: 'role' })).metadata.deletionTimestamp,
    ).toBeUndefined();
  });
});
