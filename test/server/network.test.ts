import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpoints, events, nodes, pods, services, type Service } from '../../openapi/generated/core-v1.ts';
import { endpointSlices } from '../../openapi/generated/discovery-v1.ts';
import { serviceCIDRs } from '../../openapi/generated/networking-v1.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../../server/cluster.ts';

let cluster: Cluster | undefined;
afterEach(() => cluster?.stop());
const start = async (options: ClusterOptions): Promise<Cluster> =>
  (cluster = await startCluster({ logLevel: 'error', clock: 'virtual', ...options }));

const KUBERNETES = { namespace: 'default', name: 'kubernetes' };

const service = ({ client }: Cluster, name: string, spec: Partial<Service['spec']>): Promise<Service> =>
  client.create(services, {
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
  });

describe('a cluster of IPv6', () => {
  it('has its own service, its node and its pods there', async () => {
    const { client, settled } = await start({ serviceClusterIPRange: 'fd00:10:96::/112' });
    const { spec } = await client.get(services, KUBERNETES);
    expect(spec).toMatchObject({ clusterIPs: ['fd00:10:96::1'], ipFamilies: ['IPv6'] });
    const { subsets } = await client.get(endpoints, KUBERNETES);
    expect(subsets?.[0]?.addresses).toEqual([{ ip: 'fd00:192:168::a' }]);
    expect((await client.get(endpointSlices, KUBERNETES)).addressType).toBe('IPv6');
    await client.create(pods, {
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'app:1' }] },
    });
    await settled();
    const { status } = await client.get(pods, { namespace: 'default', name: 'p' });
    expect(status).toMatchObject({ podIP: 'fd00:10:244::2', hostIP: 'fd00:192:168::b' });
  });
});

describe('a cluster of two stacks', () => {
  it('has nodes and pods with addresses of both', async () => {
    const { client, settled } = await start({ serviceClusterIPRange: '10.96.0.0/16,fd00:10:96::/112' });
    const { spec, status } = await client.get(nodes, { name: 'node-1' });
    expect(spec.podCIDRs).toEqual(['10.244.0.0/24', 'fd00:10:244::/64']);
    expect(status.addresses).toEqual([
      { type: 'InternalIP', address: '192.168.0.11' },
      { type: 'InternalIP', address: 'fd00:192:168::b' },
      { type: 'Hostname', address: 'node-1' },
    ]);
    for (const [name, hostNetwork] of [
      ['own', false],
      ['host', true],
    ] as const)
      await client.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: { hostNetwork, containers: [{ name: 'c', image: 'app:1' }] },
      });
    await settled();
    const hostIPs = [{ ip: '192.168.0.11' }, { ip: 'fd00:192:168::b' }];
    const own = await client.get(pods, { namespace: 'default', name: 'own' });
    expect(own.status).toMatchObject({ hostIPs, podIPs: [{ ip: '10.244.0.2' }, { ip: 'fd00:10:244::2' }] });
    const host = await client.get(pods, { namespace: 'default', name: 'host' });
    expect(host.status).toMatchObject({ hostIPs, podIPs: hostIPs });
  });
});

describe('a second start', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'kubemu-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('finds addresses and ports taken as they were, and may add a family and move the ports', async () => {
    const first = await start({ dataDir, serviceClusterIPRange: '10.96.0.0/24', nodes: 0 });
    await service(first, 'web', {
      type: 'NodePort',
      clusterIP: '10.96.0.9',
      ports: [{ port: 80, nodePort: 30080 }],
    });
    await first.stop();
    const second = await start({
      dataDir,
      serviceClusterIPRange: '10.96.0.0/24,fd00::/112',
      serviceNodePortRange: '30090-30099',
      nodes: 0,
    });
    await second.settled();
    const { spec, status } = await second.client.get(serviceCIDRs, { name: 'kubernetes' });
    expect(spec?.cidrs).toEqual(['10.96.0.0/24', 'fd00::/112']);
    expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    await expect(service(second, 'other', { clusterIP: '10.96.0.9' })).rejects.toThrow(
      'provided IP is already allocated',
    );
    const dual = await service(second, 'dual', { ipFamilyPolicy: 'RequireDualStack' });
    expect(dual.spec.clusterIPs).toHaveLength(2);
    const told = (await second.client.list(events)).items.map(({ reason, message }) => [reason, message]);
    const why = 'is not within the port range 30090-30099; please recreate service';
    expect(told).toContainEqual(['PortOutOfRange', `Port 30080 ${why}`]);
  });

  it('does not give out a node port that is in use', async () => {
    const ports = { serviceNodePortRange: '30080-30081', nodes: 0 };
    const first = await start({ dataDir, ...ports });
    await service(first, 'web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] });
    await first.stop();
    const second = await start({ dataDir, ...ports });
    const { spec } = await service(second, 'other', { type: 'NodePort' });
    expect(spec.ports?.[0]?.nodePort).toBe(30081);
  });
});
