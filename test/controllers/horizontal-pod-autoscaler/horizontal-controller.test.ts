import { afterEach, describe, expect, it } from 'vitest';
import { formatTime } from '../../../api/machinery/clock.ts';
import { deploymentController } from '../../../controllers/deployment/deployment-controller.ts';
import { horizontalPodAutoscalerController } from '../../../controllers/horizontal-pod-autoscaler/horizontal-controller.ts';
import { replicaSetController } from '../../../controllers/replicaset/replicaset-controller.ts';
import { deployments } from '../../../openapi/generated/apps-v1.ts';
import {
  horizontalPodAutoscalers,
  type HorizontalPodAutoscaler,
  type MetricSpec,
} from '../../../openapi/generated/autoscaling-v2.ts';
import { namespaces, pods, services } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

let harness: Harness;
afterEach(() => harness?.stop());

const labels = { app: 'web' };
const SYNC_MS = 15_000;
type Spec = HorizontalPodAutoscaler['spec'];

function resource(name: string, averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization } } };
}

async function start(replicas: number): Promise<void> {
  harness = await startHarness([
    deploymentController,
    replicaSetController,
    horizontalPodAutoscalerController,
  ]);
  const requests = { cpu: '100m', memory: '100Mi' };
  await harness.client.create(deployments, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'image:1', resources: { requests } }] },
      },
    },
  });
  await harness.settle();
}

/** Nodes run every pod, for long enough that its CPU counts. */
async function runAll(annotations: Record<string, string> = {}): Promise<void> {
  const startTime = formatTime(harness.clock.now() - 600_000);
  for (const pod of await harness.pods()) {
    const name = pod.metadata.name!;
    if (pod.status.phase === 'Pending') {
      await harness.bind(pod);
      await harness.setReady(pod);
      await harness.change(pods, name, ({ status }) => void (status.startTime = startTime), 'status');
    }
    await harness.change(
      pods,
      name,
      ({ metadata }) => void (metadata.annotations = { ...metadata.annotations, ...annotations }),
    );
  }
  await harness.settle();
}

async function autoscale(spec: Partial<Spec> = {}): Promise<void> {
  await harness.client.create(horizontalPodAutoscalers, {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      maxReplicas: 10,
      metrics: [resource('cpu', 50)],
      ...spec,
    },
  });
  await harness.settle();
}

const sync = (): Promise<void> => harness.advance(SYNC_MS);
const get = (): Promise<HorizontalPodAutoscaler> => harness.get(horizontalPodAutoscalers, 'web');
const size = async (): Promise<number> => (await harness.get(deployments, 'web')).spec.replicas!;
const condition = async (type: string): Promise<string> => {
  const found = (await get()).status.conditions?.find((candidate) => candidate.type === type);
  return `${found?.status} ${found?.reason} ${found?.message}`;
};
const ownEvents = async (): Promise<string[]> =>
  (await harness.events()).filter(
    (event) => !/ScalingReplicaSet|SuccessfulCreate|SuccessfulDelete/.test(event),
  );

describe('a resource metric', () => {
  it('adds pods above the target', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '90m' });
    await autoscale();
    await sync();
    expect(await size()).toBe(4);
    expect((await get()).status).toMatchObject({
      currentReplicas: 2,
      desiredReplicas: 4,
      lastScaleTime: '2026-01-01T00:00:15Z',
      currentMetrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', current: { averageUtilization: 90, averageValue: '90m' } },
        },
      ],
    });
    expect(await ownEvents()).toEqual([
      'Normal SuccessfulRescale New size: 4; reason: cpu resource utilization (percentage of request) above target',
    ]);
    expect(await condition('AbleToScale')).toBe(
      'True SucceededRescale the HPA controller was able to update the target scale to 4',
    );
    expect(await condition('ScalingActive')).toBe(
      'True ValidMetricFound the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    );
    expect(await condition('ScalingLimited')).toBe(
      'False DesiredWithinRange the desired count is within the acceptable range',
    );
    expect(harness.logs).toEqual([]);
  });

  it('takes pods away below it, when nothing higher was recommended for five minutes', async () => {
    await start(4);
    await runAll({ 'kubemu.io/usage-cpu': '50m' });
    await autoscale();
    await sync();
    expect(await size()).toBe(4);
    await runAll({ 'kubemu.io/usage-cpu': '5m' });
    await sync();
    expect(await size()).toBe(4);
    expect(await condition('AbleToScale')).toBe(
      'True ScaleDownStabilized recent recommendations were higher than current one, applying the highest recent recommendation',
    );
    await harness.advance(300_000);
    expect(await size()).toBe(1);
    expect(await ownEvents()).toContain(
      'Normal SuccessfulRescale New size: 1; reason: All metrics below target',
    );
  });

  it.each([
    { usage: '45m', want: 4 },
    { usage: '55m', want: 4 },
    { usage: '56m', want: 5 },
  ])('leaves a tenth of difference alone: $usage', async ({ usage, want }) => {
    await start(4);
    await runAll({ 'kubemu.io/usage-cpu': usage });
    await autoscale();
    await sync();
    expect(await size()).toBe(want);
  });

  it('keeps to the bounds', async () => {
    await start(6);
    await runAll({ 'kubemu.io/usage-cpu': '100m' });
    await autoscale({ maxReplicas: 8 });
    await sync();
    expect(await size()).toBe(8);
    expect(await condition('ScalingLimited')).toBe(
      'True TooManyReplicas the desired replica count is more than the maximum replica count',
    );
    await harness.change(horizontalPodAutoscalers, 'web', ({ spec }) => void (spec.maxReplicas = 3));
    await sync();
    expect(await size()).toBe(3);
    expect((await ownEvents()).at(-1)).toBe(
      'Normal SuccessfulRescale New size: 3; reason: Current number of replicas above Spec.MaxReplicas',
    );
  });

  it('does not more than double', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '1' });
    await autoscale({ maxReplicas: 100 });
    await sync();
    expect(await size()).toBe(4);
    expect(await condition('ScalingLimited')).toBe(
      'True ScaleUpLimit the desired replica count is increasing faster than the maximum scale rate',
    );
    await runAll({ 'kubemu.io/usage-cpu': '1' });
    await sync();
    expect(await size()).toBe(8);
  });

  it('counts pods that do not run yet as idle where pods would be added', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '100m' });
    await harness.change(deployments, 'web', ({ spec }) => void (spec.replicas = 4));
    await harness.settle();
    await autoscale();
    await sync();
    expect(await size()).toBe(4);
  });

  it('by value, and by container', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-memory': '300Mi' });
    const target = { type: 'AverageValue', averageValue: '100Mi' };
    await autoscale({
      metrics: [
        { type: 'Resource', resource: { name: 'memory', target } },
        {
          type: 'ContainerResource',
          containerResource: {
            name: 'memory',
            container: 'main',
            target: { type: 'Utilization', averageUtilization: 150 },
          },
        },
      ],
    });
    await sync();
    expect(await size()).toBe(4);
    expect((await get()).status.currentMetrics).toEqual([
      { type: 'Resource', resource: { name: 'memory', current: { averageValue: '300Mi' } } },
      {
        type: 'ContainerResource',
        containerResource: {
          name: 'memory',
          container: 'main',
          current: { averageUtilization: 300, averageValue: '300Mi' },
        },
      },
    ]);
    expect((await ownEvents()).at(-1)).toContain('New size: 4; reason: memory resource above target');
  });
});

describe('metrics that cannot be had', () => {
  it('are said in event, condition and status', async () => {
    await start(1);
    await autoscale();
    await sync();
    const why =
      'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API';
    expect(await ownEvents()).toEqual([
      `Warning FailedGetResourceMetric ${why}`,
      `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
    ]);
    expect(await condition('ScalingActive')).toBe(
      `False FailedGetResourceMetric the HPA was unable to compute the replica count: ${why}`,
    );
    expect(await condition('AbleToScale')).toBe(
      "True SucceededGetScale the HPA controller was able to get the target's current scale",
    );
    expect((await get()).status).toMatchObject({
      currentReplicas: 1,
      desiredReplicas: 0,
      currentMetrics: [{ type: '' }],
    });
  });

  it.each([
    {
      name: 'by value',
      target: { type: 'Value', value: '2' },
      prefix: 'failed to get external metric queue: ',
    },
    {
      name: 'for each pod',
      target: { type: 'AverageValue', averageValue: '2' },
      prefix: 'failed to get queue external metric: ',
    },
  ])('of no object, $name, are told in the words for it', async ({ target, prefix }) => {
    await start(1);
    await autoscale({ metrics: [{ type: 'External', external: { metric: { name: 'queue' }, target } }] });
    await sync();
    const [first, second] = await ownEvents();
    const why = first!.replace('Warning FailedGetExternalMetric ', '');
    expect(why).toMatch(/^unable to get external metric default\/queue/);
    expect(second).toBe(
      `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: ${prefix}${why}`,
    );
  });

  it('keep pods from being taken away, not from being added', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '1m' });
    const missing: MetricSpec = {
      type: 'Pods',
      pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '1' } },
    };
    await autoscale({ metrics: [resource('cpu', 50), missing] });
    await harness.advance(400_000);
    expect(await size()).toBe(2);
    await runAll({ 'kubemu.io/usage-cpu': '90m' });
    await sync();
    expect(await size()).toBe(4);
  });

  it('missing requests are named', async () => {
    await start(1);
    await runAll();
    await autoscale({ metrics: [resource('ephemeral-storage', 50)] });
    await sync();
    expect((await ownEvents())[0]).toBe(
      'Warning FailedGetResourceMetric failed to get ephemeral-storage utilization: did not receive metrics for targeted pods (pods might be unready)',
    );
  });

  it('a target that is not there is said', async () => {
    await start(1);
    await autoscale({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } });
    await sync();
    expect(await condition('AbleToScale')).toBe(
      'False FailedGetScale the HPA controller was unable to get the target\'s current scale: deployments.apps "other" not found',
    );
    expect(await ownEvents()).toEqual(['Warning FailedGetScale deployments.apps "other" not found']);
  });

  it('two autoscalers for the same pods stop both', async () => {
    await start(1);
    await runAll({ 'kubemu.io/usage-cpu': '90m' });
    await autoscale();
    await harness.client.create(horizontalPodAutoscalers, {
      metadata: { name: 'web-2', namespace: NAMESPACE },
      spec: (await get()).spec,
    });
    await sync();
    await sync();
    expect(await condition('ScalingActive')).toBe(
      'False AmbiguousSelector pods by selector app=web are controlled by multiple HPAs: [default/web default/web-2]',
    );
  });

  it('a target of size zero is left alone', async () => {
    await start(0);
    await autoscale();
    await sync();
    expect(await condition('ScalingActive')).toBe(
      'False ScalingDisabled scaling is disabled since the replica count of the target is zero',
    );
    expect(await size()).toBe(0);
  });
});

describe('declared metrics', () => {
  it.each([
    {
      name: 'of pods',
      metric: {
        type: 'Pods',
        pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '10' } },
      },
      want: 4,
      reason: 'pods metric rate above target',
    },
    {
      name: 'of an object, by value',
      metric: {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
          metric: { name: 'hits' },
          target: { type: 'Value', value: '100' },
        },
      },
      want: 3,
      reason: 'Service metric hits above target',
    },
    {
      name: 'of an object, for each pod',
      metric: {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
          metric: { name: 'hits' },
          target: { type: 'AverageValue', averageValue: '50' },
        },
      },
      want: 3,
      reason: 'external metric hits(nil) above target',
    },
    {
      name: 'of no object, by value',
      metric: {
        type: 'External',
        external: { metric: { name: 'queue' }, target: { type: 'Value', value: '2' } },
      },
      want: 4,
      reason: 'external metric queue(nil) above target',
    },
    {
      name: 'of no object, for each pod',
      metric: {
        type: 'External',
        external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '1' } },
      },
      want: 4,
      reason: 'external metric queue(nil) above target',
    },
  ] satisfies { name: string; metric: MetricSpec; want: number; reason: string }[])('$name', async (row) => {
    await start(2);
    await runAll({ 'metrics.kubemu.io/rate': '20' });
    await harness.client.create(services, {
      metadata: { name: 'web', namespace: NAMESPACE, annotations: { 'metrics.kubemu.io/hits': '150' } },
      spec: { ports: [{ port: 80 }] },
    });
    await harness.client.patch(
      namespaces,
      { name: NAMESPACE },
      { type: 'merge', body: { metadata: { annotations: { 'metrics.kubemu.io/queue': '4' } } } },
    );
    await autoscale({ metrics: [row.metric] });
    await sync();
    expect(await size()).toBe(row.want);
    expect((await ownEvents()).at(-1)).toBe(
      `Normal SuccessfulRescale New size: ${row.want}; reason: ${row.reason}`,
    );
  });
});

describe('behavior', () => {
  const policies = (type: string, value: number) => [{ type, value, periodSeconds: 60 }];

  it('limits how fast pods are added', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '100m' });
    await autoscale({ behavior: { scaleUp: { policies: policies('Pods', 1) } } });
    await sync();
    expect(await size()).toBe(3);
    await runAll({ 'kubemu.io/usage-cpu': '100m' });
    await sync();
    expect(await size()).toBe(3);
    expect(await condition('ScalingLimited')).toContain('True ScaleUpLimit');
    await harness.advance(60_000);
    expect(await size()).toBe(4);
  });

  it('limits how fast pods are taken away', async () => {
    await start(8);
    await runAll({ 'kubemu.io/usage-cpu': '1m' });
    const scaleDown = { stabilizationWindowSeconds: 0, policies: policies('Percent', 25) };
    await autoscale({ behavior: { scaleDown } });
    await sync();
    expect(await size()).toBe(6);
    await sync();
    expect(await size()).toBe(6);
    expect(await condition('ScalingLimited')).toContain('True ScaleDownLimit');
  });

  it('switches a direction off', async () => {
    await start(4);
    await runAll({ 'kubemu.io/usage-cpu': '1m' });
    await autoscale({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Disabled' } } });
    await harness.advance(400_000);
    expect(await size()).toBe(4);
  });

  it('waits before it adds pods', async () => {
    await start(2);
    await runAll({ 'kubemu.io/usage-cpu': '50m' });
    await autoscale({ behavior: { scaleUp: { stabilizationWindowSeconds: 60 } } });
    await sync();
    await runAll({ 'kubemu.io/usage-cpu': '100m' });
    await sync();
    expect(await size()).toBe(2);
    expect(await condition('AbleToScale')).toBe(
      'True ScaleUpStabilized recent recommendations were lower than current one, applying the lowest recent recommendation',
    );
    await harness.advance(60_000);
    expect(await size()).toBe(4);
  });

  it('has tolerances of its own', async () => {
    await start(4);
    await runAll({ 'kubemu.io/usage-cpu': '60m' });
    await autoscale({ behavior: { scaleUp: { tolerance: '0.3' } } });
    await sync();
    expect(await size()).toBe(4);
  });
});
