/** Says of volumes of the simulated driver that they are attached, as external-attacher does. */
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { volumeAttachments } from '../../openapi/generated/storage-v1.ts';
import type { ControllerContext, Reconciler } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { DRIVER } from './simulated-driver.ts';

export function createAttacher(base: ControllerContext): Reconciler {
  const client = base.client.as('external-attacher');
  const informer = base.informer(volumeAttachments);
  const reconciler = createReconciler({
    name: 'volume-attacher',
    context: base,
    workers: 8,
    reconcile: async (name) => {
      const attachment = informer.get(name);
      if (attachment?.spec.attacher !== DRIVER || attachment.status?.attached === true) return;
      if (attachment.metadata.deletionTimestamp !== undefined) return;
      const attached = { ...attachment, status: { attached: true } };
      await client.update(volumeAttachments, attached, { subresource: 'status' }).catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
    },
  });
  const enqueue = ({ metadata }: { metadata: { name?: string } }): void =>
    reconciler.queue.add(metadata.name!);
  informer.addHandler({ added: enqueue, updated: enqueue });
  return reconciler;
}
