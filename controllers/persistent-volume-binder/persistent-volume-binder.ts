/** Binds claims to volumes that exist. Dynamic provisioning is announced, as without a provisioner. Mirrors pv_controller. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import { storageClasses, type StorageClass } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  RunningController,
  Workqueue,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { together } from '../runtime/together.ts';
import { claimNames } from '../scheduler/pod-info.ts';
import { IS_DEFAULT_ANNOTATION } from '../volume-provisioner/simulated-driver.ts';
import { BIND_COMPLETED_ANNOTATION } from './annotations.ts';
import { Bindings } from './bindings.ts';
import { findVolume, freeVolumesFor, indexFreeVolumes, isReservedFor, mismatchOf } from './matching.ts';
import { PendingClaims } from './pending-claims.ts';
import { VolumePhases } from './volume-phases.ts';

/** Claims not bound yet, by class. */
const PENDING_INDEX = 'pending';
const DEFAULT_INDEX = 'default';
/** Pods, by the claims they use. */
const POD_INDEX = 'bound claims';
/** How often a claim that found nothing is looked at, and its event counted up, as upstream's resync does. */
const RESYNC_MS = 15_000;

export const persistentVolumeBinder: ControllerDefinition = {
  name: 'persistentvolume-binder-controller',
  aliases: ['persistentvolume-binder'],
  description: {
    does: 'Binds claims to volumes by class, mode, access modes, size and selector, has others provisioned, and reclaims volumes.',
    watches: ['persistentvolumeclaims', 'persistentvolumes', 'pods', 'storageclasses'],
    writes: ['persistentvolumeclaims', 'persistentvolumes'],
    events: [
      'ClaimLost',
      'ClaimMisbound',
      'ExternalProvisioning',
      'FailedBinding',
      'ProvisioningFailed',
      'VolumeFailedDelete',
      'VolumeFailedRecycle',
      'VolumeMismatch',
      'VolumeRecycled',
      'WaitForFirstConsumer',
      'WaitForPodScheduled',
    ],
    leavesOut: ['the pods that wipe recycled volumes, which are wiped at once'],
  },
  setup: (context) => new Binder(context).reconcilers,
};

function isDefault({ annotations }: StorageClass['metadata']): boolean {
  return annotations?.[IS_DEFAULT_ANNOTATION] === 'true';
}

class Binder {
  readonly reconcilers: RunningController;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;
  readonly #bindings: Bindings;
  readonly #pending: PendingClaims;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('persistent-volume-binder') };
    this.#context = context;
    this.#recorder = context.recorder('persistentvolume-controller');
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#classes = context.informer(storageClasses);
    this.#pods = context.informer(pods);
    this.#addIndexes();
    const podsOf = (key: string): Pod[] =>
      this.#pods.byIndex(POD_INDEX, key).filter((pod) => !isPodTerminal(pod));
    this.#bindings = new Bindings(context.client);
    this.#pending = new PendingClaims({
      client: context.client,
      recorder: this.#recorder,
      classes: this.#classes,
      podsOf,
    });
    // One worker in all: two claims never race for one volume.
    const claims = createReconciler({
      name: 'pv-binder claims',
      context,
      workers: 1,
      reconcile: (key) => this.#syncClaim(key),
    });
    const phases = new VolumePhases({
      context,
      recorder: this.#recorder,
      volumes: this.#volumes,
      enqueueClaim: (key) => claims.queue.add(key),
      podsOf: (key) => podsOf(key).map(keyOf).sort(),
    });
    const volumes = createReconciler({
      name: 'pv-binder volumes',
      context,
      workers: 1,
      reconcile: (name) => phases.sync(name),
    });
    this.reconcilers = together([claims, volumes]);
    this.#watch(claims.queue, volumes.queue);
  }

  #addIndexes(): void {
    this.#pods.addIndex(POD_INDEX, (pod) =>
      claimNames(pod).map((claim) => `${pod.metadata.namespace}/${claim}`),
    );
    this.#claims.addIndex(PENDING_INDEX, ({ metadata, spec }) =>
      metadata.annotations?.[BIND_COMPLETED_ANNOTATION] === 'yes' ? [] : [spec.storageClassName ?? ''],
    );
    indexFreeVolumes(this.#volumes);
    this.#classes.addIndex(DEFAULT_INDEX, ({ metadata }) => (isDefault(metadata) ? [''] : []));
  }

  #watch(claims: Workqueue, volumes: Workqueue): void {
    const pendingClaims = (className: string): void => {
      for (const claim of this.#claims.byIndex(PENDING_INDEX, className)) claims.add(keyOf(claim));
    };
    this.#claims.addHandler({
      added: (claim) => claims.add(keyOf(claim)),
      updated: (claim) => claims.add(keyOf(claim)),
      deleted: (claim) => {
        if (claim.spec.volumeName !== undefined) volumes.add(claim.spec.volumeName);
      },
    });
    const volumeChanged = (volume: PersistentVolume): void => {
      volumes.add(keyOf(volume));
      const reference = volume.spec.claimRef;
      if (reference?.name !== undefined) claims.add(`${reference.namespace}/${reference.name}`);
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

  async #syncClaim(key: string): Promise<{ requeueAfterMs: number; recurring: true } | void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    if (claim.metadata.annotations?.[BIND_COMPLETED_ANNOTATION] === 'yes') return this.#syncBoundClaim(claim);
    if (claim.metadata.deletionTimestamp !== undefined) return;
    const again = { requeueAfterMs: RESYNC_MS, recurring: true } as const;
    if ((claim.spec.volumeName ?? '') !== '') return (await this.#takeNamed(claim)) ? undefined : again;
    const volume = findVolume(claim, freeVolumesFor(claim, this.#volumes));
    if (volume !== undefined && (isReservedFor(volume, claim) || !this.#pending.waitsForConsumer(claim)))
      return this.#bindings.bind(claim, volume, true);
    if (await this.#giveDefaultClass(claim)) return;
    await this.#pending.announce(claim);
    await this.#bindings.release(claim, 'Pending');
    return again;
  }

  /** Binds the claim to the volume it names, or says why not; returns whether it is bound. */
  async #takeNamed(claim: PersistentVolumeClaim): Promise<boolean> {
    const volume = this.#volumes.get(claim.spec.volumeName!);
    if (volume !== undefined) {
      const { name } = volume.metadata;
      const isReserved = isReservedFor(volume, claim);
      const mismatch = isReserved ? undefined : mismatchOf(claim, volume);
      const tell = (reason: string, message: string): void =>
        this.#recorder.event(claim, 'Warning', reason, message);
      if (volume.spec.claimRef !== undefined && !isReserved)
        tell('FailedBinding', `volume "${name}" already bound to a different claim.`);
      else if (mismatch !== undefined)
        tell('VolumeMismatch', `Cannot bind to requested volume "${name}": ${mismatch}`);
      else {
        await this.#bindings.bind(claim, volume, false);
        return true;
      }
    }
    await this.#bindings.release(claim, 'Pending');
    return false;
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

  async #syncBoundClaim(claim: PersistentVolumeClaim): Promise<void> {
    const { volumeName = '' } = claim.spec;
    const volume = this.#volumes.get(volumeName);
    const holder = volume?.spec.claimRef;
    const dataIsLost = (what: string): Promise<void> =>
      this.#lose(claim, 'ClaimLost', `Bound claim has lost ${what}. Data on the volume is lost!`);
    if (volumeName === '') await dataIsLost('reference to PersistentVolume');
    else if (volume === undefined) await dataIsLost('its PersistentVolume');
    else if (holder === undefined || holder.uid === claim.metadata.uid)
      await this.#bindings.bind(claim, volume, false);
    else {
      const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
      await this.#lose(claim, 'ClaimMisbound', message);
    }
  }

  async #lose(claim: PersistentVolumeClaim, reason: string, message: string): Promise<void> {
    if (await this.#bindings.release(claim, 'Lost')) this.#recorder.event(claim, 'Warning', reason, message);
  }
}
