import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { deployment, podTemplate } from './objects.ts';

const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});

/** Waits until a rollout is through, as `kubectl rollout status` does. */
export async function rolledOut(session: Session, name: string, replicas: number): Promise<Loose> {
  return session.has(
    'Deployment',
    name,
    ({ metadata, status }) =>
      status?.observedGeneration === metadata['generation'] &&
      (status.updatedReplicas ?? 0) === replicas &&
      (status.replicas ?? 0) === replicas &&
      (status.availableReplicas ?? 0) === replicas,
  );
}

export const DEPLOYMENTS: readonly Scenario[] = [
  {
    name: 'a deployment rolls out, and is scaled up and down',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.scale('Deployment', 'web', 5);
      await rolledOut(session, 'web', 5);
      await session.scale('Deployment', 'web', 1);
      await rolledOut(session, 'web', 1);
    },
  },
  {
    name: 'a deployment is upgraded and rolled back',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3 }));
      await rolledOut(session, 'web', 3);
      await session.strategic('Deployment', 'web', image('nginx:1.26'));
      await rolledOut(session, 'web', 3);
      await session.strategic('Deployment', 'web', image('nginx:1.25'));
      await rolledOut(session, 'web', 3);
    },
  },
  {
    name: 'a failed upgrade runs out of its deadline',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3, progressDeadlineSeconds: 6 }));
      await rolledOut(session, 'web', 3);
      await session.strategic('Deployment', 'web', image('nginx:1.999'));
      await session.condition('Deployment', 'web', 'Progressing', 'False', 'ProgressDeadlineExceeded');
    },
  },
  {
    name: 'a failed upgrade is rolled back',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3, progressDeadlineSeconds: 6 }));
      await rolledOut(session, 'web', 3);
      await session.strategic('Deployment', 'web', image('nginx:1.999'));
      await session.condition('Deployment', 'web', 'Progressing', 'False', 'ProgressDeadlineExceeded');
      await session.strategic('Deployment', 'web', image('nginx:1.25'));
      await rolledOut(session, 'web', 3);
      await session.condition('Deployment', 'web', 'Progressing', 'True', 'NewReplicaSetAvailable');
    },
  },
  {
    name: 'a deployment is recreated',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2, strategy: { type: 'Recreate' } }));
      await rolledOut(session, 'web', 2);
      await session.strategic('Deployment', 'web', image('nginx:1.26'));
      await rolledOut(session, 'web', 2);
    },
  },
  {
    name: 'a paused deployment scales and does not roll out',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.patch('Deployment', 'web', { spec: { paused: true } });
      await session.condition('Deployment', 'web', 'Progressing', 'Unknown', 'DeploymentPaused');
      await session.strategic('Deployment', 'web', image('nginx:1.26'));
      await session.scale('Deployment', 'web', 3);
      await session.count('Pod', 3, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a deployment is resumed',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2, paused: true }));
      await session.condition('Deployment', 'web', 'Progressing', 'Unknown', 'DeploymentPaused');
      await session.patch('Deployment', 'web', { spec: { paused: false } });
      await rolledOut(session, 'web', 2);
    },
  },
  {
    name: 'a deployment forgets old revisions',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 1, revisionHistoryLimit: 1 }));
      await rolledOut(session, 'web', 1);
      for (const version of ['1.26', '1.27', '1.28']) {
        await session.strategic('Deployment', 'web', image(`nginx:${version}`));
        await rolledOut(session, 'web', 1);
      }
      await session.count('ReplicaSet', 2);
    },
  },
  {
    name: 'a deployment adopts a replica set',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.delete('Deployment', 'web', { propagationPolicy: 'Orphan' });
      await session.gone('Deployment', 'web');
      await session.count('ReplicaSet', 1, ({ metadata }) => metadata.ownerReferences === undefined);
      await session.create(deployment('web', { replicas: 3 }));
      await rolledOut(session, 'web', 3);
    },
  },
  {
    name: 'a deployment waits minReadySeconds',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2, minReadySeconds: 3 }));
      await rolledOut(session, 'web', 2);
    },
  },
  {
    name: 'a deployment copies its annotations',
    run: async (session) => {
      const annotations = { 'kubernetes.io/change-cause': 'first', example: 'yes' };
      await session.create(deployment('web', { replicas: 1 }, { annotations, labels: { tier: 'a' } }));
      await rolledOut(session, 'web', 1);
      await session.patch('Deployment', 'web', {
        metadata: { annotations: { 'kubernetes.io/change-cause': 'second' } },
        spec: { template: { metadata: { annotations: { touched: 'yes' } } } },
      });
      await rolledOut(session, 'web', 1);
    },
  },
  {
    name: 'a deployment surges by shares and scales in mid-rollout',
    run: async (session) => {
      const strategy = { rollingUpdate: { maxSurge: '50%', maxUnavailable: '25%' } };
      await session.create(deployment('web', { replicas: 4, strategy, progressDeadlineSeconds: 600 }));
      await rolledOut(session, 'web', 4);
      await session.nextSecond();
      await session.strategic('Deployment', 'web', image('nginx:1.999'));
      await session.has('Deployment', 'web', ({ status }) => status.updatedReplicas === 3);
      await session.quiet();
      await session.scale('Deployment', 'web', 10);
      await session.has(
        'Deployment',
        'web',
        ({ metadata, status }) =>
          status.observedGeneration === metadata['generation'] && status.replicas === 15,
      );
    },
  },
  {
    name: 'deployments that select the same pods',
    run: async (session) => {
      const selector = { matchLabels: { app: 'web' } };
      await session.create(deployment('web', { replicas: 1 }));
      await rolledOut(session, 'web', 1);
      await session.create(deployment('other', { replicas: 1, selector, template: podTemplate('web') }));
      await rolledOut(session, 'other', 1);
    },
  },
  {
    name: 'a deployment is deleted in the foreground',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.delete('Deployment', 'web', { propagationPolicy: 'Foreground' });
      await session.gone('Deployment', 'web');
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a deployment is deleted in the background',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.delete('Deployment', 'web', { propagationPolicy: 'Background' });
      await session.count('ReplicaSet', 0);
      await session.count('Pod', 0);
    },
  },
  {
    name: 'a pod that dies is replaced',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      const name = session.list('Pod')[0]!.metadata.name!;
      await session.delete('Pod', name);
      await session.gone('Pod', name);
      await rolledOut(session, 'web', 2);
    },
  },
];
