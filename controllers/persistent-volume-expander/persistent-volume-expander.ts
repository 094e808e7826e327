/**
 * Says of claims that want to grow who makes them grow: since 1.36 no volume plugin of the tree does it itself. Mirrors
 * pkg/controller/volume/expand.
 */
import { compareAmounts } from '../../api/groups/common/resources.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

export const persistentVolumeExpander: ControllerDefinition = {
  name: 'persistentvolume-expander-controller',
  aliases: ['persistentvolume-expander'],
  description: {
    does: 'Says in an event of bound claims that ask for more than they have that a storage driver has to make them grow.',
    watches: ['persistentvolumeclaims', 'persistentvolumes'],
    writes: [],
    events: ['ExternalExpanding'],
    leavesOut: ['naming the CSI driver that stands in for a plugin of the tree'],
  },
  setup,
};

function setup(context: ControllerContext): RunningController {
  const recorder = context.recorder('volume_expand');
  const claims = context.informer(persistentVolumeClaims);
  const volumes = context.informer(persistentVolumes);
  const reconciler = createReconciler({
    name: 'volume-expand',
    context,
    workers: 1,
    reconcile: async (key) => {
      const claim = claims.get(key);
      if (claim === undefined) return;
      const volume = volumes.get(claim.spec.volumeName ?? '');
      if (volume?.spec.claimRef?.uid !== claim.metadata.uid)
        throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
      if (compareAmounts(requestOf(claim), capacityOf(claim)) <= 0) return;
      const message = 'waiting for an external controller to expand this PVC';
      recorder.event(claim, 'Normal', 'ExternalExpanding', message);
    },
  });
  const enqueue = (claim: PersistentVolumeClaim): void => {
    if (claim.status.phase === 'Bound') reconciler.queue.add(keyOf(claim));
  };
  claims.addHandler({
    added: enqueue,
    updated: (claim, old) => {
      const isMore = compareAmounts(requestOf(claim), requestOf(old)) > 0;
      if (isMore || compareAmounts(capacityOf(claim), capacityOf(old)) > 0) enqueue(claim);
    },
  });
  return reconciler;
}

function requestOf({ spec }: PersistentVolumeClaim): string | undefined {
  return spec.resources?.requests?.['storage'];
}

function capacityOf({ status }: PersistentVolumeClaim): string | undefined {
  return status.capacity?.['storage'];
}
