import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, pod } from './objects.ts';

/** A volume for this scenario only, since volumes are no namespace's. */
function volume(session: Session, spec: object = {}): { kind: string; metadata: object } {
  return {
    kind: 'PersistentVolume',
    metadata: {
      name: `${session.namespace}-volume`,
      labels: { for: session.namespace.slice(0, 60) },
    },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: session.namespace,
      hostPath: { path: '/data' },
      ...spec,
    },
  } as { kind: string; metadata: object };
}

/** Makes the volume, and waits until it is there to be bound. */
async function makeVolume(session: Session): Promise<void> {
  const { metadata } = await session.create(volume(session));
  await session.has('PersistentVolume', metadata.name!, ({ status }) => status?.phase === 'Available');
}

/** A class whose claims are bound when their pods are placed. */
function makeLateClass(session: Session, provisioner: string): Promise<unknown> {
  return session.create({
    kind: 'StorageClass',
    metadata: { name: session.namespace },
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
  });
}

const mounts = (name: string): object => ({
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
});

export const STORAGE: readonly Scenario[] = [
  {
    name: 'a claim finds its volume',
    run: async (session) => {
      await makeVolume(session);
      await session.create(claim('data', { storageClassName: session.namespace }));
      await session.has('PersistentVolumeClaim', 'data', ({ status }) => status?.phase === 'Bound');
    },
  },
  {
    name: 'a claim of no class stays pending',
    run: async (session) => {
      await session.create(claim('data', { storageClassName: '' }));
      await session.event('FailedBinding');
    },
  },
  {
    name: 'a claim names a class that is missing',
    run: async (session) => {
      await session.create(claim('data', { storageClassName: 'missing' }));
      await session.event('ProvisioningFailed');
    },
  },
  {
    name: 'a claim names a volume that is missing',
    run: async (session) => {
      await session.create(claim('data', { storageClassName: '', volumeName: 'missing' }));
    },
  },
  {
    name: 'a claim is too big for the volume',
    run: async (session) => {
      await makeVolume(session);
      const resources = { requests: { storage: '5Gi' } };
      await session.create(claim('data', { storageClassName: session.namespace, resources }));
      await session.event('ProvisioningFailed');
    },
  },
  {
    name: 'a claim waits for its first consumer',
    run: async (session) => {
      await session.create(claim('data'));
      await session.event('WaitForFirstConsumer');
      await session.create(pod('user', mounts('data')));
      await session.has('PersistentVolumeClaim', 'data', ({ status }) => status?.phase === 'Bound');
      await session.has('Pod', 'user', ({ status }) => status?.phase === 'Running');
    },
  },
  {
    name: 'a claim in use is kept until its pod is gone',
    run: async (session) => {
      await session.create(claim('data'));
      await session.event('WaitForFirstConsumer');
      await session.create(pod('user', mounts('data')));
      await session.has('Pod', 'user', ({ status }) => status?.phase === 'Running');
      await session.delete('PersistentVolumeClaim', 'data');
      await session.quiet();
      await session.delete('Pod', 'user');
      await session.gone('PersistentVolumeClaim', 'data');
    },
  },
  {
    name: 'a retained volume is released',
    run: async (session) => {
      await makeVolume(session);
      await session.create(claim('data', { storageClassName: session.namespace }));
      await session.has('PersistentVolumeClaim', 'data', ({ status }) => status?.phase === 'Bound');
      await session.delete('PersistentVolumeClaim', 'data');
      await session.gone('PersistentVolumeClaim', 'data');
      await session.until('the volume to be released', () =>
        session
          .list('PersistentVolume')
          .some(
            ({ spec, status }) => spec.storageClassName === session.namespace && status.phase === 'Released',
          ),
      );
    },
  },
  {
    name: 'a claim loses its volume',
    run: async (session) => {
      await makeVolume(session);
      await session.create(claim('data', { storageClassName: session.namespace }));
      const { spec } = await session.has(
        'PersistentVolumeClaim',
        'data',
        ({ status }) => status?.phase === 'Bound',
      );
      await session.delete('PersistentVolume', spec.volumeName);
      await session.api.patch(session.path('PersistentVolume', spec.volumeName), {
        metadata: { finalizers: null },
      });
      await session.has('PersistentVolumeClaim', 'data', ({ status }) => status?.phase === 'Lost');
    },
  },
  {
    name: 'a pod has a volume of its own',
    run: async (session) => {
      const template = { spec: (claim('data') as unknown as { spec: object }).spec };
      await session.create(
        pod('user', { volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: template } }] }),
      );
      await session.has('Pod', 'user', ({ status }) => status?.phase === 'Running');
      await session.has('PersistentVolumeClaim', 'user-data', ({ status }) => status?.phase === 'Bound');
    },
  },
  {
    name: 'a volume of a pod meets a claim of its name',
    run: async (session) => {
      await session.create(claim('user-data'));
      await session.event('WaitForFirstConsumer');
      const template = { spec: (claim('data') as unknown as { spec: object }).spec };
      await session.create(
        pod('user', { volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: template } }] }),
      );
      await session.event('FailedScheduling');
    },
  },
  {
    name: 'a claim selects labels that no volume has',
    run: async (session) => {
      await makeVolume(session);
      const selector = { matchLabels: { for: 'others' } };
      await session.create(claim('data', { storageClassName: session.namespace, selector }));
      await session.event('ProvisioningFailed');
    },
  },
  {
    name: 'a claim of one pod only is asked for by two',
    run: async (session) => {
      await session.create(claim('data', { accessModes: ['ReadWriteOncePod'] }));
      await session.create(pod('first', mounts('data')));
      await session.has('Pod', 'first', ({ status }) => status?.phase === 'Running');
      await session.create(pod('second', mounts('data')));
      await session.event('FailedScheduling', /ReadWriteOncePod/);
    },
  },
  {
    name: 'claims wait for volumes of which there are too few',
    run: async (session) => {
      await makeLateClass(session, 'kubernetes.io/no-provisioner');
      await makeVolume(session);
      await session.create(claim('first', { storageClassName: session.namespace }));
      await session.create(pod('first', mounts('first')));
      await session.has('Pod', 'first', ({ status }) => status?.phase === 'Running');
      await session.create(claim('second', { storageClassName: session.namespace }));
      await session.create(pod('second', mounts('second')));
      await session.event('FailedScheduling', /available persistent volumes/);
    },
  },
  {
    name: 'a claim finds no room with its driver',
    run: async (session) => {
      await session.create({
        kind: 'CSIDriver',
        metadata: { name: session.namespace },
        spec: { storageCapacity: true },
      });
      await makeLateClass(session, session.namespace);
      await session.create(claim('data', { storageClassName: session.namespace }));
      await session.event('WaitForFirstConsumer');
      await session.create(pod('user', mounts('data')));
      await session.event('FailedScheduling', /enough free storage/);
    },
  },
  {
    name: 'a claim goes and takes the volume made for it along',
    run: async (session) => {
      await session.create(claim('data'));
      await session.event('WaitForFirstConsumer');
      await session.create(pod('user', mounts('data')));
      await session.has('Pod', 'user', ({ status }) => status?.phase === 'Running');
      const { spec } = await session.has('PersistentVolumeClaim', 'data');
      await session.delete('Pod', 'user');
      await session.delete('PersistentVolumeClaim', 'data');
      await session.gone('PersistentVolume', spec.volumeName);
    },
  },
];
