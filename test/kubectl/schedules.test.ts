/** Cron jobs, autoscalers and budgets as kubectl shows and drives them, on virtual time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableCells } from './harness.ts';
import { newestKubectl, openSession, type Session } from './session.ts';

const AUTOSCALED = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
      annotations:
        kubemu.io/usage-cpu: 95%
    spec:
      containers:
      - name: main
        image: nginx:1.25
        resources:
          requests:
            cpu: 100m
`;

describe.skipIf(newestKubectl === undefined)('on virtual time', () => {
  let kube: Session;
  const text = (command: string, stdin?: string): Promise<string> => kube.line(command, stdin);
  const table = async (command: string): Promise<string[][]> => tableCells(await text(command));
  const settle = (): Promise<string> => kube.control('settled', { horizon: '3s' });
  const pass = async (duration: string): Promise<void> => {
    await kube.control('clock', { action: 'step', duration });
    await settle();
  };

  beforeAll(async () => {
    kube = await openSession(newestKubectl!, ['--nodes', '3', '--clock', 'virtual', '--seed', 'schedules']);
  });
  afterAll(() => kube.end());

  it('a cron job starts jobs, keeps three and can be suspended', async () => {
    await kube.run(['create', 'cronjob', 'tick', '--image=busybox', '--schedule=* * * * *', '--', 'date']);
    for (let minute = 0; minute < 5; minute++) await pass('60s');
    const [header, row] = await table('get cronjob tick');
    expect(header!.slice(0, 5)).toEqual(['NAME', 'SCHEDULE', 'TIMEZONE', 'SUSPEND', 'ACTIVE']);
    expect(row!.slice(0, 4)).toEqual(['tick', '* * * * *', '<none>', 'False']);
    expect((await text('get jobs -o name')).split('\n')).toHaveLength(3);
    expect(await text('describe cronjob tick')).toMatch(
      /Normal +SuccessfulCreate .* cronjob-controller +Created job tick-\d+/,
    );
    await text('patch cronjob tick -p {"spec":{"suspend":true}}');
    const before = await text('get jobs -o name');
    await pass('180s');
    expect(await text('get jobs -o name')).toBe(before);
    await text('create job by-hand --from=cronjob/tick');
    await settle();
    expect(await text('get job by-hand -o jsonpath={.status.succeeded}')).toBe('1');
  });

  it('an autoscaler follows the load, and says so', async () => {
    await text('create -f -', AUTOSCALED);
    await text('autoscale deployment web --min=1 --max=6 --cpu-percent=50');
    await settle();
    expect((await table('get hpa web'))[1]!.slice(0, 3)).toEqual([
      'web',
      'Deployment/web',
      'cpu: <unknown>/50%',
    ]);
    for (let round = 0; round < 6; round++) await pass('60s');
    expect((await table('get hpa web'))[1]!.slice(0, 6)).toEqual([
      'web',
      'Deployment/web',
      'cpu: 95%/50%',
      '1',
      '6',
      '6',
    ]);
    const description = await text('describe hpa web');
    expect(description).toMatch(
      /ScalingLimited +True +TooManyReplicas +the desired replica count is more than the maximum replica count/,
    );
    expect(description).toMatch(
      /Normal +SuccessfulRescale .* horizontal-pod-autoscaler +New size: 2; reason: cpu resource utilization \(percentage of request\) above target/,
    );
    await text('annotate pod -l app=web --overwrite kubemu.io/usage-cpu=1%');
    for (let round = 0; round < 7; round++) await pass('60s');
    expect(await text('get deployment web -o jsonpath={.spec.replicas}')).toBe('1');
  });

  it('a budget holds a drain back until the evicted pod runs elsewhere', async () => {
    await text('delete hpa web');
    await text('scale deployment web --replicas=3');
    await settle();
    await text('create pdb web --selector=app=web --max-unavailable=1');
    await settle();
    expect((await table('get pdb web')).map((row) => row.slice(0, 4))).toEqual([
      ['NAME', 'MIN AVAILABLE', 'MAX UNAVAILABLE', 'ALLOWED DISRUPTIONS'],
      ['web', 'N/A', '1', '1'],
    ]);
    expect(await text('describe pdb web')).toMatch(
      /Allowed disruptions: +1\n.*Current: +3\n.*Desired: +2\n.*Total: +3/,
    );
    await kube.control('clock', { action: 'run', rate: 20 });
    const nodesOf = async (): Promise<string[]> =>
      (await text('get pods -l app=web -o jsonpath={.items[*].spec.nodeName}')).split(' ');
    const [node] = await nodesOf();
    const drained = await text(`drain ${node} --ignore-daemonsets --timeout=60s`);
    expect(drained).toContain(`node/${node} drained`);
    await text('rollout status deployment/web --timeout=60s');
    expect(await nodesOf()).not.toContain(node);
    expect(await text(`get node ${node} -o jsonpath={.spec.unschedulable}`)).toBe('true');
  });
});
