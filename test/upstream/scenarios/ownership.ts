import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import { pod } from './objects.ts';
import { HOLD } from './steps.ts';

const config = (name: string, metadata: object = {}): { kind: string } =>
  ({ kind: 'ConfigMap', metadata: { name, ...metadata }, data: { a: 'b' } }) as { kind: string };

function ownedBy({ kind, apiVersion, metadata }: Loose, more: object = {}): object {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, ...more };
}

function blocking(owner: Loose): object {
  return ownedBy(owner, { blockOwnerDeletion: true });
}

const isEnding = ({ metadata }: Loose): boolean => metadata.deletionTimestamp !== undefined;

const priority = (name: string, metadata: object = {}): { kind: string } =>
  ({ kind: 'PriorityClass', metadata: { name, ...metadata }, value: 1 }) as { kind: string };

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
    name: 'an owner does not wait for those that do not block it',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const ownerReferences = [ownedBy(owner, { blockOwnerDeletion: false })];
      await session.create(config('owned', { ownerReferences, finalizers: [HOLD] }));
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.gone('ConfigMap', 'owner');
      await session.has('ConfigMap', 'owned', isEnding);
    },
  },
  {
    name: 'an owner waits for what its dependents wait for',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const owned = await session.create(config('owned', { ownerReferences: [blocking(owner)] }));
      const ownerReferences = [blocking(owned)];
      await session.create(config('last', { ownerReferences, finalizers: [HOLD] }));
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.has('ConfigMap', 'last', isEnding);
    },
  },
  {
    name: 'what comes while its owner waits stays until that goes',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const ownerReferences = [blocking(owner)];
      await session.create(config('owned', { ownerReferences, finalizers: [HOLD] }));
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.has('ConfigMap', 'owned', isEnding);
      await session.create(config('late', { ownerReferences: [ownedBy(owner)] }));
      await session.create(config('late-and-blocking', { ownerReferences }));
    },
  },
  {
    name: 'owners in a circle go',
    run: async (session) => {
      const one = await session.create(config('one'));
      const two = await session.create(config('two', { ownerReferences: [blocking(one)] }));
      await session.patch('ConfigMap', 'one', { metadata: { ownerReferences: [blocking(two)] } });
      await session.delete('ConfigMap', 'one', { propagationPolicy: 'Foreground' });
      await session.gone('ConfigMap', 'one');
      await session.gone('ConfigMap', 'two');
    },
  },
  {
    name: 'what would orphan does not while its owner waits',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const metadata = { ownerReferences: [ownedBy(owner)], finalizers: ['orphan'] };
      const owned = await session.create(config('owned', metadata));
      await session.create(config('last', { ownerReferences: [ownedBy(owned)] }));
      // Nobody tells when the collector knows of the last one.
      await session.quiet();
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.gone('ConfigMap', 'last');
    },
  },
  {
    name: 'what is owned by another of the same name goes',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const uid = '00000000-0000-4000-8000-000000000002';
      await session.create(config('owned', { ownerReferences: [ownedBy(owner, { uid })] }));
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'what calls its owner by another name goes',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(config('owned', { ownerReferences: [ownedBy(owner, { name: 'other' })] }));
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'a reference that changes is not looked at',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(config('owned', { ownerReferences: [ownedBy(owner)] }));
      const ownerReferences = [ownedBy(owner, { name: 'other' })];
      await session.patch('ConfigMap', 'owned', { metadata: { ownerReferences } });
    },
  },
  {
    name: 'an owner of a kind that is not served',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      const missing = ownedBy(owner, { name: 'missing', uid: '00000000-0000-4000-8000-000000000003' });
      const ownerReferences = [ownedBy(owner, { kind: 'Nothing' }), missing];
      await session.create(config('owned', { ownerReferences }));
    },
  },
  {
    name: 'an owner that is not there in an older version',
    run: async (session) => {
      const uid = '00000000-0000-4000-8000-000000000004';
      const reference = {
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        name: 'missing',
        uid,
      };
      await session.create(config('owned', { ownerReferences: [reference] }));
      await session.gone('ConfigMap', 'owned');
    },
  },
  {
    name: 'what is owned by an object of the cluster goes with it',
    run: async (session) => {
      const owner = await session.create(priority('of-a-map'));
      await session.create(config('owned', { ownerReferences: [ownedBy(owner)] }));
      await session.create(
        config('kept', {
          ownerReferences: [ownedBy(owner), ownedBy(session.seen('ConfigMap', 'kube-root-ca.crt')!)],
        }),
      );
      await session.delete('PriorityClass', 'of-a-map');
      await session.gone('ConfigMap', 'owned');
      await session.has('ConfigMap', 'kept', ({ metadata }) => metadata.ownerReferences?.length === 1);
    },
  },
  {
    name: 'an object of the cluster is not owned by one of a namespace',
    run: async (session) => {
      const owner = await session.create(config('owner'));
      await session.create(priority('of-nobody', { ownerReferences: [ownedBy(owner)] }));
      await session.delete('ConfigMap', 'owner');
      await session.gone('ConfigMap', 'owner');
      const event = ({ reason, involvedObject }: Loose): boolean =>
        reason === 'OwnerRefInvalidNamespace' && involvedObject.name === 'of-nobody';
      await session.until('the event', () => session.everywhere('Event').some(event));
      session.note('what is said', session.everywhere('Event').find(event)!);
      session.note('of nobody', await session.api.get(session.path('PriorityClass', 'of-nobody')));
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
    name: 'a role is made of others',
    run: async (session) => {
      const rule = (resource: string): object => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });
      const part = (name: string, ...resources: readonly string[]): { kind: string } =>
        ({
          kind: 'ClusterRole',
          metadata: { name, labels: { of: 'whole' } },
          rules: resources.map(rule),
        }) as { kind: string };
      const whole = (name: string, of: string): { kind: string } =>
        ({
          kind: 'ClusterRole',
          metadata: { name },
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { of } }] },
          rules: [rule('secrets')],
        }) as { kind: string };
      await session.create(part('part-b', 'pods', 'services'));
      await session.create(part('part-a', 'nodes', 'pods'));
      await session.create(whole('whole', 'whole'));
      await session.create(whole('lonely', 'nothing'));
      session.note('whole', await session.has('ClusterRole', 'whole', ({ rules }) => rules.length === 3));
      await session.delete('ClusterRole', 'part-b');
      session.note('less', await session.has('ClusterRole', 'whole', ({ rules }) => rules.length === 2));
      await session.delete('ClusterRole', 'part-a');
      session.note(
        'empty',
        await session.has('ClusterRole', 'whole', ({ rules }) => (rules ?? []).length === 0),
      );
      session.note('lonely', session.seen('ClusterRole', 'lonely')!);
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
    name: 'a token is deleted that its account lists',
    run: async (session) => {
      const secrets = [{ name: 'token' }, { name: 'other' }];
      await session.create({ kind: 'ServiceAccount', metadata: { name: 'robot' }, secrets });
      await session.create({
        kind: 'Secret',
        type: 'kubernetes.io/service-account-token',
        metadata: { name: 'token', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      });
      await session.has('Secret', 'token', ({ data }) => data?.token !== undefined);
      await session.delete('Secret', 'token');
      await session.has('ServiceAccount', 'robot', (account) => account['secrets'].length === 1);
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
