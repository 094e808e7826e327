/** Binds claims to volumes that exist. Dynamic provisioning is announced, as without a provisioner. Mirrors pv_controller. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import { storageClasses, type StorageClass } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { IS_DEFAULT_ANNOTATION } from '../volume-provisioner/simulated-driver.ts';
import {
  BOUND_BY_CONTROLLER_ANNOTATION,
  NO_PROVISIONER,
  PROVISIONED_BY_ANNOTATION,
  SELECTED_NODE_ANNOTATION,
  STORAGE_PROVISIONER_ANNOTATION,
} from './annotations.ts';
import { findVolume, fits, freeVolumesFor, indexFreeVolumes, isReservedFor } from './matching.ts';

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
/** Claims not bound yet, by class. */
const PENDING_INDEX = 'pending';
const DEFAULT_INDEX = 'default';
/** How often a claim that found nothing is looked at, and its event counted up, as upstream's resync does. */
const RESYNC_MS = 15_000;

export const persistentVolumeBinder: ControllerDefinition = {
  name: 'persistentvolume-binder-controller',
  aliases: ['persistentvolume-binder'],
  description: {
    does: 'Binds claims to volumes by class, mode, access modes, size and selector, has others provisioned, and reclaims volumes.',
    watches: ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses'],
    writes: ['persistentvolumeclaims', 'persistentvolumes'],
    events: [
      'ClaimLost',
      'ClaimMisbound',
      'ExternalProvisioning',
      'FailedBinding',
      'ProvisioningFailed',
      'VolumeRecycled',
      'WaitForFirstConsumer',
    ],
  },
  setup: (context) => new Binder(context),
};

function isDefault({ annotations }: StorageClass['metadata']): boolean {
  return annotations?.[IS_DEFAULT_ANNOTATION] === 'true';
}

class Binder implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #queues: readonly RunningController[];

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('persistent-volume-binder') };
    this.#context = context;
    this.#recorder = context.recorder('persistentvolume-controller');
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#classes = context.informer(storageClasses);
    // One worker in all: two claims never race for one volume.
    const claims = createReconciler({
      name: 'pv-binder claims',
      context,
      workers: 1,
      reconcile: (key) => this.#syncClaim(key),
    });
    const volumes = createReconciler({
      name: 'pv-binder volumes',
      context,
      workers: 1,
      reconcile: (key) => this.#syncVolume(key),
    });
    this.#queues = [claims, volumes];
    this.#claims.addIndex(PENDING_INDEX, ({ metadata, spec }) =>
      metadata.annotations?.[BIND_COMPLETED] === 'yes' ? [] : [spec.storageClassName ?? ''],
    );
    indexFreeVolumes(this.#volumes);
    this.#classes.addIndex(DEFAULT_INDEX, ({ metadata }) => (isDefault(metadata) ? [''] : []));
    const pendingClaims = (className: string): void => {
      for (const claim of this.#claims.byIndex(PENDING_INDEX, className)) claims.queue.add(keyOf(claim));
    };
    this.#claims.addHandler({
      added: (claim) => claims.queue.add(keyOf(claim)),
      updated: (claim) => claims.queue.add(keyOf(claim)),
      deleted: (claim) => {
        if (claim.spec.volumeName !== undefined) volumes.queue.add(claim.spec.volumeName);
      },
    });
    const volumeChanged = (volume: PersistentVolume): void => {
      volumes.queue.add(keyOf(volume));
      const reference = volume.spec.claimRef;
      if (reference?.name !== undefined) claims.queue.add(`${reference.namespace}/${reference.name}`);
      else pendingClaims(volume.spec.storageClassName ?? '');
    };
    this.#volumes.addHandler({ added: volumeChanged, updated: volumeChanged, deleted: volumeChanged });
    const classChanged = ({ metadata }: StorageClass): void => {
      pendingClaims(metadata.name!);
      // Claims that name no class may get this one.
      if (isDefault(metadata)) pendingClaims('');
    };
    this.#classes.addHandler({ added: classChanged, updated: classChanged });
  }

  start(): void {
    for (const queue of this.#queues) queue.start?.();
  }

  async stop(): Promise<void> {
    for (const queue of this.#queues) await queue.stop?.();
  }

  async #syncClaim(key: string): Promise<{ requeueAfterMs: number } | void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    if (claim.metadata.annotations?.[BIND_COMPLETED] === 'yes') return this.#syncBoundClaim(claim);
    if (claim.metadata.deletionTimestamp !== undefined) return;
    if ((claim.spec.volumeName ?? '') !== '') {
      const named = this.#volumes.get(claim.spec.volumeName!);
      const isFree =
        named !== undefined && (named.spec.claimRef === undefined || isReservedFor(named, claim));
      if (isFree && fits(claim, named)) return this.#bind(claim, named, false);
      return { requeueAfterMs: RESYNC_MS };
    }
    if (await this.#giveDefaultClass(claim)) return;
    const volume = findVolume(claim, freeVolumesFor(claim, this.#volumes));
    if (volume !== undefined && (isReservedFor(volume, claim) || !this.#waitsForConsumer(claim)))
      return this.#bind(claim, volume, true);
    await this.#announce(claim);
    return { requeueAfterMs: RESYNC_MS };
  }

  /** A claim from before there was a default class gets it now. */
  async #giveDefaultClass(claim: PersistentVolumeClaim): Promise<boolean> {
    if (claim.spec.storageClassName !== undefined) return false;
    const classes = [...this.#classes.byIndex(DEFAULT_INDEX, '')];
    if (classes.length === 0) return false;
    // The newest, and of equal age the first by name, as admission chooses.
    classes.sort(
      ({ metadata: a }, { metadata: b }) =>
        Number(b.creationTimestamp! > a.creationTimestamp!) -
          Number(b.creationTimestamp! < a.creationTimestamp!) || (a.name! < b.name! ? -1 : 1),
    );
    const changed = structuredCopy(claim);
    changed.spec.storageClassName = classes[0]!.metadata.name;
    await this.#context.client.update(persistentVolumeClaims, changed);
    return true;
  }

  #waitsForConsumer(claim: PersistentVolumeClaim): boolean {
    const mode = this.#classOf(claim)?.volumeBindingMode;
    return (
      mode === 'WaitForFirstConsumer' && claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === undefined
    );
  }

  #classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = claim.spec.storageClassName ?? '';
    return name === '' ? undefined : this.#classes.get(name);
  }

  /** Says why the claim stays pending. */
  async #announce(claim: PersistentVolumeClaim): Promise<void> {
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      this.#recorder.event(claim, type, reason, message);
    const className = claim.spec.storageClassName ?? '';
    const storageClass = this.#classOf(claim);
    if (this.#waitsForConsumer(claim)) {
      event('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
    } else if (className === '' || storageClass?.provisioner === NO_PROVISIONER) {
      event(
        'Normal',
        'FailedBinding',
        'no persistent volumes available for this claim and no storage class is set',
      );
    } else if (storageClass === undefined) {
      event('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
    } else {
      const { provisioner } = storageClass;
      await this.#annotateProvisioner(claim, provisioner);
      event(
        'Normal',
        'ExternalProvisioning',
        `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
          'If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
      );
    }
    if (claim.status.phase !== 'Pending') await this.#setClaimPhase(claim, 'Pending');
  }

  async #annotateProvisioner(claim: PersistentVolumeClaim, provisioner: string): Promise<void> {
    if (claim.metadata.annotations?.[STORAGE_PROVISIONER_ANNOTATION] === provisioner) return;
    const changed = structuredCopy(claim);
    changed.metadata.annotations = {
      ...changed.metadata.annotations,
      [STORAGE_PROVISIONER_ANNOTATION]: provisioner,
      [BETA_STORAGE_PROVISIONER]: provisioner,
    };
    await this.#context.client.update(persistentVolumeClaims, changed);
  }

  /** The four writes of a binding, each of which a restart may fall between: volume, its phase, claim, its phase. */
  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume, byController: boolean): Promise<void> {
    const client = this.#context.client;
    let boundVolume = volume;
    if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
      const changed = structuredCopy(volume);
      if (volume.spec.claimRef === undefined)
        changed.metadata.annotations = {
          ...changed.metadata.annotations,
          [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes',
        };
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      changed.spec.claimRef = {
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        namespace,
        name,
        uid,
        resourceVersion,
      };
      boundVolume = await client.update(persistentVolumes, changed);
    }
    if (boundVolume.status.phase !== 'Bound') {
      boundVolume = await client.update(
        persistentVolumes,
        { ...boundVolume, status: { ...boundVolume.status, phase: 'Bound' } },
        { subresource: 'status' },
      );
    }
    const changed = structuredCopy(claim);
    changed.metadata.annotations = {
      ...changed.metadata.annotations,
      [BIND_COMPLETED]: 'yes',
      ...(byController ? { [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes' } : {}),
    };
    changed.spec.volumeName = volume.metadata.name;
    const boundClaim = await client.update(persistentVolumeClaims, changed);
    await this.#postBound(boundClaim, boundVolume);
  }

  async #postBound(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const status = {
      ...claim.status,
      phase: 'Bound',
      accessModes: volume.spec.accessModes,
      capacity: { storage: volume.spec.capacity?.storage ?? '0' },
    };
    await this.#context.client.update(
      persistentVolumeClaims,
      { ...claim, status },
      { subresource: 'status' },
    );
  }

  async #syncBoundClaim(claim: PersistentVolumeClaim): Promise<void> {
    const volume = this.#volumes.get(claim.spec.volumeName ?? '');
    if (volume === undefined || (volume.spec.claimRef?.uid ?? claim.metadata.uid) !== claim.metadata.uid) {
      if (claim.status.phase === 'Lost') return;
      const [reason, message] =
        volume === undefined
          ? ['ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!']
          : ['ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly'];
      this.#recorder.event(claim, 'Warning', reason, message);
      await this.#setClaimPhase(claim, 'Lost');
    } else if (claim.status.phase !== 'Bound') {
      await this.#postBound(claim, volume);
    }
  }

  async #setClaimPhase(claim: PersistentVolumeClaim, phase: string): Promise<void> {
    await this.#context.client.update(
      persistentVolumeClaims,
      { ...claim, status: { ...claim.status, phase } },
      { subresource: 'status' },
    );
  }

  /** A volume is Available until it is bound, and Released once its claim is gone; a Delete policy then removes it. */
  async #syncVolume(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined) return;
    const reference = volume.spec.claimRef;
    if (reference === undefined || (reference.uid ?? '') === '') {
      await this.#setVolumePhase(volume, 'Available');
      return;
    }
    const claim = await this.#context.client
      .get(persistentVolumeClaims, { namespace: reference.namespace, name: reference.name! })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    if (claim !== undefined && claim.metadata.uid === reference.uid) return;
    await this.#setVolumePhase(volume, 'Released');
    if (volume.status.phase !== 'Released' || volume.metadata.deletionTimestamp !== undefined) return;
    if (volume.spec.persistentVolumeReclaimPolicy === 'Recycle') return this.#recycle(volume);
    const isDynamic = volume.metadata.annotations?.[PROVISIONED_BY_ANNOTATION] !== undefined;
    // What a provisioner made is for it to remove.
    if (isDynamic || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return;
    await this.#context.client
      .delete(persistentVolumes, { name }, { preconditions: { uid: volume.metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  /** The volume is wiped, and free for other claims. */
  async #recycle(volume: PersistentVolume): Promise<void> {
    const changed = structuredCopy(volume);
    delete changed.spec.claimRef;
    delete changed.metadata.annotations?.[BOUND_BY_CONTROLLER_ANNOTATION];
    await this.#context.client.update(persistentVolumes, changed);
    this.#recorder.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled');
  }

  async #setVolumePhase(volume: PersistentVolume, phase: string): Promise<void> {
    if (volume.status.phase === phase) return;
    await this.#context.client.update(
      persistentVolumes,
      { ...volume, status: { ...volume.status, phase } },
      { subresource: 'status' },
    );
  }
}
