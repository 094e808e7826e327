import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, podTemplate, service, statefulSet } from './objects.ts';

const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});

function ready(session: Session, replicas: number): Promise<Loose> {
  return session.has(
    'StatefulSet',
    'db',
    ({ metadata, status }) =>
      status?.observedGeneration === metadata['generation'] &&
      status.replicas === replicas &&
      (status.availableReplicas ?? 0) === replicas,
  );
}

function updated(session: Session, replicas: number): Promise<Loose> {
  return session.has(
    'StatefulSet',
    'db',
    ({ metadata, status }) =>
      status?.observedGeneration === metadata['generation'] &&
      status.updatedReplicas === replicas &&
      status.currentRevision === status.updateRevision &&
      status.availableReplicas === replicas,
  );
}

const CLAIMS = {
  volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim('data')['spec' as never] }],
};

export const STATEFUL_SETS: readonly Scenario[] = [
  {
    name: 'a stateful set comes up in order, and is scaled',
    run: async (session) => {
      await session.create(service('db', { clusterIP: 'None' }));
      await session.create(statefulSet('db', { replicas: 2 }));
      await ready(session, 2);
      await session.scale('StatefulSet', 'db', 3);
      await ready(session, 3);
      await session.scale('StatefulSet', 'db', 1);
      await ready(session, 1);
    },
  },
  {
    name: 'a stateful set is updated',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2 }));
      await ready(session, 2);
      await session.strategic('StatefulSet', 'db', image('nginx:1.26'));
      await updated(session, 2);
    },
  },
  {
    name: 'a stateful set is updated down to its partition',
    run: async (session) => {
      const updateStrategy = { rollingUpdate: { partition: 1 } };
      await session.create(statefulSet('db', { replicas: 3, updateStrategy }));
      await ready(session, 3);
      await session.strategic('StatefulSet', 'db', image('nginx:1.26'));
      await session.has('StatefulSet', 'db', ({ status }) => status.updatedReplicas === 2);
      await ready(session, 3);
    },
  },
  {
    name: 'a stateful set is updated on deletion',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2, updateStrategy: { type: 'OnDelete' } }));
      await ready(session, 2);
      await session.strategic('StatefulSet', 'db', image('nginx:1.26'));
      await session.delete('Pod', 'db-0');
      await session.has('StatefulSet', 'db', ({ status }) => status.updatedReplicas === 1);
      await ready(session, 2);
    },
  },
  {
    name: 'a stateful set is rolled back',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2, revisionHistoryLimit: 1 }));
      await ready(session, 2);
      for (const version of ['1.26', '1.27', '1.25']) {
        await session.strategic('StatefulSet', 'db', image(`nginx:${version}`));
        await updated(session, 2);
      }
    },
  },
  {
    name: 'a stateful set comes up in parallel',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 3, podManagementPolicy: 'Parallel' }));
      await ready(session, 3);
      await session.scale('StatefulSet', 'db', 0);
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a stateful set starts at an ordinal',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2, ordinals: { start: 5 } }));
      await ready(session, 2);
    },
  },
  {
    name: 'a stateful set gets volumes and keeps them',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2, ...CLAIMS }));
      await ready(session, 2);
      await session.count('PersistentVolumeClaim', 2, ({ status }) => status?.phase === 'Bound');
      await session.scale('StatefulSet', 'db', 1);
      await ready(session, 1);
    },
  },
  {
    name: 'a stateful set deletes its volumes',
    run: async (session) => {
      const persistentVolumeClaimRetentionPolicy = { whenScaled: 'Delete', whenDeleted: 'Delete' };
      await session.create(
        statefulSet('db', { replicas: 2, persistentVolumeClaimRetentionPolicy, ...CLAIMS }),
      );
      await ready(session, 2);
      await session.count('PersistentVolumeClaim', 2, ({ status }) => status?.phase === 'Bound');
      await session.scale('StatefulSet', 'db', 1);
      await ready(session, 1);
      await session.count('PersistentVolumeClaim', 1);
    },
  },
  {
    name: 'a deleted stateful set takes its volumes along',
    run: async (session) => {
      const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete' };
      await session.create(
        statefulSet('db', { replicas: 1, persistentVolumeClaimRetentionPolicy, ...CLAIMS }),
      );
      await ready(session, 1);
      await session.delete('StatefulSet', 'db');
      await session.count('PersistentVolumeClaim', 0);
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a stateful set stays stuck on an image',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2 }));
      await ready(session, 2);
      await session.strategic('StatefulSet', 'db', image('nginx:1.999'));
      await session.has('StatefulSet', 'db', ({ status }) => status.updatedReplicas === 1);
      await session.has('Pod', 'db-1', ({ status }) => status?.phase === 'Pending');
    },
  },
  {
    name: 'a stateful set replaces a pod that failed',
    run: async (session) => {
      // Nobody looks after pods of another scheduler.
      const template = podTemplate('db', { schedulerName: 'nobody' });
      await session.create(statefulSet('db', { replicas: 1, template }));
      const { metadata } = await session.has('Pod', 'db-0');
      await session.patch('Pod', 'db-0', { status: { phase: 'Failed' } }, 'status');
      await session.has('Pod', 'db-0', (pod) => pod.metadata.uid !== metadata.uid);
    },
  },
  {
    name: 'a stateful set whose pods are refused',
    run: async (session) => {
      const template = podTemplate('db', { serviceAccountName: 'nobody' });
      await session.create(statefulSet('db', { replicas: 1, template }));
      await session.event('FailedCreate');
    },
  },
  {
    name: 'a stateful set waits minReadySeconds',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2, minReadySeconds: 2 }));
      await ready(session, 2);
    },
  },
  {
    name: 'a stateful set goes without its pods, and another adopts them',
    run: async (session) => {
      await session.create(statefulSet('db', { replicas: 2 }));
      await ready(session, 2);
      await session.delete('StatefulSet', 'db', { propagationPolicy: 'Orphan' });
      await session.gone('StatefulSet', 'db');
      await session.count('Pod', 2, ({ metadata }) => metadata.ownerReferences === undefined);
      await session.create(statefulSet('db', { replicas: 2 }));
      await ready(session, 2);
      await session.count('Pod', 2, ({ metadata }) => metadata.ownerReferences !== undefined);
    },
  },
];
