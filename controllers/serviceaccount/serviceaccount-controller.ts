/** Sees to it that every namespace has its `default` ServiceAccount. */
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { namespaces, serviceAccounts } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const NAME = 'default';

export const serviceAccountController: ControllerDefinition = {
  name: 'serviceaccount-controller',
  aliases: ['serviceaccount'],
  description: {
    does: 'Keeps the service account `default` in every namespace.',
    watches: ['namespaces', 'serviceaccounts'],
    writes: ['serviceaccounts'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('service-account-controller') };
  const namespaceInformer = context.informer(namespaces);
  const accounts = context.informer(serviceAccounts);
  const reconciler = createReconciler({
    name: 'serviceaccount',
    context,
    workers: 4,
    reconcile: async (namespace) => {
      const phase = namespaceInformer.get(namespace)?.status.phase;
      if (phase !== 'Active' || accounts.get(`${namespace}/${NAME}`) !== undefined) return;
      try {
        await context.client.create(serviceAccounts, { metadata: { name: NAME, namespace } });
      } catch (error) {
        if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceTerminating(error)) throw error;
      }
    },
  });
  namespaceInformer.addHandler({
    added: ({ metadata }) => reconciler.queue.add(metadata.name!),
    updated: ({ metadata }) => reconciler.queue.add(metadata.name!),
  });
  accounts.addHandler({ deleted: ({ metadata }) => reconciler.queue.add(metadata.namespace!) });
  return reconciler;
}
