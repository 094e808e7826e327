import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { pod, SERVER } from './objects.ts';
import { classOf, offer, runs, taking } from './steps.ts';

/** Three kinds of pods: the usual ones, those that fill nodes one by one, and those for which nobody has to leave. */
const CONFIGURATION = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  profiles: [
    { schedulerName: 'default-scheduler' },
    {
      schedulerName: 'packer',
      pluginConfig: [
        {
          name: 'NodeResourcesFit',
          args: { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] } },
        },
      ],
      plugins: {
        multiPoint: {
          disabled: [{ name: 'PodTopologySpread' }, { name: 'NodeResourcesBalancedAllocation' }],
        },
      },
    },
    {
      schedulerName: 'polite',
      plugins: { multiPoint: { disabled: [{ name: 'DefaultPreemption' }] } },
    },
    {
      schedulerName: 'elsewhere',
      pluginConfig: [
        {
          name: 'NodeAffinity',
          args: {
            addedAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'place', operator: 'In', values: ['elsewhere'] }] },
                ],
              },
            },
          },
        },
      ],
    },
  ],
};

/** A pod of a profile that takes one of the places. */
function of(
  session: Session,
  name: string,
  schedulerName: string,
  rest: object = {},
): ReturnType<typeof pod> {
  return pod(name, taking(session, 1, { schedulerName, ...rest }));
}

const SCENARIOS: readonly Omit<Scenario, 'schedulerConfiguration'>[] = [
  {
    name: 'pods of each profile are scheduled under its name',
    run: async (session) => {
      for (const schedulerName of ['default-scheduler', 'packer', 'polite']) {
        await session.create(pod(`by-${schedulerName}`, { schedulerName }));
        await runs(session, `by-${schedulerName}`);
      }
      await session.create(pod('by-nobody', { schedulerName: 'nobody' }));
    },
  },
  {
    name: 'a profile fills nodes one by one',
    alone: true,
    run: async (session) => {
      const containers = [{ ...SERVER, resources: { requests: { cpu: '100m' } } }];
      for (const name of ['a', 'b', 'c', 'd']) {
        await session.create(pod(name, { schedulerName: 'packer', containers }));
        await runs(session, name);
      }
      await session.until('all on one node', () => {
        const nodes = session.list('Pod').map(({ spec }) => spec.nodeName as string);
        return new Set(nodes).size === 1;
      });
    },
  },
  {
    name: 'a pod of one profile leaves for that of another',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await session.create(of(session, 'low', 'polite'));
      await runs(session, 'low');
      const priorityClassName = await classOf(session, 1000);
      await session.create(of(session, 'high', 'packer', { priorityClassName }));
      await runs(session, 'high');
    },
  },
  {
    name: 'nobody leaves for a pod of a profile without preemption',
    run: async (session) => {
      await offer(session, 'node-1', 1);
      await session.create(of(session, 'low', 'packer'));
      await runs(session, 'low');
      const priorityClassName = await classOf(session, 1000);
      await session.create(of(session, 'high', 'polite', { priorityClassName }));
      await session.event('FailedScheduling');
      await session.quiet();
      await session.delete('Pod', 'low');
      await runs(session, 'high');
    },
  },
  {
    name: 'a profile keeps its pods to nodes that it chooses',
    run: async (session) => {
      await session.create(pod('early', { schedulerName: 'elsewhere' }));
      await session.event('FailedScheduling');
      await session.delete('Pod', 'early');
      await session.gone('Pod', 'early');
      await session.patch('Node', 'node-2', { metadata: { labels: { place: 'elsewhere' } } });
      await session.create(pod('late', { schedulerName: 'elsewhere' }));
      await session.has('Pod', 'late', ({ spec }) => spec.nodeName === 'node-2');
      await runs(session, 'late');
    },
  },
];

export const PROFILES: readonly Scenario[] = SCENARIOS.map((scenario) => ({
  ...scenario,
  schedulerConfiguration: CONFIGURATION,
}));
