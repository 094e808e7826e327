import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachDetachController } from '../../../controllers/attach-detach/attach-detach-controller.ts';
import { multiAttachMessage } from '../../../controllers/attach-detach/messages.ts';
import { persistentVolumeBinder } from '../../../controllers/persistent-volume-binder/persistent-volume-binder.ts';
import {
  events,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Node,
  type Pod,
} from '../../../openapi/generated/core-v1.ts';
import { volumeAttachments, type VolumeAttachment } from '../../../openapi/generated/storage-v1.ts';
import { startCluster } from '../../../server/cluster.ts';
import { NAMESPACE, startHarness, type Harness } from '../harness.ts';

const MINUTE_MS = 60_000;
const MANAGED = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
const NAME = 'kubernetes.io/csi/csi.example.com^disk-1';

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness([attachDetachController, persistentVolumeBinder]);
  for (const name of ['n1', 'n2']) {
    await harness.client.create(nodes, { metadata: { name, annotations: MANAGED }, spec: {} });
    await setNode(name, { isReady: true });
  }
});
afterEach(() => harness.stop());

async function setNode(
  name: string,
  { isReady, inUse }: { isReady?: boolean; inUse?: boolean },
): Promise<void> {
  const condition = { type: 'Ready', status: isReady === true ? 'True' : 'Unknown' };
  const status = {
    ...(isReady === undefined ? {} : { conditions: [condition] }),
    ...(inUse === undefined ? {} : { volumesInUse: inUse ? [NAME] : null }),
  };
  await harness.client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
  await harness.settle();
}

async function disk(accessMode = 'ReadWriteOnce'): Promise<void> {
  const spec = { accessModes: [accessMode], storageClassName: '' };
  await harness.client.create(persistentVolumes, {
    metadata: { name: 'disk' },
    spec: {
      ...spec,
      capacity: { storage: '1Gi' },
      csi: { driver: 'csi.example.com', volumeHandle: 'disk-1' },
    },
  });
  await harness.client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: NAMESPACE },
    spec: { ...spec, resources: { requests: { storage: '1Gi' } } },
  });
  await harness.settle();
}

async function run(name: string, nodeName: string): Promise<Pod> {
  const pod = await harness.client.create(pods, {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName,
      containers: [{ name: 'main', image: 'app:1' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  });
  await harness.settle();
  return pod;
}

const attachments = async (): Promise<readonly VolumeAttachment[]> =>
  (await harness.client.list(volumeAttachments)).items;
const places = async (): Promise<string[]> => (await attachments()).map(({ spec }) => spec.nodeName);

/** What a driver's attacher does. */
async function attach(status: VolumeAttachment['status'] = { attached: true }): Promise<void> {
  for (const attachment of await attachments())
    await harness.client.update(volumeAttachments, { ...attachment, status }, { subresource: 'status' });
  await harness.settle();
}

async function attachedTo(name: string): Promise<Node['status']['volumesAttached']> {
  return (await harness.client.get(nodes, { name })).status.volumesAttached;
}

async function remove(pod: Pod): Promise<void> {
  await harness.remove(pod);
  await harness.settle();
}

describe('a volume of a driver', () => {
  it('is asked for, told to its node and its pods when it is attached, and taken back', async () => {
    await disk();
    const pod = await run('a', 'n1');
    expect(await attachments()).toMatchObject([
      {
        metadata: { name: expect.stringMatching(/^csi-[0-9a-f]{64}$/) as string },
        spec: { attacher: 'csi.example.com', nodeName: 'n1', source: { persistentVolumeName: 'disk' } },
      },
    ]);
    expect([await attachedTo('n1'), await harness.events()]).toEqual([undefined, []]);
    await attach();
    expect(await attachedTo('n1')).toEqual([{ name: NAME, devicePath: '' }]);
    expect(await harness.events()).toEqual([
      'Normal SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "disk" ',
    ]);
    await remove(pod);
    expect([await places(), await attachedTo('n1')]).toEqual([[], undefined]);
  });

  it('is left to a node that attaches itself, until it leaves that to the controller', async () => {
    await disk();
    const name = 'n3';
    await harness.client.create(nodes, { metadata: { name }, spec: {} });
    await run('a', name);
    expect(await places()).toEqual([]);
    const body = { metadata: { annotations: MANAGED } };
    await harness.client.patch(nodes, { name }, { type: 'merge', body });
    await harness.settle();
    expect(await places()).toEqual([name]);
  });

  it('that cannot be attached is told to its pods, each time', async () => {
    await disk();
    await run('a', 'n1');
    for (const second of ['01', '02'])
      await attach({
        attached: false,
        attachError: { time: `2026-01-01T00:00:${second}Z`, message: 'no luck' },
      });
    const { items } = await harness.client.list(pods, { namespace: NAMESPACE });
    expect(items).toHaveLength(1);
    expect(await harness.events()).toEqual([
      'Warning FailedAttachVolume AttachVolume.Attach failed for volume "disk" : no luck',
    ]);
  });

  it('for one node goes to the next when the first lets go', async () => {
    await disk();
    const first = await run('a', 'n1');
    await setNode('n1', { inUse: true });
    await attach();
    await run('b', 'n2');
    expect(await places()).toEqual(['n1']);
    expect(await harness.events()).toContain(
      'Warning FailedAttachVolume Multi-Attach error for volume "disk" Volume is already used by pod(s) a',
    );
    await remove(first);
    await harness.restart();
    expect([await places(), await attachedTo('n1')]).toEqual([['n1'], [{ name: NAME, devicePath: '' }]]);
    await setNode('n1', { inUse: false });
    expect([await places(), await attachedTo('n1')]).toEqual([['n2'], undefined]);
    await attach();
    expect(await attachedTo('n2')).toEqual([{ name: NAME, devicePath: '' }]);
  });

  it('for one node goes to one of two pods that come at once', async () => {
    await disk();
    await harness.stopControllers();
    await run('a', 'n1');
    await run('b', 'n2');
    await harness.restart();
    expect(await places()).toHaveLength(1);
  });

  it('for many nodes goes to all of them', async () => {
    await disk('ReadWriteMany');
    await run('a', 'n1');
    await run('b', 'n2');
    expect((await places()).sort()).toEqual(['n1', 'n2']);
  });

  it.each([
    { name: 'at once when it was not in use there', inUse: false, left: [] },
    { name: 'after six minutes when it was in use there', inUse: true, left: ['n1'] },
  ])('is taken from a node that went $name', async ({ inUse, left }) => {
    await disk();
    const pod = await run('a', 'n1');
    await attach();
    await setNode('n1', { isReady: true, inUse });
    await harness.client.delete(nodes, { name: 'n1' });
    await remove(pod);
    expect(await places()).toEqual(left);
    await harness.advance(6 * MINUTE_MS);
    expect(await places()).toEqual([]);
  });

  it('is taken from a node that is not ready after six minutes', async () => {
    await disk();
    const pod = await run('a', 'n1');
    await attach();
    await setNode('n1', { inUse: true, isReady: false });
    await remove(pod);
    await harness.advance(6 * MINUTE_MS - 1000);
    expect(await places()).toEqual(['n1']);
    await harness.advance(1000);
    expect([await places(), await attachedTo('n1')]).toEqual([[], undefined]);
  });

  it('is not taken from a node that is ready until it lets go, and at once when it no longer is', async () => {
    await disk();
    const pod = await run('a', 'n1');
    await attach();
    await setNode('n1', { inUse: true });
    await remove(pod);
    await harness.advance(60 * MINUTE_MS);
    expect(await places()).toEqual(['n1']);
    await setNode('n1', { isReady: false });
    expect(await places()).toEqual([]);
  });

  it('is taken at once from a node that is out of service', async () => {
    await disk();
    const pod = await run('a', 'n1');
    await attach();
    await setNode('n1', { inUse: true, isReady: false });
    const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }];
    await harness.client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } });
    await remove(pod);
    expect(await places()).toEqual([]);
  });

  it('is kept when a pod wants it again before its node let go', async () => {
    await disk();
    const pod = await run('a', 'n1');
    await attach();
    await setNode('n1', { inUse: true });
    await remove(pod);
    await run('b', 'n1');
    await setNode('n1', { inUse: false });
    expect([await places(), await attachedTo('n1')]).toEqual([['n1'], [{ name: NAME, devicePath: '' }]]);
  });
});

describe('who holds a volume', () => {
  const pod = (name: string, namespace: string): Pod => ({ metadata: { name, namespace } }) as Pod;
  it.each([
    {
      others: [],
      text: "Volume is already exclusively attached to one node and can't be attached to another",
    },
    { others: [pod('b', 'x'), pod('c', 'x')], text: 'Volume is already used by pod(s) b, c' },
    {
      others: [pod('b', 'x'), pod('c', 'y')],
      text: 'Volume is already used by pod(s) b and 1 pod(s) in different namespaces',
    },
    { others: [pod('c', 'y')], text: 'Volume is already used by 1 pod(s) in different namespaces' },
  ])('$text', ({ others, text }) => {
    expect(multiAttachMessage('v', pod('a', 'x'), others)).toBe(`Multi-Attach error for volume "v" ${text}`);
  });
});

describe('a simulated node', () => {
  const namespace = 'default';
  const user = {
    metadata: { name: 'user', namespace },
    spec: {
      containers: [{ name: 'main', image: 'app:1' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  };
  const claim = {
    metadata: { name: 'data', namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };

  it.each([
    { name: 'runs a pod once its volume is attached', controllers: ['*'], phase: 'Running' },
    { name: 'keeps a pod waiting while it is not', controllers: ['*', '-attachdetach'], phase: 'Pending' },
  ])('$name, and says that it has it in use until the pod is gone', async ({ controllers, phase }) => {
    const cluster = await startCluster({ clock: 'virtual', seed: 'attach', controllers });
    try {
      const { client } = cluster;
      await client.create(persistentVolumeClaims, claim);
      await client.create(pods, user);
      await cluster.settled();
      await cluster.clock.step(10_000);
      const { spec } = await client.get(persistentVolumeClaims, { namespace, name: 'data' });
      const name = `kubernetes.io/csi/csi.kubemu.io^${spec.volumeName}`;
      const statusOf = async () => (await client.get(nodes, { name: 'node-1' })).status;
      expect((await client.get(pods, { namespace, name: 'user' })).status.phase).toBe(phase);
      expect((await statusOf()).volumesInUse).toEqual([name]);
      const attached = phase === 'Running' ? [{ name, devicePath: '' }] : undefined;
      expect((await statusOf()).volumesAttached).toEqual(attached);
      await client.delete(pods, { namespace, name: 'user' });
      await cluster.clock.step(60_000);
      const { volumesInUse, volumesAttached } = await statusOf();
      expect([volumesInUse, volumesAttached]).toEqual([undefined, undefined]);
      expect((await client.list(volumeAttachments)).items).toEqual([]);
    } finally {
      await cluster.stop();
    }
  });

  it('says of a pod with a claim that is not bound what it waits for', async () => {
    const cluster = await startCluster({ clock: 'virtual', seed: 'unbound', scheduler: false });
    try {
      const { client } = cluster;
      await client.create(persistentVolumeClaims, claim);
      await client.create(pods, { ...user, spec: { ...user.spec, nodeName: 'node-1' } });
      await cluster.clock.step(10_000);
      const { status } = await client.get(pods, { namespace, name: 'user' });
      expect(status.phase).toBe('Pending');
      const { items } = await client.list(events, { namespace, fieldSelector: 'reason=FailedMount' });
      expect(items.map(({ message }) => message)).toEqual([
        'Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC default/data: PVC is not bound',
      ]);
    } finally {
      await cluster.stop();
    }
  });
});
