import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { events, namespaces, pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import { resourceClaims, type AllocatedDeviceStatus } from '../../../openapi/generated/resource-v1.ts';
import { NAMESPACE } from '../harness.ts';
import { eventsOf, startSchedulerHarness, type SchedulerHarness } from './cluster.ts';
import { CLASS, createClaim, createClass, createSlice, devicesOf, DRIVER, usingClaims } from './devices.ts';

let harness: SchedulerHarness;
beforeEach(async () => {
  harness = await startSchedulerHarness();
  await harness.node('n1');
});
afterEach(() => harness.stop());

const HOPELESS = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';

const statusOf = async (claim: string) => (await harness.get(resourceClaims, claim)).status;

describe('a pod waits', () => {
  it('for a claim that is not there, without a word', async () => {
    await createClass(harness);
    await createSlice(harness, 'n1', ['a']);
    await harness.pod('p', usingClaims('c'));
    expect(await eventsOf(harness, 'FailedScheduling')).toEqual([]);
    expect(await harness.problemOf('p')).toBeUndefined();
    await createClaim(harness, 'c');
    await harness.settle();
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('for the claim that is made from its template, and takes only its own', async () => {
    await createClass(harness);
    await createSlice(harness, 'n1', ['a']);
    const pod = await harness.pod('p', {
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpus' }],
    });
    const claim = await createClaim(harness, 'p-gpu-x');
    const tell = (): Promise<Pod> =>
      harness.change(
        pods,
        'p',
        ({ status }) => {
          status.resourceClaimStatuses = [{ name: 'gpu', resourceClaimName: 'p-gpu-x' }];
        },
        'status',
      );
    await tell();
    await harness.settle();
    expect(await harness.placeOf('p')).toBe('');
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid!, controller: true };
    await harness.client.update(resourceClaims, {
      ...claim,
      metadata: { ...claim.metadata, ownerReferences: [owner] },
    });
    await harness.settle();
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('for its class', async () => {
    await createSlice(harness, 'n1', ['a']);
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
    const message = `0/1 nodes are available: request r: device class ${CLASS} does not exist. no new claims to deallocate, ${HOPELESS}`;
    expect(await harness.problemOf('p')).toBe(message);
    await createClass(harness);
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('for devices: until somebody publishes some', async () => {
    await createClass(harness);
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
    const message = `0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, ${HOPELESS}`;
    expect(await harness.problemOf('p')).toBe(message);
    await createSlice(harness, 'n1', ['a']);
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('for devices: until another claim gives them up', async () => {
    await createClass(harness);
    await createSlice(harness, 'n1', ['a']);
    for (const name of ['first', 'second']) await createClaim(harness, name);
    await harness.pod('first', usingClaims('first'));
    await harness.pod('second', usingClaims('second'));
    expect(await harness.placeOf('second')).toBe('');
    await harness.change(resourceClaims, 'first', (claim) => (claim.status = {}), 'status');
    await harness.settle();
    expect(await harness.placeOf('second')).toBe('n1');
    expect(await devicesOf(harness, 'second')).toEqual(['n1/a']);
  });
});

it('gives one device to one of many pods that come at once', async () => {
  await createClass(harness);
  await createSlice(harness, 'n1', ['a', 'b']);
  const names = ['p0', 'p1', 'p2', 'p3'];
  for (const name of names) await createClaim(harness, name);
  await Promise.all(names.map((name) => harness.pod(name, usingClaims(name))));
  const got = (await Promise.all(names.map((name) => devicesOf(harness, name)))).flat();
  expect(got.sort()).toEqual(['n1/a', 'n1/b']);
});

it('reserves a shared claim for every pod that uses it, 256 at most', async () => {
  await createClass(harness);
  await createSlice(harness, 'n1', ['a']);
  await createClaim(harness, 'c');
  await harness.pod('first', usingClaims('c'));
  await harness.change(
    resourceClaims,
    'c',
    ({ status }) => {
      for (let i = 1; i < 256; i++)
        status.reservedFor!.push({ resource: 'pods', name: `other-${i}`, uid: `uid-${i}` });
    },
    'status',
  );
  await harness.pod('last', usingClaims('c'));
  expect(await harness.placeOf('last')).toBe('');
  expect(await eventsOf(harness, 'FailedScheduling')).toEqual([
    'running PreBind plugin "DynamicResources": add reservation to claim default/c: ResourceClaim.resource.k8s.io "c" is invalid: status.reservedFor: Too many: 257: must have at most 256 items',
  ]);
  await harness.change(resourceClaims, 'c', ({ status }) => status.reservedFor!.pop(), 'status');
  await harness.advance(10_000);
  expect(await harness.placeOf('last')).toBe('n1');
});

it('gives administrators devices that others use, in namespaces that say so', async () => {
  await createClass(harness);
  await createSlice(harness, 'n1', ['a']);
  await createClaim(harness, 'user');
  await harness.pod('user', usingClaims('user'));
  await expect(createClaim(harness, 'admin', { adminAccess: true })).rejects.toThrow(
    'ResourceClaim.resource.k8s.io "admin" is invalid: spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
  );
  const labels = { 'resource.kubernetes.io/admin-access': 'true' };
  await harness.client.patch(
    namespaces,
    { name: NAMESPACE },
    { type: 'merge', body: { metadata: { labels } } },
  );
  await createClaim(harness, 'admin', { adminAccess: true });
  await harness.pod('admin', usingClaims('admin'));
  expect(await devicesOf(harness, 'admin')).toEqual(['n1/a']);
});

it('tells of an expression that fails, and tries again', async () => {
  await createClass(harness);
  await createSlice(harness, 'n1', ['a']);
  await createClaim(harness, 'c', {
    selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].model == "x"` } }],
  });
  await harness.pod('p', usingClaims('c'));
  const { status } = await harness.get(pods, 'p');
  expect(status.conditions).toMatchObject([
    {
      type: 'PodScheduled',
      reason: 'SchedulerError',
      message:
        'running "DynamicResources" filter plugin: claim default/c: selector #0: CEL runtime error: no such key: model',
    },
  ]);
  await harness.advance(1000);
  const { items } = await harness.client.list(events, { namespace: NAMESPACE });
  expect(items.find(({ reason }) => reason === 'FailedScheduling')?.series?.count).toBe(2);
});

it('frees an unused claim that keeps the pod from the only node it may go to', async () => {
  await harness.node('n2', { labels: { here: 'yes' } });
  await createClass(harness);
  await createSlice(harness, 'n1', ['a']);
  await createSlice(harness, 'n2', ['a']);
  await createClaim(harness, 'c');
  const first = await harness.pod('first', {
    ...usingClaims('c'),
    nodeName: undefined,
    nodeSelector: { 'kubernetes.io/hostname': 'n1' },
  });
  expect(await devicesOf(harness, 'c')).toEqual(['n1/a']);
  await harness.pod('second', { ...usingClaims('c'), nodeSelector: { here: 'yes' } });
  expect(await harness.problemOf('second')).toBe(
    "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 resourceclaim not available on the node. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  );
  await harness.remove(await harness.get(pods, first.metadata.name!));
  await harness.change(resourceClaims, 'c', ({ status }) => (status.reservedFor = []), 'status');
  await harness.advance(10_000);
  expect(await eventsOf(harness, 'FailedScheduling')).toContainEqual(
    expect.stringContaining('deallocation of ResourceClaim completed'),
  );
  expect(await harness.placeOf('second')).toBe('n2');
  expect(await devicesOf(harness, 'c')).toEqual(['n2/a']);
});

describe('devices that are made ready while the pod is bound', () => {
  beforeEach(async () => {
    await createClass(harness);
    const bindingConditions = ['Attached'];
    const bindingFailureConditions = ['Broken'];
    await createSlice(harness, 'n1', [{ name: 'a', bindingConditions, bindingFailureConditions }]);
    await createClaim(harness, 'c');
    await harness.pod('p', usingClaims('c'));
  });

  const tell = async (type: string): Promise<void> => {
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const condition = { type, status: 'True', reason: 'Told', message: 'so', lastTransitionTime };
    const device: AllocatedDeviceStatus = {
      driver: DRIVER,
      pool: 'n1',
      device: 'a',
      conditions: [condition],
    };
    await harness.change(resourceClaims, 'c', ({ status }) => (status.devices = [device]), 'status');
    await harness.settle();
  };

  it('hold the pod up until they are', async () => {
    expect(await harness.placeOf('p')).toBe('');
    expect(await harness.events()).toEqual([
      'Normal BindingConditionsPending waiting for binding conditions for device on node n1',
    ]);
    expect((await statusOf('c'))?.reservedFor).toHaveLength(1);
    await tell('Attached');
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('are given up when they fail, and taken anew', async () => {
    await tell('Broken');
    expect(await eventsOf(harness, 'FailedScheduling')).toEqual([
      'running PreBind plugin "DynamicResources": device binding failed: claim=c, reason=Told, message="so"',
    ]);
    await harness.advance(2000);
    expect(await eventsOf(harness, 'FailedScheduling')).toContainEqual(
      expect.stringContaining('deallocation of ResourceClaim completed'),
    );
    await harness.advance(10_000);
    expect((await statusOf('c'))?.devices).toBeUndefined();
    await tell('Attached');
    expect(await harness.placeOf('p')).toBe('n1');
  });

  it('are given up after ten minutes', async () => {
    await harness.advance(601_000);
    expect(await eventsOf(harness, 'FailedScheduling')).toContainEqual(
      'running PreBind plugin "DynamicResources": device binding timeout: claim=c',
    );
  });
});

describe('an extended resource that a class of devices stands for', () => {
  const containers = (count: string): Pod['spec']['containers'] => [
    {
      name: 'main',
      image: 'app:1',
      resources: { requests: { 'example.com/gpu': count }, limits: { 'example.com/gpu': count } },
    },
  ];
  const claim = async () => (await harness.list(resourceClaims))[0];

  it('becomes a claim of the pod', async () => {
    await createClass(harness, CLASS, { extendedResourceName: 'example.com/gpu' });
    await createSlice(harness, 'n1', ['a', 'b', 'c']);
    const pod = await harness.pod('p', { containers: containers('2') });
    expect(await harness.placeOf('p')).toBe('n1');
    const { metadata, spec, status } = (await claim())!;
    expect(metadata).toMatchObject({
      generateName: 'p-extended-resources-',
      annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
      ownerReferences: [{ kind: 'Pod', name: 'p', uid: pod.metadata.uid, controller: true }],
      finalizers: ['resource.kubernetes.io/delete-protection'],
    });
    const request = 'container-0-request-0';
    expect(spec.devices!.requests).toEqual([
      { name: request, exactly: { deviceClassName: CLASS, allocationMode: 'ExactCount', count: 2 } },
    ]);
    expect(status!.allocation!.devices!.results!.map(({ device }) => device)).toEqual(['a', 'b']);
    expect((await harness.get(pods, 'p')).status.extendedResourceClaimStatus).toEqual({
      requestMappings: [{ containerName: 'main', resourceName: 'example.com/gpu', requestName: request }],
      resourceClaimName: metadata.name,
    });
  });

  it('is taken from the node when the node has some itself', async () => {
    await createClass(harness, CLASS, { extendedResourceName: 'example.com/gpu' });
    await harness.node('n2', { more: { 'example.com/gpu': '4' } });
    await harness.pod('p', { containers: containers('2') });
    expect(await harness.placeOf('p')).toBe('n2');
    expect(await claim()).toBeUndefined();
  });

  it('is short when there are too few devices, and for lack of a class', async () => {
    await createSlice(harness, 'n1', ['a']);
    await harness.pod('p', { containers: containers('2') });
    expect(await harness.problemOf('p')).toContain('1 Insufficient example.com/gpu.');
    await createClass(harness, CLASS, { extendedResourceName: 'example.com/gpu' });
    await harness.advance(10_000);
    expect(await harness.problemOf('p')).toContain('1 cannot allocate all claims.');
    await createSlice(harness, 'more', ['b'], { nodeName: 'n1' });
    await harness.advance(10_000);
    expect(await harness.placeOf('p')).toBe('n1');
  });
});
