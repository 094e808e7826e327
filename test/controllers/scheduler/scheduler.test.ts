import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNSCHEDULABLE_FLUSH_MS } from '../../../controllers/scheduler/queue.ts';
import { events, nodes, pods, services } from '../../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets } from '../../../openapi/generated/policy-v1.ts';
import { NAMESPACE } from '../harness.ts';
import { eventsOf, placement, startSchedulerHarness, type SchedulerHarness } from './cluster.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness();
});
afterEach(() => harness.stop());

describe('binding', () => {
  it('says where the pod went, in an event of the newer kind', async () => {
    await harness.node('n1');
    const pod = await harness.pod('web');
    const { items } = await harness.client.list(events, { namespace: NAMESPACE });
    expect(items).toMatchObject([
      {
        type: 'Normal',
        reason: 'Scheduled',
        action: 'Binding',
        message: 'Successfully assigned default/web to n1',
        involvedObject: { kind: 'Pod', name: 'web', uid: pod.metadata.uid },
        reportingComponent: 'default-scheduler',
        eventTime: '2026-01-01T00:00:00.000000Z',
      },
    ]);
    expect(items[0]!.count).toBeUndefined();
  });

  it('leaves the pods of other schedulers alone', async () => {
    await harness.node('n1');
    await harness.pod('theirs', { schedulerName: 'mine' });
    expect(await harness.placeOf('theirs')).toBe('');
    expect(await harness.problemOf('theirs')).toBeUndefined();
  });

  it('counts what it has just placed, so that a burst fits', async () => {
    for (const name of ['n1', 'n2']) await harness.node(name, { cpu: '2' });
    await Promise.all(Array.from({ length: 5 }, (_, i) => harness.pod(`p${i}`, { cpu: '1' })));
    const places = Object.values(await placement(harness));
    expect(places.filter((node) => node === 'n1')).toHaveLength(2);
    expect(places.filter((node) => node === 'n2')).toHaveLength(2);
    expect(places.filter((node) => node === '')).toHaveLength(1);
  });
});

describe('scores', () => {
  it('spread the pods of a service over nodes and zones', async () => {
    for (const [i, zone] of ['a', 'a', 'b', 'b'].entries())
      await harness.node(`n${i}`, { labels: { 'topology.kubernetes.io/zone': zone } });
    await harness.client.create(services, {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await harness.settle();
    for (let i = 0; i < 4; i++) await harness.pod(`web-${i}`, { labels: { app: 'web' } });
    expect(Object.values(await placement(harness)).sort()).toEqual(['n0', 'n1', 'n2', 'n3']);
  });

  it('prefer the emptier node, and the one with the image', async () => {
    await harness.node('small', { cpu: '2', memory: '4Gi' });
    await harness.node('large', { cpu: '32', memory: '64Gi' });
    await harness.pod('a', { cpu: '1', memory: '2Gi' });
    expect(await harness.placeOf('a')).toBe('large');
    const images = [{ names: ['app:1'], sizeBytes: 2_000_000_000 }];
    await harness.node('twin', { cpu: '32', memory: '64Gi', images });
    await harness.node('other', { cpu: '32', memory: '64Gi' });
    await harness.pod('b', { cpu: '1', memory: '2Gi' });
    expect(await harness.placeOf('b')).toBe('twin');
  });

  it('draw pods to those they like and away from those they do not', async () => {
    const preferred = (kind: 'podAffinity' | 'podAntiAffinity', app: string) => ({
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              topologyKey: 'kubernetes.io/hostname',
              labelSelector: { matchLabels: { app } },
            },
          },
        ],
      },
    });
    for (const name of ['n1', 'n2', 'n3']) await harness.node(name);
    await harness.pod('cache', { labels: { app: 'cache' } });
    const home = await harness.placeOf('cache');
    await harness.pod('friend', { affinity: preferred('podAffinity', 'cache') });
    expect(await harness.placeOf('friend')).toBe(home);
    for (let i = 0; i < 3; i++) {
      await harness.pod(`loner-${i}`, { affinity: preferred('podAntiAffinity', 'cache') });
      expect(await harness.placeOf(`loner-${i}`)).not.toBe(home);
    }
  });
});

describe('the queue', () => {
  it('takes the higher priority first, and among equals the one that came first', async () => {
    await harness.pod('low', { cpu: '1', priority: 1 });
    await harness.pod('high', { cpu: '1', priority: 7 });
    await harness.pod('later', { cpu: '1', priority: 7 });
    await harness.node('n1', { cpu: '1' });
    expect(await placement(harness)).toEqual({ low: '', high: 'n1', later: '' });
  });

  it('holds a gated pod back until its gates are gone', async () => {
    await harness.node('n1');
    await harness.pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] });
    const { status } = await harness.get(pods, 'gated');
    expect(status.conditions).toMatchObject([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ]);
    expect(await eventsOf(harness, 'FailedScheduling')).toEqual([]);
    await harness.change(pods, 'gated', (pod) => delete pod.spec.schedulingGates);
    await harness.settle();
    expect(await harness.placeOf('gated')).toBe('n1');
  });

  it.each([
    {
      name: 'a node that fits is added',
      change: () => harness.node('n2', { cpu: '8' }),
      placed: 'n2',
    },
    {
      name: 'a node that does not fit is added',
      change: () => harness.node('n2', { cpu: '1' }),
      placed: '',
    },
    {
      name: 'the node grows',
      change: async () => {
        await harness.change(
          nodes,
          'n1',
          ({ status }) => (status.allocatable = { ...status.allocatable, cpu: '8' }),
          'status',
        );
      },
      placed: 'n1',
    },
    {
      name: 'a pod leaves',
      change: () =>
        harness.client.delete(pods, { namespace: NAMESPACE, name: 'holder' }, { gracePeriodSeconds: 0 }),
      placed: 'n1',
    },
    {
      name: 'a pod ends',
      change: async () => harness.end(await harness.get(pods, 'holder'), 'Succeeded'),
      placed: 'n1',
    },
    { name: 'nothing happens', change: () => harness.advance(UNSCHEDULABLE_FLUSH_MS + 1), placed: '' },
  ])('tries an unschedulable pod again when $name', async ({ change, placed }) => {
    await harness.node('n1', { cpu: '4' });
    await harness.pod('holder', { cpu: '3' });
    await harness.pod('waiting', { cpu: '4' });
    expect(await harness.placeOf('waiting')).toBe('');
    await change();
    await harness.settle();
    expect(await harness.placeOf('waiting')).toBe(placed);
  });

  it('writes no second event and no second condition for the same failure', async () => {
    await harness.node('n1', { cpu: '1' });
    await harness.pod('large', { cpu: '4' });
    const before = (await harness.get(pods, 'large')).metadata.resourceVersion;
    await harness.advance(UNSCHEDULABLE_FLUSH_MS + 1);
    expect((await harness.get(pods, 'large')).metadata.resourceVersion).toBe(before);
    const { items } = await harness.client.list(events, { namespace: NAMESPACE });
    expect(items).toHaveLength(1);
    expect(items[0]!.series?.count).toBe(2);
  });
});

describe('preemption', () => {
  const lowest = { priority: -10, cpu: '2' } as const;

  it('evicts the less important, keeps the node, and comes when they are gone', async () => {
    await harness.node('n1', { cpu: '2' });
    const victim = await harness.pod('victim', { ...lowest, terminationGracePeriodSeconds: 30 });
    await harness.setReady(victim);
    const preemptor = await harness.pod('preemptor', { priority: 100, cpu: '2' });
    const dying = await harness.get(pods, 'victim');
    expect(dying.metadata.deletionTimestamp).toBeDefined();
    expect(dying.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        observedGeneration: 1,
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      }),
    );
    expect((await harness.get(pods, 'preemptor')).status.nominatedNodeName).toBe('n1');
    expect(await harness.problemOf('preemptor')).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(await eventsOf(harness, 'Preempted')).toEqual([
      `Preempted by pod ${preemptor.metadata.uid} on node n1`,
    ]);
    // Others of less importance do not take the room meanwhile.
    await harness.pod('sneaker', { cpu: '1' });
    await harness.remove(dying);
    await harness.settle();
    expect(await placement(harness)).toEqual({ preemptor: 'n1', sneaker: '' });
  });

  it('tells nobody to leave who is leaving, and takes no promised node over that', async () => {
    await harness.node('n1', { cpu: '2' });
    await harness.setReady(await harness.pod('victim', { ...lowest, terminationGracePeriodSeconds: 30 }));
    await harness.pod('important', { priority: 100, cpu: '2' });
    await harness.pod('more-important', { priority: 1000, cpu: '2' });
    const nominated = async (name: string) => (await harness.get(pods, name)).status.nominatedNodeName;
    expect(await nominated('more-important')).toBe('n1');
    expect(await nominated('important')).toBe('n1');
    expect(await eventsOf(harness, 'Preempted')).toHaveLength(1);
  });

  it('takes the node where it costs least', async () => {
    for (const name of ['n1', 'n2', 'n3']) await harness.node(name, { cpu: '2' });
    const on = (node: string) => ({ nodeSelector: { 'kubernetes.io/hostname': node } });
    await harness.pod('dear', { ...on('n1'), priority: 50, cpu: '2' });
    await harness.pod('cheap-1', { ...on('n2'), priority: 1, cpu: '1' });
    await harness.pod('cheap-2', { ...on('n2'), priority: 1, cpu: '1' });
    await harness.pod('cheap', { ...on('n3'), priority: 1, cpu: '2' });
    await harness.pod('preemptor', { priority: 100, cpu: '2' });
    expect(await placement(harness)).toMatchObject({ dear: 'n1', 'cheap-1': 'n2', 'cheap-2': 'n2' });
    expect((await harness.get(pods, 'preemptor')).status.nominatedNodeName).toBe('n3');
  });

  it('takes no more pods than it needs, the least important of them', async () => {
    await harness.node('n1', { cpu: '3' });
    await harness.pod('a', { priority: 3, cpu: '1' });
    await harness.pod('b', { priority: 2, cpu: '1' });
    await harness.pod('c', { priority: 1, cpu: '1' });
    await harness.pod('preemptor', { priority: 100, cpu: '2' });
    const alive = (await harness.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(alive.map(({ metadata }) => metadata.name)).toEqual(['a', 'preemptor']);
  });

  it('spares pods whose budget forbids it when others will do', async () => {
    for (const name of ['n1', 'n2']) await harness.node(name, { cpu: '2' });
    await harness.client.create(podDisruptionBudgets, {
      metadata: { name: 'guarded', namespace: NAMESPACE },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
    });
    const on = (node: string) => ({ nodeSelector: { 'kubernetes.io/hostname': node } });
    await harness.pod('guarded', { ...on('n1'), labels: { app: 'guarded' }, priority: 1, cpu: '2' });
    await harness.pod('dearer', { ...on('n2'), priority: 5, cpu: '2' });
    await harness.pod('preemptor', { priority: 100, cpu: '2' });
    expect((await harness.get(pods, 'preemptor')).status.nominatedNodeName).toBe('n2');
  });

  it('is not for pods that will not preempt', async () => {
    await harness.node('n1', { cpu: '2' });
    await harness.pod('other', lowest);
    await harness.pod('polite', { priority: 100, cpu: '2', preemptionPolicy: 'Never' });
    expect(await harness.problemOf('polite')).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    );
    expect(await harness.placeOf('other')).toBe('n1');
  });

  it('lifts anti-affinity by evicting who causes it', async () => {
    await harness.node('n1');
    const affinity = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'loud' } } },
        ],
      },
    };
    await harness.pod('loud', { labels: { app: 'loud' }, priority: 1 });
    await harness.pod('quiet', { priority: 100, affinity });
    const loud = await harness.get(pods, 'loud').catch(() => undefined);
    if (loud !== undefined) await harness.remove(loud);
    await harness.settle();
    expect(await placement(harness)).toEqual({ quiet: 'n1' });
  });
});
