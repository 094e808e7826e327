import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { daemonSet, deployment, job, pod, podTemplate, replicaSet, sleeper, statefulSet } from './objects.ts';
import { rolledOut } from './deployments.ts';

function budget(name: string, spec: object): { kind: string; metadata: object } {
  return {
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  } as { kind: string; metadata: object };
}

/** A template of pods that several controllers have, and one budget selects. */
const shared = (app: string): object => ({
  template: podTemplate(app, {}, { labels: { app, tier: 'front' } }),
});

const ofTier = (spec: object): { kind: string } =>
  budget('front', { selector: { matchLabels: { tier: 'front' } }, ...spec });

/** A budget that let pods go whose controller has not seen them go. */
async function pretend(session: Session, disruptedPods: Readonly<Record<string, string>>): Promise<void> {
  await session.patch('PodDisruptionBudget', 'web', { status: { disruptedPods } }, 'status');
}

const GATE = { conditionType: 'example.com/never' };

const allows = (count: number) => (object: Loose) => object.status?.disruptionsAllowed === count;

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
  {
    name: 'a budget counts an eviction whose pod has not gone yet',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3 }));
      await rolledOut(session, 'web', 3);
      await session.create(budget('web', { minAvailable: 2 }));
      await session.has('PodDisruptionBudget', 'web', allows(1));
      const [held] = session.list('Pod').map(({ metadata }) => metadata.name!);
      await pretend(session, { [held!]: new Date().toISOString().replace(/\.\d+/, '') });
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status.currentHealthy === 2);
      const other = session.list('Pod').find(({ metadata }) => metadata.name !== held)!;
      await session.refused(session.evict(other.metadata.name!));
    },
  },
  {
    name: 'a budget gives up an eviction whose pod stays',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await rolledOut(session, 'web', 2);
      await session.create(budget('web', { maxUnavailable: 1 }));
      await session.has('PodDisruptionBudget', 'web', allows(1));
      const [held] = session.list('Pod').map(({ metadata }) => metadata.name!);
      await pretend(session, { [held!]: '2026-01-01T00:00:00Z', gone: '2026-01-01T00:00:00Z' });
      await session.event('NotDeleted');
      await session.has(
        'PodDisruptionBudget',
        'web',
        ({ status }) => status.disruptionsAllowed === 1 && status.disruptedPods === undefined,
      );
    },
  },
  {
    name: 'a budget over pods of several controllers',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 3, ...shared('web') }));
      await session.create(replicaSet('api', { replicas: 2, ...shared('api') }));
      await session.create(statefulSet('db', { replicas: 2, ...shared('db') }));
      await session.count('Pod', 7, ({ status }) => status?.phase === 'Running');
      await rolledOut(session, 'web', 3);
      await session.create(ofTier({ maxUnavailable: '30%' }));
      await session.has('PodDisruptionBudget', 'front', ({ status }) => status?.currentHealthy === 7);
      await session.scale('StatefulSet', 'db', 3);
      await session.has('PodDisruptionBudget', 'front', ({ status }) => status?.currentHealthy === 8);
      await session.scale('Deployment', 'web', 1);
      await session.has(
        'PodDisruptionBudget',
        'front',
        ({ status }) => status?.expectedPods === 6 && status.currentHealthy === 6,
      );
    },
  },
  {
    name: 'a budget is made tighter and wider',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 4 }));
      await rolledOut(session, 'web', 4);
      await session.create(budget('web', { minAvailable: '50%' }));
      await session.has('PodDisruptionBudget', 'web', allows(2));
      await session.patch('PodDisruptionBudget', 'web', { spec: { minAvailable: '100%' } });
      await session.has('PodDisruptionBudget', 'web', allows(0));
      await session.patch('PodDisruptionBudget', 'web', { spec: { minAvailable: null, maxUnavailable: 3 } });
      await session.has('PodDisruptionBudget', 'web', allows(3));
    },
  },
  {
    name: 'a budget of pods whose controller cannot be scaled',
    run: async (session) => {
      await session.create(daemonSet('agent', shared('agent')));
      await session.count('Pod', 3, ({ status }) => status?.phase === 'Running');
      await session.create(ofTier({ maxUnavailable: 1 }));
      await session.condition('PodDisruptionBudget', 'front', 'DisruptionAllowed', 'False', 'SyncFailed');
      await session.refused(session.evict(session.list('Pod')[0]!.metadata.name!));
    },
  },
  {
    name: 'a budget in numbers of pods of a job',
    run: async (session) => {
      const template = {
        metadata: { labels: { app: 'web' } },
        spec: { restartPolicy: 'Never', containers: [sleeper(600)] },
      };
      await session.create(job('work', { parallelism: 2, completions: 2, template }));
      await session.has('Job', 'work', ({ status }) => status?.ready === 2);
      await session.create(budget('web', { minAvailable: 1 }));
      await session.has('PodDisruptionBudget', 'web', allows(1));
    },
  },
  {
    name: 'a budget of pods of a controller that nobody knows',
    run: async (session) => {
      const owner = {
        apiVersion: 'example.com/v1',
        kind: 'Fleet',
        name: 'fleet',
        uid: 'f1',
        controller: true,
      };
      await session.create(pod('web', { schedulerName: 'nobody' }, { labels: { app: 'web' } }));
      await session.patch('Pod', 'web', { metadata: { ownerReferences: [owner] } });
      await session.create(budget('web', { maxUnavailable: 1 }));
      await session.condition('PodDisruptionBudget', 'web', 'DisruptionAllowed', 'False', 'SyncFailed');
    },
  },
  {
    name: 'pods that are not ready are evicted by policy',
    run: async (session) => {
      const waiting = podTemplate('web', { readinessGates: [GATE] });
      await session.create(deployment('web', { replicas: 2, template: waiting }));
      await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
      await session.create(budget('web', { minAvailable: 2 }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.desiredHealthy === 2);
      const [first] = session.list('Pod').map(({ metadata }) => metadata.name!);
      await session.refused(session.evict(first!));
      await session.patch('PodDisruptionBudget', 'web', {
        spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      });
      await session.has(
        'PodDisruptionBudget',
        'web',
        ({ metadata, status }) => status?.observedGeneration === metadata['generation'],
      );
      await session.evict(first!);
      await session.gone('Pod', first!);
      await session.count('Pod', 2, ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a pod that nobody has placed is evicted against its budget',
    run: async (session) => {
      await session.create(
        replicaSet('web', { replicas: 2, template: podTemplate('web', { schedulerName: 'nobody' }) }),
      );
      const [first] = await session.count('Pod', 2);
      await session.create(budget('web', { minAvailable: 2 }));
      await session.has('PodDisruptionBudget', 'web', ({ status }) => status?.expectedPods === 2);
      await session.evict(first!.metadata.name!);
      await session.gone('Pod', first!.metadata.name!);
      await session.count('Pod', 2);
    },
  },
];
