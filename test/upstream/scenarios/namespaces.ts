import type { Loose } from '../api.ts';
import type { Scenario } from '../scenario.ts';
import type { Session } from '../session.ts';
import { claim, deployment, pod, service } from './objects.ts';
import { HOLD } from './steps.ts';

const held = (kind: string, name: string, finalizers: readonly string[] = [HOLD]): { kind: string } =>
  ({ kind, metadata: { name, finalizers } }) as { kind: string };

/** Deletes the namespace, and waits until a condition of its deletion is there. */
async function end(session: Session, type: string, status: string): Promise<Loose> {
  await session.delete('Namespace', session.namespace);
  return session.condition('Namespace', session.namespace, type, status);
}

function release(session: Session, kind: string, name: string): Promise<unknown> {
  return session.api.patch(session.path(kind, name), { metadata: { finalizers: null } });
}

export const NAMESPACES: readonly Scenario[] = [
  {
    name: 'a namespace goes with all it holds',
    run: async (session) => {
      await session.create(deployment('web', { replicas: 2 }));
      await session.create(service('web'));
      await session.create(claim('data'));
      await session.create({ kind: 'ConfigMap', metadata: { name: 'settings' } });
      await session.create({ kind: 'Secret', metadata: { name: 'secret' } });
      await session.has('Deployment', 'web', ({ status }) => status?.readyReplicas === 2);
      await session.delete('Namespace', session.namespace);
      await session.gone('Namespace', session.namespace);
    },
  },
  {
    name: 'a namespace whose content has finalizers',
    run: async (session) => {
      await session.create(held('ConfigMap', 'one'));
      await session.create(held('ConfigMap', 'two', [HOLD, 'example.com/other']));
      await session.create(held('Secret', 'three'));
      await session.create({ kind: 'Secret', metadata: { name: 'free' } });
      const ending = await end(session, 'NamespaceFinalizersRemaining', 'True');
      session.note('while three are held', ending);
      await release(session, 'ConfigMap', 'one');
      await release(session, 'Secret', 'three');
      await session.has('Namespace', session.namespace, ({ status }) =>
        status.conditions.some(({ message }: { message: string }) =>
          message.endsWith('configmaps. has 1 resource instances'),
        ),
      );
    },
  },
  {
    name: 'a namespace waits for a pod that is held',
    run: async (session) => {
      await session.create({ kind: 'ConfigMap', metadata: { name: 'settings' } });
      await session.create(pod('web', {}, { finalizers: [HOLD] }));
      await session.has('Pod', 'web', ({ status }) => status?.phase === 'Running');
      session.note('while the pod is held', await end(session, 'NamespaceContentRemaining', 'False'));
      await session.has('ConfigMap', 'settings');
      await release(session, 'Pod', 'web');
      await session.gone('Namespace', session.namespace);
    },
  },
  {
    name: 'a namespace with a pod that outlives its grace',
    run: async (session) => {
      // Nobody is there to end it, and it is not given up yet.
      await session.create(pod('lost', { nodeName: 'nowhere', terminationGracePeriodSeconds: 2 }));
      await session.create({ kind: 'ConfigMap', metadata: { name: 'settings' } });
      await end(session, 'NamespaceDeletionContentFailure', 'True');
    },
  },
  {
    name: 'a namespace with a pod of a long grace',
    run: async (session) => {
      await session.create(pod('lost', { nodeName: 'nowhere', terminationGracePeriodSeconds: 300 }));
      await session.create({ kind: 'ConfigMap', metadata: { name: 'settings' } });
      await end(session, 'NamespaceDeletionContentFailure', 'False');
    },
  },
  {
    name: 'a namespace takes what waits for its dependents',
    run: async (session) => {
      const owner = await session.create(held('ConfigMap', 'owner', []));
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
      await session.create({
        kind: 'Secret',
        metadata: {
          name: 'owned',
          finalizers: [HOLD],
          ownerReferences: [{ ...reference, blockOwnerDeletion: true }],
        },
      });
      await session.delete('ConfigMap', 'owner', { propagationPolicy: 'Foreground' });
      await session.has('Secret', 'owned', ({ metadata }) => metadata.deletionTimestamp !== undefined);
      await end(session, 'NamespaceFinalizersRemaining', 'True');
    },
  },
  {
    name: 'a namespace with a finalizer of somebody else',
    run: async (session) => {
      const namespace = await session.api.get(session.path('Namespace', session.namespace));
      const finalizers = ['example.com/b', 'kubernetes', 'example.com/a'];
      await session.api.replace(session.path('Namespace', session.namespace, 'finalize'), {
        ...namespace,
        spec: { finalizers },
      });
      await session.create({ kind: 'ConfigMap', metadata: { name: 'settings' } });
      await session.delete('Namespace', session.namespace);
      await session.has('Namespace', session.namespace, ({ spec }) => spec.finalizers.length === 2);
    },
  },
  {
    name: 'a namespace with an event that is held',
    run: async (session) => {
      const { namespace } = session;
      await session.create({
        kind: 'Event',
        metadata: { name: 'news', finalizers: [HOLD] },
        involvedObject: { kind: 'ConfigMap', namespace, name: 'settings' },
        reason: 'News',
        source: { component: 'somebody' },
        reportingComponent: 'somebody',
        count: 1,
      });
      await end(session, 'NamespaceFinalizersRemaining', 'True');
    },
  },
  {
    name: 'the root certificate comes back',
    run: async (session) => {
      const { metadata } = session.seen('ConfigMap', 'kube-root-ca.crt')!;
      await session.delete('ConfigMap', 'kube-root-ca.crt');
      await session.has('ConfigMap', 'kube-root-ca.crt', (map) => map.metadata.uid !== metadata.uid);
    },
  },
  {
    name: 'the root certificate is mended',
    run: async (session) => {
      const path = session.path('ConfigMap', 'kube-root-ca.crt');
      await session.api.patch(path, { data: { more: 'data' } });
      await session.has('ConfigMap', 'kube-root-ca.crt', ({ data }) => data.more === undefined);
      await session.api.patch(path, { metadata: { annotations: null, labels: { mine: 'yes' } } });
      await session.has(
        'ConfigMap',
        'kube-root-ca.crt',
        ({ metadata }) => metadata.labels?.['mine'] === 'yes' && metadata.annotations !== undefined,
      );
    },
  },
];
