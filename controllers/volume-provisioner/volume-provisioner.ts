/**
 * Makes, grows and removes the volumes of claims whose storage class names the simulated driver, as the sidecars of a CSI
 * driver do (external-provisioner, external-resizer).
 */
import {
  PROVISIONED_BY_ANNOTATION,
  SELECTED_NODE_ANNOTATION,
  STORAGE_PROVISIONER_ANNOTATION,
} from '../persistent-volume-binder/annotations.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { compareQuantity, parseQuantity } from '../../api/machinery/quantity.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import { csiDrivers, storageClasses, type StorageClass } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { createAttacher } from './simulated-attacher.ts';
import { DEFAULT_CLASS, DRIVER, IS_DEFAULT_ANNOTATION } from './simulated-driver.ts';

const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

export const volumeProvisioner: ControllerDefinition = {
  name: 'simulated-volume-provisioner',
  description: {
    does: `Stands in for a storage driver (${DRIVER}): makes, grows, attaches and removes volumes, and offers the default storage class \`${DEFAULT_CLASS}\` where there are simulated nodes.`,
    watches: ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses', 'volumeattachments'],
    writes: [
      'csidrivers',
      'persistentvolumeclaims/status',
      'persistentvolumes',
      'storageclasses',
      'volumeattachments/status',
    ],
    events: ['Provisioning', 'ProvisioningSucceeded', 'Resizing', 'VolumeResizeSuccessful'],
  },
  setup: (context) => new Provisioner(context),
};

class Provisioner implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #resizeRecorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #offers: Reconciler;
  readonly #queues: readonly Reconciler[];

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('external-provisioner') };
    this.#context = context;
    this.#recorder = context.recorder(`${DRIVER}_kubemu`);
    this.#resizeRecorder = context.recorder(`external-resizer ${DRIVER}`);
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#classes = context.informer(storageClasses);
    const claims = createReconciler({
      name: 'volume-provisioner claims',
      context,
      workers: 8,
      reconcile: (key) => this.#syncClaim(key),
    });
    const volumes = createReconciler({
      name: 'volume-provisioner volumes',
      context,
      workers: 8,
      reconcile: (name) => this.#syncVolume(name),
    });
    this.#offers = createReconciler({
      name: 'volume-provisioner class',
      context,
      workers: 1,
      reconcile: () => this.#offer(),
    });
    this.#queues = [claims, volumes, this.#offers, createAttacher(base)];
    const claimChanged = (claim: PersistentVolumeClaim): void => claims.queue.add(keyOf(claim));
    this.#claims.addHandler({ added: claimChanged, updated: claimChanged });
    const volumeChanged = (volume: PersistentVolume): void => volumes.queue.add(volume.metadata.name!);
    this.#volumes.addHandler({ added: volumeChanged, updated: volumeChanged });
  }

  start(): void {
    for (const queue of this.#queues) queue.start?.();
    if (this.#context.options.nodes > 0) this.#offers.queue.add(DEFAULT_CLASS);
  }

  async stop(): Promise<void> {
    for (const queue of this.#queues) await queue.stop?.();
  }

  async #offer(): Promise<void> {
    const { client } = this.#context;
    const ignoreExisting = (error: unknown): void => {
      if (!isAlreadyExists(error)) throw error;
    };
    await client
      .create(csiDrivers, {
        metadata: { name: DRIVER },
        spec: { attachRequired: true, podInfoOnMount: false },
      })
      .catch(ignoreExisting);
    await client
      .create(storageClasses, {
        metadata: { name: DEFAULT_CLASS, annotations: { [IS_DEFAULT_ANNOTATION]: 'true' } },
        provisioner: DRIVER,
        reclaimPolicy: 'Delete',
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      })
      .catch(ignoreExisting);
  }

  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return;
    if (claim.status.phase === 'Bound') await this.#grow(claim);
    else if ((claim.spec.volumeName ?? '') === '') await this.#provision(claim);
  }

  /** Whether the binder has asked for a volume, and said where if that matters. */
  #isWanted({ metadata, spec }: PersistentVolumeClaim): boolean {
    if (metadata.annotations?.[STORAGE_PROVISIONER_ANNOTATION] !== DRIVER) return false;
    const mode = this.#classes.get(spec.storageClassName ?? '')?.volumeBindingMode;
    return mode !== 'WaitForFirstConsumer' || metadata.annotations[SELECTED_NODE_ANNOTATION] !== undefined;
  }

  async #provision(claim: PersistentVolumeClaim): Promise<void> {
    const storageClass = this.#classes.get(claim.spec.storageClassName ?? '');
    if (storageClass?.provisioner !== DRIVER || !this.#isWanted(claim)) return;
    const name = `pvc-${claim.metadata.uid}`;
    if (this.#volumes.get(name) !== undefined) return;
    this.#recorder.event(
      claim,
      'Normal',
      'Provisioning',
      `External provisioner is provisioning volume for claim "${keyOf(claim)}"`,
    );
    try {
      await this.#context.client.create(persistentVolumes, newVolume(name, claim, storageClass));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return;
    }
    const message = `Successfully provisioned volume ${name}`;
    this.#recorder.event(claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  /** A claim that asks for more than it has gets it: the volume first, then the claim. */
  async #grow(claim: PersistentVolumeClaim): Promise<void> {
    const volume = this.#volumes.get(claim.spec.volumeName ?? '');
    const wanted = claim.spec.resources?.requests?.['storage'];
    if (volume?.spec.csi?.driver !== DRIVER || wanted === undefined) return;
    if (!isMore(wanted, claim.status.capacity?.['storage'])) return;
    const { client } = this.#context;
    if (isMore(wanted, volume.spec.capacity?.['storage'])) {
      const message = `External resizer is resizing volume ${volume.metadata.name}`;
      this.#resizeRecorder.event(claim, 'Normal', 'Resizing', message);
      const changed = structuredCopy(volume);
      changed.spec.capacity = { ...changed.spec.capacity, storage: wanted };
      await client.update(persistentVolumes, changed);
    }
    const status = { ...claim.status, capacity: { ...claim.status.capacity, storage: wanted } };
    await client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
    this.#resizeRecorder.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  }

  /** A volume that was made for a claim goes with it, where its policy says so. */
  async #syncVolume(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume?.spec.csi?.driver !== DRIVER) return;
    const isOurs = volume.metadata.annotations?.[PROVISIONED_BY_ANNOTATION] === DRIVER;
    if (!isOurs) return;
    const { client } = this.#context;
    try {
      if (volume.metadata.deletionTimestamp === undefined) {
        const isOver =
          volume.status.phase === 'Released' && volume.spec.persistentVolumeReclaimPolicy === 'Delete';
        if (isOver)
          await client.delete(persistentVolumes, { name }, { preconditions: { uid: volume.metadata.uid } });
      } else if (
        volume.metadata.finalizers?.includes(FINALIZER) === true &&
        volume.status.phase !== 'Bound'
      ) {
        const changed = structuredCopy(volume);
        changed.metadata.finalizers = changed.metadata.finalizers!.filter((each) => each !== FINALIZER);
        await client.update(persistentVolumes, changed);
      }
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function isMore(wanted: string, had: string | undefined): boolean {
  return compareQuantity(parseQuantity(wanted), parseQuantity(had ?? '0')) > 0;
}

function newVolume(
  name: string,
  { metadata, spec }: PersistentVolumeClaim,
  storageClass: StorageClass,
): Omit<PersistentVolume, 'status'> {
  const { namespace, name: claimName, uid, resourceVersion } = metadata;
  return {
    metadata: {
      name,
      annotations: { [PROVISIONED_BY_ANNOTATION]: DRIVER },
      finalizers: [FINALIZER],
    },
    spec: {
      accessModes: spec.accessModes,
      capacity: { storage: spec.resources?.requests?.['storage'] ?? '0' },
      claimRef: {
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        namespace,
        name: claimName,
        uid,
        resourceVersion,
      },
      csi: { driver: DRIVER, volumeHandle: name },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: spec.volumeMode ?? 'Filesystem',
      ...(storageClass.mountOptions === undefined ? {} : { mountOptions: storageClass.mountOptions }),
    },
  };
}
