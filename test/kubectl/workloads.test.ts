/** Stateful sets, daemon sets and replication controllers as kubectl shows and drives them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableCells } from './harness.ts';
import { newestKubectl, openSession, type Session } from './session.ts';

function workload(kind: string, name: string, more = ''): string {
  return `apiVersion: apps/v1
kind: ${kind}
metadata:
  name: ${name}
spec:
${more}  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
      - name: main
        image: nginx:1.25
`;
}

describe.skipIf(newestKubectl === undefined)('workloads', () => {
  let kube: Session;
  const text = (command: string, stdin?: string): Promise<string> => kube.line(command, stdin);
  const table = async (command: string): Promise<string[][]> => tableCells(await text(command));

  beforeAll(async () => {
    kube = await openSession(newestKubectl!, ['--nodes', '2']);
  });
  afterAll(() => kube.end());

  it('a stateful set comes up in order, is rolled out, shown in its history and rolled back', async () => {
    await text('create -f -', workload('StatefulSet', 'db', '  replicas: 2\n  serviceName: db\n'));
    expect(await text('rollout status sts/db --timeout=60s')).toContain(
      'partitioned roll out complete: 2 new pods have been updated...',
    );
    expect((await table('get sts')).map((row) => row.slice(0, 2))).toEqual([
      ['NAME', 'READY'],
      ['db', '2/2'],
    ]);
    expect(await text('get pods -l app=db -o name')).toBe('pod/db-0\npod/db-1');
    await text('annotate sts/db kubernetes.io/change-cause=second');
    await text('set image sts/db main=nginx:1.26');
    await text('rollout status sts/db --timeout=60s');
    expect(await text('rollout history sts/db')).toMatch(
      /^statefulset.apps\/db \nREVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+second$/,
    );
    expect(await text('rollout history sts/db --revision=1')).toMatch(/Image:\s+nginx:1\.25/);
    expect(await text('rollout undo sts/db')).toBe('statefulset.apps/db rolled back');
    await text('rollout status sts/db --timeout=60s');
    const images = await text('get pods -l app=db -o jsonpath={.items[*].spec.containers[0].image}');
    expect(images).toBe('nginx:1.25 nginx:1.25');
    const description = await text('describe sts/db');
    expect(description).toMatch(/Replicas: +2 desired \| 2 total/);
    expect(description).toMatch(
      /Normal +SuccessfulCreate .* statefulset-controller +Create Pod db-0 in StatefulSet db successful/,
    );
  });

  it('claims of a stateful set are provisioned, and go when it shrinks if the policy says so', async () => {
    const claims = `  replicas: 2
  serviceName: store
  persistentVolumeClaimRetentionPolicy:
    whenScaled: Delete
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      resources:
        requests:
          storage: 1Gi
`;
    await text('create -f -', workload('StatefulSet', 'store', claims));
    await text('rollout status sts/store --timeout=60s');
    expect((await table('get pvc')).map((row) => row.slice(0, 2))).toEqual([
      ['NAME', 'STATUS'],
      ['data-store-0', 'Bound'],
      ['data-store-1', 'Bound'],
    ]);
    await text('scale sts/store --replicas=1');
    await text('wait pvc/data-store-1 --for=delete --timeout=60s');
    expect(await text('get pvc -o name')).toBe('persistentvolumeclaim/data-store-0');
  });

  it('a daemon set has a pod on each node, is rolled out, shown in its history and rolled back', async () => {
    await text('create -f -', workload('DaemonSet', 'agent'));
    await text('rollout status ds/agent --timeout=60s');
    expect((await table('get ds')).map((row) => row.slice(0, 7))).toEqual([
      ['NAME', 'DESIRED', 'CURRENT', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'NODE SELECTOR'],
      ['agent', '2', '2', '2', '2', '2', '<none>'],
    ]);
    const nodes = await text('get pods -l app=agent -o jsonpath={.items[*].spec.nodeName}');
    expect(new Set(nodes.split(' '))).toEqual(new Set(['node-1', 'node-2']));
    await text('set image ds/agent main=nginx:1.26');
    await text('rollout status ds/agent --timeout=60s');
    expect(await text('rollout history ds/agent')).toMatch(/\n1\s+<none>\n2\s+<none>$/);
    expect(await text('rollout undo ds/agent')).toBe('daemonset.apps/agent rolled back');
    expect(await text('rollout status ds/agent --timeout=60s')).toContain(
      'daemon set "agent" successfully rolled out',
    );
    expect(await text('describe ds/agent')).toMatch(
      /Pods Status: +2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed/,
    );
  });

  it('a replication controller keeps its size', async () => {
    const controller = workload('ReplicationController', 'old', '  replicas: 1\n')
      .replace('apps/v1', 'v1')
      .replace('    matchLabels:\n      app', '    app');
    await text('create -f -', controller);
    await text('scale rc/old --replicas=3');
    await text('wait rc/old --for=jsonpath={.status.readyReplicas}=3 --timeout=60s');
    expect((await table('get rc')).map((row) => row.slice(0, 4))).toEqual([
      ['NAME', 'DESIRED', 'CURRENT', 'READY'],
      ['old', '3', '3', '3'],
    ]);
  });

  it('top shows what pods declare and nodes use', async () => {
    await text('run busy --image=nginx:1.25 --annotations=kubemu.io/usage-cpu=250m');
    await text('wait pod/busy --for=condition=Ready --timeout=60s');
    expect((await table('top pod busy')).map((row) => row.slice(0, 3))).toEqual([
      ['NAME', 'CPU(cores)', 'MEMORY(bytes)'],
      ['busy', '250m', '16Mi'],
    ]);
    const [header, ...rows] = await table('top nodes');
    expect(header!.slice(0, 2)).toEqual(['NAME', 'CPU(cores)']);
    expect(rows.map(([name]) => name)).toEqual(['node-1', 'node-2']);
    const gone = await kube.run(['top', 'pod', 'nothing'], { code: 1 });
    expect(gone.stderr).toContain('podmetrics.metrics.k8s.io "default/nothing" not found');
  });
});
