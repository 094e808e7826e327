/** Binds claims to volumes that exist. Dynamic provisioning is announced, as without a provisioner. Mirrors pv_controller. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
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
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { claimNames } from '../scheduler/pod-info.ts';
import { IS_DEFAULT_ANNOTATION } from '../volume-provisioner/simulated-driver.ts';
import {
  BIND_COMPLETED_ANNOTATION,
  BOUND_BY_CONTROLLER_ANNOTATION,
  SELECTED_NODE_ANNOTATION,
  STORAGE_PROVISIONER_ANNOTATION,
} from './annotations.ts';
import { findVolume, freeVolumesFor, indexFreeVolumes, isReservedFor, mismatchOf } from './matching.ts';
import { provisionerOf } from './plugins.ts';
import { reservedFor } from './reserving.ts';
import { VolumePhases } from './volume-phases.ts';

const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
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
  readonly #pods: Informer<Pod>;
  readonly #queues: readonly RunningController[];

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('persistent-volume-binder') };
    this.#context = context;
    this.#recorder = context.recorder('persistentvolume-controller');
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#classes = context.informer(storageClasses);
    this.#pods = context.informer(pods);
    this.#pods.addIndex(POD_INDEX, (pod) =>
      claimNames(pod).map((claim) => `${pod.metadata.namespace}/${claim}`),
    );
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
      podsOf: (key) =>
        this.#pods
          .byIndex(POD_INDEX, key)
          .filter((pod) => !isPodTerminal(pod))
          .map(keyOf)
          .sort(),
    });
    const volumes = createReconciler({
      name: 'pv-binder volumes',
      context,
      workers: 1,
      reconcile: (name) => phases.sync(name),
    });
    this.#queues = [claims, volumes];
    this.#claims.addIndex(PENDING_INDEX, ({ metadata, spec }) =>
      metadata.annotations?.[BIND_COMPLETED_ANNOTATION] === 'yes' ? [] : [spec.storageClassName ?? ''],
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

  async #syncClaim(key: string): Promise<{ requeueAfterMs: number; recurring: true } | void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    if (claim.metadata.annotations?.[BIND_COMPLETED_ANNOTATION] === 'yes') return this.#syncBoundClaim(claim);
    if (claim.metadata.deletionTimestamp !== undefined) return;
    const again = { requeueAfterMs: RESYNC_MS, recurring: true } as const;
    if ((claim.spec.volumeName ?? '') !== '') return (await this.#takeNamed(claim)) ? undefined : again;
    const volume = findVolume(claim, freeVolumesFor(claim, this.#volumes));
    if (volume !== undefined && (isReservedFor(volume, claim) || !this.#waitsForConsumer(claim)))
      return this.#bind(claim, volume, true);
    if (await this.#giveDefaultClass(claim)) return;
    await this.#announce(claim);
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
        await this.#bind(claim, volume, false);
        return true;
      }
    }
    await this.#setPending(claim);
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
    if (this.#waitsForConsumer(claim)) {
      const pods = this.#waitingPods(claim);
      const [reason, message] =
        pods.length === 0
          ? ['WaitForFirstConsumer', 'waiting for first consumer to be created before binding']
          : [
              'WaitForPodScheduled',
              `waiting for pod${pods.length > 1 ? 's' : ''} ${pods.join(',')} to be scheduled`,
            ];
      event('Normal', reason, message);
    } else if (className === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      event('Normal', 'FailedBinding', message);
    } else {
      await this.#askForVolume(claim, className, event);
    }
    await this.#setPending(claim);
  }

  async #askForVolume(
    claim: PersistentVolumeClaim,
    className: string,
    event: (type: 'Normal' | 'Warning', reason: string, message: string) => void,
  ): Promise<void> {
    const storageClass = this.#classes.get(className);
    const provisioner = storageClass === undefined ? undefined : provisionerOf(storageClass.provisioner);
    if (storageClass === undefined) {
      event('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
    } else if (provisioner === undefined) {
      const message = `no volume plugin matched name: ${storageClass.provisioner}`;
      event('Warning', 'ProvisioningFailed', message);
    } else {
      await this.#annotateProvisioner(claim, provisioner);
      event(
        'Normal',
        'ExternalProvisioning',
        `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
          'If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
      );
    }
  }

  /** Names of the pods that use the claim and have no node. */
  #waitingPods({ metadata }: PersistentVolumeClaim): string[] {
    return this.#pods
      .byIndex(POD_INDEX, `${metadata.namespace}/${metadata.name}`)
      .filter((pod) => (pod.spec.nodeName ?? '') === '' && !isPodTerminal(pod))
      .map((pod) => pod.metadata.name!)
      .sort();
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
    const reserved = reservedFor(volume, claim);
    let boundVolume = reserved === volume ? volume : await client.update(persistentVolumes, reserved);
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
      [BIND_COMPLETED_ANNOTATION]: 'yes',
      ...(byController ? { [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes' } : {}),
    };
    changed.spec.volumeName = volume.metadata.name;
    const boundClaim = equalJSON(changed, claim)
      ? claim
      : await client.update(persistentVolumeClaims, changed);
    await this.#postBound(boundClaim, boundVolume);
  }

  async #postBound(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const attributes = volume.spec.volumeAttributesClassName;
    const { phase, accessModes, capacity } = claim.status;
    const isNew = phase !== 'Bound';
    if (!isNew && equalJSON(accessModes, volume.spec.accessModes)) return;
    const status = {
      ...claim.status,
      phase: 'Bound',
      accessModes: volume.spec.accessModes,
      capacity: isNew ? { storage: volume.spec.capacity?.storage ?? '0' } : capacity,
      ...(phase === 'Pending' && attributes !== undefined
        ? { currentVolumeAttributesClassName: attributes }
        : {}),
    };
    await this.#context.client.update(
      persistentVolumeClaims,
      { ...claim, status },
      { subresource: 'status' },
    );
  }

  async #syncBoundClaim(claim: PersistentVolumeClaim): Promise<void> {
    const { volumeName = '' } = claim.spec;
    const volume = this.#volumes.get(volumeName);
    const holder = volume?.spec.claimRef;
    if (volumeName === '')
      await this.#lose(
        claim,
        'ClaimLost',
        'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
      );
    else if (volume === undefined)
      await this.#lose(
        claim,
        'ClaimLost',
        'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
      );
    else if (holder === undefined || holder.uid === claim.metadata.uid)
      await this.#bind(claim, volume, false);
    else
      await this.#lose(
        claim,
        'ClaimMisbound',
        'Two claims are bound to the same volume, this one is bound incorrectly',
      );
  }

  async #lose(claim: PersistentVolumeClaim, reason: string, message: string): Promise<void> {
    if (await this.#setUnbound(claim, 'Lost')) this.#recorder.event(claim, 'Warning', reason, message);
  }

  async #setPending(claim: PersistentVolumeClaim): Promise<void> {
    await this.#setUnbound(claim, 'Pending');
  }

  /** Without a volume there is no size and no mode; returns whether anything changed. */
  async #setUnbound(claim: PersistentVolumeClaim, phase: string): Promise<boolean> {
    if (claim.status.phase === phase) return false;
    const {
      accessModes: _modes,
      capacity: _capacity,
      currentVolumeAttributesClassName: _class,
      ...rest
    } = claim.status;
    await this.#context.client
      .get(persistentVolumeClaims, claim.metadata as { namespace: string; name: string })
      .then((current) =>
        this.#context.client.update(
          persistentVolumeClaims,
          { ...current, status: { ...rest, phase } },
          { subresource: 'status' },
        ),
      );
    return true;
  }
}
