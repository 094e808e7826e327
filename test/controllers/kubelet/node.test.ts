import { isIPv4 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { newNode, nodeIPs, podCIDRs, type NodeNetwork } from '../../../controllers/kubelet/node.ts';

const IPV4: NodeNetwork = { ipFamilies: ['IPv4'] };

it.each([
  { name: 'the first', index: 1, network: '10.244.0.0/24' },
  { name: 'the last of the first range', index: 256, network: '10.244.255.0/24' },
  { name: 'one in the next range', index: 257, network: '10.245.0.0/24' },
  { name: 'one behind the last range', index: 12 * 256 + 1, network: '10.0.0.0/24' },
])('gives $name node the pod network $network', ({ index, network }) => {
  expect(podCIDRs(index, IPV4)).toEqual([network]);
});

it('gives each of 5,000 nodes a network of its own', () => {
  const networks = Array.from({ length: 5000 }, (_, index) => podCIDRs(index + 1, IPV4)[0]!);
  expect(new Set(networks).size).toBe(5000);
  expect(networks.every((network) => isIPv4(network.replace('/24', '')))).toBe(true);
});

describe('the network of a node', () => {
  it.each<{ name: string; network: NodeNetwork; cidrs: string[]; ips: string[] }>([
    {
      name: 'has both families, in the order of services',
      network: { ipFamilies: ['IPv6', 'IPv4'] },
      cidrs: ['fd00:10:244:1::/64', '10.244.1.0/24'],
      ips: ['fd00:192:168::c', '192.168.0.12'],
    },
    {
      name: 'is a share of the CIDRs of the cluster, where those are given',
      network: { ipFamilies: ['IPv4'], clusterCIDRs: ['10.8.0.0/22', 'fd00:8::/60'] },
      cidrs: ['10.8.1.0/24', 'fd00:8:0:1::/64'],
      ips: ['192.168.0.12', 'fd00:192:168::c'],
    },
  ])('$name', ({ network, cidrs, ips }) => {
    expect(podCIDRs(2, network)).toEqual(cidrs);
    expect(nodeIPs(2, network)).toEqual(ips);
    expect(newNode(2, network).spec).toMatchObject({ podCIDR: cidrs[0], podCIDRs: cidrs });
  });
});
