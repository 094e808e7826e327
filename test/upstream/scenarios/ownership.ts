import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import { pod } from './objects.ts';

const config = (name: string, metadata: object = {}): { kind: string } =>
  ({ kind: 'ConfigMap', metadata: { name, ...metadata }, data: { a: 'b' } }) as { kind: string };

function ownedBy({ kind, apiVersion, metadata }: Loose, more: object = {}): object {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, ...more };
}

export const OWNERSHIP: readonly Scenario[] = [
  {
    name: 'what somebody owns goes with its owner',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(config('owned', { ownerReferences: [ownedBy(owner)] }));
      await session.delete('ConfigMap', 'owner');
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'what has another owner stays',
    run: async (session) => {
      const one = await session.create(config('one'));
      const two = await session.create(config('two'));
      await session.create(config('owned', { ownerReferences: [ownedBy(one), ownedBy(two)] }));
      await session.delete('ConfigMap', 'one');
      await session.has('ConfigMap', 'owned', ({ metadata }) => metadata.ownerReferences?.length === 1);
    },
  },
  {
    name: 'what is owned by nobody there goes',
    run: async (session) => {
      const uid = '00000000-0000-4000-8000-000000000001';
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'missing', uid };
      await session.create(config('owned', { ownerReferences: [reference] }));
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'what is owned across namespaces',
    run: async (session) => {
      const owner = session.seen('ConfigMap', 'kube-root-ca.crt')!;
      const elsewhere = await session.api.get('/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt');
      const foreign = { ...ownedBy(owner), uid: elsewhere.metadata.uid };
      await session.create(config('owned', { ownerReferences: [foreign] }));
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'an owner waits for those that block it',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(
        config('owned', {
          ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })],
          finalizers: ['example.com/hold'],
        }),
      );
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.has('ConfigMap', 'owned', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    },
  },
  {
    name: 'an owner is deleted without what it owns',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(config('owned', { ownerReferences: [ownedBy(owner)] }));
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Orphan' });
      await session.gone('ConfigMap', 'owner');
      await session.has('ConfigMap', 'owned', ({ metadata }) => metadata.ownerReferences === undefined);
    },
  },
  {
    name: 'a quota is used',
    run: async (session) => {
      await session.create({
        kind: 'ResourceQuota',
        metadata: { name: 'all' },
        spec: {
          hard: {
            pods: '5',
            'requests.cpu': '1',
            'limits.memory': '1Gi',
            'count/configmaps': '10',
            'count/deployments.apps': '3',
            services: '2',
            secrets: '4',
            'requests.storage': '10Gi',
            persistentvolumeclaims: '2',
          },
        },
      });
      await session.has('ResourceQuota', 'all', ({ status }) => status?.used?.['count/configmaps'] === '1');
      const resources = { requests: { cpu: '250m' }, limits: { memory: '128Mi' } };
      const containers = [{ name: 'app', image: 'nginx:1.25', resources }];
      await session.create(pod('web', { containers }));
      await session.create(config('one'));
      await session.has('ResourceQuota', 'all', ({ status }) => status?.used?.pods === '1');
      await session.delete('ConfigMap', 'one');
      await session.has('ResourceQuota', 'all', ({ status }) => status?.used?.['count/configmaps'] === '1');
    },
  },
  {
    name: 'a scoped quota is used',
    run: async (session) => {
      await session.create({
        kind: 'ResourceQuota',
        metadata: { name: 'best-effort' },
        spec: { hard: { pods: '2' }, scopes: ['BestEffort'] },
      });
      await session.create({
        kind: 'ResourceQuota',
        metadata: { name: 'not-terminating' },
        spec: { hard: { pods: '2' }, scopes: ['NotTerminating'] },
      });
      await session.has('ResourceQuota', 'best-effort', ({ status }) => status?.used?.pods === '0');
      await session.has('ResourceQuota', 'not-terminating', ({ status }) => status?.used?.pods === '0');
      await session.create(pod('web', { activeDeadlineSeconds: 600 }));
      await session.has('ResourceQuota', 'best-effort', ({ status }) => status?.used?.pods === '1');
    },
  },
  {
    name: 'a secret gets a token',
    run: async (session) => {
      await session.create({ kind: 'ServiceAccount', metadata: { name: 'robot' } });
      const annotations = { 'kubernetes.io/service-account.name': 'robot' };
      await session.create({
        kind: 'Secret',
        type: 'kubernetes.io/service-account-token',
        metadata: { name: 'token', annotations },
      });
      await session.has('Secret', 'token', ({ data }) => data?.token !== undefined);
    },
  },
  {
    name: 'the default service account comes back',
    run: async (session) => {
      const { metadata } = session.seen('ServiceAccount', 'default')!;
      await session.delete('ServiceAccount', 'default');
      await session.has('ServiceAccount', 'default', (account) => account.metadata.uid !== metadata.uid);
    },
  },
];
