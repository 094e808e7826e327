import { afterEach, describe, expect, it } from 'vitest';
import { serviceCIDRController } from '../../../controllers/service-cidr/service-cidr-controller.ts';
import { ipRepairController } from '../../../controllers/service-repair/ip-repair.ts';
import { services, type Service } from '../../../openapi/generated/core-v1.ts';
import { ipAddresses, serviceCIDRs, type ServiceCIDR } from '../../../openapi/generated/networking-v1.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';
import { createService } from './fixture.ts';

const READY = { type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' };
const TERMINATING = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message:
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

let harness: Harness;
const start = async (serviceRanges = '10.0.0.0/29'): Promise<void> => {
  harness = await startHarness([serviceCIDRController, ipRepairController], 'ips', { serviceRanges });
};
afterEach(() => harness.stop());

const service = (name: string, spec: Partial<Service['spec']> = {}): Promise<Service> =>
  createService(harness, name, spec);

async function range(name: string, ...cidrs: string[]): Promise<ServiceCIDR> {
  const made = await harness.client.create(serviceCIDRs, { metadata: { name }, spec: { cidrs } });
  await harness.settle();
  return made;
}

const addresses = async (): Promise<(string | undefined)[]> =>
  (await harness.client.list(ipAddresses)).items.map(({ metadata }) => metadata.name);
const rangeNow = (name: string): Promise<ServiceCIDR> => harness.client.get(serviceCIDRs, { name });
const remove = async (name: string): Promise<void> => {
  await harness.client.delete(services, { namespace: NAMESPACE, name });
  await harness.settle();
};

describe('an address of a service', () => {
  it('is an object of its own, made before the service and gone with it, with no controller at work', async () => {
    harness = await startHarness([], 'ips', { serviceRanges: '10.0.0.0/24,fd00::/112' });
    const { spec } = await service('web', { ipFamilyPolicy: 'RequireDualStack' });
    expect(await addresses()).toEqual([...spec.clusterIPs!].sort());
    expect(await harness.client.get(ipAddresses, { name: spec.clusterIPs![1]! })).toMatchObject({
      metadata: {
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv6',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: NAMESPACE, name: 'web' } },
    });
    await service('headless', { clusterIP: 'None' });
    await remove('web');
    expect(await addresses()).toEqual([]);
  });

  it('is given back by a create that fails afterwards', async () => {
    await start();
    const { spec } = await service('web');
    await expect(service('web')).rejects.toThrow('already exists');
    await expect(service('odd', { ports: [{ port: 99999 }] })).rejects.toThrow('spec.ports[0].port');
    expect(await addresses()).toEqual([spec.clusterIP]);
  });

  it('that somebody else has an object of is not given out', async () => {
    await start('10.0.0.0/30');
    const parentRef = { group: 'gateway.networking.k8s.io', resource: 'gateways', name: 'gate' };
    await harness.client.create(ipAddresses, { metadata: { name: '10.0.0.1' }, spec: { parentRef } });
    expect((await service('a')).spec.clusterIP).toBe('10.0.0.2');
    await expect(service('b')).rejects.toThrow(
      'Internal error occurred: failed to allocate a serviceIP for Service "b": range is full',
    );
    await expect(service('c', { clusterIP: '10.0.0.1' })).rejects.toThrow(
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: provided IP is already allocated',
    );
    await expect(service('d', { clusterIP: '10.9.9.9' })).rejects.toThrow(
      'failed to allocate IP 10.9.9.9: the provided network does not match the current range',
    );
  });

  it('is not taken by a dry run, which is shown one that nobody can have', async () => {
    await start();
    const draft = { metadata: { name: 'web', namespace: NAMESPACE }, spec: { ports: [{ port: 80 }] } };
    const { spec } = await harness.client.create(services, draft, { dryRun: true });
    expect(spec.clusterIP).toBe('10.0.0.0');
    const outside = { ...draft, spec: { ...draft.spec, clusterIP: '10.9.9.9' } };
    await expect(harness.client.create(services, outside, { dryRun: true })).rejects.toThrow(
      'failed to allocate IP 10.9.9.9: the provided IP (10.9.9.9) is not in the valid range. The range of valid IPs is 10.0.0.0/29',
    );
    expect(await addresses()).toEqual([]);
  });
});

describe('a ServiceCIDR', () => {
  it('is held and ready', async () => {
    await start();
    const { metadata, status } = await rangeNow('kubernetes');
    expect(metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer']);
    expect(status?.conditions).toMatchObject([READY]);
  });

  it('of a user gives addresses once the first is full, and none once it is deleted', async () => {
    await start('10.0.0.0/30');
    await service('a');
    await service('b');
    await range('more', '10.1.0.0/30');
    expect((await service('c')).spec.clusterIP).toMatch(/^10\.1\.0\./);
    await harness.client.delete(serviceCIDRs, { name: 'more' });
    await harness.settle();
    await expect(service('d')).rejects.toThrow('range is full');
  });

  it('stays while addresses of it are in use, and goes ten seconds behind the last', async () => {
    await start('10.0.0.0/30');
    await range('more', '10.1.0.0/24');
    const used = await service('used', { clusterIP: '10.1.0.9' });
    await harness.client.delete(serviceCIDRs, { name: 'more' });
    await harness.settle();
    expect((await rangeNow('more')).status?.conditions).toMatchObject([TERMINATING]);
    await harness.advance(60_000);
    await remove(used.metadata.name!);
    await harness.settle();
    await expect(rangeNow('more')).rejects.toThrow('not found');
  });

  it('goes although addresses are in use when another has them', async () => {
    await start('10.0.0.0/30');
    await range('more', '10.1.0.0/24');
    await service('used', { clusterIP: '10.1.0.9' });
    await harness.client.delete(serviceCIDRs, { name: 'more' });
    await harness.settle();
    await range('wider', '10.1.0.0/16');
    expect((await rangeNow('more')).status?.conditions).toMatchObject([TERMINATING]);
    await harness.advance(10_000);
    await expect(rangeNow('more')).rejects.toThrow('not found');
    expect(await addresses()).toEqual(['10.1.0.9']);
  });
});

describe('the repair of addresses', () => {
  it('makes the object that a service lacks', async () => {
    await start();
    const { spec } = await service('web');
    await harness.client.delete(ipAddresses, { name: spec.clusterIP! });
    await harness.settle();
    expect(await addresses()).toEqual([spec.clusterIP]);
    expect(await harness.events()).toEqual([
      `Warning ClusterIPNotAllocated Cluster IP [IPv4]: ${spec.clusterIP} is not allocated; repairing`,
    ]);
  });

  it('makes an object anew that lost its labels', async () => {
    await start();
    const { spec } = await service('web');
    await harness.client.patch(
      ipAddresses,
      { name: spec.clusterIP! },
      { type: 'merge', body: { metadata: { labels: null } } },
    );
    await harness.restart();
    const { metadata } = await harness.client.get(ipAddresses, { name: spec.clusterIP! });
    expect(metadata.labels).toHaveProperty(['ipaddress.kubernetes.io/managed-by'], 'ipallocator.k8s.io');
  });

  it('deletes what no service has, a minute after it was made', async () => {
    await start();
    const labels = {
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    };
    const parentRef = { group: '', resource: 'services', namespace: NAMESPACE, name: 'nobody' };
    await harness.client.create(ipAddresses, { metadata: { name: '10.0.0.3', labels }, spec: { parentRef } });
    const foreign = { group: 'example.com', resource: 'gateways', name: 'gate' };
    await harness.client.create(ipAddresses, {
      metadata: { name: '10.0.0.4' },
      spec: { parentRef: foreign },
    });
    await harness.advance(60_000);
    expect(await addresses()).toEqual(['10.0.0.3', '10.0.0.4']);
    await harness.advance(2000);
    expect(await addresses()).toEqual(['10.0.0.4']);
    expect(await harness.events()).toEqual([
      'Warning IPAddressNotAllocated IPAddress: 10.0.0.3 for Service default/nobody appears to have leaked: cleaning up',
    ]);
  });

  it('deletes one whose service has another address', async () => {
    await start();
    const { spec } = await service('web');
    const other = ['10.0.0.1', '10.0.0.2'].find((ip) => ip !== spec.clusterIP)!;
    const { metadata, spec: own } = await harness.client.get(ipAddresses, { name: spec.clusterIP! });
    await harness.client.create(ipAddresses, {
      metadata: { name: other, labels: metadata.labels },
      spec: own!,
    });
    await harness.advance(5000);
    expect(await addresses()).toEqual([spec.clusterIP]);
    expect(await harness.events()).toEqual([
      `Warning IPAddressWrongReference IPAddress: ${other} for Service default/web has a wrong reference; cleaning up`,
    ]);
  });

  it('tells of a service whose range is gone', async () => {
    await start();
    const { spec } = await service('web');
    await harness.stopControllers();
    await harness.client.patch(
      serviceCIDRs,
      { name: 'kubernetes' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await harness.client.delete(serviceCIDRs, { name: 'kubernetes' });
    await harness.restart();
    const why = 'is not within any configured Service CIDR; please recreate service';
    expect(await harness.events()).toEqual([
      `Warning ClusterIPOutOfRange Cluster IP [IPv4]: ${spec.clusterIP} ${why}`,
    ]);
  });
});
