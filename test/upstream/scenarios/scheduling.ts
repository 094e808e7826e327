import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, deployment, pod, podTemplate, SERVER } from './objects.ts';

const requests = (resources: object): object => ({
  containers: [{ ...SERVER, resources: { requests: resources } }],
});

async function unschedulable(session: Session, spec: object): Promise<void> {
  await session.create(pod('stray', spec));
  await session.condition('Pod', 'stray', 'PodScheduled', 'False');
  await session.event('FailedScheduling');
}

const requiredTerm = (expression: object): object => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [expression] }],
      },
    },
  },
});

const podTerm = (app: string): object => ({
  labelSelector: { matchLabels: { app } },
  topologyKey: 'kubernetes.io/hostname',
});

function refusal(name: string, spec: object): Scenario {
  return { name: `no node for a pod: ${name}`, run: (session) => unschedulable(session, spec) };
}

export const SCHEDULING: readonly Scenario[] = [
  refusal('cpu', requests({ cpu: '100' })),
  refusal('memory', requests({ memory: '1Ti' })),
  refusal('cpu and memory', requests({ cpu: '100', memory: '1Ti' })),
  refusal('a resource that is unknown', {
    containers: [{ ...SERVER, resources: { limits: { 'example.com/gpu': '1' } } }],
  }),
  refusal('node selector', { nodeSelector: { disk: 'none' } }),
  refusal('node affinity', requiredTerm({ key: 'zone', operator: 'In', values: ['nowhere'] })),
  refusal('one of them by name, too small', {
    ...requests({ cpu: '100' }),
    nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
  }),
  refusal('claim that is missing', {
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'missing' } }],
  }),
  refusal('pod affinity', {
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podTerm('nobody')] } },
  }),
  refusal('spread over a label that is missing', {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'example.com/rack',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'stray' } },
      },
    ],
  }),
  {
    name: 'no node for a pod: anti-affinity',
    run: async (session) => {
      const affinity = {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podTerm('web')] },
      };
      const template = podTemplate('web', { affinity });
      await session.create(deployment('web', { replicas: 4, template }));
      await session.event('FailedScheduling');
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 3);
    },
  },
  {
    name: 'no node for a pod: host port',
    run: async (session) => {
      const ports = [{ containerPort: 80, hostPort: 31999 }];
      const template = podTemplate('web', { containers: [{ ...SERVER, ports }] });
      await session.create(deployment('web', { replicas: 4, template }));
      await session.event('FailedScheduling');
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 3);
    },
  },
  {
    name: 'no node for a pod: claim that is not bound',
    run: async (session) => {
      await session.create(claim('data', { storageClassName: '' }));
      await unschedulable(session, {
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      });
    },
  },
  {
    name: 'a pod is gated, and let go',
    run: async (session) => {
      await session.create(pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] }));
      await session.condition('Pod', 'gated', 'PodScheduled', 'False', 'SchedulingGated');
      await session.quiet();
      await session.patch('Pod', 'gated', { spec: { schedulingGates: [] } });
      await session.has('Pod', 'gated', ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a pod waits for a label that comes',
    run: async (session) => {
      const affinity = {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podTerm('friend')] },
      };
      await unschedulable(session, { affinity });
      await session.create(pod('friend'));
      await session.has('Pod', 'stray', ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a pod of another scheduler',
    run: async (session) => {
      await session.create(pod('other', { schedulerName: 'other' }));
    },
  },
  {
    name: 'a pod waits for its claim',
    run: async (session) => {
      await unschedulable(session, {
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'late' } }],
      });
      await session.create(claim('late'));
      await session.has('Pod', 'stray', ({ status }) => status?.phase === 'Running');
    },
  },
];
