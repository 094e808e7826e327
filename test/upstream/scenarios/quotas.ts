import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, deployment, job, pod, podTemplate, replicaSet, SERVER, service, sleeper } from './objects.ts';
import { rolledOut } from './deployments.ts';

type Amounts = Readonly<Record<string, string>>;

function quota(name: string, hard: Amounts, more: object = {}): { kind: string; metadata: object } {
  return { kind: 'ResourceQuota', metadata: { name }, spec: { hard, ...more } } as {
    kind: string;
    metadata: object;
  };
}

/** Makes a quota, and waits until what is used of it is known. */
async function limit(session: Session, name: string, hard: Amounts, more: object = {}): Promise<void> {
  await session.create(quota(name, hard, more));
  await session.has('ResourceQuota', name, ({ status }) => status?.used !== undefined);
}

/** Waits until so much of a quota is used. */
function uses(session: Session, name: string, used: Amounts): Promise<Loose> {
  return session.has('ResourceQuota', name, ({ status }) =>
    Object.entries(used).every(([key, amount]) => status?.used?.[key] === amount),
  );
}

const asking = (resources: object): object => ({ containers: [{ ...SERVER, resources }] });

const ofClass = (operator: string, ...values: string[]): object => ({
  scopeSelector: {
    matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values.length === 0 ? {} : { values }) }],
  },
});

const running = (session: Session, name: string): Promise<Loose> =>
  session.has('Pod', name, ({ status }) => status?.phase === 'Running');

export const QUOTAS: readonly Scenario[] = [
  {
    name: 'a quota counts what pods ask for',
    run: async (session) => {
      await limit(session, 'q', { pods: '9', 'requests.cpu': '2', 'limits.memory': '4Gi', cpu: '2' });
      const spec = asking({ requests: { cpu: '150m' }, limits: { cpu: '1', memory: '256Mi' } });
      await session.create(deployment('web', { replicas: 3, template: podTemplate('web', spec) }));
      await rolledOut(session, 'web', 3);
      await uses(session, 'q', { pods: '3', 'requests.cpu': '450m', 'limits.memory': '768Mi' });
      await session.scale('Deployment', 'web', 1);
      await session.count('Pod', 1);
      await uses(session, 'q', { pods: '1', 'requests.cpu': '150m', 'limits.memory': '256Mi' });
    },
  },
  {
    name: 'a quota counts pods that were there before it',
    run: async (session) => {
      await session.create(pod('web', asking({ requests: { cpu: '150m', memory: '64Mi' } })));
      await running(session, 'web');
      await limit(session, 'q', { pods: '1', 'requests.memory': '1Gi', 'count/pods': '2' });
      await uses(session, 'q', { pods: '1', 'requests.memory': '64Mi', 'count/pods': '1' });
    },
  },
  {
    name: 'a quota leaves no room for a replica set',
    run: async (session) => {
      await limit(session, 'q', { pods: '2' });
      await session.create(replicaSet('web', { replicas: 4 }));
      await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
      await session.condition('ReplicaSet', 'web', 'ReplicaFailure', 'True', 'FailedCreate');
      await session.patch('ResourceQuota', 'q', { spec: { hard: { pods: '4' } } });
      await session.count('Pod', 4, ({ status }) => status?.phase === 'Running');
      await uses(session, 'q', { pods: '4' });
      await session.has('ReplicaSet', 'web', ({ status }) => status.availableReplicas === 4);
    },
  },
  {
    name: 'a quota leaves no room for a deployment',
    run: async (session) => {
      await limit(session, 'q', { pods: '1' });
      await session.create(deployment('web', { replicas: 2 }));
      await session.condition('Deployment', 'web', 'ReplicaFailure', 'True', 'FailedCreate');
      await session.has('Deployment', 'web', ({ status }) => status.availableReplicas === 1);
    },
  },
  {
    name: 'a quota wants to know what pods ask for',
    run: async (session) => {
      await limit(session, 'q', { 'requests.cpu': '1', 'limits.memory': '1Gi' });
      await session.create(replicaSet('web', { replicas: 1 }));
      await session.condition('ReplicaSet', 'web', 'ReplicaFailure', 'True', 'FailedCreate');
    },
  },
  {
    name: 'a quota does not count what pods ended with',
    run: async (session) => {
      await limit(session, 'q', {
        pods: '1',
        'count/pods': '5',
        'count/jobs.batch': '5',
        'requests.cpu': '1',
      });
      const container = { ...sleeper(2), resources: { requests: { cpu: '200m' } } };
      const template = { spec: { restartPolicy: 'Never', containers: [container] } };
      await session.create(job('work', { completions: 2, parallelism: 1, template }));
      await session.condition('Job', 'work', 'Complete', 'True');
      await uses(session, 'q', {
        pods: '0',
        'count/pods': '2',
        'count/jobs.batch': '1',
        'requests.cpu': '0',
      });
    },
  },
  {
    name: 'quotas of pods that end and pods that do not',
    run: async (session) => {
      for (const scope of ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort'])
        await limit(session, scope.toLowerCase(), { pods: '5' }, { scopes: [scope] });
      await session.create(pod('plain'));
      await session.create(pod('modest', asking({ requests: { memory: '64Mi' } })));
      await session.create(pod('brief', { activeDeadlineSeconds: 3600 }));
      for (const name of ['plain', 'modest', 'brief']) await running(session, name);
      await uses(session, 'terminating', { pods: '1' });
      await uses(session, 'notterminating', { pods: '2' });
      await uses(session, 'besteffort', { pods: '2' });
      await uses(session, 'notbesteffort', { pods: '1' });
      await session.patch('Pod', 'modest', { spec: { activeDeadlineSeconds: 3600 } });
      await uses(session, 'terminating', { pods: '2' });
      await uses(session, 'notterminating', { pods: '1' });
      await session.delete('Pod', 'plain');
      await session.gone('Pod', 'plain');
      await uses(session, 'besteffort', { pods: '1' });
      await uses(session, 'notterminating', { pods: '0' });
    },
  },
  {
    name: 'quotas by priority',
    run: async (session) => {
      for (const [name, value] of [['quota-high', 1000] as const, ['quota-low', 10] as const])
        await session.create({ kind: 'PriorityClass', metadata: { name }, value });
      await limit(session, 'high', { pods: '1' }, ofClass('In', 'quota-high'));
      await limit(session, 'others', { pods: '5' }, ofClass('NotIn', 'quota-high'));
      await limit(session, 'some', { pods: '5' }, ofClass('Exists'));
      await limit(session, 'none', { pods: '5' }, ofClass('DoesNotExist'));
      await session.create(pod('first', { priorityClassName: 'quota-high' }));
      await session.create(pod('low', { priorityClassName: 'quota-low' }));
      await session.create(pod('plain'));
      await session.refused(session.create(pod('second', { priorityClassName: 'quota-high' })));
      for (const name of ['first', 'low', 'plain']) await running(session, name);
      await uses(session, 'high', { pods: '1' });
      await uses(session, 'others', { pods: '2' });
      await uses(session, 'some', { pods: '2' });
      await uses(session, 'none', { pods: '1' });
    },
  },
  {
    name: 'a quota of pods that look into other namespaces',
    run: async (session) => {
      await limit(session, 'q', { pods: '1' }, { scopes: ['CrossNamespacePodAffinity'] });
      const term = {
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: { matchLabels: { app: 'nobody' } },
      };
      const avoiding = (more: object): object => ({
        affinity: {
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, ...more }] },
        },
      });
      await session.create(pod('near', avoiding({})));
      await session.create(pod('far', avoiding({ namespaces: ['default'] })));
      await session.refused(session.create(pod('farther', avoiding({ namespaceSelector: {} }))));
      for (const name of ['near', 'far']) await running(session, name);
      await uses(session, 'q', { pods: '1' });
    },
  },
  {
    name: 'a quota of storage by class',
    run: async (session) => {
      const gold = 'gold.storageclass.storage.k8s.io';
      await limit(session, 'q', {
        persistentvolumeclaims: '4',
        'requests.storage': '10Gi',
        [`${gold}/requests.storage`]: '3Gi',
        [`${gold}/persistentvolumeclaims`]: '2',
        'standard.storageclass.storage.k8s.io/persistentvolumeclaims': '0',
      });
      await session.create(claim('one', { storageClassName: 'gold' }));
      await session.create(claim('plain', { storageClassName: '' }));
      await session.refused(session.create(claim('standard')));
      const large = { requests: { storage: '3Gi' } };
      await session.refused(session.create(claim('large', { storageClassName: 'gold', resources: large })));
      await session.create(claim('other', { storageClassName: 'silver', resources: large }));
      await uses(session, 'q', { 'requests.storage': '5Gi', [`${gold}/requests.storage`]: '1Gi' });
      await session.delete('PersistentVolumeClaim', 'one');
      await session.gone('PersistentVolumeClaim', 'one');
      await uses(session, 'q', { persistentvolumeclaims: '2', [`${gold}/persistentvolumeclaims`]: '0' });
    },
  },
  {
    name: 'a quota of objects',
    run: async (session) => {
      await limit(session, 'q', {
        services: '3',
        'services.nodeports': '3',
        'services.loadbalancers': '1',
        secrets: '2',
        configmaps: '5',
        resourcequotas: '1',
        'count/deployments.apps': '1',
        'example.com/licences': '5',
      });
      await session.create(service('plain'));
      const ports = [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ];
      await session.create(service('ports', { type: 'NodePort', ports }));
      await session.create({ kind: 'Secret', metadata: { name: 'one' } });
      await session.create({ kind: 'ConfigMap', metadata: { name: 'one' } });
      await session.create(deployment('web', { replicas: 0 }));
      await session.refused(session.create(deployment('other', { replicas: 0 })));
      await session.refused(session.create(service('balanced', { type: 'LoadBalancer', ports })));
      await session.refused(session.create(quota('second', { pods: '1' })));
      await uses(session, 'q', { services: '2', 'services.nodeports': '2', configmaps: '2' });
      await session.patch('Service', 'ports', { spec: { type: 'ClusterIP' } });
      await uses(session, 'q', { services: '2', 'services.nodeports': '0' });
      await session.delete('Secret', 'one');
      await uses(session, 'q', { secrets: '0' });
    },
  },
  {
    name: 'a quota comes to count something else',
    run: async (session) => {
      await session.create(pod('web', asking({ requests: { cpu: '150m' } })));
      await running(session, 'web');
      await limit(session, 'q', { pods: '5' });
      await session.patch('ResourceQuota', 'q', { spec: { hard: { pods: null, 'requests.cpu': '1' } } });
      await session.has(
        'ResourceQuota',
        'q',
        ({ status }) => status.used['requests.cpu'] === '150m' && status.used.pods === undefined,
      );
    },
  },
];
