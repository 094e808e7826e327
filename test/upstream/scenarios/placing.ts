import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { deployment, pod, podTemplate, SERVER } from './objects.ts';
import { runs } from './steps.ts';

const HOST = 'kubernetes.io/hostname';

const on = (node: string): object => ({ nodeSelector: { [HOST]: node } });

/** A rule that pods of the label `app` are spread over nodes. */
function spread(app: string, rest: object = {}): object {
  const constraint = {
    maxSkew: 1,
    topologyKey: HOST,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app } },
    ...rest,
  };
  return { topologySpreadConstraints: [constraint] };
}

/** A rule that a pod is where, or is not where, pods of the term are. */
function rule(kind: 'podAffinity' | 'podAntiAffinity', term: object): object {
  const required = [{ topologyKey: HOST, ...term }];
  return { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
}

const app = (name: string): object => ({ labelSelector: { matchLabels: { app: name } } });

/** Puts a taint on a node, until all has been looked at. */
async function taint(session: Session, node: string, effect: string): Promise<void> {
  await setTaints(session, node, [{ key: 'scenario', value: 'yes', effect }]);
  session.afterwards(() => setTaints(session, node, []));
}

function setTaints(session: Session, node: string, taints: readonly object[]): Promise<unknown> {
  return session.patch('Node', node, { spec: { taints } });
}

async function cordon(session: Session, ...nodes: string[]): Promise<void> {
  for (const node of nodes) {
    await session.patch('Node', node, { spec: { unschedulable: true } });
    session.afterwards(() => uncordon(session, node));
    await session.has('Node', node, ({ spec }) => spec.taints !== undefined);
  }
}

async function uncordon(session: Session, node: string): Promise<void> {
  await session.patch('Node', node, { spec: { unschedulable: null } });
  await session.has('Node', node, ({ spec }) => spec.taints === undefined);
}

const NODES = ['node-1', 'node-2', 'node-3'];

const nodesOf = (session: Session): string[] =>
  session.list('Pod').flatMap(({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName as string]));

export const PLACING: readonly Scenario[] = [
  {
    name: 'a pod has several gates, and loses one after the other',
    run: async (session) => {
      const gates = ['example.com/first', 'example.com/second', 'example.com/third'].map((name) => ({
        name,
      }));
      await session.create(pod('gated', { schedulingGates: gates }));
      await session.condition('Pod', 'gated', 'PodScheduled', 'False', 'SchedulingGated');
      await session.patch('Pod', 'gated', { spec: { schedulingGates: gates.slice(1) } });
      await session.quiet();
      await session.patch('Pod', 'gated', { spec: { schedulingGates: gates.slice(2) } });
      await session.quiet();
      await session.patch('Pod', 'gated', { spec: { schedulingGates: [] } });
      await runs(session, 'gated');
    },
  },
  {
    name: 'a pod keeps one of its gates',
    run: async (session) => {
      const gates = ['example.com/first', 'example.com/second'].map((name) => ({ name }));
      await session.create(pod('gated', { schedulingGates: gates }));
      await session.condition('Pod', 'gated', 'PodScheduled', 'False', 'SchedulingGated');
      await session.patch('Pod', 'gated', { spec: { schedulingGates: gates.slice(1) } });
    },
  },
  {
    name: 'a gated pod is deleted',
    run: async (session) => {
      await session.create(pod('gated', { schedulingGates: [{ name: 'example.com/first' }] }));
      await session.condition('Pod', 'gated', 'PodScheduled', 'False', 'SchedulingGated');
      await session.delete('Pod', 'gated');
      await session.gone('Pod', 'gated');
    },
  },
  {
    name: 'pods are spread over more nodes than there are',
    run: async (session) => {
      const template = podTemplate('web', spread('web', { minDomains: 5 }));
      await session.create(deployment('web', { replicas: 4, template }));
      await session.event('FailedScheduling');
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 3);
    },
  },
  {
    name: 'pods are spread evenly',
    run: async (session) => {
      const template = podTemplate('web', spread('web'));
      await session.create(deployment('web', { replicas: 6, template }));
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 6);
      await session.until('two on each node', () =>
        NODES.every((node) => nodesOf(session).filter((name) => name === node).length === 2),
      );
    },
  },
  {
    name: 'pods are spread over the nodes they may go to',
    run: async (session) => {
      for (const name of ['first', 'second']) {
        await session.create(pod(name, { ...on('node-1'), ...spread('web') }, { labels: { app: 'web' } }));
        await runs(session, name);
      }
    },
  },
  {
    name: 'pods are spread over all nodes, though they may go to one',
    run: async (session) => {
      const spec = { ...on('node-1'), ...spread('web', { nodeAffinityPolicy: 'Ignore' }) };
      await session.create(pod('first', spec, { labels: { app: 'web' } }));
      await runs(session, 'first');
      await session.create(pod('second', spec, { labels: { app: 'web' } }));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'pods of each revision are spread by themselves',
    run: async (session) => {
      const keys = { matchLabelKeys: ['pod-template-hash'] };
      const template = podTemplate('web', spread('web', keys));
      await session.create(deployment('web', { replicas: 3, template }));
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 3);
      await session.strategic('Deployment', 'web', {
        spec: { template: { spec: { containers: [{ name: 'app', image: 'nginx:1.26' }] } } },
      });
      await session.has(
        'Deployment',
        'web',
        ({ status }) =>
          status?.updatedReplicas === 3 && status.replicas === 3 && status.availableReplicas === 3,
      );
      await session.until('one on each node', () => NODES.every((node) => nodesOf(session).includes(node)));
    },
  },
  {
    name: 'a pod goes where one of another namespace is',
    run: async (session) => {
      const beside = await session.beside('friends');
      await beside.patch('Namespace', beside.namespace, {
        metadata: { labels: { team: session.namespace } },
      });
      const namespaceSelector = { matchLabels: { team: session.namespace } };
      await beside.create(pod('friend'));
      await runs(beside, 'friend');
      await session.create(pod('user', rule('podAffinity', { ...app('friend'), namespaceSelector })));
      await runs(session, 'user');
    },
  },
  {
    name: 'a pod keeps away from those of other namespaces',
    run: async (session) => {
      const beside = await session.beside('rivals');
      await beside.create(pod('rival', on('node-1')));
      await runs(beside, 'rival');
      const term = { ...app('rival'), namespaces: [beside.namespace] };
      await session.create(pod('shy', { ...on('node-1'), ...rule('podAntiAffinity', term) }));
      await session.event('FailedScheduling');
      await beside.delete('Pod', 'rival');
      await runs(session, 'shy');
    },
  },
  {
    name: 'a pod is kept away by one that is there',
    run: async (session) => {
      await session.create(pod('loner', { ...on('node-1'), ...rule('podAntiAffinity', app('guest')) }));
      await runs(session, 'loner');
      await session.create(pod('guest', on('node-1')));
      await session.event('FailedScheduling');
      await session.delete('Pod', 'loner');
      await runs(session, 'guest');
    },
  },
  {
    name: 'the first of a series may go anywhere',
    run: async (session) => {
      const template = podTemplate('web', rule('podAffinity', app('web')));
      await session.create(deployment('web', { replicas: 3, template }));
      await session.has('Deployment', 'web', ({ status }) => status?.availableReplicas === 3);
      await session.until('all on one node', () => new Set(nodesOf(session)).size === 1);
    },
  },
  {
    name: 'a pod waits for a label of a node',
    run: async (session) => {
      const label = `scenario.example.com/${session.namespace}`;
      await session.create(pod('choosy', { nodeSelector: { [label]: 'yes' } }));
      await session.event('FailedScheduling');
      await session.quiet();
      await session.patch('Node', 'node-1', { metadata: { labels: { [label]: 'yes' } } });
      await runs(session, 'choosy');
    },
  },
  {
    name: 'a pod waits for a port that another has',
    run: async (session) => {
      const containers = [{ ...SERVER, ports: [{ containerPort: 80, hostPort: 31_997 }] }];
      await session.create(pod('first', { ...on('node-1'), containers }));
      await runs(session, 'first');
      await session.create(pod('second', { ...on('node-1'), containers }));
      await session.event('FailedScheduling');
      await session.delete('Pod', 'first');
      await runs(session, 'second');
    },
  },
  {
    name: 'a pod is bound by somebody else while it waits',
    run: async (session) => {
      await session.create(pod('stray', { nodeSelector: { disk: 'none' } }));
      await session.event('FailedScheduling');
      await session.quiet();
      await session.api.create(session.path('Pod', 'stray', 'binding'), {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'stray' },
        target: { kind: 'Node', name: 'node-1' },
      });
      await session.has('Pod', 'stray', ({ status }) => status?.phase !== 'Pending');
    },
  },
  {
    name: 'a waiting pod goes',
    run: async (session) => {
      await session.create(pod('stray', { nodeSelector: { disk: 'none' } }));
      await session.event('FailedScheduling');
      await session.delete('Pod', 'stray');
      await session.gone('Pod', 'stray');
    },
  },
  {
    name: 'no node is open to pods, then one is',
    alone: true,
    run: async (session) => {
      await cordon(session, ...NODES);
      await session.create(pod('web'));
      await session.event('FailedScheduling');
      await session.quiet();
      await uncordon(session, 'node-2');
      await runs(session, 'web');
    },
  },
  {
    name: 'a pod tolerates that a node is closed',
    alone: true,
    run: async (session) => {
      await cordon(session, 'node-1');
      const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }];
      await session.create(pod('stubborn', { ...on('node-1'), tolerations }));
      await runs(session, 'stubborn');
    },
  },
  {
    name: 'a pod waits for a taint to go that it does not tolerate',
    alone: true,
    run: async (session) => {
      await taint(session, 'node-1', 'NoSchedule');
      const tolerations = [{ key: 'scenario', value: 'no', effect: 'NoSchedule' }];
      await session.create(pod('wary', { ...on('node-1'), tolerations }));
      await session.event('FailedScheduling');
      const brave = [{ key: 'scenario', value: 'yes', effect: 'NoSchedule' }];
      await session.create(pod('brave', { ...on('node-1'), tolerations: brave }));
      await runs(session, 'brave');
      await setTaints(session, 'node-1', []);
      await runs(session, 'wary');
    },
  },
  {
    name: 'a node that is full of taints and small for a pod at once',
    alone: true,
    run: async (session) => {
      await taint(session, 'node-1', 'NoExecute');
      const containers = [{ ...SERVER, resources: { requests: { cpu: '100' } } }];
      await session.create(pod('big', { containers }));
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'pods are spread over tainted nodes too, unless taints count',
    alone: true,
    run: async (session) => {
      await taint(session, 'node-3', 'NoSchedule');
      const labels = { app: 'web' };
      for (const node of ['node-1', 'node-2']) {
        await session.create(pod(`on-${node}`, on(node), { labels }));
        await runs(session, `on-${node}`);
      }
      await session.create(pod('ignoring', spread('web'), { labels }));
      await session.event('FailedScheduling');
      await session.create(pod('honouring', spread('web', { nodeTaintsPolicy: 'Honor' }), { labels }));
      await runs(session, 'honouring');
    },
  },
  {
    name: 'a pod would rather not go where a taint is',
    alone: true,
    run: async (session) => {
      for (const node of ['node-1', 'node-2']) await taint(session, node, 'PreferNoSchedule');
      await session.create(pod('web'));
      await session.has('Pod', 'web', ({ spec }) => spec.nodeName === 'node-3');
      await runs(session, 'web');
    },
  },
];
