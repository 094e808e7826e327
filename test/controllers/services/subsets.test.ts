import { describe, expect, it } from 'vitest';
import { fnv128a } from '../../../controllers/endpoints/go-hash.ts';
import { sortPorts } from '../../../controllers/endpoints/port-order.ts';
import { countAddresses, repackSubsets, truncateSubsets } from '../../../controllers/endpoints/subsets.ts';
import type { EndpointAddress } from '../../../openapi/generated/core-v1.ts';

const port = (name: string, number: number) => ({ name, port: number, protocol: 'TCP' });
const addresses = (count: number, prefix = '10.0'): EndpointAddress[] =>
  Array.from({ length: count }, (_, i) => ({ ip: `${prefix}.${Math.floor(i / 250)}.${i % 250}` }));

// What Go's hash/fnv makes of what k8s.io/utils/dump prints.
it.each([
  {
    text: '(v1.EndpointPort){Name:(string)http Port:(int32)80 Protocol:(v1.Protocol)TCP AppProtocol:(*string)<nil>}',
    hash: '754b003f50f133a539c60d18cfb30a55',
  },
  {
    text: '(v1.EndpointPort){Name:(string) Port:(int32)443 Protocol:(v1.Protocol)UDP AppProtocol:(*string)h2c}',
    hash: '4aedc74468acb3b4df3021e4d21b1cf6',
  },
  { text: '', hash: '6c62272e07bb014262b821756295c58d' },
])('the hash of "$text" is that of Go', ({ text, hash }) => {
  expect(fnv128a(text)).toBe(hash);
});

it('ports are in the order of their hashes', () => {
  const odd = { name: '', port: 443, protocol: 'UDP', appProtocol: 'h2c' };
  expect(sortPorts([port('http', 80), odd])).toEqual([odd, port('http', 80)]);
});

describe('subsets', () => {
  it.each([
    {
      name: 'with equal addresses are one',
      before: [
        { addresses: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }], ports: [port('a', 1)] },
        { addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [port('b', 2)] },
      ],
      after: [
        {
          addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
          ports: sortPorts([port('a', 1), port('b', 2)]),
        },
      ],
    },
    {
      name: 'have an address once, not ready rather than ready',
      before: [
        { addresses: [{ ip: '10.0.0.1' }], ports: [port('a', 1)] },
        { notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [port('a', 1)] },
      ],
      after: [{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [port('a', 1)] }],
    },
    {
      name: 'may have no ports',
      before: [{ addresses: [{ ip: '10.0.0.1' }] }, { addresses: [{ ip: '10.0.0.2' }] }],
      after: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] }],
    },
  ])('$name', ({ before, after }) => {
    expect(repackSubsets(before)).toEqual(after);
  });

  it.each([
    {
      name: 'a thousand are kept',
      ready: [600],
      notReady: [400],
      kept: { ready: 1000 - 400, notReady: 400 },
    },
    {
      name: 'ready ones go before others',
      ready: [900],
      notReady: [400],
      kept: { ready: 900, notReady: 100 },
    },
    { name: 'others go altogether', ready: [1200], notReady: [50], kept: { ready: 1000, notReady: 0 } },
    {
      name: 'subsets share by size',
      ready: [1500, 500],
      notReady: [0, 0],
      kept: { ready: 1000, notReady: 0 },
    },
  ])('of addresses $name', ({ ready, notReady, kept }) => {
    const subsets = ready.map((count, index) => ({
      addresses: addresses(count, `10.${index}`),
      notReadyAddresses: addresses(notReady[index]!, `11.${index}`),
    }));
    const after = truncateSubsets(subsets);
    expect(countAddresses(after)).toEqual(kept);
    if (ready.length === 2) expect(after.map((subset) => subset.addresses?.length)).toEqual([750, 250]);
  });
});
