import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointSliceController } from '../../../controllers/endpointslice/endpointslice-controller.ts';
import { endpoints } from '../../../openapi/generated/core-v1.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import { endpointSlices } from '../../../openapi/generated/discovery-v1.ts';
import { pods } from '../../../openapi/generated/core-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { Network } from './fixture.ts';

const TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';

let harness: Harness;
let network: Network;
beforeEach(async () => {
  harness = await startHarness([endpointsController, endpointSliceController], 'slices', {
    serviceRanges: '10.0.0.0/24,fd00::/112',
  });
  network = new Network(harness);
  await network.node('n1', 'a');
  await network.node('n2', 'b');
});
afterEach(() => harness.stop());

const shown = async (service = 'web'): Promise<unknown[]> =>
  (await network.slices(service)).map(({ addressType, endpoints: list }) => [
    addressType,
    (list ?? []).flatMap(({ addresses }) => addresses),
  ]);

describe('slices of a service', () => {
  it('are one for each family, and go with it', async () => {
    await network.service('web', { ipFamilyPolicy: 'PreferDualStack' });
    await network.pod('a', ['10.1.0.1', 'fd01::0001']);
    await network.pod('b', ['10.1.0.2']);
    expect(await shown()).toEqual([
      ['IPv4', ['10.1.0.1', '10.1.0.2']],
      ['IPv6', ['fd01::1']],
    ]);
    expect(await harness.get(endpoints, 'web')).toMatchObject({
      subsets: [{ addresses: [{ ip: '10.1.0.1' }, { ip: '10.1.0.2' }] }],
    });
    await network.patchService('web', { spec: { ipFamilyPolicy: 'SingleStack' } });
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1', '10.1.0.2']]]);
  });

  it('of IPv6 have the second address of pods, and so have its Endpoints', async () => {
    await network.service('web', { ipFamilies: ['IPv6'] });
    await network.pod('a', ['10.1.0.1', 'fd01::1']);
    expect(await shown()).toEqual([['IPv6', ['fd01::1']]]);
    expect((await harness.get(endpoints, 'web')).subsets?.[0]?.addresses).toMatchObject([{ ip: 'fd01::1' }]);
  });

  it('are an empty one without pods, whose lists are null', async () => {
    await network.service('web', { clusterIP: 'None' }, { labels: { x: 'y' } });
    const [slice, ...more] = await network.slices('web');
    expect(more).toEqual([]);
    expect(slice).toMatchObject({ endpoints: null, ports: null, addressType: 'IPv4' });
    expect(slice!.metadata).toMatchObject({
      generateName: 'web-',
      annotations: { [TRIGGER]: '2026-01-01T00:00:00Z' },
      labels: {
        x: 'y',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'service.kubernetes.io/headless': '',
      },
    });
    await network.pod('a', ['10.1.0.1']);
    await network.deletePod('a', 0);
    const [later, ...others] = await network.slices('web');
    expect(others).toEqual([]);
    expect(later).toMatchObject({ endpoints: null, metadata: { name: slice!.metadata.name } });
  });

  it('follow the labels of the service', async () => {
    await network.service('web', {}, { labels: { x: 'y' } });
    await network.patchService('web', {
      metadata: { labels: { x: null, 'kubernetes.io/service-name': 'odd' } },
    });
    const [{ metadata }] = (await network.slices('web')) as [Awaited<ReturnType<Network['slices']>>[number]];
    expect(metadata.labels).toEqual({
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    });
  });

  it('show pods on their way out as serving and not ready', async () => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    await network.deletePod('a', 30);
    expect(await network.endpoints('web')).toMatchObject([
      { conditions: { ready: false, serving: true, terminating: true } },
    ]);
    expect((await harness.get(endpoints, 'web')).subsets).toBeUndefined();
    await network.patchService('web', { spec: { publishNotReadyAddresses: true } });
    expect(await network.endpoints('web')).toMatchObject([
      { conditions: { ready: true, serving: true, terminating: true } },
    ]);
  });

  it('leave out pods that ended, and keep two of one address apart', async () => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    await network.pod('b', ['10.1.0.1'], { node: 'n2' });
    await network.pod('c', ['10.1.0.3'], { phase: 'Succeeded', ready: false });
    expect(await network.endpoints('web')).toMatchObject([
      { addresses: ['10.1.0.1'], targetRef: { name: 'a' }, zone: 'a' },
      { addresses: ['10.1.0.1'], targetRef: { name: 'b' }, zone: 'b' },
    ]);
  });

  it('are one for each set of ports that pods resolve to', async () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'tls', port: 443, targetPort: 'secure' },
    ];
    const spec = {
      containers: [
        { name: 'main', image: 'app:1', ports: [{ name: 'secure', containerPort: 8443, protocol: 'TCP' }] },
      ],
    };
    await network.service('web', { ports });
    await network.pod('a', ['10.1.0.1'], { spec });
    await network.pod('b', ['10.1.0.2']);
    const slices = await network.slices('web');
    const view = slices.map(({ endpoints: list, ports: own }) => [
      list?.[0]?.addresses[0],
      own?.map(({ name, port }) => `${name} ${port}`),
    ]);
    expect(Object.fromEntries(view as [string, unknown][])).toEqual({
      '10.1.0.1': ['http 8080', 'tls 8443'],
      '10.1.0.2': ['http 8080'],
    });
  });

  it('have names of pods in the domain of the service', async () => {
    await network.service('web', { clusterIP: 'None' });
    await network.pod('a', ['10.1.0.1'], { spec: { hostname: 'first', subdomain: 'web' } });
    expect(await network.endpoints('web')).toMatchObject([{ hostname: 'first', nodeName: 'n1' }]);
  });

  it('wait for the node of a pod, second by second', async () => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    await network.pod('lost', ['10.1.0.2'], { node: 'n3' });
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1']]]);
    expect(await harness.events()).toContain(
      'Warning FailedToUpdateEndpointSlices Error updating Endpoint Slices for Service default/web: skipping Pod lost for Service default/web: Node n3 Not Found',
    );
    await network.node('n3');
    await harness.advance(8000);
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1', '10.1.0.2']]]);
  });

  it('that somebody else changes are put right a second later', async () => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    const [slice] = await network.slices('web');
    const { namespace, name } = slice!.metadata;
    const body = { endpoints: [{ addresses: ['192.0.2.1'] }] };
    await harness.client.patch(endpointSlices, { namespace, name: name! }, { type: 'merge', body });
    await harness.advance(1000);
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1']]]);
    await harness.client.delete(endpointSlices, { namespace, name: name! });
    await harness.advance(1000);
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1']]]);
  });

  it('say when what changed that they answer to', async () => {
    await network.service('web');
    await harness.advance(60_000);
    await network.pod('a', ['10.1.0.1']);
    const times = async () => (await network.slices('web')).map(({ metadata }) => metadata.annotations);
    expect(await times()).toEqual([{ [TRIGGER]: '2026-01-01T00:01:00Z' }]);
    await harness.change(pods, 'a', ({ metadata }) => (metadata.labels = { app: 'other' }));
    await harness.settle();
    expect(await times()).toEqual([undefined]);
  });

  it('stay as they are when the selector goes', async () => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    await network.patchService('web', { spec: { selector: null } });
    await network.deletePod('a', 0);
    expect(await shown()).toEqual([['IPv4', ['10.1.0.1']]]);
  });
});

describe('hints', () => {
  const hints = async (): Promise<unknown[]> =>
    (await network.endpoints('web')).map(({ hints: own }) => [
      own?.forZones?.map(({ name }) => name),
      own?.forNodes?.map(({ name }) => name),
    ]);

  it.each([
    { distribution: 'PreferSameZone', expected: [['a'], undefined] },
    { distribution: 'PreferClose', expected: [['a'], undefined] },
    { distribution: 'PreferSameNode', expected: [['a'], ['n1']] },
  ])('of $distribution name the zone or the node of ready endpoints', async ({ distribution, expected }) => {
    await network.service('web');
    await network.pod('a', ['10.1.0.1']);
    await network.pod('b', ['10.1.0.2'], { ready: false });
    await network.patchService('web', { spec: { trafficDistribution: distribution } });
    expect(await hints()).toEqual([expected, [undefined, undefined]]);
    await network.patchService('web', { spec: { trafficDistribution: null } });
    expect(await hints()).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('of the mode Auto follow the processors of zones, and are told of', async () => {
    await network.node('n3', 'b', '8');
    const annotations = { 'service.kubernetes.io/topology-mode': 'Auto' };
    await network.service('web', {}, { annotations });
    for (let i = 0; i < 8; i++) await network.pod(`p${i}`, [`10.1.0.${i}`], { node: i < 6 ? 'n1' : 'n2' });
    const zones = (await hints()).map((own) => (own as string[][])[0]?.[0]);
    expect(zones.filter((zone) => zone === 'a')).toHaveLength(2);
    expect(zones.filter((zone) => zone === 'b')).toHaveLength(6);
    await network.patchService('web', {
      metadata: { annotations: { 'service.kubernetes.io/topology-mode': null } },
    });
    expect((await hints()).every((own) => (own as unknown[])[0] === undefined)).toBe(true);
    const told = await harness.events();
    expect(told).toContain(
      'Warning TopologyAwareHintsDisabled Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4',
    );
    expect(told).toContain(
      'Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    );
    expect(told.at(-1)).toBe(
      'Warning TopologyAwareHintsDisabled Topology Aware Hints has been disabled, addressType: IPv4',
    );
  });
});

describe('slices that are full', () => {
  const sizes = async (): Promise<number[]> =>
    (await network.slices('web')).map((slice) => slice.endpoints?.length ?? 0).sort((a, b) => b - a);

  it('are followed by another, and what is free is filled before that', async () => {
    for (let i = 0; i < 103; i++) await network.pod(`p-${i}`, [`10.1.1.${i}`]);
    await network.service('web');
    expect(await sizes()).toEqual([100, 3]);
    await network.pod('late', ['10.1.2.1']);
    expect(await sizes()).toEqual([100, 4]);
    await network.deletePod('p-0', 0);
    expect(await sizes()).toEqual([99, 4]);
    await network.pod('later', ['10.1.2.2']);
    expect(await sizes()).toEqual([100, 4]);
    expect(await harness.client.list(endpoints, { namespace: NAMESPACE })).toHaveProperty('items.length', 1);
  });
});
