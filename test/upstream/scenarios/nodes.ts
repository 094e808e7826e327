import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { pod } from './objects.ts';
import { HOLD } from './steps.ts';

/** Kubernetes gives up a node after 50 s, and looks for pods without one every 20 s, to wait for 40 s more. */
const PATIENCE_MS = 110_000;
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const NOT_READY = 'node.kubernetes.io/not-ready';

let said = 0;

/** A second that was not told before, so that who tells it owns it. */
const now = (): string => new Date(Date.now() + 1_000 * said++).toISOString().replace(/\.\d+/, '');

function condition(type: string, status: string): object {
  return { type, status, reason: 'Said', message: '', lastHeartbeatTime: now(), lastTransitionTime: now() };
}

/** A node that nobody runs, in a zone of its own: how others are does not matter to it. */
function makeNode(session: Session, name: string, more: object = {}, spec: object = {}): Promise<Loose> {
  const labels = { 'topology.kubernetes.io/zone': name, 'kubernetes.io/os': 'linux' };
  return session.create({ kind: 'Node', metadata: { name, labels }, spec, ...more });
}

/** One that says it is ready, once. */
function makeReadyNode(session: Session, name: string): Promise<Loose> {
  return makeNode(session, name, { status: { conditions: [condition('Ready', 'True')] } });
}

/** Some time after what was said before, whatever the time: who says the same again owns it no more than others. */
async function says(
  session: Session,
  node: string,
  ...types: readonly (readonly [string, string])[]
): Promise<Loose> {
  await session.nextSecond();
  const conditions = types.map(([type, status]) => condition(type, status));
  return session.api.patch(session.path('Node', node, 'status'), { status: { conditions } }, 'strategic');
}

interface PodOptions {
  readonly spec?: object;
  readonly finalizers?: readonly string[];
}

/** A pod on a node, running and ready as far as anybody knows. */
async function makePod(
  session: Session,
  name: string,
  nodeName: string,
  { spec, finalizers = [] }: PodOptions = {},
): Promise<void> {
  await session.create(pod(name, { nodeName, ...spec }, { finalizers }));
  const conditions = [condition('Ready', 'True')];
  await session.patch('Pod', name, { status: { phase: 'Running', conditions } }, 'status');
}

const tolerating = (key: string, tolerationSeconds?: number): object => ({
  tolerations: [{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }],
});

const hasTaint =
  (key: string, effect: string) =>
  ({ spec }: Loose): boolean =>
    (spec.taints ?? []).some(
      (taint: { key: string; effect: string }) => taint.key === key && taint.effect === effect,
    );

const hasTaints =
  (count: number, one: string) =>
  (node: Loose): boolean =>
    node.spec.taints.length === count && hasTaint(`node.kubernetes.io/${one}`, 'NoSchedule')(node);

const isEnding = ({ metadata }: Loose): boolean => metadata.deletionTimestamp !== undefined;
const hasFailed = ({ status }: Loose): boolean => status?.phase === 'Failed';

/** Adds the node as it is, and what was said of it, to the picture. */
function noteNode(session: Session, name: string, title = name): void {
  session.note(title, session.seen('Node', name)!);
}

async function noteEvent(session: Session, node: string, reason: string): Promise<void> {
  const find = (): Loose | undefined =>
    session
      .everywhere('Event')
      .find((event) => event['reason'] === reason && event['involvedObject'].name === node);
  await session.until(`${reason} of ${node}`, () => find() !== undefined);
  session.note(reason, find()!);
}

const SCENARIOS: readonly Omit<Scenario, 'apart'>[] = [
  {
    name: 'a node that never says anything',
    run: async (session) => {
      await makeNode(session, 'mute');
      await session.has(
        'Node',
        'mute',
        ({ metadata }) => metadata.labels?.['beta.kubernetes.io/os'] === 'linux',
      );
      await session.has('Node', 'mute', ({ metadata }) => metadata.annotations !== undefined);
      await session.has(
        'Node',
        'mute',
        ({ spec }) => spec.taints === undefined && spec.podCIDR !== undefined,
      );
      noteNode(session, 'mute', 'at first');
      await session.has('Node', 'mute', hasTaint(UNREACHABLE, 'NoExecute'), PATIENCE_MS);
      noteNode(session, 'mute', 'in the end');
      await noteEvent(session, 'mute', 'RegisteredNode');
    },
  },
  {
    name: 'a node that falls silent',
    run: async (session) => {
      await makeReadyNode(session, 'silent');
      await makePod(session, 'loyal', 'silent', { spec: tolerating(UNREACHABLE) });
      await makePod(session, 'patient', 'silent', { spec: tolerating(UNREACHABLE, 2), finalizers: [HOLD] });
      await makePod(session, 'ordinary', 'silent');
      await session.has('Node', 'silent', hasTaint(UNREACHABLE, 'NoExecute'), PATIENCE_MS);
      await session.has('Node', 'silent', hasTaint(UNREACHABLE, 'NoSchedule'));
      noteNode(session, 'silent');
      await noteEvent(session, 'silent', 'NodeNotReady');
      await session.has('Pod', 'patient', isEnding);
      await session.count('Event', 3, (event) => event['reason'] === 'NodeNotReady');
    },
  },
  {
    name: 'a node that says it is not ready, and comes back',
    run: async (session) => {
      await makeReadyNode(session, 'ill');
      await makePod(session, 'patient', 'ill', { spec: tolerating(NOT_READY, 2), finalizers: [HOLD] });
      await makePod(session, 'ordinary', 'ill');
      await says(session, 'ill', ['Ready', 'False']);
      await session.has('Node', 'ill', hasTaint(NOT_READY, 'NoExecute'));
      await session.has('Pod', 'patient', isEnding);
      noteNode(session, 'ill', 'while it is ill');
      await says(session, 'ill', ['Ready', 'True']);
      await session.has('Node', 'ill', ({ spec }) => spec.taints === undefined);
      await session.event('TaintManagerEviction', /Cancelling/);
    },
  },
  {
    name: 'a node with taints of somebody under pressure',
    run: async (session) => {
      const taints = [
        { key: 'example.com/mine', effect: 'NoSchedule' },
        { key: 'example.com/too', value: 'b', effect: 'PreferNoSchedule' },
      ];
      const status = { conditions: [condition('DiskPressure', 'True'), condition('Ready', 'True')] };
      await makeNode(session, 'pressed', { status }, { taints });
      await session.has('Node', 'pressed', hasTaints(3, 'disk-pressure'));
      await session.patch('Node', 'pressed', { spec: { unschedulable: true } });
      await session.has('Node', 'pressed', hasTaints(4, 'unschedulable'));
      await says(session, 'pressed', ['MemoryPressure', 'True'], ['NetworkUnavailable', 'True']);
      await session.has('Node', 'pressed', hasTaints(6, 'memory-pressure'));
      noteNode(session, 'pressed', 'under pressure');
      await says(session, 'pressed', ['DiskPressure', 'False']);
      await session.has('Node', 'pressed', hasTaints(5, 'memory-pressure'));
      noteNode(session, 'pressed', 'with room again');
    },
  },
  {
    name: 'pods come to a node with a taint',
    run: async (session) => {
      await makeReadyNode(session, 'tainted');
      const key = 'example.com/maintenance';
      const taints = [{ key, value: 'a', effect: 'NoExecute' }];
      await session.patch('Node', 'tainted', { spec: { taints } });
      await session.create(pod('strange', { nodeName: 'tainted' }, { finalizers: [HOLD] }));
      await makePod(session, 'patient', 'tainted', { spec: tolerating(key, 3), finalizers: [HOLD] });
      await makePod(session, 'loyal', 'tainted', { spec: tolerating(key) });
      await makePod(session, 'saved', 'tainted', { spec: tolerating(key, 60) });
      await session.has('Pod', 'strange', isEnding);
      await session.has('Pod', 'patient', isEnding);
      await session.patch('Node', 'tainted', { spec: { taints: null } });
      await session.event('TaintManagerEviction', /Cancelling deletion of Pod .*saved/);
    },
  },
  {
    name: 'a node that is deleted',
    run: async (session) => {
      await makeReadyNode(session, 'gone');
      await makePod(session, 'held', 'gone', { finalizers: [HOLD] });
      await makePod(session, 'free', 'gone');
      // Those who see to it at intervals must have seen it.
      await noteEvent(session, 'gone', 'RegisteredNode');
      await session.delete('Node', 'gone');
      await noteEvent(session, 'gone', 'RemovingNode');
      await session.has('Pod', 'held', hasFailed, PATIENCE_MS);
      await session.gone('Pod', 'free');
    },
  },
  {
    name: 'a pod on its way out that no node has',
    run: async (session) => {
      await session.create(pod('held', { schedulerName: 'nobody' }, { finalizers: [HOLD] }));
      await session.delete('Pod', 'held');
      await session.has('Pod', 'held', hasFailed);
    },
  },
  {
    name: 'a node out of service',
    run: async (session) => {
      await makeReadyNode(session, 'broken');
      await makePod(session, 'going', 'broken', { finalizers: [HOLD] });
      await makePod(session, 'staying', 'broken', { spec: { tolerations: [{ operator: 'Exists' }] } });
      await says(session, 'broken', ['Ready', 'False']);
      await session.has('Node', 'broken', hasTaint(NOT_READY, 'NoExecute'));
      await session.delete('Pod', 'going');
      const value = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' };
      const patch = [{ op: 'add', path: '/spec/taints/-', value }];
      await session.api.patch(session.path('Node', 'broken'), patch, 'json');
      await session.has('Pod', 'going', hasFailed);
    },
  },
];

export const NODES: readonly Scenario[] = SCENARIOS.map((scenario) => ({ ...scenario, apart: true }));
