import { afterEach, describe, expect, it } from 'vitest';
import { CIDRSet } from '../../../controllers/node-ipam/cidr-set.ts';
import { nodeIPAMController } from '../../../controllers/node-ipam/node-ipam-controller.ts';
import { nodes } from '../../../openapi/generated/core-v1.ts';
import { startHarness, type Harness } from '../harness.ts';

describe('networks of nodes', () => {
  it.each([
    { name: 'IPv4', cidr: '10.244.0.0/16', first: ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'] },
    { name: 'host bits are ignored', cidr: '10.244.7.9/16', first: ['10.244.0.0/24', '10.244.1.0/24'] },
    { name: 'IPv6', cidr: 'fd00:10:244::/56', first: ['fd00:10:244::/64', 'fd00:10:244:1::/64'] },
    { name: 'a network smaller than a node’s', cidr: '10.0.0.0/28', first: ['10.0.0.0/28', undefined] },
  ])('$name', ({ cidr, first }) => {
    const set = new CIDRSet(cidr);
    expect(first.map(() => set.allocate())).toEqual(first);
  });

  it.each([
    { name: 'one', taken: '10.0.1.0/24', left: ['10.0.0.0/24', '10.0.2.0/24', '10.0.3.0/24'] },
    { name: 'a part of one', taken: '10.0.1.8/30', left: ['10.0.0.0/24', '10.0.2.0/24', '10.0.3.0/24'] },
    { name: 'several', taken: '10.0.2.0/23', left: ['10.0.0.0/24', '10.0.1.0/24'] },
    { name: 'a network around it', taken: '10.0.0.0/8', left: [] },
    {
      name: 'one below it',
      taken: '9.255.255.0/24',
      left: ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24'],
    },
    {
      name: 'one above it',
      taken: '10.0.4.0/24',
      left: ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24'],
    },
    {
      name: 'one of the other family',
      taken: '::/0',
      left: ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24'],
    },
  ])('leaves out what is taken: $name', ({ taken, left }) => {
    const set = new CIDRSet('10.0.0.0/22');
    set.occupy(taken);
    const given: string[] = [];
    for (let cidr = set.allocate(); cidr !== undefined; cidr = set.allocate()) given.push(cidr);
    expect(given).toEqual(left);
    set.release(taken);
    expect(set.allocate()).toBe(
      left.length === 4
        ? undefined
        : given.length === 3
          ? '10.0.1.0/24'
          : left.length === 2
            ? '10.0.2.0/24'
            : '10.0.0.0/24',
    );
  });
});

let harness: Harness;
afterEach(() => harness?.stop());

async function create(name: string, podCIDR?: string): Promise<void> {
  const spec = podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] };
  await harness.client.create(nodes, { metadata: { name }, spec });
  await harness.settle();
}

async function networkOf(name: string): Promise<readonly string[] | undefined> {
  const { spec } = await harness.client.get(nodes, { name });
  expect(spec.podCIDR).toBe(spec.podCIDRs?.[0]);
  return spec.podCIDRs;
}

it('gives nodes without a network one that no other has, also after a restart', async () => {
  harness = await startHarness([nodeIPAMController]);
  await create('a', '10.244.0.0/24');
  await create('b');
  expect(await networkOf('b')).toEqual(['10.244.1.0/24']);
  await harness.restart();
  await create('c');
  expect(await networkOf('c')).toEqual(['10.244.2.0/24']);
  expect(await networkOf('a')).toEqual(['10.244.0.0/24']);
});

it('gives each of many nodes that come at once one of its own', async () => {
  harness = await startHarness([nodeIPAMController]);
  await harness.stopControllers();
  for (let index = 0; index < 20; index++) await create(`node-${index}`);
  await harness.restart();
  const { items } = await harness.client.list(nodes);
  expect(new Set(items.map(({ spec }) => spec.podCIDR)).size).toBe(20);
});

it('says that no network is left, and gives one when a node has gone', async () => {
  harness = await startHarness([nodeIPAMController]);
  await create('all', '10.244.0.0/16');
  await create('late');
  expect(await networkOf('late')).toBeUndefined();
  expect(await harness.events()).toEqual([
    'Normal CIDRNotAvailable Node late status is now: CIDRNotAvailable',
  ]);
  await harness.client.delete(nodes, { name: 'all' });
  await harness.advance(60_000);
  expect(await networkOf('late')).toEqual(['10.244.0.0/24']);
});
