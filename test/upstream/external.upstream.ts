/** With all of kubemu's controllers off, programs of Kubernetes and kwok take their place. */
import { afterEach, describe, expect, it } from 'vitest';
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { Session } from './session.ts';
import { deployment, job } from './scenarios/objects.ts';

/** Leases that are short enough to wait for their end. */
const BRIEF = [
  '--leader-elect-lease-duration=4s',
  '--leader-elect-renew-deadline=3s',
  '--leader-elect-retry-period=500ms',
];
const ALL_OFF = ['--controllers=', '--scheduler=off', '--nodes', '0'];

let plane: ControlPlane;
afterEach(() => plane.stop());

async function start(options: ControlPlaneOptions): Promise<void> {
  plane = await ControlPlane.start('upstream', options);
}

async function makeNode(name: string): Promise<void> {
  const resources = { cpu: '8', memory: '32Gi', pods: '110' };
  await plane.api.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: { capacity: resources, allocatable: resources },
  });
}

function holder(lease: string): string | undefined {
  return plane.mirror.get('Lease', lease, 'kube-system')?.spec?.holderIdentity;
}

/** Ready, and without the taint that a new node has until the controller manager has seen that. */
const isFree = (name: string) => (): boolean =>
  isReady(name, 'True')() && plane.mirror.get('Node', name)?.spec?.taints === undefined;

const isReady = (name: string, status: string) => (): boolean =>
  (plane.mirror.get('Node', name)?.status?.conditions ?? []).some(
    (condition: { type: string; status: string }) =>
      condition.type === 'Ready' && condition.status === status,
  );

describe('leader election', () => {
  it('gives the lease of one that was killed to the next, which goes on', async () => {
    await start({ kubemu: ALL_OFF, controllerManager: BRIEF });
    const [first] = plane.programs;
    await plane.mirror.until('a leader', () => holder('kube-controller-manager') !== undefined, 20_000);
    await plane.mirror.until('a leader', () => holder('kube-scheduler') !== undefined, 20_000);
    const before = holder('kube-controller-manager');
    await plane.startControllerManager(BRIEF);
    await first!.stop('SIGKILL');
    await plane.mirror.until(
      'another leader',
      () => ![undefined, '', before].includes(holder('kube-controller-manager')),
      30_000,
    );
    const session = await Session.open(plane, 'after');
    await session.create(deployment('web', { replicas: 2 }));
    await session.count('Pod', 2);
  });
});

describe('kwok', () => {
  it('runs pods on its nodes, with the controllers and the scheduler of Kubernetes', async () => {
    await start({ kubemu: ALL_OFF, controllerManager: ['--node-monitor-grace-period=8s'] });
    const kwok = plane.startKwok(['--node-lease-duration-seconds=5']);
    await makeNode('kwok-1');
    await makeNode('kwok-2');
    for (const name of ['kwok-1', 'kwok-2']) await plane.mirror.until(name, isFree(name), 30_000);
    const session = await Session.open(plane, 'kwok');
    await session.create(deployment('web', { replicas: 4 }));
    await session.condition('Deployment', 'web', 'Progressing', 'True', 'NewReplicaSetAvailable');
    expect(new Set(session.list('Pod').map(({ spec }) => spec.nodeName)).size).toBe(2);
    await session.create(job('once', { completions: 2 }));
    await session.condition('Job', 'once', 'Complete', 'True');
    await session.delete('Deployment', 'web', { propagationPolicy: 'Foreground' });
    await session.gone('Deployment', 'web');

    await kwok.stop('SIGKILL');
    await plane.mirror.until('a node not heard of', isReady('kwok-1', 'Unknown'), 40_000);
    const taints = (): string[] =>
      (plane.mirror.get('Node', 'kwok-1')?.spec?.taints ?? []).map((taint: { key: string }) => taint.key);
    await plane.mirror.until('its taints', () => taints().includes('node.kubernetes.io/unreachable'), 20_000);
    expect(kwok.complaints()).toEqual([]);
  });
});
