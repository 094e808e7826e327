import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../api/machinery/random.ts';
import { IPRange } from '../../../server/allocators/ip-range.ts';
import { parsePortRange, PortAllocator } from '../../../server/allocators/port-allocator.ts';
import { networkOf } from '../../../server/network.ts';

const random = new SeededRandom('ranges');
const take = (range: IPRange, count: number): string[] => {
  const taken = new Set<string>();
  while (taken.size < count) {
    const ip = range.pick(random, (each) => taken.has(each));
    if (ip === undefined) break;
    taken.add(ip);
  }
  return [...taken];
};
const host = (ip: string): number => Number(ip.split('.')[3]);

describe('addresses of a range', () => {
  it('come from its upper band first, then from the first sixteen', () => {
    const given = take(new IPRange('10.0.0.0/24'), 300).map(host);
    expect(given).toHaveLength(254);
    expect(given.slice(0, 238).every((each) => each > 16)).toBe(true);
    expect(given.slice(238).every((each) => each >= 1 && each <= 16)).toBe(true);
  });

  it.each([
    { cidr: '10.0.0.0/30', count: 2 },
    { cidr: '10.0.0.0/28', count: 14 },
    { cidr: 'fd00::/124', count: 15 },
  ])('of $cidr are $count', ({ cidr, count }) => {
    expect(take(new IPRange(cidr), 300)).toHaveLength(count);
  });

  it('of a large range of IPv6 are found at once', () => {
    const range = new IPRange('fd00:1::/64');
    expect(take(range, 3).every((ip) => range.contains(ip))).toBe(true);
    expect([range.first, range.network]).toEqual(['fd00:1::1', 'fd00:1::']);
    expect(range.contains('fd00:1::')).toBe(false);
  });
});

it('node ports come from the upper band first', () => {
  const ports = new PortAllocator(parsePortRange('30000-30063'), random);
  const given = Array.from({ length: 64 }, () => ports.allocateNext());
  expect(Math.min(...given.slice(0, 48))).toBeGreaterThanOrEqual(30016);
  expect(Math.max(...given.slice(48))).toBeLessThan(30016);
  expect(() => ports.allocateNext()).toThrow('range is full');
});

it.each([
  { text: '30000-32767', range: { first: 30000, last: 32767 } },
  { text: '30000+100', range: { first: 30000, last: 30100 } },
  { text: '80', range: { first: 80, last: 80 } },
])('the port range $text is understood', ({ text, range }) => {
  expect(parsePortRange(text)).toEqual(range);
});

describe('options of the network', () => {
  it.each([
    {
      options: { serviceClusterIPRange: 'x' },
      text: '--service-cluster-ip-range: invalid service range "x"',
    },
    {
      options: { serviceClusterIPRange: '10.0.0.0/24,10.1.0.0/24' },
      text: 'must be of different IP families',
    },
    { options: { serviceClusterIPRange: 'fd00::/48' }, text: 'shortest allowed prefix length' },
    { options: { serviceClusterIPRange: '10.0.0.0/32' }, text: 'no address to give' },
    { options: { serviceNodePortRange: '5-1' }, text: '--service-node-port-range: invalid port range "5-1"' },
    {
      options: { clusterCIDR: '10.0.0.0/23', nodes: 3 },
      text: '--cluster-cidr: "10.0.0.0/23" has room for 2 nodes',
    },
    { options: { clusterCIDR: '10.0.0.0/25' }, text: 'is smaller than a node' },
    { options: { clusterCIDR: 'fd00::/64,fd01::/64' }, text: 'must be of different IP families' },
  ])('are refused: $text', ({ options, text }) => {
    expect(() => networkOf(options)).toThrow(text);
  });

  it('say the families, the primary first', () => {
    expect(networkOf({ serviceClusterIPRange: 'fd00::/108,10.0.0.0/24' }).families).toEqual(['IPv6', 'IPv4']);
  });
});
