import { afterEach, beforeEach, expect, it } from 'vitest';
import { clusterRoleAggregationController } from '../../../controllers/clusterrole-aggregation/clusterrole-aggregation-controller.ts';
import { clusterRoles, type PolicyRule } from '../../../openapi/generated/rbac-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([clusterRoleAggregationController]);
});
afterEach(() => harness.stop());

const rule = (resource: string): PolicyRule => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });

async function role(name: string, labels: Record<string, string>, rules: PolicyRule[]): Promise<void> {
  await harness.client.create(clusterRoles, { metadata: { name, labels }, rules });
  await harness.settle();
}

const rulesOf = async (name: string): Promise<string[]> => {
  await harness.settle();
  const { rules } = await harness.client.get(clusterRoles, { name });
  return (rules ?? []).map(({ resources }) => resources!.join());
};

it('an aggregated role has the rules of those it selects, by name, each once, as they come and go', async () => {
  await role('b', { monitoring: 'yes' }, [rule('pods'), rule('services')]);
  await harness.client.create(clusterRoles, {
    metadata: { name: 'monitor', labels: {} },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { monitoring: 'yes' } }] },
    rules: [],
  });
  expect(await rulesOf('monitor')).toEqual(['pods', 'services']);
  await role('a', { monitoring: 'yes' }, [rule('nodes'), rule('pods')]);
  await role('other', {}, [rule('secrets')]);
  expect(await rulesOf('monitor')).toEqual(['nodes', 'pods', 'services']);
  const b = await harness.client.get(clusterRoles, { name: 'b' });
  await harness.client.update(clusterRoles, { ...b, metadata: { ...b.metadata, labels: {} } });
  expect(await rulesOf('monitor')).toEqual(['nodes', 'pods']);
  await harness.client.delete(clusterRoles, { name: 'a' });
  expect(await rulesOf('monitor')).toEqual([]);
});

it('rules written by hand are replaced', async () => {
  await role('a', { monitoring: 'yes' }, [rule('pods')]);
  await harness.client.create(clusterRoles, {
    metadata: { name: 'monitor' },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { monitoring: 'yes' } }] },
    rules: [rule('secrets')],
  });
  expect(await rulesOf('monitor')).toEqual(['pods']);
});

it('rules written by hand stay while there are no others', async () => {
  await harness.client.create(clusterRoles, {
    metadata: { name: 'monitor' },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { monitoring: 'yes' } }] },
    rules: [rule('secrets')],
  });
  expect(await rulesOf('monitor')).toEqual(['secrets']);
});

it('the rules are applied under the name of the controller', async () => {
  await role('a', { monitoring: 'yes' }, [rule('pods')]);
  await role('monitor', {}, []);
  await harness.client.patch(
    clusterRoles,
    { name: 'monitor' },
    {
      type: 'merge',
      body: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { monitoring: 'yes' } }] } },
    },
  );
  await harness.settle();
  const { metadata } = await harness.client.get(clusterRoles, { name: 'monitor' });
  expect(metadata.managedFields).toContainEqual(
    expect.objectContaining({
      manager: 'clusterrole-aggregation-controller',
      operation: 'Apply',
      fieldsV1: { 'f:rules': {} },
    }),
  );
});
