import { afterEach, describe, expect, it } from 'vitest';
import { schedulerSettings } from '../../../controllers/scheduler/configuration/settings.ts';
import { newSchedulerController } from '../../../controllers/scheduler/scheduler.ts';
import { events, nodes, type Node } from '../../../openapi/generated/core-v1.ts';
import { startSchedulerHarness, type SchedulerHarness } from './cluster.ts';

let harness: SchedulerHarness;
afterEach(() => harness.stop());

async function start(...profiles: object[]): Promise<void> {
  const settings = schedulerSettings({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles,
  });
  harness = await startSchedulerHarness([], newSchedulerController(settings));
}

const configured = (name: string, args: object): object => ({
  schedulerName: 'default-scheduler',
  pluginConfig: [{ name, args }],
});

describe('profiles', () => {
  it('schedule the pods of their name, and report as that', async () => {
    await start({ schedulerName: 'one' }, { schedulerName: 'two' });
    await harness.node('n1');
    await harness.pod('a', { schedulerName: 'one' });
    await harness.pod('b', { schedulerName: 'two' });
    await harness.pod('c', { schedulerName: 'three' });
    expect(await Promise.all(['a', 'b', 'c'].map((name) => harness.placeOf(name)))).toEqual(['n1', 'n1', '']);
    const { items } = await harness.client.list(events, { namespace: 'default' });
    expect(
      items
        .map(({ involvedObject, reportingComponent }) => `${involvedObject.name} ${reportingComponent}`)
        .toSorted(),
    ).toEqual(['a one', 'b two']);
  });

  it('fill nodes up, or not, as their strategy says', async () => {
    const strategy = (type: string): object[] => [
      { name: 'NodeResourcesFit', args: { scoringStrategy: { type } } },
    ];
    const plugins = { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } };
    await start(
      { schedulerName: 'pack', plugins, pluginConfig: strategy('MostAllocated') },
      { schedulerName: 'spread', plugins, pluginConfig: strategy('LeastAllocated') },
    );
    await harness.node('n1');
    await harness.node('n2', { cpu: '8' });
    await harness.pod('first', { schedulerName: 'pack', cpu: '1' });
    const first = await harness.placeOf('first');
    await harness.pod('second', { schedulerName: 'pack', cpu: '1' });
    await harness.pod('third', { schedulerName: 'spread', cpu: '1' });
    expect(await harness.placeOf('second')).toBe(first);
    expect(await harness.placeOf('third')).not.toBe(first);
  });

  it('score by the shape they are given', async () => {
    const shape = [
      { utilization: 0, score: 10 },
      { utilization: 50, score: 0 },
      { utilization: 100, score: 10 },
    ];
    const scoringStrategy = {
      type: 'RequestedToCapacityRatio',
      resources: [{ name: 'cpu' }],
      requestedToCapacityRatio: { shape },
    };
    const plugins = { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } };
    await start({
      schedulerName: 'default-scheduler',
      plugins,
      pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy } }],
    });
    await harness.node('half', { cpu: '2' });
    await harness.node('little', { cpu: '4' });
    await harness.pod('p', { cpu: '1' });
    expect(await harness.placeOf('p')).toBe('little');
  });

  it('leave resources out that they ignore', async () => {
    await start(configured('NodeResourcesFit', { ignoredResourceGroups: ['example.com'] }));
    await harness.node('n1');
    await harness.pod('p', { more: { 'example.com/gpu': '1' } });
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('add affinity to what pods say', async () => {
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }];
    await start(
      configured('NodeAffinity', {
        addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
      }),
    );
    await harness.node('n1');
    await harness.pod('p');
    expect(await harness.problemOf('p')).toContain("1 node(s) didn't match scheduler-enforced node affinity");
    await harness.node('n2', { labels: { pool: 'x' } });
    await harness.settle();
    expect(await harness.placeOf('p')).toBe('n2');
  });

  it('do without preemption when it is disabled', async () => {
    await start({
      schedulerName: 'default-scheduler',
      plugins: { postFilter: { disabled: [{ name: '*' }] } },
    });
    await harness.node('n1', { cpu: '1' });
    await harness.pod('p', { cpu: '2' });
    expect(await harness.problemOf('p')).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  });

  it('look at no node a disabled filter would have rejected it on', async () => {
    await start({
      schedulerName: 'default-scheduler',
      plugins: { multiPoint: { disabled: [{ name: 'NodeUnschedulable' }, { name: 'TaintToleration' }] } },
    });
    await harness.node('n1', { spec: { unschedulable: true } });
    await harness.pod('p');
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('place pods that need a feature of kubelets where nodes declare it', async () => {
    await start({ schedulerName: 'default-scheduler' });
    await harness.node('n1');
    const exitCodes = { operator: 'In', values: [1] };
    const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes }];
    await harness.pod('p', {
      containers: [{ name: 'main', image: 'app:1', restartPolicy: 'Never', restartPolicyRules }],
    });
    expect(await harness.problemOf('p')).toContain("1 node(s) didn't match Pod's required features");
    const declare = (node: Node): void => {
      node.status.declaredFeatures = ['RestartAllContainersOnContainerExits'];
    };
    await harness.change(nodes, 'n1', declare, 'status');
    await harness.settle();
    expect(await harness.placeOf('p')).toBe('n1');
  });
});
