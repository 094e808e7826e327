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
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import {
  csiDrivers,
  storageClasses,
  volumeAttributesClasses,
  type StorageClass,
} from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { ClaimResizer } from './claim-resizer.ts';
import { dataSourceProblem } from './data-source.ts';
import { createAttacher } from './simulated-attacher.ts';
import { DEFAULT_CLASS, DRIVER, IS_DEFAULT_ANNOTATION } from './simulated-driver.ts';

/** How long a claim waits that could not get a volume. */
const RETRY_MS = 15_000;
const ATTRIBUTES_INDEX = 'wanted attributes';
const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

export const volumeProvisioner: ControllerDefinition = {
  name: 'simulated-volume-provisioner',
  description: {
    does: `Stands in for a storage driver (${DRIVER}): makes volumes, also as copies of other claims, grows, changes, attaches and removes them, and offers the default storage class \`${DEFAULT_CLASS}\` where there are simulated nodes.`,
    watches: [
      'persistentvolumeclaims',
      'persistentvolumes',
      'storageclasses',
      'volumeattachments',
      'volumeattributesclasses',
    ],
    writes: [
      'csidrivers',
      'persistentvolumeclaims/status',
      'persistentvolumes',
      'storageclasses',
      'volumeattachments/status',
    ],
    events: [
      'FileSystemResizeRequired',
      'Provisioning',
      'ProvisioningFailed',
      'ProvisioningSucceeded',
      'Resizing',
      'VolumeModify',
      'VolumeModifySuccessful',
      'VolumeResizeSuccessful',
    ],
  },
  setup: (context) => new Provisioner(context),
};

class Provisioner implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #resizer: ClaimResizer;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #offers: Reconciler;
  readonly #queues: readonly Reconciler[];

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('external-provisioner') };
    this.#context = context;
    this.#recorder = context.recorder(`${DRIVER}_kubemu`);
    this.#resizer = new ClaimResizer(base);
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
    this.#claims.addIndex(ATTRIBUTES_INDEX, ({ spec }) => [spec.volumeAttributesClassName ?? '']);
    context.informer(volumeAttributesClasses).addHandler({
      added: ({ metadata }) => {
        for (const claim of this.#claims.byIndex(ATTRIBUTES_INDEX, metadata.name!)) claimChanged(claim);
      },
    });
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

  async #syncClaim(key: string): Promise<Result | void> {
    const claim = this.#claims.get(key);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return;
    const volume = this.#volumes.get(claim.spec.volumeName ?? '');
    if (claim.status.phase === 'Bound' && volume !== undefined) await this.#resizer.sync(claim, volume);
    else if (claim.status.phase !== 'Bound' && (claim.spec.volumeName ?? '') === '')
      return this.#provision(claim);
  }

  /** Whether the binder has asked for a volume, and said where if that matters. */
  #isWanted({ metadata, spec }: PersistentVolumeClaim): boolean {
    if (metadata.annotations?.[STORAGE_PROVISIONER_ANNOTATION] !== DRIVER) return false;
    const mode = this.#classes.get(spec.storageClassName ?? '')?.volumeBindingMode;
    return mode !== 'WaitForFirstConsumer' || metadata.annotations[SELECTED_NODE_ANNOTATION] !== undefined;
  }

  async #provision(claim: PersistentVolumeClaim): Promise<Result | void> {
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
    const problem = dataSourceProblem(claim, (key) => this.#claims.get(key));
    if (problem !== undefined) {
      const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${problem}`;
      this.#recorder.event(claim, 'Warning', 'ProvisioningFailed', message);
      return { requeueAfterMs: RETRY_MS, recurring: true };
    }
    try {
      await this.#context.client.create(persistentVolumes, newVolume(name, claim, storageClass));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return;
    }
    const message = `Successfully provisioned volume ${name}`;
    this.#recorder.event(claim, 'Normal', 'ProvisioningSucceeded', message);
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
      ...((spec.volumeAttributesClassName ?? '') === ''
        ? {}
        : { volumeAttributesClassName: spec.volumeAttributesClassName }),
      ...(storageClass.mountOptions === undefined ? {} : { mountOptions: storageClass.mountOptions }),
    },
  };
}
