import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { deployment, pod, podTemplate } from './objects.ts';
import { classOf, offer, resourceOf, runs, taking } from './steps.ts';

/** Makes a pod of a priority that runs in one place. */
async function resident(session: Session, name: string, priorityClassName: string): Promise<void> {
  await session.create(pod(name, taking(session, 1, { priorityClassName })));
  await runs(session, name);
}

const budget = (app: string): { kind: string; metadata: { name: string } } =>
  ({
    kind: 'PodDisruptionBudget',
    metadata: { name: app },
    spec: { minAvailable: 1, selector: { matchLabels: { app } } },
  }) as { kind: string; metadata: { name: string } };

async function protect(session: Session, app: string): Promise<void> {
  await session.create(budget(app));
  await session.has('PodDisruptionBudget', app, ({ status }) => status?.currentHealthy === 1);
}

/** A node that nobody runs: what is bound there stays as it is, and leaves when it is made to. */
async function lifeless(session: Session, places: number): Promise<string> {
  const name = `${session.namespace.slice(0, 50)}-node`;
  const amounts = { cpu: '8', memory: '32Gi', pods: '110', [resourceOf(session)]: String(places) };
  const time = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  await session.create({
    kind: 'Node',
    metadata: { name },
    status: {
      capacity: amounts,
      allocatable: amounts,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          lastHeartbeatTime: time,
          lastTransitionTime: time,
        },
      ],
    },
  });
  session.afterwards(() => session.delete('Node', name));
  await session.has('Node', name, ({ spec }) => spec.taints === undefined);
  return name;
}

export const PREEMPTION: readonly Scenario[] = [
  {
    name: 'a pod takes the place of a less important one',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await resident(session, 'low', await classOf(session, 100));
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await runs(session, 'high');
    },
  },
  {
    name: 'the least important pods leave, and no more than have to',
    run: async (session) => {
      await offer(session, 'node-1', 4);
      for (const priority of [100, 200, 300, 400])
        await resident(session, `pod-${priority}`, await classOf(session, priority));
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 2, { priorityClassName: high })));
      await runs(session, 'high');
    },
  },
  {
    name: 'the node with the least important pod is freed',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await resident(session, 'middle', await classOf(session, 500));
      await offer(session, 'node-2', 1);
      await resident(session, 'low', await classOf(session, 100));
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await runs(session, 'high');
    },
  },
  {
    name: 'a budget turns preemption to other pods',
    run: async (session) => {
      const low = await classOf(session, 100);
      await offer(session, 'node-1', 1);
      await resident(session, 'guarded', low);
      await protect(session, 'guarded');
      await offer(session, 'node-2', 1);
      await resident(session, 'other', low);
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await runs(session, 'high');
      await runs(session, 'guarded');
    },
  },
  {
    name: 'a budget does not keep a pod where nothing else can leave',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await resident(session, 'guarded', await classOf(session, 100));
      await protect(session, 'guarded');
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await runs(session, 'high');
    },
  },
  {
    name: 'a pod that never preempts waits until one leaves',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await resident(session, 'low', await classOf(session, 100));
      const polite = await classOf(session, 1000, { preemptionPolicy: 'Never' });
      await session.create(pod('polite', taking(session, 1, { priorityClassName: polite })));
      await session.event('FailedScheduling', /preemptionPolicy=Never/);
      await session.quiet();
      await session.delete('Pod', 'low');
      await runs(session, 'polite');
    },
  },
  {
    name: 'pods of one priority do not displace each other',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      const same = await classOf(session, 100);
      await resident(session, 'first', same);
      await session.create(pod('second', taking(session, 1, { priorityClassName: same })));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'nobody leaves for a pod that would not fit all the same',
    run: async (session) => {
      await offer(session, 'node-1', 2);
      await resident(session, 'low', await classOf(session, 100));
      const high = await classOf(session, 1000);
      await session.create(pod('big', taking(session, 3, { priorityClassName: high })));
      await session.event('FailedScheduling');
      const nodeSelector = { disk: 'none' };
      await session.create(pod('choosy', taking(session, 2, { priorityClassName: high, nodeSelector })));
      await session.event('FailedScheduling', /node affinity/);
    },
  },
  {
    name: 'a pod of a deployment leaves, and its replacement waits',
    run: async (session) => {
      await offer(session, 'node-1', 2);
      const low = await classOf(session, 100);
      const template = podTemplate('web', taking(session, 1, { priorityClassName: low }));
      await session.create(deployment('web', { replicas: 2, template }));
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 2);
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await runs(session, 'high');
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 1);
      await session.count('Pod', 3);
    },
  },
  {
    name: 'a pod leaves that may not be next to an important one',
    run: async (session) => {
      const term = { labelSelector: { matchLabels: { app: 'low' } }, topologyKey: 'kubernetes.io/hostname' };
      await offer(session, 'node-1', 2);
      await resident(session, 'low', await classOf(session, 100));
      const high = await classOf(session, 1000);
      const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      await session.create(pod('high', taking(session, 1, { priorityClassName: high, affinity })));
      await runs(session, 'high');
    },
  },
  {
    name: 'a node is kept for a pod while another leaves',
    alone: true,
    run: async (session) => {
      await lifeless(session, 1);
      const low = await classOf(session, 100);
      await session.create(pod('low', taking(session, 1, { priorityClassName: low })));
      await session.condition('Pod', 'low', 'PodScheduled', 'True');
      const high = await classOf(session, 1000);
      await session.create(pod('high', taking(session, 1, { priorityClassName: high })));
      await session.has('Pod', 'low', ({ metadata }) => metadata.deletionTimestamp !== undefined);
      await session.has('Pod', 'high', ({ status }) => status?.nominatedNodeName !== undefined);
      await session.create(pod('same', taking(session, 1, { priorityClassName: high })));
      await session.condition('Pod', 'same', 'PodScheduled', 'False');
      await session.quiet();
      await session.delete('Pod', 'low', { gracePeriodSeconds: 0 });
      await session.condition('Pod', 'high', 'PodScheduled', 'True');
    },
  },
  {
    name: 'a node that is kept goes to a more important pod',
    alone: true,
    run: async (session) => {
      await lifeless(session, 1);
      const low = await classOf(session, 100);
      await session.create(pod('low', taking(session, 1, { priorityClassName: low })));
      await session.condition('Pod', 'low', 'PodScheduled', 'True');
      for (const priority of [500, 1000]) {
        const priorityClassName = await classOf(session, priority);
        const name = `pod-${priority}`;
        await session.create(pod(name, taking(session, 1, { priorityClassName })));
        await session.has('Pod', name, ({ status }) => status?.nominatedNodeName !== undefined);
        await session.quiet();
      }
      await session.delete('Pod', 'low', { gracePeriodSeconds: 0 });
      await session.condition('Pod', 'pod-1000', 'PodScheduled', 'True');
    },
  },
];
