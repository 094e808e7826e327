import type { Scenario } from '../scenario.ts';
import { pod, podTemplate, replicaSet } from './objects.ts';

function controller(name: string, spec: object): { kind: string; metadata: object } {
  return {
    kind: 'ReplicationController',
    metadata: { name },
    spec: { selector: { app: name }, template: podTemplate(name), ...spec },
  } as { kind: string; metadata: object };
}

export const REPLICA_SETS: readonly Scenario[] = [
  {
    name: 'a replica set adopts a pod and makes the rest',
    run: async (session) => {
      await session.create(pod('web'));
      await session.has('Pod', 'web', ({ status }) => status?.phase === 'Running');
      await session.create(replicaSet('web', { replicas: 3 }));
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 3);
    },
  },
  {
    name: 'a replica set adopts too many pods',
    run: async (session) => {
      for (const name of ['a', 'b', 'c']) await session.create(pod(name, {}, { labels: { app: 'web' } }));
      await session.count('Pod', 3, ({ status }) => status?.phase === 'Running');
      await session.create(replicaSet('web', { replicas: 0 }));
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a replica set lets go of a pod that no longer matches',
    run: async (session) => {
      await session.create(replicaSet('web', { replicas: 2 }));
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 2);
      const [first] = session.list('Pod');
      await session.patch('Pod', first!.metadata.name!, { metadata: { labels: { app: 'debug' } } });
      await session.count('Pod', 3, ({ status }) => status?.phase === 'Running');
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 2);
    },
  },
  {
    name: 'a replica set goes without its pods',
    run: async (session) => {
      await session.create(replicaSet('web', { replicas: 2 }));
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 2);
      await session.delete('ReplicaSet', 'web', { propagationPolicy: 'Orphan' });
      await session.gone('ReplicaSet', 'web');
      await session.count('Pod', 2, ({ metadata }) => metadata.ownerReferences === undefined);
    },
  },
  {
    name: 'a replica set whose pods are refused',
    run: async (session) => {
      await session.create({
        kind: 'ResourceQuota',
        metadata: { name: 'few' },
        spec: { hard: { pods: '1' } },
      });
      await session.has('ResourceQuota', 'few', ({ status }) => status?.used?.pods === '0');
      await session.create(replicaSet('web', { replicas: 3 }));
      await session.condition('ReplicaSet', 'web', 'ReplicaFailure', 'True', 'FailedCreate');
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 1);
    },
  },
  {
    name: 'a replica set whose service account is missing',
    run: async (session) => {
      const template = podTemplate('web', { serviceAccountName: 'nobody' });
      await session.create(replicaSet('web', { replicas: 1, template }));
      await session.condition('ReplicaSet', 'web', 'ReplicaFailure', 'True', 'FailedCreate');
    },
  },
  {
    name: 'pods of a lower deletion cost go first',
    run: async (session) => {
      await session.create(replicaSet('web', { replicas: 3 }));
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 3);
      const [, second] = session.list('Pod');
      const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-5' };
      await session.patch('Pod', second!.metadata.name!, { metadata: { annotations } });
      await session.scale('ReplicaSet', 'web', 2);
      await session.gone('Pod', second!.metadata.name!);
      await session.has('ReplicaSet', 'web', ({ status }) => status?.replicas === 2);
    },
  },
  {
    name: 'a replication controller scales',
    run: async (session) => {
      await session.create(controller('web', { replicas: 2 }));
      await session.has('ReplicationController', 'web', ({ status }) => status?.availableReplicas === 2);
      await session.scale('ReplicationController', 'web', 1);
      await session.has('ReplicationController', 'web', ({ status }) => status?.replicas === 1);
    },
  },
  {
    name: 'a replica set is deleted in the foreground',
    run: async (session) => {
      await session.create(replicaSet('web', { replicas: 2 }));
      await session.has('ReplicaSet', 'web', ({ status }) => status?.availableReplicas === 2);
      await session.delete('ReplicaSet', 'web', { propagationPolicy: 'Foreground' });
      await session.gone('ReplicaSet', 'web');
      await session.count('Pod', 0);
    },
  },
];
