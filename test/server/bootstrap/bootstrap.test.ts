import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { componentStatuses, services } from '../../../openapi/generated/core-v1.ts';
import { leases, type Lease } from '../../../openapi/generated/coordination-v1.ts';
import { replicaSets } from '../../../openapi/generated/apps-v1.ts';
import { pods } from '../../../openapi/generated/core-v1.ts';
import { apiServices } from '../../../openapi/generated/apiregistration-v1.ts';
import { flowSchemas, priorityLevelConfigurations } from '../../../openapi/generated/flowcontrol-v1.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
} from '../../../openapi/generated/rbac-v1.ts';
import { startCluster } from '../../../server/index.ts';
import { bootstrapClusterRoles, parseRule } from '../../../server/bootstrap/rbac.ts';

type Cluster = Awaited<ReturnType<typeof startCluster>>;

const QUIET = { nodes: 0, scheduler: false, controllers: [] };

describe('the lease of the API server', () => {
  const namespace = 'kube-system';
  it('is renewed every ten seconds, comes back, and leases of servers that are gone are collected', async () => {
    const cluster = await startCluster({ ...QUIET, clock: 'virtual' });
    try {
      const list = async (): Promise<readonly Lease[]> =>
        (await cluster.client.list(leases, { namespace })).items;
      const [own] = await list();
      const name = own!.metadata.name!;
      expect(own!.spec.leaseDurationSeconds).toBe(3600);
      expect(own!.spec.holderIdentity).toMatch(new RegExp(`^${name}_[0-9a-f-]{36}$`));
      await cluster.clock.step(10_000);
      const renewed = (await list())[0]!;
      expect(Date.parse(renewed.spec.renewTime!) - Date.parse(own!.spec.renewTime!)).toBe(10_000);
      expect(renewed.spec.holderIdentity).toBe(own!.spec.holderIdentity);
      await cluster.client.delete(leases, { namespace, name });
      const other = { labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' }, namespace };
      await cluster.client.create(leases, { metadata: { ...other, name: 'apiserver-gone' }, spec: {} });
      await cluster.client.create(leases, { metadata: { name: 'of-somebody', namespace }, spec: {} });
      await cluster.clock.step(3_600_000);
      expect((await list()).map(({ metadata }) => metadata.name)).toEqual([name, 'of-somebody']);
    } finally {
      await cluster.stop();
    }
  });
});

describe('a new cluster', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(QUIET);
  });
  afterAll(() => cluster.stop());

  it('has the roles and bindings of the bootstrap policy', async () => {
    const names = async (
      list: Promise<{ items: readonly { metadata: { name?: string } }[] }>,
    ): Promise<(string | undefined)[]> => (await list).items.map(({ metadata }) => metadata.name);
    expect(await names(cluster.client.list(clusterRoles))).toEqual(
      expect.arrayContaining(['cluster-admin', 'admin', 'edit', 'view', 'system:node']),
    );
    expect((await names(cluster.client.list(clusterRoles))).length).toBe(bootstrapClusterRoles().length);
    expect(await names(cluster.client.list(clusterRoleBindings))).toContain(
      'system:controller:deployment-controller',
    );
    expect(await names(cluster.client.list(roles, { namespace: 'kube-public' }))).toEqual([
      'system:controller:bootstrap-signer',
    ]);
    expect(await names(cluster.client.list(roleBindings, { namespace: 'kube-system' }))).toContain(
      'system::leader-locking-kube-scheduler',
    );
  });

  it('has flow schemas, priority levels and its own lease', async () => {
    expect((await cluster.client.list(flowSchemas)).items).toHaveLength(11);
    expect((await cluster.client.list(priorityLevelConfigurations)).items).toHaveLength(8);
    const held = await cluster.client.list(leases, { namespace: 'kube-system' });
    expect(held.items[0]?.metadata.name).toMatch(/^apiserver-[a-z2-7]{26}$/);
    expect(held.items[0]?.metadata.labels).toMatchObject({
      'apiserver.kubernetes.io/identity': 'kube-apiserver',
    });
  });

  it('has an available API service for each group version', async () => {
    const { items } = await cluster.client.list(apiServices);
    expect(items.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['v1.', 'v1.apps', 'v2.autoscaling', 'v1.rbac.authorization.k8s.io']),
    );
    expect(items.every(({ status }) => status?.conditions?.[0]?.status === 'True')).toBe(true);
  });

  it('gives each object an identity of its own', async () => {
    const { items } = await cluster.client.list(clusterRoles);
    const uids = new Set(items.map(({ metadata }) => metadata.uid));
    expect(uids.size).toBe(items.length);
    expect(items.every(({ metadata }) => /^\d+$/.test(metadata.resourceVersion ?? ''))).toBe(true);
    expect(items[0]?.metadata.managedFields?.[0]?.time).toBe(items[0]?.metadata.creationTimestamp);
  });
});

describe('what no cluster may be without', () => {
  it('comes back when it is deleted', async () => {
    const cluster = await startCluster({ ...QUIET, clock: 'virtual' });
    const where = { namespace: 'default', name: 'kubernetes' };
    const before = await cluster.client.get(services, where);
    await cluster.client.delete(services, where);
    await cluster.clock.step(10_000);
    const after = await cluster.client.get(services, where);
    expect(after.spec?.clusterIP).toBe(before.spec?.clusterIP);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    await cluster.stop();
  });

  it('says that its components are healthy', async () => {
    const cluster = await startCluster(QUIET);
    const { items } = await cluster.client.list(componentStatuses, {});
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['controller-manager', 'etcd-0', 'scheduler']);
    expect(items[0]?.conditions).toEqual([{ type: 'Healthy', status: 'True', message: 'ok' }]);
    await cluster.stop();
  });
});

describe('a second start', () => {
  it('does not wait until what was left to do is done', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'kubemu-bootstrap-'));
    try {
      const first = await startCluster({ ...QUIET, dataDir, controllers: ['serviceaccount-controller'] });
      const labels = { app: 'many' };
      await first.client.create(replicaSets, {
        metadata: { name: 'many', namespace: 'default' },
        spec: {
          replicas: 300,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } },
        },
      });
      await first.stop();
      const second = await startCluster({ ...QUIET, dataDir, controllers: ['replicaset-controller'] });
      const count = async (): Promise<number> => (await second.client.list(pods)).items.length;
      expect(await count()).toBeLessThan(300);
      await second.idle();
      expect(await count()).toBe(300);
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('keeps what was changed and brings back what is missing', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'kubemu-bootstrap-'));
    try {
      const first = await startCluster({ ...QUIET, dataDir });
      const view = await first.client.get(clusterRoles, { name: 'view' });
      await first.client.update(clusterRoles, {
        ...view,
        metadata: { ...view.metadata, annotations: { mine: 'yes' } },
      });
      await first.client.delete(clusterRoles, { name: 'edit' });
      await first.stop();
      const second = await startCluster({ ...QUIET, dataDir });
      const kept = await second.client.get(clusterRoles, { name: 'view' });
      expect(kept.metadata.annotations).toEqual({ mine: 'yes' });
      expect(kept.metadata.uid).toBe(view.metadata.uid);
      expect((await second.client.get(clusterRoles, { name: 'edit' })).rules?.length).toBeGreaterThan(0);
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });
});

describe('rules written out', () => {
  const cases = [
    [
      'get list: pods services in core apps',
      { verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods', 'services'] },
    ],
    [
      'update: configmaps in core named a b',
      { verbs: ['update'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a', 'b'] },
    ],
    ['get: /healthz /api/*', { verbs: ['get'], nonResourceURLs: ['/healthz', '/api/*'] }],
    ['*: *', { verbs: ['*'], nonResourceURLs: ['*'] }],
  ] as const;
  for (const [text, rule] of cases) it(text, () => expect(parseRule(text)).toEqual(rule));
});
