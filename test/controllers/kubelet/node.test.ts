import { isIPv4 } from 'node:net';
import { expect, it } from 'vitest';
import { podCIDR } from '../../../controllers/kubelet/node.ts';

it.each([
  { name: 'the first', index: 1, network: '10.244.0.0/24' },
  { name: 'the last of the first range', index: 256, network: '10.244.255.0/24' },
  { name: 'one in the next range', index: 257, network: '10.245.0.0/24' },
  { name: 'one behind the last range', index: 12 * 256 + 1, network: '10.0.0.0/24' },
])('gives $name node the pod network $network', ({ index, network }) => {
  expect(podCIDR(index)).toBe(network);
});

it('gives each of 5,000 nodes a network of its own', () => {
  const networks = Array.from({ length: 5000 }, (_, index) => podCIDR(index + 1));
  expect(new Set(networks).size).toBe(5000);
  expect(networks.every((network) => isIPv4(network.replace('/24', '')))).toBe(true);
});
