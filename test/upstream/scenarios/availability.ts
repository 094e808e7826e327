import type { Scenario } from '../scenario.ts';
import { deployment, pod } from './objects.ts';
import { rolledOut } from './deployments.ts';

function budget(name: string, spec: object): { kind: string; metadata: object } {
  return {
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  } as { kind: string; metadata: object };
}

const autoscaler = (spec: object): { kind: string } =>
  ({
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 4,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
      ...spec,
    },
  }) as { kind: string };

/** A deployment whose pods use so much of what they ask for. */
function using(share: string, replicas: number): ReturnType<typeof deployment> {
  const container = { name: 'app', image: 'nginx:1.25', resources: { requests: { cpu: '100m' } } };
  const metadata = { labels: { app: 'web' }, annotations: { 'kubemu.io/usage-cpu': share } };
  return deployment('web', { replicas, template: { metadata, spec: { containers: [container] } } });
}

export const AVAILABILITY: readonly Scenario[] = [
  {
    name: 'a budget allows as many as it can',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3 }));
      await rolledOut(session, 'web', 3);
      await session.create(budget('web', { minAvailable: 2 }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.disruptionsAllowed === 1);
    },
  },
  {
    name: 'a budget in shares refuses an eviction',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.create(budget('web', { maxUnavailable: '0%' }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.currentHealthy === 2);
      await session.refused(session.evict(session.list('Pod')[0]!.metadata.name!));
    },
  },
  {
    name: 'a budget lets pods be evicted',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3 }));
      await rolledOut(session, 'web', 3);
      await session.create(budget('web', { maxUnavailable: 1 }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.disruptionsAllowed === 1);
      const name = session.list('Pod')[0]!.metadata.name!;
      await session.evict(name);
      await session.gone('Pod', name);
      await rolledOut(session, 'web', 3);
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.disruptionsAllowed === 1);
    },
  },
  {
    name: 'a budget without pods',
    run: async (session) => {
      await session.create(budget('web', { minAvailable: 1 }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.expectedPods === 0);
    },
  },
  {
    name: 'a budget of bare pods',
    run: async (session) => {
      await session.create(pod('web'));
      await session.has('Pod', 'web', ({ status }) => status?.phase === 'Running');
      await session.create(budget('number', { minAvailable: 1 }));
      await session.create(budget('share', { minAvailable: '50%' }));
      await session.create(budget('most', { maxUnavailable: 1 }));
      await session.has('PodDisruptionBudget', 'number', ({ status }) => status?.currentHealthy === 1);
      await session.condition('PodDisruptionBudget', 'most', 'DisruptionAllowed', 'False');
    },
  },
  {
    name: 'an autoscaler adds pods up to its maximum',
    run: async (session) => {
      await session.create(using('100%', 1));
      await rolledOut(session, 'web', 1);
      await session.create(autoscaler({ maxReplicas: 2 }));
      await session.has('HorizontalPodAutoscaler', 'web', ({ status }) => status?.desiredReplicas === 2);
      await rolledOut(session, 'web', 2);
      await session.condition('HorizontalPodAutoscaler', 'web', 'ScalingLimited', 'True', 'TooManyReplicas');
    },
  },
  {
    name: 'an autoscaler keeps what fits',
    run: async (session) => {
      await session.create(using('50%', 2));
      await rolledOut(session, 'web', 2);
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'ScalingActive', 'True');
    },
  },
  {
    name: 'an autoscaler holds pods back that it could remove',
    run: async (session) => {
      await session.create(using('1%', 3));
      await rolledOut(session, 'web', 3);
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'AbleToScale', 'True', 'ScaleDownStabilized');
    },
  },
  {
    name: 'an autoscaler raises to its minimum',
    run: async (session) => {
      await session.create(using('50%', 1));
      await rolledOut(session, 'web', 1);
      await session.create(autoscaler({ minReplicas: 3 }));
      await rolledOut(session, 'web', 3);
    },
  },
  {
    name: 'an autoscaler of pods without requests',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 1 }));
      await rolledOut(session, 'web', 1);
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'ScalingActive', 'False');
    },
  },
  {
    name: 'an autoscaler of nothing',
    run: async (session) => {
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'AbleToScale', 'False');
    },
  },
  {
    name: 'an autoscaler of a deployment of none',
    run: async (session) => {
      await session.create(using('50%', 0));
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'ScalingActive', 'False', 'ScalingDisabled');
    },
  },
  {
    name: 'two autoscalers of one deployment',
    run: async (session) => {
      await session.create(using('50%', 1));
      await rolledOut(session, 'web', 1);
      await session.create(autoscaler({}));
      await session.condition('HorizontalPodAutoscaler', 'web', 'ScalingActive', 'True');
      await session.create({ ...autoscaler({}), metadata: { name: 'second' } } as { kind: string });
      await session.condition(
        'HorizontalPodAutoscaler',
        'web',
        'ScalingActive',
        'False',
        'AmbiguousSelector',
      );
      await session.condition(
        'HorizontalPodAutoscaler',
        'second',
        'ScalingActive',
        'False',
        'AmbiguousSelector',
      );
    },
  },
  {
    name: 'a pod in two budgets',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.create(budget('one', { minAvailable: 1 }));
      await session.create(budget('two', { minAvailable: 1 }));
      await session.has('PodDisruptionBudget', 'two', ({ status }) => status?.currentHealthy === 2);
      // The answer is a success of HTTP that tells of a failure.
      await session.evict(session.list('Pod')[0]!.metadata.name!);
    },
  },
];
