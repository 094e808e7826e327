import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { daemonSet, podTemplate } from './objects.ts';

const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});

/** Waits until it runs on so many nodes, all of the newest template. */
function ready(session: Session, count: number): Promise<Loose> {
  return session.has(
    'DaemonSet',
    'agent',
    ({ metadata, status }) =>
      status?.observedGeneration === metadata['generation'] &&
      status.desiredNumberScheduled === count &&
      (status.updatedNumberScheduled ?? 0) === count &&
      (status.numberAvailable ?? 0) === count,
  );
}

export const DAEMON_SETS: readonly Scenario[] = [
  {
    name: 'a daemon set runs everywhere',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
    },
  },
  {
    name: 'a daemon set is updated',
    run: async (session) => {
      await session.create(daemonSet('agent', { revisionHistoryLimit: 1 }));
      await ready(session, 3);
      for (const version of ['1.26', '1.27', '1.25']) {
        await session.strategic('DaemonSet', 'agent', image(`nginx:${version}`));
        await ready(session, 3);
      }
    },
  },
  {
    name: 'a daemon set is updated with a surge',
    run: async (session) => {
      const updateStrategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
      await session.create(daemonSet('agent', { updateStrategy }));
      await ready(session, 3);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.26'));
      await ready(session, 3);
      await session.count('Pod', 3);
    },
  },
  {
    name: 'a daemon set is updated on deletion',
    run: async (session) => {
      await session.create(daemonSet('agent', { updateStrategy: { type: 'OnDelete' } }));
      await ready(session, 3);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.26'));
      await session.delete('Pod', session.list('Pod')[0]!.metadata.name!);
      await session.has(
        'DaemonSet',
        'agent',
        ({ status }) => status.updatedNumberScheduled === 1 && status.numberAvailable === 3,
      );
    },
  },
  {
    name: 'a daemon set is for nodes with a label, and there is none',
    run: async (session) => {
      await session.create(
        daemonSet('agent', { template: podTemplate('agent', { nodeSelector: { disk: 'none' } }) }),
      );
      await ready(session, 0);
    },
  },
  {
    name: 'a daemon set is for one node',
    run: async (session) => {
      const nodeSelector = { 'kubernetes.io/hostname': 'node-2' };
      await session.create(daemonSet('agent', { template: podTemplate('agent', { nodeSelector }) }));
      await ready(session, 1);
      await session.strategic('DaemonSet', 'agent', {
        spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-3' } } } },
      });
      await ready(session, 1);
    },
  },
  {
    name: 'a daemon set replaces a pod that failed',
    run: async (session) => {
      await session.create(
        daemonSet('agent', { template: podTemplate('agent', { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 3);
      const name = first!.metadata.name!;
      await session.patch('Pod', name, { status: { phase: 'Failed' } }, 'status');
      await session.gone('Pod', name);
      await session.count('Pod', 3);
    },
  },
  {
    name: 'a daemon set that does not fit',
    run: async (session) => {
      const requests = { cpu: '100' };
      const container = { name: 'app', image: 'nginx:1.25', resources: { requests } };
      await session.create(
        daemonSet('agent', { template: podTemplate('agent', { containers: [container] }) }),
      );
      await session.has('DaemonSet', 'agent', ({ status }) => status?.numberUnavailable === 3);
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'a daemon set surges with no such image, and goes back',
    run: async (session) => {
      const updateStrategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
      await session.create(daemonSet('agent', { updateStrategy }));
      await ready(session, 3);
      // Which pod of a node is the older one is told by seconds.
      await session.nextSecond();
      await session.strategic('DaemonSet', 'agent', image('nginx:1.999'));
      await session.has(
        'DaemonSet',
        'agent',
        ({ metadata, status }) =>
          status.observedGeneration === metadata['generation'] && status.numberAvailable === 3,
      );
      await session.count('Pod', 4);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.25'));
      await ready(session, 3);
      await session.count('Pod', 3);
    },
  },
  {
    name: 'a daemon set surges everywhere at once',
    run: async (session) => {
      const updateStrategy = { rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } };
      await session.create(daemonSet('agent', { updateStrategy }));
      await ready(session, 3);
      // Which pod of a node is the older one is told by seconds.
      await session.nextSecond();
      await session.strategic('DaemonSet', 'agent', image('nginx:1.999'));
      await session.count('Pod', 6);
      await session.has('DaemonSet', 'agent', ({ status }) => status.numberAvailable === 3);
    },
  },
  {
    name: 'a daemon set is updated with no such image, and goes back',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.999'));
      await session.has(
        'DaemonSet',
        'agent',
        ({ status }) => status.updatedNumberScheduled === 1 && status.numberUnavailable === 1,
      );
      await session.strategic('DaemonSet', 'agent', image('nginx:1.25'));
      await ready(session, 3);
    },
  },
  {
    name: 'a daemon set is updated everywhere at once',
    run: async (session) => {
      const updateStrategy = { rollingUpdate: { maxUnavailable: '100%' } };
      await session.create(daemonSet('agent', { updateStrategy }));
      await ready(session, 3);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.26'));
      await ready(session, 3);
      await session.count('Pod', 3);
    },
  },
  {
    name: 'a daemon set waits until pods have been ready for a while',
    run: async (session) => {
      await session.create(daemonSet('agent', { minReadySeconds: 2 }));
      await ready(session, 3);
      await session.strategic('DaemonSet', 'agent', image('nginx:1.26'));
      await ready(session, 3);
    },
  },
  {
    name: 'a daemon set keeps no revisions but those of its pods',
    run: async (session) => {
      await session.create(
        daemonSet('agent', { revisionHistoryLimit: 0, updateStrategy: { type: 'OnDelete' } }),
      );
      await ready(session, 3);
      for (const version of ['1.26', '1.27'])
        await session.strategic('DaemonSet', 'agent', image(`nginx:${version}`));
      await session.count('ControllerRevision', 2);
      for (const { metadata } of session.list('Pod')) await session.delete('Pod', metadata.name!);
      await ready(session, 3);
      await session.count('ControllerRevision', 1);
    },
  },
  {
    name: 'a daemon set makes a revision again',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      const [revision] = await session.count('ControllerRevision', 1);
      await session.delete('ControllerRevision', revision!.metadata.name!);
      await session.count('ControllerRevision', 1, ({ metadata }) => metadata.uid !== revision!.metadata.uid);
    },
  },
  {
    name: 'a daemon set takes up the pods of the one before',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      await session.delete('DaemonSet', 'agent', { propagationPolicy: 'Orphan' });
      await session.gone('DaemonSet', 'agent');
      await session.count('Pod', 3, ({ metadata }) => metadata.ownerReferences === undefined);
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      await session.count('Pod', 3, ({ metadata }) => metadata.ownerReferences !== undefined);
    },
  },
  {
    name: 'a daemon set makes pods again that were deleted or ended',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      const [first] = session.list('Pod').map(({ metadata }) => metadata.name!);
      await session.delete('Pod', first!);
      await session.gone('Pod', first!);
      await ready(session, 3);
    },
  },
  {
    name: 'a daemon set has pods that end well',
    run: async (session) => {
      await session.create(
        daemonSet('agent', { template: podTemplate('agent', { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 3);
      const name = first!.metadata.name!;
      await session.patch('Pod', name, { status: { phase: 'Succeeded' } }, 'status');
      await session.gone('Pod', name);
      await session.count('Pod', 3);
      await session.event('SucceededDaemonPod');
    },
  },
  {
    name: 'a daemon set tolerates more than it is told to',
    run: async (session) => {
      const tolerations = [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 9,
        },
        { key: 'example.com/own', operator: 'Equal', value: 'yes', effect: 'NoSchedule' },
      ];
      await session.create(
        daemonSet('agent', { template: podTemplate('agent', { tolerations, hostNetwork: true }) }),
      );
      await ready(session, 3);
    },
  },
  {
    name: 'a daemon set is deleted with its pods first',
    run: async (session) => {
      await session.create(daemonSet('agent'));
      await ready(session, 3);
      await session.delete('DaemonSet', 'agent', { propagationPolicy: 'Foreground' });
      await session.gone('DaemonSet', 'agent');
      await session.count('Pod', 0);
      await session.count('ControllerRevision', 0);
    },
  },
];
