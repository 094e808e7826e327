import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../api/machinery/clock.ts';
import { parseDevices } from '../../../controllers/kubelet/declared-devices.ts';
import { events, nodes, pods } from '../../../openapi/generated/core-v1.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceSlices,
  type ResourceSlice,
} from '../../../openapi/generated/resource-v1.ts';
import { startCluster, type Cluster } from '../../../server/cluster.ts';

const DRIVER = 'gpu.example.com';
const namespace = 'default';
let cluster: Cluster;
afterEach(() => cluster.stop());

async function start(): Promise<void> {
  cluster = await startCluster({ clock: new VirtualClock(), seed: 'devices', nodes: 1 });
  await cluster.settled();
}

async function declare(text: string | null): Promise<readonly ResourceSlice[]> {
  const annotations = { [`devices.kubemu.io/${DRIVER}`]: text };
  await cluster.client.patch(
    nodes,
    { name: 'node-1' },
    { type: 'merge', body: { metadata: { annotations } } },
  );
  await cluster.settled();
  return (await cluster.client.list(resourceSlices)).items;
}

describe('an annotation of a node', () => {
  it('becomes a slice of devices', async () => {
    await start();
    const slices = await declare('2,model=a100,healthy=true,driver=1.2.3,cores=108,memory=1024Mi');
    const attributes = {
      model: { string: 'a100' },
      healthy: { bool: true },
      driver: { version: '1.2.3' },
      cores: { int: 108 },
    };
    const capacity = { memory: { value: '1Gi' } };
    expect(slices.map(({ metadata: { name }, spec }) => ({ name, spec }))).toEqual([
      {
        name: `node-1-${DRIVER}`,
        spec: {
          driver: DRIVER,
          pool: { name: 'node-1', generation: 1, resourceSliceCount: 1 },
          nodeName: 'node-1',
          devices: [0, 1].map((index) => ({
            name: `device-${index}`,
            attributes: { ...attributes, index: { int: index } },
            capacity,
          })),
        },
      },
    ]);
    expect(slices[0]!.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'node-1' }]);
  });

  it('that changes gives a new generation, in as many slices as it takes, and none when it goes', async () => {
    await start();
    await declare('2');
    const [slice] = await declare('3');
    expect(slice!.spec.pool.generation).toBe(2);
    const many = await declare('130');
    expect(
      many.map(({ spec }) => [spec.devices!.length, spec.pool.generation, spec.pool.resourceSliceCount]),
    ).toEqual([
      [64, 3, 3],
      [64, 3, 3],
      [2, 3, 3],
    ]);
    expect(await declare(null)).toEqual([]);
  });

  it('leaves the taints of devices, and brings a slice back that somebody deleted', async () => {
    await start();
    const [slice] = await declare('2');
    const taints = [{ key: 'sick', effect: 'NoSchedule' }];
    const [first, second] = slice!.spec.devices!;
    await cluster.client.update(resourceSlices, {
      ...slice!,
      spec: { ...slice!.spec, devices: [{ ...first!, taints }, second!] },
    });
    const [changed] = await declare('3');
    expect(changed!.spec.devices!.map((device) => device.taints?.[0]?.key)).toEqual([
      'sick',
      undefined,
      undefined,
    ]);
    await cluster.client.delete(resourceSlices, { name: changed!.metadata.name! });
    await cluster.settled();
    expect((await cluster.client.list(resourceSlices)).items).toHaveLength(1);
  });

  it('that makes no sense is told in an event, and changes nothing', async () => {
    await start();
    await declare('2');
    expect(await declare('many')).toHaveLength(1);
    const { items } = await cluster.client.list(events, { namespace });
    expect(items.find(({ reason }) => reason === 'InvalidDevices')).toMatchObject({
      type: 'Warning',
      message: `${DRIVER}: "many" is no number of devices from 0 to 1024`,
    });
  });
});

it.each([
  ['', '"" is no number of devices from 0 to 1024'],
  ['1025', '"1025" is no number of devices from 0 to 1024'],
  ['1,model', '"model" is not of the form name=value'],
  ['1,a b=c', '"a b=c" is not of the form name=value'],
])('refuses %j as devices', async (text, problem) => {
  await start();
  expect(parseDevices(text)).toBe(problem);
});

describe('a pod with claims', () => {
  const spec = {
    nodeName: 'node-1',
    containers: [{ name: 'main', image: 'nginx:1.25' }],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
  };
  const pass = (ms: number): Promise<void> => cluster.clock.advanceTo(cluster.clock.now() + ms);
  const phase = async () => (await cluster.client.get(pods, { namespace, name: 'p' })).status.phase;
  const problems = async (): Promise<(string | undefined)[]> =>
    (await cluster.client.list(events, { namespace })).items
      .filter(({ reason }) => reason === 'FailedPrepareDynamicResources')
      .map(({ message }) => message);
  const createClaim = () =>
    cluster.client.create(resourceClaims, {
      metadata: { name: 'gpu', namespace },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
    });

  it('does not run before they are there and reserved for it', async () => {
    await start();
    await declare('1');
    await cluster.client.create(deviceClasses, { metadata: { name: 'gpu' }, spec: {} });
    const { metadata } = await cluster.client.create(pods, { metadata: { name: 'p', namespace }, spec });
    await cluster.settled();
    expect(await phase()).toBe('Pending');
    expect(await problems()).toEqual([
      'Failed to prepare dynamic resources: prepare dynamic resources: fetch ResourceClaim gpu: resourceclaims.resource.k8s.io "gpu" not found',
    ]);
    const claim = await createClaim();
    await pass(3000);
    expect((await problems()).at(-1)).toBe(
      `Failed to prepare dynamic resources: prepare dynamic resources: pod p (${metadata.uid}) is not allowed to use ResourceClaim gpu (${claim.metadata.uid})`,
    );
    const results = [{ request: 'r', driver: DRIVER, pool: 'node-1', device: 'device-0' }];
    await cluster.client.update(
      resourceClaims,
      { ...claim, status: { allocation: { devices: { results } } } },
      { subresource: 'status' },
    );
    await pass(5000);
    expect(await phase()).toBe('Running');
    const { status } = await cluster.client.get(resourceClaims, { namespace, name: 'gpu' });
    expect(status.reservedFor).toEqual([{ resource: 'pods', name: 'p', uid: metadata.uid }]);
  });
});
