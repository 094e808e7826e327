/** One stored object, whatever version it is written and read in. */
import { beforeEach, describe, expect, it } from 'vitest';
import { frameReader, newTestServer, type TestServer } from '../fixtures/server.ts';

const V1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
const V2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
const CORE = '/api/v1/namespaces/default/events';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const scaleTargetRef = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
const cpu = (averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

// oxlint-disable-next-line no-explicit-any -- whatever the server answers; the assertions say what it must be
type Json = any;

let server: TestServer;
const create = async (path: string, object: object): Promise<Json> => {
  const { status, json, text } = await server.call('POST', path, object);
  expect(status, text).toBe(201);
  return json;
};
const read = async (path: string): Promise<Json> => (await server.call('GET', path)).json;

beforeEach(async () => {
  server = await newTestServer();
});

describe('autoscalers', () => {
  it.each<[string, object, object[]]>([
    ['a target for CPU', { targetCPUUtilizationPercentage: 50 }, [cpu(50)]],
    ['nothing to scale by', {}, [cpu(80)]],
  ])('of v1 with %s have metrics in v2', async (_name, spec, metrics) => {
    await create(V1, { metadata: { name: 'a' }, spec: { scaleTargetRef, maxReplicas: 3, ...spec } });
    const object = await read(`${V2}/a`);
    expect(object).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { maxReplicas: 3, metrics } });
    expect(object.spec.targetCPUUtilizationPercentage).toBeUndefined();
    expect((await read(`${V1}/a`)).spec.targetCPUUtilizationPercentage).toBe(
      (metrics[0] as Json).resource.target.averageUtilization,
    );
  });

  const metrics = [
    cpu(60),
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
    {
      type: 'ContainerResource',
      containerResource: {
        name: 'cpu',
        container: 'main',
        target: { type: 'Utilization', averageUtilization: 5 },
      },
    },
    {
      type: 'Pods',
      pods: {
        metric: { name: 'm', selector: { matchLabels: { a: 'b' } } },
        target: { type: 'AverageValue', averageValue: '3' },
      },
    },
    {
      type: 'Object',
      object: {
        describedObject: scaleTargetRef,
        target: { type: 'Value', value: '2' },
        metric: { name: 'o' },
      },
    },
    {
      type: 'Object',
      object: {
        describedObject: scaleTargetRef,
        target: { type: 'AverageValue', averageValue: '2' },
        metric: { name: 'o' },
      },
    },
    { type: 'External', external: { metric: { name: 'e' }, target: { type: 'Value', value: '7' } } },
    {
      type: 'External',
      external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '7' } },
    },
  ];
  const behavior = {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
    },
    scaleDown: {
      stabilizationWindowSeconds: 60,
      selectPolicy: 'Min',
      policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
    },
  };
  const conditions = [
    {
      type: 'ScalingActive',
      status: 'True',
      lastTransitionTime: '2024-01-01T00:00:00Z',
      reason: 'r',
      message: 'm',
    },
  ];

  it('of v2 keep what v1 has no place for in annotations', async () => {
    await create(V2, {
      metadata: { name: 'a', annotations: { own: 'x' } },
      spec: { scaleTargetRef, maxReplicas: 3, metrics, behavior },
    });
    const stored = await read(`${V2}/a`);
    await server.call('PUT', `${V2}/a/status`, {
      ...stored,
      status: {
        desiredReplicas: 2,
        currentMetrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', current: { averageUtilization: 9, averageValue: '10m' } },
          },
        ],
        conditions,
      },
    });
    const old = await read(`${V1}/a`);
    expect(old.spec).toMatchObject({ scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 60 });
    expect(old.spec).not.toHaveProperty('metrics');
    expect(old.status).toMatchObject({ desiredReplicas: 2, currentCPUUtilizationPercentage: 9 });
    const carried = (name: string): Json => JSON.parse(old.metadata.annotations[`${PREFIX}${name}`]);
    expect(carried('metrics')[0]).toEqual({
      type: 'Resource',
      resource: { name: 'memory', targetAverageValue: '1Gi' },
    });
    expect(carried('behavior').ScaleUp.Policies).toEqual([{ Type: 'Pods', Value: 4, PeriodSeconds: 15 }]);
    expect(carried('conditions')).toEqual(conditions);
    expect(old.metadata.annotations.own).toBe('x');
  });

  it('written back in v1 as they were read are what they were in v2', async () => {
    await create(V2, {
      metadata: { name: 'a', annotations: { own: 'x' } },
      spec: { scaleTargetRef, maxReplicas: 3, metrics, behavior },
    });
    const before = await read(`${V2}/a`);
    const old = await read(`${V1}/a`);
    expect((await server.call('PUT', `${V1}/a`, old)).status).toBe(200);
    const after = await read(`${V2}/a`);
    const byText = (list: Json[]): string[] => list.map((metric) => JSON.stringify(metric)).sort();
    // What v1 has a place for comes last.
    expect(byText(after.spec.metrics)).toEqual(byText(before.spec.metrics));
    expect(after.spec.behavior).toEqual(before.spec.behavior);
    expect(after.metadata.annotations).toEqual({ own: 'x' });
  });

  it.each(['nonsense', '{}', '[1]', '"x"', '[{"type":"__proto__"}]'])(
    'of v1 with %s in an annotation are taken',
    async (text) => {
      const annotations = {
        [`${PREFIX}metrics`]: text,
        [`${PREFIX}behavior`]: text,
        [`${PREFIX}conditions`]: text,
      };
      const { status } = await server.call('POST', V1, {
        metadata: { name: 'a', annotations },
        spec: { scaleTargetRef, maxReplicas: 3 },
      });
      expect(status).toBeLessThan(500);
    },
  );
});

describe('events', () => {
  const event = {
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    reason: 'Started',
    message: 'hello',
    type: 'Normal',
    source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: '2024-01-01T00:00:00Z',
    lastTimestamp: '2024-01-01T00:00:01Z',
    count: 2,
  };

  it('of core are those of events.k8s.io under other names, and the same object', async () => {
    const core = await create(CORE, event);
    const other = await read(`${EVENTS}/e`);
    expect(other).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      metadata: { uid: core.metadata.uid, resourceVersion: core.metadata.resourceVersion },
      regarding: event.involvedObject,
      note: 'hello',
      reason: 'Started',
      deprecatedSource: event.source,
      deprecatedFirstTimestamp: event.firstTimestamp,
      deprecatedLastTimestamp: event.lastTimestamp,
      deprecatedCount: 2,
    });
    expect(other).not.toHaveProperty('involvedObject');
  });

  it('written in events.k8s.io are read and selected in core', async () => {
    await create(EVENTS, {
      metadata: { name: 'e' },
      eventTime: '2024-01-01T00:00:00.123456Z',
      regarding: event.involvedObject,
      note: 'hello',
      reason: 'Started',
      type: 'Normal',
      action: 'Start',
      reportingController: 'example.com/me',
      reportingInstance: 'me-1',
    });
    expect(await read(`${CORE}/e`)).toMatchObject({
      involvedObject: event.involvedObject,
      message: 'hello',
      reportingComponent: 'example.com/me',
      eventTime: '2024-01-01T00:00:00.123456Z',
    });
    for (const path of [
      `${CORE}?fieldSelector=involvedObject.name%3Dp,reportingComponent%3Dexample.com/me`,
      `${EVENTS}?fieldSelector=regarding.name%3Dp,reportingController%3Dexample.com/me`,
    ])
      expect((await read(path)).items, path).toHaveLength(1);
  });

  it('are watched in either group', async () => {
    const reader = frameReader(await server.fetch(`${EVENTS}?watch=1`));
    await create(CORE, event);
    expect(await reader.next()).toMatchObject({ type: 'ADDED', object: { kind: 'Event', note: 'hello' } });
    await reader.end();
  });
});
