import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointSliceMirroringController } from '../../../controllers/endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { endpointSliceController } from '../../../controllers/endpointslice/endpointslice-controller.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import { serviceLoadBalancerController } from '../../../controllers/service-load-balancer/service-load-balancer-controller.ts';
import {
  endpoints,
  events,
  nodes,
  pods,
  services,
  type Pod,
  type Service,
} from '../../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { createService } from './fixture.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
    serviceLoadBalancerController,
  ]);
  await harness.client.create(nodes, { metadata: { name: 'n1' }, spec: {} });
});
afterEach(() => harness.stop());

const service = (name: string, spec: Partial<Service['spec']> = {}): Promise<Service> =>
  createService(harness, name, spec);

async function pod(name: string, ip: string, labels: Record<string, string>, isReady = true): Promise<Pod> {
  const made = await harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE, labels },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'app:1' }] },
  });
  await harness.setReady(made, isReady);
  await harness.change(
    pods,
    name,
    ({ status }) => Object.assign(status, { podIP: ip, podIPs: [{ ip }] }),
    'status',
  );
  await harness.settle();
  return made;
}

const slicesOf = async (name: string): Promise<EndpointSlice[]> =>
  (await harness.list(endpointSlices)).filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name,
  );

describe('endpoints of a service', () => {
  it('follow its pods: ready, not ready, leaving, relabelled', async () => {
    await service('web', { selector: { app: 'web' } });
    await pod('a', '10.0.0.1', { app: 'web' });
    await pod('b', '10.0.0.2', { app: 'web', tier: 'x' }, false);
    await pod('c', '10.0.0.3', { app: 'other' });
    const shown = async () =>
      (await slicesOf('web')).flatMap((slice) =>
        (slice.endpoints ?? []).map(({ addresses, conditions }) => [addresses[0], conditions?.ready]),
      );
    expect(await shown()).toEqual([
      ['10.0.0.1', true],
      ['10.0.0.2', false],
    ]);
    const { subsets } = await harness.get(endpoints, 'web');
    expect(subsets).toMatchObject([
      { addresses: [{ ip: '10.0.0.1' }], notReadyAddresses: [{ ip: '10.0.0.2' }] },
    ]);
    await harness.change(pods, 'a', ({ metadata }) => (metadata.labels = { app: 'gone' }));
    await harness.change(pods, 'c', ({ metadata }) => (metadata.labels = { app: 'web' }));
    await harness.settle();
    expect(await shown()).toEqual([
      ['10.0.0.2', false],
      ['10.0.0.3', true],
    ]);
    await harness.remove(await harness.get(pods, 'c'));
    await harness.settle();
    expect(await shown()).toEqual([['10.0.0.2', false]]);
  });

  it('fill slices of a hundred', async () => {
    await service('web', { selector: { app: 'web' } });
    for (let i = 0; i < 103; i++) await pod(`p-${i}`, `10.0.1.${i}`, { app: 'web' });
    const sizes = (await slicesOf('web')).map((slice) => slice.endpoints!.length).sort((a, b) => b - a);
    expect(sizes).toEqual([100, 3]);
  });

  it('written by hand are mirrored, and their slices go with them', async () => {
    await service('external');
    await harness.client.create(endpoints, {
      metadata: { name: 'external', namespace: NAMESPACE, labels: { a: 'b' } },
      subsets: [
        {
          addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }],
          notReadyAddresses: [{ ip: '192.0.2.2' }],
          ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
        },
      ],
    });
    await harness.settle();
    const slices = (await slicesOf('external')).sort((x, y) => (x.addressType < y.addressType ? -1 : 1));
    expect(slices).toMatchObject([
      {
        addressType: 'IPv4',
        metadata: {
          labels: {
            a: 'b',
            'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
          },
        },
        endpoints: [
          { addresses: ['192.0.2.1'], conditions: { ready: true } },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
        ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
      },
      { addressType: 'IPv6', endpoints: [{ addresses: ['2001:db8::1'] }] },
    ]);
    await harness.change(endpoints, 'external', (object) => {
      object.metadata.labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
    });
    await harness.settle();
    expect(await slicesOf('external')).toEqual([]);
  });
});

describe('a load balancer', () => {
  it('gets an address, and gives it back', async () => {
    await service('a', { type: 'LoadBalancer' });
    await service('b', { type: 'LoadBalancer' });
    const addressOf = async (name: string) =>
      (await harness.get(services, name)).status.loadBalancer?.ingress?.[0]?.ip;
    expect(await addressOf('a')).toBe('203.0.113.1');
    expect(await addressOf('b')).toBe('203.0.113.2');
    await harness.client.delete(services, { namespace: NAMESPACE, name: 'a' });
    await harness.settle();
    await expect(harness.get(services, 'a')).rejects.toThrow('not found');
    await service('c', { type: 'LoadBalancer' });
    expect(await addressOf('c')).toBe('203.0.113.1');
    await harness.change(services, 'b', ({ spec }) => (spec.type = 'ClusterIP'));
    await harness.settle();
    const { metadata, status } = await harness.get(services, 'b');
    expect(metadata.finalizers).toBeUndefined();
    expect(status.loadBalancer).toEqual({});
    expect(await harness.events()).toContain('Normal EnsuredLoadBalancer Ensured load balancer');
    expect(await harness.events()).toContain('Normal DeletedLoadBalancer Deleted load balancer');
  });

  it('has an address of each of its families, and gives the second back with it', async () => {
    await harness.stop();
    harness = await startHarness([serviceLoadBalancerController], 'balancers', {
      serviceRanges: '10.0.0.0/24,fd00::/112',
    });
    await service('a', { type: 'LoadBalancer', ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] });
    const ips = async () =>
      (await harness.get(services, 'a')).status.loadBalancer?.ingress?.map(({ ip }) => ip);
    expect(await ips()).toEqual(['2001:db8:113::1', '203.0.113.1']);
    await harness.change(services, 'a', ({ spec }) => (spec.ipFamilyPolicy = 'SingleStack'));
    await harness.settle();
    expect(await ips()).toEqual(['2001:db8:113::1']);
    await service('b', { type: 'LoadBalancer', loadBalancerIP: '203.0.113.1' });
    expect((await harness.get(services, 'b')).status.loadBalancer?.ingress?.[0]?.ip).toBe('203.0.113.1');
  });

  it('of another class is left to others', async () => {
    await service('a', { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb' });
    expect((await harness.get(services, 'a')).status.loadBalancer).toEqual({});
  });

  const told = async (): Promise<string[]> =>
    (await harness.events()).filter((event) => event.includes('LoadBalancer'));

  it('is ensured again when something about it changes, and not when nothing does', async () => {
    await service('a', { type: 'LoadBalancer' });
    const first = ['Normal EnsuringLoadBalancer Ensuring load balancer'];
    const done = ['Normal EnsuredLoadBalancer Ensured load balancer'];
    expect(await told()).toEqual([...first, ...done]);
    await harness.change(services, 'a', ({ metadata }) => void (metadata.labels = { a: 'b' }));
    await harness.settle();
    expect(await counted()).toEqual([1, 1]);
    await harness.change(services, 'a', ({ spec }) => void (spec.ports![0]!.port = 81));
    await harness.settle();
    expect(await counted()).toEqual([2, 2]);
  });

  const counted = async (): Promise<number[]> =>
    (await harness.list(events))
      .filter(({ reason }) => reason?.includes('LoadBalancer'))
      .map(({ count }) => count ?? 1);

  it('is told of nodes that come, go and want no traffic', async () => {
    await service('a', { type: 'LoadBalancer' });
    await harness.client.create(nodes, { metadata: { name: 'n2' }, spec: {} });
    await harness.settle();
    expect(await told()).toContain('Normal UpdatedLoadBalancer Updated load balancer with new hosts');
    await harness.client.delete(nodes, { name: 'n1' });
    const node = await harness.client.get(nodes, { name: 'n2' });
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    await harness.client.update(nodes, { ...node, metadata: { ...node.metadata, labels } });
    await harness.settle();
    expect(await told()).toContain(
      'Warning UnAvailableLoadBalancer There are no available nodes for LoadBalancer',
    );
  });

  it('of another controller keeps its finalizer', async () => {
    await harness.client.create(services, {
      metadata: {
        name: 'a',
        namespace: NAMESPACE,
        finalizers: ['service.kubernetes.io/load-balancer-cleanup'],
      },
      spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb', ports: [{ port: 80 }] },
    });
    await harness.change(services, 'a', ({ spec }) => void (spec.ports![0]!.port = 81));
    await harness.settle();
    expect((await harness.get(services, 'a')).metadata.finalizers).toHaveLength(1);
  });

  it('that finds no address free gets one when there is one', async () => {
    for (let host = 1; host <= 254; host++) await service(`s${host}`, { type: 'LoadBalancer' });
    await service('late', { type: 'LoadBalancer' });
    expect(await told()).toContain(
      'Warning SyncLoadBalancerFailed Error syncing load balancer: failed to ensure load balancer: no address is free',
    );
    await harness.client.delete(services, { namespace: NAMESPACE, name: 's7' });
    await harness.advance(300_000);
    const { status } = await harness.get(services, 'late');
    expect(status.loadBalancer?.ingress).toEqual([{ ip: '203.0.113.7', ipMode: 'VIP' }]);
  });

  it('is written through the status alone', async () => {
    await service('a', { type: 'LoadBalancer' });
    const { managedFields = [] } = (await harness.get(services, 'a')).metadata;
    const owned = managedFields.filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:finalizers'));
    expect(owned.map(({ subresource }) => subresource)).toEqual(['status']);
  });

  it('that keeps traffic on its node has a port to ask after its health', async () => {
    const local = await service('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    expect(local.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30000);
    const other = await service('b', { type: 'LoadBalancer', externalTrafficPolicy: 'Cluster' });
    expect(other.spec.healthCheckNodePort).toBeUndefined();
    const clash = service('c', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: local.spec.healthCheckNodePort,
    });
    await expect(clash).rejects.toThrow('failed to allocate requested HealthCheck NodePort');
  });
});
