import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resourceClaims, type Device, type DeviceClaim } from '../../../openapi/generated/resource-v1.ts';
import { startSchedulerHarness, type SchedulerHarness } from './cluster.ts';
import { CLASS, createClaim, createClass, createSlice, devicesOf, DRIVER, usingClaims } from './devices.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness();
  await harness.node('n1', { labels: { zone: 'a' } });
  await createClass(harness);
});
afterEach(() => harness.stop());

const gpu = (name: string, more: Partial<Device> = {}): Device => ({ name, ...more });
const exactly = (more: object = {}): { deviceClassName: string } => ({ deviceClassName: CLASS, ...more });
const where = (expression: string): object => ({ selectors: [{ cel: { expression } }] });
const NUMA = { matchAttribute: `${DRIVER}/numa` };
const numa = (int: number): Partial<Device> => ({ attributes: { numa: { int } } });

interface Case {
  readonly name: string;
  readonly devices: readonly Device[];
  readonly claim: DeviceClaim;
  /** Names of the devices in the order of the results; a text says why there are none. */
  readonly gets: readonly string[] | string;
}

const NONE = '1 cannot allocate all claims';

const CASES: readonly Case[] = [
  {
    name: 'as many as it asks for, in the order of the slice',
    devices: [gpu('b'), gpu('a'), gpu('c')],
    claim: { requests: [{ name: 'r', exactly: exactly({ count: 2 }) }] },
    gets: ['b', 'a'],
  },
  {
    name: 'nothing when there are too few',
    devices: [gpu('a')],
    claim: { requests: [{ name: 'r', exactly: exactly({ count: 2 }) }] },
    gets: NONE,
  },
  {
    name: 'what its expression chooses',
    devices: [
      gpu('a', { attributes: { model: { string: 'x' } } }),
      gpu('b', { attributes: { model: { string: 'y' } } }),
    ],
    claim: {
      requests: [{ name: 'r', exactly: exactly(where(`device.attributes["${DRIVER}"].model == "y"`)) }],
    },
    gets: ['b'],
  },
  {
    name: 'all there are',
    devices: [gpu('a'), gpu('b'), gpu('c')],
    claim: { requests: [{ name: 'r', exactly: exactly({ allocationMode: 'All' }) }] },
    gets: ['a', 'b', 'c'],
  },
  {
    name: 'no node when all of nothing are asked for',
    devices: [gpu('a')],
    claim: { requests: [{ name: 'r', exactly: exactly({ allocationMode: 'All', ...where('false') }) }] },
    gets: NONE,
  },
  {
    name: 'devices that have an attribute in common, going back over its first choice',
    devices: [gpu('a', numa(0)), gpu('b', numa(1)), gpu('c', numa(1))],
    claim: { requests: [{ name: 'r', exactly: exactly({ count: 2 }) }], constraints: [NUMA] },
    gets: ['b', 'c'],
  },
  {
    name: 'devices of two requests that have an attribute in common',
    devices: [
      gpu('a', numa(0)),
      gpu('b', numa(1)),
      gpu('nic', { attributes: { numa: { int: 1 }, nic: { bool: true } } }),
    ],
    claim: {
      requests: [
        { name: 'gpu', exactly: exactly(where(`!("nic" in device.attributes["${DRIVER}"])`)) },
        { name: 'nic', exactly: exactly(where(`"nic" in device.attributes["${DRIVER}"]`)) },
      ],
      constraints: [{ ...NUMA, requests: ['gpu', 'nic'] }],
    },
    gets: ['b', 'nic'],
  },
  {
    name: 'no device that lacks the attribute',
    devices: [gpu('a'), gpu('b', numa(1)), gpu('c', numa(1))],
    claim: { requests: [{ name: 'r', exactly: exactly({ count: 2 }) }], constraints: [NUMA] },
    gets: ['b', 'c'],
  },
  {
    name: 'devices that differ in an attribute',
    devices: [gpu('a', numa(0)), gpu('b', numa(0)), gpu('c', numa(1))],
    claim: {
      requests: [{ name: 'r', exactly: exactly({ count: 2 }) }],
      constraints: [{ distinctAttribute: `${DRIVER}/numa` }],
    },
    gets: ['a', 'c'],
  },
  {
    name: 'the first alternative that there is',
    devices: [gpu('a'), gpu('b')],
    claim: {
      requests: [
        {
          name: 'r',
          firstAvailable: [
            { name: 'many', deviceClassName: CLASS, count: 3 },
            { name: 'few', deviceClassName: CLASS, count: 2 },
          ],
        },
      ],
    },
    gets: ['a', 'b'],
  },
  {
    name: 'no tainted device',
    devices: [gpu('a', { taints: [{ key: 'sick', effect: 'NoSchedule' }] }), gpu('b')],
    claim: { requests: [{ name: 'r', exactly: exactly() }] },
    gets: ['b'],
  },
  {
    name: 'a tainted device when it tolerates that',
    devices: [gpu('a', { taints: [{ key: 'sick', value: 'x', effect: 'NoExecute' }] })],
    claim: {
      requests: [
        { name: 'r', exactly: exactly({ tolerations: [{ key: 'sick', operator: 'Equal', value: 'x' }] }) },
      ],
    },
    gets: ['a'],
  },
  {
    name: 'a device whose taint has no effect',
    devices: [gpu('a', { taints: [{ key: 'sick', effect: 'None' }] })],
    claim: { requests: [{ name: 'r', exactly: exactly() }] },
    gets: ['a'],
  },
  {
    name: 'more than 32 devices neither',
    devices: Array.from({ length: 40 }, (_, i) => gpu(`d${i}`)),
    claim: {
      requests: [
        {
          name: 'r',
          firstAvailable: [
            { name: 'all', deviceClassName: CLASS, allocationMode: 'All' },
            { name: 'one', deviceClassName: CLASS },
          ],
        },
      ],
    },
    gets: ['d0'],
  },
];

describe('a claim gets', () => {
  it.each(CASES)('$name', async ({ devices, claim, gets }) => {
    await createSlice(harness, 'n1', devices);
    await createClaim(harness, 'c', {}, claim);
    await harness.pod('p', usingClaims('c'));
    if (typeof gets === 'string') expect(await harness.problemOf('p')).toContain(gets);
    else expect(await devicesOf(harness, 'c')).toEqual(gets.map((device) => `n1/${device}`));
  });
});

it('tells all about the devices that a claim got', async () => {
  const opaque = (a: number) => ({ opaque: { driver: DRIVER, parameters: { a } } });
  await createClass(harness, 'tuned', { config: [opaque(1)] });
  await createSlice(harness, 'n1', ['a', 'b']);
  const tolerations = [{ operator: 'Exists' }];
  await createClaim(
    harness,
    'c',
    {},
    {
      requests: [
        { name: 'one', exactly: { deviceClassName: 'tuned', tolerations } },
        { name: 'two', firstAvailable: [{ name: 'x', deviceClassName: 'tuned' }] },
      ],
      config: [{ requests: ['two/x'], ...opaque(2) }, { requests: ['one'], ...opaque(3) }, opaque(4)],
    },
  );
  const pod = await harness.pod('p', usingClaims('c'));
  const { metadata, status } = await harness.get(resourceClaims, 'c');
  expect(metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection']);
  expect(status).toEqual({
    allocation: {
      devices: {
        results: [
          { request: 'one', driver: DRIVER, pool: 'n1', device: 'a', tolerations },
          { request: 'two/x', driver: DRIVER, pool: 'n1', device: 'b' },
        ],
        config: [
          { source: 'FromClass', requests: ['one', 'two/x'], ...opaque(1) },
          { source: 'FromClaim', requests: ['two/x'], ...opaque(2) },
          { source: 'FromClaim', requests: ['one'], ...opaque(3) },
          { source: 'FromClaim', ...opaque(4) },
        ],
      },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
      },
      allocationTimestamp: '2026-01-01T00:00:00Z',
    },
    reservedFor: [{ resource: 'pods', name: 'p', uid: pod.metadata.uid }],
  });
  expect(await harness.placeOf('p')).toBe('n1');
});

describe('devices that are counted together', () => {
  const partition = (name: string, memory: string): Device => ({
    name,
    consumesCounters: [{ counterSet: 'gpu-0', counters: { memory: { value: memory } } }],
  });
  const pool = { name: 'n1', generation: 1, resourceSliceCount: 2 };

  it('are given out while the counters last, and again once some are free', async () => {
    await createSlice(
      harness,
      'n1',
      [partition('half-0', '4Gi'), partition('half-1', '4Gi'), partition('whole', '8Gi')],
      { pool },
    );
    const sharedCounters = [{ name: 'gpu-0', counters: { memory: { value: '8Gi' } } }];
    await createSlice(harness, 'n1', [], { name: 'counters', pool, sharedCounters });
    for (const name of ['a', 'b', 'c']) {
      await createClaim(harness, name);
      await harness.pod(name, usingClaims(name));
    }
    expect(await devicesOf(harness, 'a')).toEqual(['n1/half-0']);
    expect(await devicesOf(harness, 'b')).toEqual(['n1/half-1']);
    expect(await harness.problemOf('c')).toContain(NONE);
  });

  it('are not given out of a pool whose slices are not all there', async () => {
    await createSlice(harness, 'n1', ['a'], { pool });
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
    expect(await harness.problemOf('p')).toContain(NONE);
    await createSlice(harness, 'n1', ['b'], { name: 'second', pool });
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('are refused when slices contradict each other', async () => {
    await createSlice(harness, 'n1', ['a'], { pool });
    await createSlice(harness, 'n1', ['a'], { name: 'second', pool });
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
    expect(await harness.problemOf('p')).toContain('1 invalid resource pools were encountered');
  });
});

describe('a device that many may share', () => {
  const shared: Device = {
    name: 'nic',
    allowMultipleAllocations: true,
    capacity: {
      bandwidth: {
        value: '10G',
        requestPolicy: { default: '1G', validRange: { min: '1G', step: '1G', max: '8G' } },
      },
    },
  };
  const wanting = (bandwidth: string) => ({ capacity: { requests: { bandwidth } } });

  it('is given to claims until its capacity is used up, each with a share of its own', async () => {
    await createSlice(harness, 'n1', [shared]);
    await createClaim(harness, 'a', wanting('6500M'));
    await createClaim(harness, 'b');
    await createClaim(harness, 'c', wanting('3G'));
    for (const name of ['a', 'b', 'c']) await harness.pod(name, usingClaims(name));
    const result = async (name: string) =>
      (await harness.get(resourceClaims, name)).status?.allocation?.devices?.results?.[0];
    const [a, b] = [await result('a'), await result('b')];
    expect(a).toMatchObject({ device: 'nic', consumedCapacity: { bandwidth: '7G' } });
    expect(b).toMatchObject({ device: 'nic', consumedCapacity: { bandwidth: '1G' } });
    expect(a!.shareID).toMatch(/^[0-9a-f-]{36}$/);
    expect(b!.shareID).not.toBe(a!.shareID);
    expect(await harness.problemOf('c')).toContain(NONE);
  });

  it('is not given to who asks for more than it allows, or for a capacity that it does not have', async () => {
    await createSlice(harness, 'n1', [shared]);
    await createClaim(harness, 'much', wanting('9G'));
    await createClaim(harness, 'other', { capacity: { requests: { latency: '1' } } });
    for (const name of ['much', 'other']) {
      await harness.pod(name, usingClaims(name));
      expect(await harness.problemOf(name)).toContain(NONE);
    }
  });
});

describe('devices that a node reaches', () => {
  beforeEach(() => harness.node('n2', { labels: { zone: 'b' } }));
  const inZone = (zone: string) => ({
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }],
  });

  it.each([
    { name: 'by its name', spec: { nodeName: 'n2' }, device: gpu('d'), selector: [['metadata.name', 'n2']] },
    {
      name: 'by a selector',
      spec: { nodeSelector: inZone('b') },
      device: gpu('d'),
      selector: [['zone', 'b']],
    },
    {
      name: 'device by device',
      spec: { perDeviceNodeSelection: true },
      device: gpu('d', { nodeSelector: inZone('b') }),
      selector: [['zone', 'b']],
    },
    {
      name: 'device by device, bound to the node they are used on',
      spec: { perDeviceNodeSelection: true },
      device: gpu('d', { nodeSelector: inZone('b'), bindsToNode: true }),
      selector: [['metadata.name', 'n2']],
    },
  ])('$name', async ({ spec, device, selector }) => {
    await createSlice(harness, 'pool', [device], spec);
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
    expect(await harness.placeOf('p')).toBe('n2');
    const { status } = await harness.get(resourceClaims, 'c');
    const [term] = status.allocation!.nodeSelector!.nodeSelectorTerms;
    const requirements = [...(term!.matchFields ?? []), ...(term!.matchExpressions ?? [])];
    expect(requirements.map(({ key, values }) => [key, ...values!])).toEqual(selector);
  });

  it('from anywhere leave the claim free to be used anywhere', async () => {
    await createSlice(harness, 'pool', ['d'], { allNodes: true });
    await createClaim(harness, 'c');
    await harness.pod('first', { ...usingClaims('c'), nodeSelector: { zone: 'a' } });
    await harness.pod('second', { ...usingClaims('c'), nodeSelector: { zone: 'b' } });
    const { status } = await harness.get(resourceClaims, 'c');
    expect(status.allocation!.nodeSelector).toBeUndefined();
    expect(status.reservedFor!.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  it('count more where better alternatives are', async () => {
    await createSlice(harness, 'n1', ['small'], {});
    await createSlice(harness, 'n2', [gpu('big', { attributes: { big: { bool: true } } })]);
    const big = where(`device.attributes["${DRIVER}"].?big.orValue(false)`);
    for (const name of ['c', 'd'])
      await createClaim(
        harness,
        name,
        {},
        {
          requests: [
            {
              name: 'r',
              firstAvailable: [
                { name: 'big', deviceClassName: CLASS, ...big },
                { name: 'any', deviceClassName: CLASS },
              ],
            },
          ],
        },
      );
    await harness.pod('c', usingClaims('c'));
    expect(await devicesOf(harness, 'c')).toEqual(['n2/big']);
    await harness.pod('d', usingClaims('d'));
    expect(await devicesOf(harness, 'd')).toEqual(['n1/small']);
  });
});
