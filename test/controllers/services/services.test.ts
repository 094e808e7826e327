import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointSliceMirroringController } from '../../../controllers/endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { endpointSliceController } from '../../../controllers/endpointslice/endpointslice-controller.ts';
import { endpointsController } from '../../../controllers/endpoints/endpoints-controller.ts';
import { serviceLoadBalancerController } from '../../../controllers/service-load-balancer/service-load-balancer-controller.ts';
import {
  endpoints,
  nodes,
  pods,
  services,
  type Pod,
  type Service,
} from '../../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../../openapi/generated/discovery-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

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

async function service(name: string, spec: Partial<Service['spec']> = {}): Promise<Service> {
  const made = await harness.client.create(services, {
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ port: 80 }], ...spec },
  });
  await harness.settle();
  return made;
}

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
