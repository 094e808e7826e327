import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, pod } from './objects.ts';
import { runs } from './steps.ts';

const CLAIM = 'PersistentVolumeClaim';
const VOLUME = 'PersistentVolume';
/** The driver that kubemu simulates. */
const DRIVER = 'csi.kubemu.io';
const HOST = 'kubernetes.io/hostname';
const SELECTED = 'volume.kubernetes.io/selected-node';

const mounts = (name: string): object => ({
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
});

const nameOf = ({ namespace }: Session, name: string): string => `${namespace}-${name}`;

const phaseIs =
  (phase: string) =>
  ({ status }: Loose): boolean =>
    status?.phase === phase;

/** A volume that somebody made, of a class that this scenario has for itself. */
function giveVolume(session: Session, name: string, spec: object = {}, labels: object = {}): Promise<Loose> {
  return session.create({
    kind: VOLUME,
    metadata: { name: nameOf(session, name), labels },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: session.namespace,
      hostPath: { path: `/tmp/kubemu-scenario/${session.namespace}/${name}` },
      ...spec,
    },
  });
}

/** The same, and nobody's for now. */
async function makeVolume(...[session, name, ...rest]: Parameters<typeof giveVolume>): Promise<void> {
  await giveVolume(session, name, ...rest);
  await session.has(VOLUME, nameOf(session, name), phaseIs('Available'));
}

const sized = (storage: string): object => ({ capacity: { storage } });
const asking = (storage: string): object => ({ resources: { requests: { storage } } });

/** A claim of this scenario's class. */
function ask(session: Session, name: string, spec: object = {}): Promise<Loose> {
  return session.create(claim(name, { storageClassName: session.namespace, ...spec }));
}

function bound(session: Session, name: string): Promise<Loose> {
  return session.has(CLAIM, name, phaseIs('Bound'));
}

function makeClass(session: Session, rest: object = {}): Promise<Loose> {
  return session.create({
    kind: 'StorageClass',
    metadata: { name: session.namespace },
    provisioner: DRIVER,
    allowVolumeExpansion: true,
    ...rest,
  });
}

function makeAttributes(session: Session, name: string): Promise<Loose> {
  return session.create({
    kind: 'VolumeAttributesClass',
    metadata: { name: nameOf(session, name) },
    driverName: DRIVER,
    parameters: { iops: '100' },
  });
}

/** Gives a claim back, and what it stood for with it. */
async function dismiss(session: Session, name: string): Promise<void> {
  await session.delete(CLAIM, name);
  await session.gone(CLAIM, name);
}

const LONG_AGO = '2026-01-01T00:00:00Z';
const ready = (status: string): object => ({
  type: 'Ready',
  status,
  reason: 'KubeletReady',
  lastHeartbeatTime: LONG_AGO,
  lastTransitionTime: LONG_AGO,
});

/** A node that nobody runs. */
async function lifeless(session: Session): Promise<string> {
  const node = nameOf(session, 'node');
  const amounts = { cpu: '8', memory: '32Gi', pods: '110' };
  await session.create({
    kind: 'Node',
    metadata: {
      name: node,
      labels: { [HOST]: node },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    status: { capacity: amounts, allocatable: amounts, conditions: [ready('True')] },
  });
  session.afterwards(async () => {
    if (session.seen('Node', node) !== undefined) await session.delete('Node', node);
  });
  await session.has('Node', node, ({ spec }) => spec.taints === undefined);
  return node;
}

/** Has a pod use a volume on the node. */
async function useOn(session: Session, node: string): Promise<void> {
  await makeClass(session);
  await ask(session, 'data');
  await bound(session, 'data');
  await session.create(pod('user', { ...mounts('data'), nodeSelector: { [HOST]: node } }));
  await session.count(
    'VolumeAttachment',
    1,
    ({ spec, status }) => spec.nodeName === node && status?.attached,
  );
  await session.event('SuccessfulAttachVolume');
}

export const VOLUMES_LIFE: readonly Scenario[] = [
  {
    name: 'a claim grows while a pod uses it',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      await bound(session, 'data');
      await session.create(pod('user', mounts('data')));
      await runs(session, 'user');
      await session.quiet();
      await session.patch(CLAIM, 'data', { spec: asking('3Gi') });
      await session.has(CLAIM, 'data', ({ status }) => status?.capacity?.storage === '3Gi');
      await session.event('ExternalExpanding');
    },
  },
  {
    name: 'a claim grows that no pod uses',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      await bound(session, 'data');
      await session.quiet();
      await session.patch(CLAIM, 'data', { spec: asking('3Gi') });
      await session.condition(CLAIM, 'data', 'FileSystemResizePending', 'True');
      await session.event('ExternalExpanding');
    },
  },
  {
    name: 'a block device grows',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data', { volumeMode: 'Block' });
      await bound(session, 'data');
      await session.quiet();
      await session.patch(CLAIM, 'data', { spec: asking('3Gi') });
      await session.has(CLAIM, 'data', ({ status }) => status?.capacity?.storage === '3Gi');
      await session.event('ExternalExpanding');
    },
  },
  {
    name: 'a claim may not grow',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data');
      await bound(session, 'data');
      await session.refused(session.patch(CLAIM, 'data', { spec: asking('3Gi') }));
      await session.refused(session.patch(CLAIM, 'data', { spec: asking('500Mi') }));
    },
  },
  {
    name: 'a volume is deleted with its claim',
    run: async (session) => {
      await makeVolume(session, 'volume', { persistentVolumeReclaimPolicy: 'Delete' });
      await ask(session, 'data');
      await bound(session, 'data');
      await dismiss(session, 'data');
      await session.gone(VOLUME, nameOf(session, 'volume'));
    },
  },
  {
    name: 'a volume cannot be deleted',
    run: async (session) => {
      const spec = { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/data' } };
      await makeVolume(session, 'volume', spec);
      await ask(session, 'data');
      await bound(session, 'data');
      await dismiss(session, 'data');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Failed'));
    },
  },
  {
    name: 'a volume of a plugin that deletes nothing',
    run: async (session) => {
      const spec = {
        persistentVolumeReclaimPolicy: 'Delete',
        hostPath: null,
        nfs: { server: 'nfs', path: '/' },
      };
      await makeVolume(session, 'volume', spec);
      await ask(session, 'data');
      await bound(session, 'data');
      await dismiss(session, 'data');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Failed'));
    },
  },
  {
    name: 'a volume of a plugin that recycles nothing',
    run: async (session) => {
      const local = { path: '/mnt' };
      const terms = [{ matchExpressions: [{ key: HOST, operator: 'Exists' }] }];
      const spec = { hostPath: null, local, nodeAffinity: { required: { nodeSelectorTerms: terms } } };
      await makeVolume(session, 'volume', { ...spec, persistentVolumeReclaimPolicy: 'Recycle' });
      await ask(session, 'data');
      await bound(session, 'data');
      await dismiss(session, 'data');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Failed'));
    },
  },
  {
    name: 'a volume is recycled, and given to the next claim',
    run: async (session) => {
      await makeVolume(session, 'volume', { persistentVolumeReclaimPolicy: 'Recycle' });
      await ask(session, 'first');
      await bound(session, 'first');
      await dismiss(session, 'first');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Available'));
      await ask(session, 'second');
      await bound(session, 'second');
    },
  },
  {
    name: 'a released volume is given to the next claim',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'first');
      await bound(session, 'first');
      await dismiss(session, 'first');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Released'));
      await ask(session, 'second');
      await session.event('ProvisioningFailed');
      await session.quiet();
      await session.patch(VOLUME, nameOf(session, 'volume'), { spec: { claimRef: null } });
      await bound(session, 'second');
    },
  },
  {
    name: 'a released volume waits for a claim of the same name',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data');
      await bound(session, 'data');
      await dismiss(session, 'data');
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Released'));
      await session.patch(VOLUME, nameOf(session, 'volume'), { spec: { claimRef: { uid: null } } });
      await session.has(VOLUME, nameOf(session, 'volume'), phaseIs('Available'));
      await ask(session, 'data');
      await bound(session, 'data');
    },
  },
  {
    name: 'a claim takes the smallest volume that is large enough',
    run: async (session) => {
      for (const size of [1, 3, 5, 10]) await makeVolume(session, `of-${size}`, sized(`${size}Gi`));
      await ask(session, 'data', asking('2Gi'));
      const { spec } = await bound(session, 'data');
      if (spec.volumeName !== nameOf(session, 'of-3')) throw new Error(`it took ${spec.volumeName}`);
    },
  },
  {
    name: 'claims share volumes out among them',
    run: async (session) => {
      for (const size of [1, 2, 3]) await makeVolume(session, `of-${size}`, sized(`${size}Gi`));
      for (const size of [3, 2, 1]) {
        await ask(session, `asks-${size}`, asking(`${size}Gi`));
        await bound(session, `asks-${size}`);
      }
    },
  },
  {
    name: 'a claim chooses a volume by its labels',
    run: async (session) => {
      await makeVolume(session, 'slow', {}, { tier: 'slow' });
      await makeVolume(session, 'fast', sized('9Gi'), { tier: 'fast' });
      const selector = { matchExpressions: [{ key: 'tier', operator: 'In', values: ['fast', 'faster'] }] };
      await ask(session, 'data', { selector });
      await bound(session, 'data');
    },
  },
  {
    name: 'a claim chooses a volume by its access modes',
    run: async (session) => {
      await makeVolume(session, 'narrow');
      await makeVolume(session, 'wide', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] });
      await ask(session, 'data', { accessModes: ['ReadWriteMany'] });
      await bound(session, 'data');
    },
  },
  {
    name: 'a claim names its volume',
    run: async (session) => {
      await makeVolume(session, 'small');
      await makeVolume(session, 'large', sized('9Gi'));
      await ask(session, 'data', { volumeName: nameOf(session, 'large') });
      await bound(session, 'data');
    },
  },
  {
    name: 'a claim names a volume that another has',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'first');
      await bound(session, 'first');
      await ask(session, 'second', { volumeName: nameOf(session, 'volume') });
      await session.event('FailedBinding');
    },
  },
  {
    name: 'a claim names a volume that is too small',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data', { ...asking('9Gi'), volumeName: nameOf(session, 'volume') });
      await session.event('VolumeMismatch');
    },
  },
  {
    name: 'a claim names a volume of another class',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data', { storageClassName: 'other', volumeName: nameOf(session, 'volume') });
      await session.event('VolumeMismatch');
    },
  },
  {
    name: 'a claim names a volume of another mode',
    run: async (session) => {
      await makeVolume(session, 'volume', { volumeMode: 'Block' });
      await ask(session, 'data', { volumeName: nameOf(session, 'volume') });
      await session.event('VolumeMismatch');
    },
  },
  {
    name: 'a volume is kept for a claim that comes',
    run: async (session) => {
      const claimRef = { namespace: session.namespace, name: 'data' };
      await makeVolume(session, 'kept', { ...sized('9Gi'), claimRef });
      await makeVolume(session, 'free');
      await ask(session, 'other');
      await bound(session, 'other');
      await ask(session, 'data');
      await bound(session, 'data');
    },
  },
  {
    name: 'a volume is kept for a claim of another class',
    run: async (session) => {
      const claimRef = { namespace: session.namespace, name: 'data' };
      await makeVolume(session, 'kept', { claimRef });
      await session.create(claim('data', { storageClassName: 'other' }));
      await session.quiet();
    },
  },
  {
    name: 'a volume comes to a claim that waits',
    run: async (session) => {
      await ask(session, 'data');
      await session.event('ProvisioningFailed');
      await session.quiet();
      await giveVolume(session, 'late');
      await bound(session, 'data');
    },
  },
  {
    name: 'a volume that nobody has is deleted',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await session.delete(VOLUME, nameOf(session, 'volume'));
      await session.gone(VOLUME, nameOf(session, 'volume'));
    },
  },
  {
    name: 'a volume is deleted while a claim has it, and goes behind it',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data');
      await bound(session, 'data');
      await session.delete(VOLUME, nameOf(session, 'volume'));
      await session.quiet();
      await dismiss(session, 'data');
      await session.gone(VOLUME, nameOf(session, 'volume'));
    },
  },
  {
    name: 'a volume is being deleted that a claim has',
    run: async (session) => {
      await makeVolume(session, 'volume');
      await ask(session, 'data');
      await bound(session, 'data');
      await session.delete(VOLUME, nameOf(session, 'volume'));
    },
  },
  {
    name: 'a claim is being deleted that a pod uses',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      await session.create(pod('user', mounts('data')));
      await runs(session, 'user');
      await session.delete(CLAIM, 'data');
      await session.quiet();
      await session.create(pod('late', mounts('data')));
      await session.event('FailedScheduling', /being deleted/);
    },
  },
  {
    name: 'a claim is kept until its pod is gone, though that is over',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      const containers = [{ name: 'task', image: 'busybox', command: ['true'] }];
      await session.create(pod('task', { ...mounts('data'), restartPolicy: 'Never', containers }));
      await session.has('Pod', 'task', phaseIs('Succeeded'));
      await session.delete(CLAIM, 'data');
      await session.quiet();
      if (session.seen(CLAIM, 'data') === undefined) throw new Error('it is gone');
      await session.delete('Pod', 'task');
      await session.gone(CLAIM, 'data');
    },
  },
  {
    name: 'a volume of a pod goes with it',
    run: async (session) => {
      await makeClass(session);
      const { spec } = claim('data', { storageClassName: session.namespace }) as unknown as { spec: object };
      const ephemeral = { volumeClaimTemplate: { metadata: { labels: { of: 'user' } }, spec } };
      await session.create(pod('user', { volumes: [{ name: 'data', ephemeral }] }));
      await runs(session, 'user');
      const { spec: made } = await bound(session, 'user-data');
      await session.delete('Pod', 'user');
      await session.gone(CLAIM, 'user-data');
      await session.gone(VOLUME, made.volumeName);
    },
  },
  {
    name: 'a volume made for a claim is retained',
    run: async (session) => {
      await makeClass(session, { reclaimPolicy: 'Retain', mountOptions: ['ro'] });
      await ask(session, 'data');
      const { spec } = await bound(session, 'data');
      await dismiss(session, 'data');
      await session.has(VOLUME, spec.volumeName, phaseIs('Released'));
    },
  },
  {
    name: 'a claim waits for a driver that is not there',
    run: async (session) => {
      await makeClass(session, { provisioner: 'example.com/none' });
      await ask(session, 'data');
      await session.event('ExternalProvisioning');
    },
  },
  {
    name: 'a pod waits for a driver that is not there',
    run: async (session) => {
      const volumeBindingMode = 'WaitForFirstConsumer';
      await makeClass(session, { provisioner: 'example.com/none', volumeBindingMode });
      await ask(session, 'data');
      await session.create(pod('user', mounts('data')));
      await session.has(CLAIM, 'data', ({ metadata }) => metadata.annotations?.[SELECTED] !== undefined);
      await session.event('ExternalProvisioning');
    },
  },
  {
    name: 'a driver wants a pod to go elsewhere',
    run: async (session) => {
      const volumeBindingMode = 'WaitForFirstConsumer';
      await makeClass(session, { provisioner: 'example.com/none', volumeBindingMode });
      await ask(session, 'data');
      await session.create(pod('user', mounts('data')));
      const isPlaced = ({ metadata }: Loose): boolean => metadata.annotations?.[SELECTED] !== undefined;
      await session.has(CLAIM, 'data', isPlaced);
      await session.event('ExternalProvisioning');
      await session.quiet();
      await session.patch(CLAIM, 'data', {
        metadata: { annotations: { [SELECTED]: null } },
      });
      await session.event('FailedScheduling');
      await session.has(CLAIM, 'data', isPlaced);
    },
  },
  {
    name: 'a driver says that it has room, and a pod goes on',
    run: async (session) => {
      const driver = session.namespace;
      await session.create({
        kind: 'CSIDriver',
        metadata: { name: driver },
        spec: { storageCapacity: true },
      });
      await makeClass(session, { provisioner: driver, volumeBindingMode: 'WaitForFirstConsumer' });
      await ask(session, 'data');
      await session.create(pod('user', mounts('data')));
      await session.event('FailedScheduling', /enough free storage/);
      await session.create({
        kind: 'CSIStorageCapacity',
        metadata: { name: 'room' },
        storageClassName: session.namespace,
        nodeTopology: { matchLabels: { [HOST]: 'node-1' } },
        capacity: '5Gi',
      });
      await session.has(CLAIM, 'data', ({ metadata }) => metadata.annotations?.[SELECTED] === 'node-1');
      await session.event('ExternalProvisioning');
    },
  },
  {
    name: 'a volume lives on one node, and so does its pod',
    run: async (session) => {
      const terms = [{ matchExpressions: [{ key: HOST, operator: 'In', values: ['node-2'] }] }];
      await makeVolume(session, 'volume', { nodeAffinity: { required: { nodeSelectorTerms: terms } } });
      await ask(session, 'data');
      await bound(session, 'data');
      const nodeSelector = { [HOST]: 'node-1' };
      await session.create(pod('elsewhere', { ...mounts('data'), nodeSelector }));
      await session.event('FailedScheduling');
      await session.create(pod('user', mounts('data')));
      await session.has('Pod', 'user', ({ spec }) => spec.nodeName === 'node-2');
      await runs(session, 'user');
    },
  },
  {
    name: 'a pod has a claim for itself, which a more important one takes',
    run: async (session) => {
      // Kubernetes looks at names of claims only, and would evict pods of other namespaces with the same.
      await makeClass(session);
      await ask(session, 'only', { accessModes: ['ReadWriteOncePod'] });
      await bound(session, 'only');
      await session.create(pod('low', mounts('only')));
      await runs(session, 'low');
      const priorityClassName = nameOf(session, 'high');
      await session.create({ kind: 'PriorityClass', metadata: { name: priorityClassName }, value: 1000 });
      await session.create(pod('high', { ...mounts('only'), priorityClassName }));
      await runs(session, 'high');
    },
  },
  {
    name: 'the attributes of a volume change',
    run: async (session) => {
      await makeClass(session);
      await makeAttributes(session, 'silver');
      await makeAttributes(session, 'gold');
      await ask(session, 'data', { volumeAttributesClassName: nameOf(session, 'silver') });
      await bound(session, 'data');
      await session.quiet();
      await session.patch(CLAIM, 'data', { spec: { volumeAttributesClassName: nameOf(session, 'gold') } });
      await session.has(
        CLAIM,
        'data',
        ({ status }) => status?.currentVolumeAttributesClassName === nameOf(session, 'gold'),
      );
      await session.delete('VolumeAttributesClass', nameOf(session, 'silver'));
      await session.gone('VolumeAttributesClass', nameOf(session, 'silver'));
      await session.delete('VolumeAttributesClass', nameOf(session, 'gold'));
    },
  },
  {
    name: 'a claim wants attributes that are not there',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data', { volumeAttributesClassName: nameOf(session, 'missing') });
    },
  },
  {
    name: 'a claim of a class, for a volume with attributes',
    run: async (session) => {
      await makeAttributes(session, 'gold');
      const volumeAttributesClassName = nameOf(session, 'gold');
      const csi = { driver: 'example.com', volumeHandle: 'one' };
      await makeVolume(session, 'plain', sized('1Gi'));
      await makeVolume(session, 'golden', { volumeAttributesClassName, hostPath: null, csi });
      await ask(session, 'data', { volumeAttributesClassName });
      await bound(session, 'data');
    },
  },
  {
    name: 'two pods use one claim on one node',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      const nodeSelector = { [HOST]: 'node-1' };
      for (const name of ['first', 'second']) {
        await session.create(pod(name, { ...mounts('data'), nodeSelector }));
        await runs(session, name);
      }
      await session.delete('Pod', 'first');
      await session.gone('Pod', 'first');
    },
  },
  {
    name: 'a volume is wanted on a second node',
    run: async (session) => {
      await makeClass(session);
      await ask(session, 'data');
      const on = (node: string): object => ({ nodeSelector: { [HOST]: node } });
      await session.create(pod('first', { ...mounts('data'), ...on('node-1') }));
      await runs(session, 'first');
      await session.create(pod('second', { ...mounts('data'), ...on('node-2') }));
      await session.event('FailedAttachVolume');
      await session.delete('Pod', 'first');
      await runs(session, 'second');
    },
  },
  {
    name: 'a claim is older than the default class',
    alone: true,
    run: async (session) => {
      const mark = (value: string): Promise<unknown> =>
        session.patch('StorageClass', 'standard', {
          metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': value } },
        });
      await mark('false');
      session.afterwards(() => mark('true'));
      await session.create(claim('data'));
      await session.event('FailedBinding');
      await mark('true');
      await session.has(CLAIM, 'data', ({ spec }) => spec.storageClassName === 'standard');
    },
  },
  {
    name: 'a node is out of service',
    alone: true,
    run: async (session) => {
      const node = await lifeless(session);
      await useOn(session, node);
      await session.delete('Pod', 'user');
      await session.patch('Node', node, { status: { conditions: [ready('False')] } }, 'status');
      const { spec } = await session.has('Node', node, ({ spec: { taints = [] } }) =>
        taints.some(({ effect }: { effect: string }) => effect === 'NoExecute'),
      );
      const taint = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' };
      await session.patch('Node', node, { spec: { taints: [...spec.taints, taint] } });
      await session.gone('Pod', 'user');
      await session.count('VolumeAttachment', 0, ({ spec: { nodeName } }) => nodeName === node);
    },
  },
  {
    name: 'a node goes, and its pod with it',
    alone: true,
    run: async (session) => {
      const node = await lifeless(session);
      await useOn(session, node);
      await session.delete('Node', node);
      await session.gone('Node', node);
      await session.delete('Pod', 'user', { gracePeriodSeconds: 0 });
      await session.gone('Pod', 'user');
      await session.count('VolumeAttachment', 0, ({ spec }) => spec.nodeName === node);
    },
  },
  {
    name: 'a node goes that a pod was to have its volume on',
    alone: true,
    run: async (session) => {
      const node = await lifeless(session);
      const volumeBindingMode = 'WaitForFirstConsumer';
      await makeClass(session, { provisioner: 'example.com/none', volumeBindingMode });
      await ask(session, 'data');
      await session.create(pod('user', { ...mounts('data'), nodeSelector: { [HOST]: node } }));
      await session.has(CLAIM, 'data', ({ metadata }) => metadata.annotations?.[SELECTED] === node);
      await session.event('ExternalProvisioning');
      await session.delete('Node', node);
      await session.gone('Node', node);
    },
  },
];
