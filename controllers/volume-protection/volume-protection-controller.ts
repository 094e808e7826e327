/** Holds claims that pods use, volumes that claims use, and the attributes both were made with, until nobody does. */
import { structuredCopy, type ResourceType } from '../../api/machinery/client.ts';
import { controllerOf, keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import { volumeAttributesClasses } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { claimNames } from '../scheduler/pod-info.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const CLAIM_INDEX = 'claims';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';
const ATTRIBUTES_FINALIZER = 'kubernetes.io/vac-protection';
const ATTRIBUTES_INDEX = 'volumeattributesclasses';

export const claimProtectionController: ControllerDefinition = {
  name: 'persistentvolumeclaim-protection-controller',
  aliases: ['pvc-protection'],
  description: {
    does: 'Keeps claims that pods use until they no longer do.',
    watches: ['persistentvolumeclaims', 'pods'],
    writes: ['persistentvolumeclaims'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('pvc-protection-controller') };
    const podInformer = context.informer(pods);
    podInformer.addIndex(CLAIM_INDEX, claimKeys);
    const claims = context.informer(persistentVolumeClaims);
    const isUsed = (key: string): boolean => {
      const claim = claims.get(key);
      return claim !== undefined && podInformer.byIndex(CLAIM_INDEX, key).some((pod) => uses(pod, claim));
    };
    const reconciler = protect(context, persistentVolumeClaims, CLAIM_FINALIZER, 'pvc-protection', isUsed);
    const enqueueClaims = (pod: Pod): void => {
      for (const key of claimKeys(pod)) reconciler.queue.add(key);
    };
    podInformer.addHandler({ updated: enqueueClaims, deleted: enqueueClaims });
    return reconciler;
  },
};

/** Whether a pod that is over or not holds the claim. Mirrors pvc_protection_controller.go podUsesPVCForDeletion. */
function uses({ metadata, spec }: Pod, claim: PersistentVolumeClaim): boolean {
  if ((spec.nodeName ?? '') === '') return false;
  const { name } = claim.metadata;
  const isShutDown = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
  return (spec.volumes ?? []).some((volume) =>
    volume.ephemeral === undefined
      ? volume.persistentVolumeClaim?.claimName === name
      : !isShutDown &&
        `${metadata.name}-${volume.name}` === name &&
        controllerOf(claim)?.uid === metadata.uid,
  );
}

export const volumeProtectionController: ControllerDefinition = {
  name: 'persistentvolume-protection-controller',
  aliases: ['pv-protection'],
  description: {
    does: 'Keeps volumes that are bound until they no longer are.',
    watches: ['persistentvolumes'],
    writes: ['persistentvolumes'],
  },
  setup: (base): RunningController => {
    const context = { ...base, client: base.client.as('pv-protection-controller') };
    const informer = context.informer(persistentVolumes);
    return protect(
      context,
      persistentVolumes,
      VOLUME_FINALIZER,
      'pv-protection',
      (key) => informer.get(key)?.status.phase === 'Bound',
    );
  },
};

export const attributesClassProtectionController: ControllerDefinition = {
  name: 'volumeattributesclass-protection-controller',
  description: {
    does: 'Keeps VolumeAttributesClasses that claims or volumes name until none does.',
    watches: ['persistentvolumeclaims', 'persistentvolumes', 'volumeattributesclasses'],
    writes: ['volumeattributesclasses'],
  },
  setup: (base) => {
    const context = { ...base, client: base.client.as('volumeattributesclass-protection-controller') };
    const claims = context.informer(persistentVolumeClaims);
    const volumes = context.informer(persistentVolumes);
    claims.addIndex(ATTRIBUTES_INDEX, classesOfClaim);
    volumes.addIndex(ATTRIBUTES_INDEX, classesOfVolume);
    const isUsed = (name: string): boolean =>
      claims.byIndex(ATTRIBUTES_INDEX, name).length > 0 || volumes.byIndex(ATTRIBUTES_INDEX, name).length > 0;
    const reconciler = protect(
      context,
      volumeAttributesClasses,
      ATTRIBUTES_FINALIZER,
      'vac-protection',
      isUsed,
    );
    const enqueue = (names: readonly string[]): void => {
      for (const name of names) reconciler.queue.add(name);
    };
    claims.addHandler({
      updated: (_claim, old) => enqueue(classesOfClaim(old)),
      deleted: (claim) => enqueue(classesOfClaim(claim)),
    });
    volumes.addHandler({
      updated: (_volume, old) => enqueue(classesOfVolume(old)),
      deleted: (volume) => enqueue(classesOfVolume(volume)),
    });
    return reconciler;
  },
};

function classesOfClaim({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))] as string[];
}

function classesOfVolume({ spec }: PersistentVolume): string[] {
  const name = spec.volumeAttributesClassName ?? '';
  return name === '' ? [] : [name];
}

function claimKeys(pod: Pod): string[] {
  return claimNames(pod).map((name) => `${pod.metadata.namespace}/${name}`);
}

/** Removes the finalizer of objects that are being deleted and not used, adds it to the others. */
function protect<T extends KubeObject>(
  context: ControllerContext,
  resource: ResourceType<T>,
  finalizer: string,
  name: string,
  isUsed: (key: string) => boolean,
): Reconciler {
  const informer = context.informer(resource);
  const reconciler = createReconciler({
    name,
    context,
    workers: 2,
    reconcile: async (key) => {
      const object = informer.get(key);
      if (object === undefined) return;
      const finalizers = object.metadata.finalizers ?? [];
      const isEnding = object.metadata.deletionTimestamp !== undefined;
      const has = finalizers.includes(finalizer);
      if (isEnding ? !has || isUsed(key) : has) return;
      const changed = structuredCopy(object);
      changed.metadata.finalizers = isEnding
        ? finalizers.filter((other) => other !== finalizer)
        : [...finalizers, finalizer];
      await context.client.update(resource, changed);
    },
  });
  const enqueue = (object: T): void => reconciler.queue.add(keyOf(object));
  informer.addHandler({ added: enqueue, updated: enqueue });
  return reconciler;
}
