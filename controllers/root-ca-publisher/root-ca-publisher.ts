/** Publishes the cluster's certificate authority as ConfigMap `kube-root-ca.crt` in every namespace, and mends edits. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { configMaps, namespaces, type ConfigMap } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION_ANNOTATION = 'kubernetes.io/description';
const DESCRIPTION =
  'CA bundle to verify the API server with, when reached by its service address or kubernetes.default.svc. ' +
  'Written by kubemu; edits are undone.';

export const rootCAPublisher: ControllerDefinition = {
  name: 'root-ca-certificate-publisher-controller',
  aliases: ['root-ca-cert-publisher'],
  description: {
    does: 'Keeps the ConfigMap kube-root-ca.crt in every namespace.',
    watches: ['configmaps', 'namespaces'],
    writes: ['configmaps'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('root-ca-cert-publisher') };
  const data = { 'ca.crt': context.options.caCertificate };
  const namespaceInformer = context.informer(namespaces);
  const maps = context.informer(configMaps);
  const reconciler = createReconciler({
    name: 'root-ca-publisher',
    context,
    workers: 4,
    reconcile: async (namespace) => {
      const existing = maps.get(`${namespace}/${NAME}`);
      try {
        if (existing === undefined) {
          if (namespaceInformer.get(namespace) === undefined) return;
          const metadata = { name: NAME, namespace, annotations: { [DESCRIPTION_ANNOTATION]: DESCRIPTION } };
          await context.client.create(configMaps, { metadata, data });
        } else if (!isAsPublished(existing, data)) {
          const annotations = { ...existing.metadata.annotations, [DESCRIPTION_ANNOTATION]: DESCRIPTION };
          await context.client.update(configMaps, {
            ...existing,
            metadata: { ...existing.metadata, annotations },
            data,
          });
        }
      } catch (error) {
        if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceTerminating(error)) throw error;
      }
    },
  });
  const enqueueMap = ({ metadata }: { metadata: { name?: string; namespace?: string } }): void => {
    if (metadata.name === NAME) reconciler.queue.add(metadata.namespace!);
  };
  maps.addHandler({ updated: enqueueMap, deleted: enqueueMap });
  namespaceInformer.addHandler({
    added: ({ metadata }) => reconciler.queue.add(metadata.name!),
    updated: ({ metadata }) => reconciler.queue.add(metadata.name!),
  });
  return reconciler;
}

/** Whoever describes it in words of their own keeps them. */
function isAsPublished({ metadata, data }: ConfigMap, wanted: NonNullable<ConfigMap['data']>): boolean {
  return (metadata.annotations?.[DESCRIPTION_ANNOTATION] ?? '') !== '' && equalJSON(data, wanted);
}
