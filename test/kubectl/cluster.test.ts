/** What a user sees of the scheduler, of nodes and of storage, with the real kubectl; time moves when the test says so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newestKubectl, openSession, type Session } from './session.ts';

describe.skipIf(newestKubectl === undefined)('a cluster on virtual time', () => {
  let kube: Session;
  const text = (...args: string[]): Promise<string> => kube.text(...args);
  const apply = (manifest: string): Promise<string> => kube.feed(manifest, 'apply');
  const settled = (horizon = '1s'): Promise<string> => kube.control('settled', { horizon });

  beforeAll(async () => {
    kube = await openSession(newestKubectl!, ['--nodes=3', '--clock=virtual', '--seed=cluster']);
    await settled();
  }, 60_000);
  afterAll(() => kube.end());

  const deployment = (name: string, replicas: number, spec = ''): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      ${spec}
      containers: [{name: app, image: "nginx:1.25"}]
`;

  it('spreads a deployment over the nodes', async () => {
    await apply(deployment('web', 3));
    await settled();
    const nodes = await text('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}');
    expect(nodes.split(' ').sort()).toEqual(['node-1', 'node-2', 'node-3']);
    const [pod = ''] = (await text('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n');
    expect(await text('describe', pod)).toMatch(
      /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\/web-\S+ to node-\d/,
    );
  });

  it('drains a node, and its pods go elsewhere', async () => {
    await kube.run(['drain', 'node-3', '--ignore-daemonsets', '--timeout=1s'], { code: 1 });
    await settled('60s');
    expect(await text('get', 'node', 'node-3')).toMatch(/node-3 +Ready,SchedulingDisabled/);
    const nodes = await text('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}');
    expect(nodes.split(' ').sort()).not.toContain('node-3');
    await kube.run(['uncordon', 'node-3']);
  });

  it('says why a pod finds no node, and finds it one when a taint goes', async () => {
    for (const node of ['node-1', 'node-2', 'node-3'])
      await kube.run(['taint', 'node', node, 'team=a:NoSchedule']);
    await kube.run(['run', 'outsider', '--image=nginx:1.25']);
    await settled();
    expect(await text('describe', 'pod', 'outsider')).toMatch(
      /Warning +FailedScheduling +\S+ +default-scheduler +0\/3 nodes are available: 3 node\(s\) had untolerated taint\(s\)\. no new claims to deallocate, preemption: 0\/3 nodes are available: 3 Preemption is not helpful for scheduling\./,
    );
    for (const node of ['node-1', 'node-2', 'node-3']) await kube.run(['taint', 'node', node, 'team-']);
    await settled();
    expect(await text('get', 'pod', 'outsider')).toMatch(/outsider +1\/1 +Running/);
  });

  it('evicts pods that do not tolerate a taint', async () => {
    await apply(
      deployment(
        'tough',
        1,
        'tolerations: [{key: gone, operator: Exists, effect: NoExecute, tolerationSeconds: 60}]',
      ),
    );
    await settled();
    const node = await text('get', 'pods', '-l', 'app=tough', '-o', 'jsonpath={.items[0].spec.nodeName}');
    const name = await text('get', 'pods', '-l', 'app=tough', '-o', 'name');
    await kube.run(['taint', 'node', node, 'gone=yes:NoExecute']);
    await kube.control('clock', { action: 'step', duration: '50s' });
    expect(await text('get', 'pods', '-l', 'app=tough', '-o', 'name')).toBe(name);
    await kube.control('clock', { action: 'step', duration: '60s' });
    expect(await text('get', 'pods', '-l', 'app=tough', '-o', 'name')).not.toBe(name);
    expect(await text('get', 'events', '--field-selector=reason=TaintManagerEviction')).toMatch(
      /Marking for deletion Pod default\/tough-/,
    );
    await kube.run(['taint', 'node', node, 'gone-']);
  });

  it('makes way for more important pods', async () => {
    await kube.run(['create', 'priorityclass', 'high', '--value=1000']);
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: low}
spec:
  nodeName: ""
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers: [{name: app, image: "nginx:1.25", resources: {requests: {cpu: "7"}}}]
`);
    await settled();
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: high}
spec:
  priorityClassName: high
  nodeSelector: {kubernetes.io/hostname: node-1}
  containers: [{name: app, image: "nginx:1.25", resources: {requests: {cpu: "6"}}}]
`);
    await settled('60s');
    expect(await text('get', 'pod', 'high', '-o', 'wide')).toMatch(/high +1\/1 +Running .*node-1/);
    expect(await text('get', 'events', '--field-selector=reason=Preempted')).toMatch(
      /Normal +Preempted +pod\/low +Preempted by pod [0-9a-f-]{36} on node node-1/,
    );
    await kube.run(['get', 'pod', 'low'], { code: 1 });
  });

  it('provisions, grows and reclaims storage', async () => {
    expect(await text('get', 'sc')).toMatch(
      /NAME +PROVISIONER +RECLAIMPOLICY +VOLUMEBINDINGMODE +ALLOWVOLUMEEXPANSION +AGE\nstandard \(default\) +csi\.kubemu\.io +Delete +WaitForFirstConsumer +true/,
    );
    await apply(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
`);
    await settled();
    expect(await text('get', 'pvc')).toMatch(/data +Pending +standard/);
    expect(await text('describe', 'pvc', 'data')).toMatch(
      /Normal +WaitForFirstConsumer .*waiting for first consumer to be created before binding/,
    );
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  containers: [{name: app, image: "nginx:1.25", volumeMounts: [{name: v, mountPath: /data}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]
`);
    await settled();
    expect(await text('get', 'pod', 'user')).toMatch(/user +1\/1 +Running/);
    expect(await text('get', 'pvc')).toMatch(/data +Bound +pvc-[0-9a-f-]{36} +1Gi +RWO +standard/);
    expect(await text('get', 'pv')).toMatch(/pvc-\S+ +1Gi +RWO +Delete +Bound +default\/data +standard/);
    expect(await text('get', 'volumeattachments')).toMatch(
      /csi-[0-9a-f]{64} +csi\.kubemu\.io +pvc-\S+ +node-\d +true/,
    );
    await kube.run(['patch', 'pvc', 'data', '-p', '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}']);
    await settled();
    expect(await text('get', 'pvc')).toMatch(/data +Bound +pvc-[0-9a-f-]{36} +2Gi/);
    await kube.run(['delete', 'pod/user', 'pvc/data', '--wait=false']);
    await settled('60s');
    expect(await text('get', 'pv')).toBe('');
  });

  it('notices a node that falls silent', async () => {
    await kube.run(['delete', 'pods,deployments', '--all', '--wait=false']);
    await settled('60s');
    await kube.run(['create', '-f', '-'], { stdin: 'apiVersion: v1\nkind: Node\nmetadata: {name: paper}\n' });
    await kube.control('clock', { action: 'step', duration: '2m' });
    expect(await text('get', 'node', 'paper')).toMatch(/paper +NotReady/);
    expect(await text('describe', 'node', 'paper')).toMatch(
      /Ready +Unknown .*NodeStatusNeverUpdated +Kubelet never posted node status\./,
    );
    expect(await text('get', 'node', 'paper', '-o', 'jsonpath={.spec.taints[*].key}')).toContain(
      'node.kubernetes.io/unreachable',
    );
  });

  it('shows what is used of a quota', async () => {
    await kube.run(['create', 'quota', 'small', '--hard=pods=2,count/deployments.apps=5']);
    await apply(deployment('web', 1));
    await settled();
    expect(await text('describe', 'quota', 'small')).toMatch(/count\/deployments\.apps +1 +5\npods +1 +2/);
  });
});
