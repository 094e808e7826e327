/** Makes the claims of generic ephemeral volumes; they go with their pods. Mirrors volume/ephemeral. */
import { POD_GVK } from '../runtime/pods.ts';
import type { Client } from '../../api/machinery/client.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerOf, controllerReference, keyOf } from '../../api/machinery/object-meta.ts';
import { persistentVolumeClaims, pods, type Pod, type Volume } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume-controller',
  aliases: ['ephemeral-volume'],
  description: {
    does: 'Makes the claims of generic ephemeral volumes, owned by their pods.',
    watches: ['persistentvolumeclaims', 'pods'],
    writes: ['persistentvolumeclaims'],
    events: ['FailedBinding'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('ephemeral-volume-controller') };
  const podInformer = context.informer(pods);
  const claims = context.informer(persistentVolumeClaims);
  const recorder = context.recorder('ephemeral_volume');
  const reconciler = createReconciler({
    name: 'ephemeral-volume',
    context,
    workers: 4,
    reconcile: async (key) => {
      const pod = podInformer.get(key);
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
      for (const volume of pod.spec.volumes ?? []) {
        if (volume.ephemeral === undefined) continue;
        const claim = claims.get(`${pod.metadata.namespace}/${claimName(pod, volume)}`);
        if (claim === undefined) await createClaim(context.client, recorder, pod, volume);
        else if (controllerOf(claim)?.uid !== pod.metadata.uid) {
          const problem = `PVC ${keyOf(claim)} was not created for pod ${key} (pod is not owner)`;
          throw refused(recorder, pod, volume, problem);
        }
      }
    },
  });
  const enqueue = (pod: Pod): void => {
    if (pod.spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true)
      reconciler.queue.add(keyOf(pod));
  };
  podInformer.addHandler({ added: enqueue });
  claims.addHandler({
    deleted: (claim) => {
      const owner = controllerOf(claim);
      if (owner?.kind === 'Pod') reconciler.queue.add(`${claim.metadata.namespace}/${owner.name}`);
    },
  });

  return reconciler;
}

/** Makes the claim of a volume; when that fails, the pod's events say why. */
async function createClaim(client: Client, recorder: EventRecorder, pod: Pod, volume: Volume): Promise<void> {
  const template = volume.ephemeral!.volumeClaimTemplate;
  if (template === undefined) return;
  const { labels, annotations } = template.metadata ?? {};
  try {
    await client.create(persistentVolumeClaims, {
      metadata: {
        name: claimName(pod, volume),
        namespace: pod.metadata.namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controllerReference(pod, POD_GVK)],
      },
      spec: template.spec,
    });
  } catch (error) {
    if (isAlreadyExists(error) || isNotFound(error) || isNamespaceTerminating(error)) return;
    const problem = `create PVC ${claimName(pod, volume)}: ${(error as Error).message}`;
    throw refused(recorder, pod, volume, problem);
  }
}

function refused(recorder: EventRecorder, pod: Pod, { name }: Volume, problem: string): Error {
  recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${name}: ${problem}`);
  return new Error(problem);
}

function claimName({ metadata }: Pod, { name }: Volume): string {
  return `${metadata.name}-${name}`;
}
