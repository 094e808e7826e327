/** What one event costs a controller among 1,000 and among 100,000 objects it has nothing to do with. */
import { horizontalPodAutoscalers } from '../../openapi/generated/autoscaling-v2.ts';
import { deployments } from '../../openapi/generated/apps-v1.ts';
import {
  configMaps,
  namespaces,
  nodes,
  pods,
  resourceQuotas,
  services,
} from '../../openapi/generated/core-v1.ts';
import type { Cluster } from '../../server/cluster.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { startQuietly } from '../harness/in-process.ts';
import { median } from '../harness/measure.ts';
import { createIn } from '../harness/objects.ts';

const FEW = 1000;
const MANY = 100_000;
const PODS = 10;
const EVENTS = 200;
const ROUNDS = 7;
const AUTOSCALER_PERIOD_MS = 15_000;
const CONTROLLERS = [
  'serviceaccount-controller',
  'horizontal-pod-autoscaler-controller',
  'endpoints-controller',
  'endpointslice-controller',
  'resourcequota-controller',
  'garbage-collector-controller',
];
const NAMESPACE = 'default';
const ELSEWHERE = 'elsewhere';
const NODE = 'node';

const podSpec = { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '100m' } } }] };

/** Causes one event of a kind; `index` tells them apart. */
type Cause = (cluster: Cluster, index: number) => Promise<unknown>;

/** Each ends with what it made gone again. */
const CAUSES: Readonly<Record<string, Cause>> = {
  /** A look at the metrics, which comes by time. */
  'horizontal-pod-autoscaler': ({ clock }) => clock.step(AUTOSCALER_PERIOD_MS),
  endpoints: ({ client }, index) =>
    client.patch(
      pods,
      { namespace: NAMESPACE, name: 'web-0' },
      {
        type: 'merge',
        body: { status: { conditions: [{ type: 'Ready', status: index % 2 === 0 ? 'True' : 'False' }] } },
      },
      { subresource: 'status' },
    ),
  quota: async ({ client }, index) => {
    const target = { namespace: NAMESPACE, name: `counted-${index}` };
    await client.create(pods, { metadata: target, spec: podSpec });
    await client.delete(pods, target, { gracePeriodSeconds: 0 });
  },
  'garbage-collector': async ({ client }, index) => {
    const target = { namespace: NAMESPACE, name: `owner-${index}` };
    const { metadata } = await client.create(configMaps, { metadata: target });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: target.name, uid: metadata.uid! }];
    await client.create(configMaps, {
      metadata: { namespace: NAMESPACE, name: `dependent-${index}`, ownerReferences },
    });
    await client.delete(configMaps, target, { propagationPolicy: 'Background' });
  },
};

/** What the events are about: pods behind a service, with a quota and an autoscaler. */
async function prepare(cluster: Cluster): Promise<void> {
  const { client } = cluster;
  const labels = { app: 'web' };
  await client.create(namespaces, { metadata: { name: ELSEWHERE }, spec: {} });
  await cluster.idle();
  // Endpoints are of pods on nodes that exist.
  await client.create(nodes, { metadata: { name: NODE }, spec: {} });
  await client.create(services, {
    metadata: { namespace: NAMESPACE, name: 'web' },
    spec: { selector: labels, ports: [{ port: 80 }] } as never,
  });
  await client.create(resourceQuotas, {
    metadata: { namespace: NAMESPACE, name: 'pods' },
    spec: { hard: { pods: '1000' } },
  });
  await client.create(deployments, {
    metadata: { namespace: NAMESPACE, name: 'web' },
    spec: {
      replicas: PODS,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec },
    },
  });
  await client.create(horizontalPodAutoscalers, {
    metadata: { namespace: NAMESPACE, name: 'web' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 10 },
  });
  await cluster.idle();
  await createIn(cluster, pods, PODS, (index) => ({
    metadata: { namespace: NAMESPACE, name: `web-${index}`, labels },
    spec: { ...podSpec, nodeName: NODE },
  }));
  for (let index = 0; index < PODS; index++) {
    const target = { namespace: NAMESPACE, name: `web-${index}` };
    const podIP = `10.244.0.${index + 2}`;
    const status = { phase: 'Running', startTime: '2026-01-01T00:00:00Z', podIP, podIPs: [{ ip: podIP }] };
    await client.patch(pods, target, { type: 'merge', body: { status } }, { subresource: 'status' });
  }
  await cluster.idle();
}

/** Processor time of an event in milliseconds, with the requests that cause it, until every controller is done. */
async function costs(cluster: Cluster): Promise<Record<string, number>> {
  const result: Record<string, number> = {};
  for (const [name, cause] of Object.entries(CAUSES)) {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      for (let index = 0; index < EVENTS; index++) {
        await cause(cluster, index);
        await cluster.idle();
      }
      const { user, system } = process.cpuUsage(before);
      rounds.push((user + system) / 1000 / EVENTS);
    }
    result[name] = median(rounds);
  }
  return result;
}

export const eventCostRow: Row = {
  name: 'event-cost',
  isOnRequest: true,
  run: async (): Promise<Finding[]> => {
    const cluster = await startQuietly({
      nodes: 0,
      scheduler: false,
      controllers: CONTROLLERS,
      clock: 'virtual',
    });
    await prepare(cluster);
    const grow = (from: number, to: number): Promise<void> =>
      createIn(cluster, pods, to - from, (index) => ({
        metadata: { namespace: ELSEWHERE, name: `pod-${from + index}`, labels: { app: 'web' } },
        spec: podSpec,
      }));
    for (let round = 0; round < 3; round++) await costs(cluster);
    await grow(0, FEW);
    await cluster.idle();
    const few = await costs(cluster);
    await grow(FEW, MANY);
    await cluster.idle();
    const many = await costs(cluster);
    await cluster.stop();
    return Object.keys(CAUSES).map((name) => ({
      row: 'event',
      what: `processor time of one event for ${name} with ${MANY} pods elsewhere against ${FEW}`,
      value: many[name]! / few[name]!,
      unit: 'times',
      // Work that grew with the objects would show as a multiple of tens; garbage collection of a large heap costs a little.
      target: 2,
      better: 'lower',
      details: { usAt1000: few[name]! * 1000, usAt100000: many[name]! * 1000 },
    }));
  },
};
