import { afterEach, describe, expect, it } from 'vitest';
import type { ResourceDefinition } from '../../../api/definition.ts';
import { builtInDefinitions } from '../../../api/groups/index.ts';
import type { Client, ResourceType } from '../../../api/machinery/client.ts';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import type { KubeObject } from '../../../api/machinery/object-meta.ts';
import { leases } from '../../../openapi/generated/coordination-v1.ts';
import { daemonSets, deployments, statefulSets } from '../../../openapi/generated/apps-v1.ts';
import { horizontalPodAutoscalers } from '../../../openapi/generated/autoscaling-v2.ts';
import { cronJobs, jobs } from '../../../openapi/generated/batch-v1.ts';
import { configMaps, pods, services } from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../../../server/cluster.ts';
import type { NotSettledError } from '../../../server/control/settled.ts';

const START_MS = Date.UTC(2026, 2, 1);
const clusters: Cluster[] = [];

async function start(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await startCluster({ clock: new VirtualClock(START_MS), seed: 'settled', ...options });
  clusters.push(cluster);
  return cluster;
}

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
});

const template = (app: string, command?: string[]) => ({
  metadata: { labels: { app } },
  spec: {
    containers: [{ name: 'main', image: 'nginx:1.25', ...(command === undefined ? {} : { command }) }],
  },
});

async function createDeployment(client: Client, name: string, replicas: number, command?: string[]) {
  await client.create(deployments, {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: template(name, command),
    },
  });
}

const namespace = 'default';

describe('settled', () => {
  it('finds a deployment available without waiting for anything', async () => {
    const { client, settled } = await start();
    await createDeployment(client, 'web', 3);
    const { resourceVersion, nowMs } = await settled();
    const { status } = await client.get(deployments, { namespace, name: 'web' });
    expect(status.availableReplicas).toBe(3);
    expect(nowMs - START_MS).toBeLessThan(1000);
    expect((await client.list(pods)).resourceVersion).toBe(resourceVersion);
  });

  it('goes on to timers within the horizon, not to those behind it, nor to heartbeats', async () => {
    const { client, settled, clock } = await start();
    await createDeployment(client, 'crashing', 1, ['false']);
    await settled({ horizonMs: 5000 });
    const restarts = async () =>
      (await client.list(pods)).items[0]!.status.containerStatuses![0]!.restartCount;
    const early = await restarts();
    // Back-offs of 10, 20 and 40 s pass; that of 80 s is too far away.
    await settled({ horizonMs: 60_000 });
    expect(await restarts()).toBeGreaterThan(early + 1);
    expect(clock.now() - START_MS).toBeLessThan(120_000);
    expect(clock.state.nextTimer).toBeDefined();
  });

  it('waits for timers of the real clock', async () => {
    const { client, settled } = await start({ clock: 'real' });
    await createDeployment(client, 'web', 1);
    await settled();
    expect((await client.get(deployments, { namespace, name: 'web' })).status.availableReplicas).toBe(1);
  });

  it('names who is busy when time runs out', async () => {
    const { client, settled, clock } = await start();
    await createDeployment(client, 'crashing', 1, ['false']);
    await settled();
    await clock.run(0.001);
    const error = await settled({ horizonMs: 3_600_000, timeoutMs: 50 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'NotSettledError', fights: [] });
    expect((error as NotSettledError).due?.name).toMatch(/^queue kubelet \(default\/crashing-/);
    expect((error as NotSettledError).message).toMatch(
      /^the cluster did not settle within 50 ms: .*queue kubelet \(default\/crashing-.*\) is due soon$/,
    );
  });

  it('reports two writers that fight', async () => {
    const { client, settled } = await start({ nodes: 0 });
    const object = { metadata: { name: 'ring', namespace }, data: { owner: 'nobody' } };
    const { metadata } = await client.create(configMaps, object);
    const stops = ['left', 'right'].map((name) =>
      client.watch(
        configMaps,
        { namespace, resourceVersion: metadata.resourceVersion! },
        {
          event: (event) => {
            if (event.type !== 'MODIFIED' || event.object.data?.['owner'] === name) return;
            const change = { type: 'merge', body: { data: { owner: name } } } as const;
            void client.as(name).patch(configMaps, { namespace, name: 'ring' }, change);
          },
          ended: () => {},
        },
      ),
    );
    const outcome = settled({ timeoutMs: 20_000 }).catch((caught: unknown) => caught);
    const kick = { type: 'merge', body: { data: { owner: 'somebody' } } } as const;
    await client.patch(configMaps, { namespace, name: 'ring' }, kick);
    let error = await outcome;
    // The writers are no controllers: the cluster may have seemed settled between two of their writes.
    if (!(error instanceof Error)) {
      for (let i = 0; i < 100 && !(error instanceof Error); i++)
        error = await settled().catch((caught: unknown) => caught);
    }
    for (const stop of stops) stop();
    expect(error).toMatchObject({
      message:
        'the cluster does not settle: system:left and system:right over configmaps default/ring (data.owner) fight',
    });
  });
});

it('a pod that is deleted before it has begun goes, with time standing still', async () => {
  const { client, settled } = await start();
  await createDeployment(client, 'web', 1);
  // The scheduler has placed it, no timer of the node has run.
  await settled({ horizonMs: 0 });
  const { items } = await client.list(pods);
  await client.delete(deployments, { namespace, name: 'web' }, { propagationPolicy: 'Background' });
  await client.delete(pods, { namespace, name: items[0]!.metadata.name! });
  await settled();
  expect((await client.list(pods)).items).toEqual([]);
});

describe('a virtual clock', () => {
  it('stands still, steps over hours, and goes to the next timer', async () => {
    const { client, clock, settled } = await start();
    await settled();
    const before = clock.now();
    const renewals = async () =>
      (await client.get(leases, { namespace: 'kube-node-lease', name: 'node-1' })).spec!;
    await clock.step(3_600_000);
    expect(clock.now() - before).toBe(3_600_000);
    expect(Date.parse((await renewals()).renewTime!)).toBeGreaterThan(before + 3_580_000);
    const next = clock.state.nextTimer!;
    await clock.advance();
    expect(clock.now()).toBe(next.dueMs);
  });

  it('brings deadlines and times to live about in no time', async () => {
    const { client, clock, settled } = await start();
    await client.create(jobs, {
      metadata: { name: 'long', namespace },
      spec: {
        activeDeadlineSeconds: 7200,
        template: {
          ...template('long', ['sleep', '86400']),
          spec: { ...template('long', ['sleep', '86400']).spec, restartPolicy: 'Never' },
        },
      },
    });
    await settled();
    await clock.step(7_300_000);
    const { status } = await client.get(jobs, { namespace, name: 'long' });
    expect(status.conditions?.find(({ type }) => type === 'Failed')).toMatchObject({
      status: 'True',
      reason: 'DeadlineExceeded',
    });
  });

  it('runs at a rate until it is paused', async () => {
    const { clock } = await start({ nodes: 0 });
    await clock.run(3600);
    expect(clock.state).toMatchObject({ type: 'virtual', state: 'running', rate: 3600 });
    const before = clock.now();
    await new Promise<void>((resolve) => {
      const look = (): void => (clock.now() > before + 1000 ? resolve() : void setImmediate(look));
      look();
    });
    await clock.pause();
    expect(clock.state).toMatchObject({ state: 'paused', rate: 0 });
    const paused = clock.now();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(clock.now()).toBe(paused);
  });

  it('refuses to move the time of the machine', async () => {
    const { clock } = await start({ clock: 'real', nodes: 0 });
    expect(clock.state).toMatchObject({ type: 'real', state: 'running', rate: 1 });
    await expect(clock.step(1000)).rejects.toThrow('the clock is real');
  });
});

async function createTheRest(client: Client): Promise<void> {
  const metadata = { name: 'db', namespace };
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  await client.create(statefulSets, {
    metadata,
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'db' } },
      template: template('db'),
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim, status: {} }],
    },
  });
  await client.create(daemonSets, {
    metadata,
    spec: { selector: { matchLabels: { app: 'agent' } }, template: template('agent') },
  });
  const { metadata: jobMetadata, spec } = template('tick', ['true']);
  const jobSpec = {
    completions: 3,
    template: { metadata: jobMetadata, spec: { ...spec, restartPolicy: 'Never' } },
  };
  await client.create(jobs, { metadata, spec: jobSpec });
  await client.create(cronJobs, {
    metadata,
    spec: { schedule: '* * * * *', jobTemplate: { spec: jobSpec } },
  });
  await client.create(horizontalPodAutoscalers, {
    metadata,
    spec: {
      minReplicas: 4,
      maxReplicas: 5,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' },
    },
  });
  await client.create(podDisruptionBudgets, {
    metadata,
    spec: { selector: { matchLabels: { app: 'db' } }, maxUnavailable: 1 },
  });
}

function typeOf({ group, versions, names, namespaced }: ResourceDefinition): ResourceType<KubeObject> {
  return { group, version: versions[0]!.name, resource: names.plural, kind: names.kind, namespaced };
}

/** Everything that chance or timing could touch. */
async function script(): Promise<unknown> {
  const { client, settled, clock, url } = await start({ seed: 'twice', nodes: 3 });
  await createDeployment(client, 'web', 5);
  await client.create(services, {
    metadata: { name: 'web', namespace },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], type: 'NodePort' },
  });
  await settled();
  await client.patch(
    deployments,
    { namespace, name: 'web' },
    { type: 'merge', body: { spec: { replicas: 2 } } },
  );
  await createDeployment(client, 'crashing', 2, ['false']);
  await createTheRest(client);
  await settled({ horizonMs: 30_000 });
  await client.delete(deployments, { namespace, name: 'crashing' }, { propagationPolicy: 'Foreground' });
  await clock.step(360_000);
  const stored = builtInDefinitions().filter(
    ({ group, storedAs, verbs }) => storedAs.group === group && verbs.includes('list'),
  );
  const lists = await Promise.all(stored.map((definition) => client.list(typeOf(definition))));
  // Certificates come from the platform's own source of chance, and the server's port is any free one.
  const text = JSON.stringify(lists.map(({ items }) => items));
  return JSON.parse(
    text
      .replaceAll(/-----BEGIN CERTIFICATE-----[^"]*/g, 'certificate')
      .replaceAll(new RegExp(`"(targetPort|port)":${new URL(url).port}`, 'g'), '"$1":0'),
  );
}

it('one script with one seed gives the same names, UIDs, addresses and order of events', async () => {
  const first = await script();
  const second = await script();
  expect(second).toEqual(first);
});
