/** What becomes of volumes: available, bound, released, reclaimed. Mirrors pv_controller.go syncVolume and reclaimVolume. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, EventRecorder, Informer } from '../runtime/controller.ts';
import { BOUND_BY_CONTROLLER_ANNOTATION, PROVISIONED_BY_ANNOTATION } from './annotations.ts';
import { differsInMode } from './matching.ts';
import { deletionOf, isRecyclable } from './plugins.ts';

type Reference = NonNullable<PersistentVolume['spec']['claimRef']>;

export interface VolumePhasesOptions {
  readonly context: ControllerContext;
  readonly recorder: EventRecorder;
  readonly volumes: Informer<PersistentVolume>;
  /** Has the binder look at the claim. */
  readonly enqueueClaim: (key: string) => void;
  /** `namespace/name` of the pods that use the claim. */
  readonly podsOf: (claimKey: string) => readonly string[];
}

export class VolumePhases {
  readonly #options: VolumePhasesOptions;

  constructor(options: VolumePhasesOptions) {
    this.#options = options;
  }

  async sync(name: string): Promise<void> {
    const volume = this.#options.volumes.get(name);
    if (volume === undefined) return;
    const reference = volume.spec.claimRef;
    if (reference === undefined || (reference.uid ?? '') === '') {
      await this.#setPhase(volume, 'Available');
      return;
    }
    const claim = await this.#claimOf(reference);
    if (claim === undefined) return this.#release(volume, reference);
    const { volumeName = '' } = claim.spec;
    if (volumeName === name) await this.#setPhase(volume, 'Bound');
    else if (volumeName !== '') await this.#loseClaim(volume, reference);
    else if (differsInMode(claim, volume)) this.#tellMode(claim, volume);
    else this.#options.enqueueClaim(`${reference.namespace}/${reference.name}`);
  }

  async #claimOf({ namespace, name, uid }: Reference): Promise<PersistentVolumeClaim | undefined> {
    try {
      const { client } = this.#options.context;
      const claim = await client.get(persistentVolumeClaims, { namespace, name: name! });
      return claim.metadata.uid === uid ? claim : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  #tellMode(claim: PersistentVolumeClaim, volume: PersistentVolume): void {
    const { recorder } = this.#options;
    const tell = (about: typeof claim | typeof volume, message: string): void =>
      recorder.event(about, 'Warning', 'VolumeMismatch', `${message} due to incompatible volumeMode.`);
    const name = claim.metadata.name;
    tell(volume, `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${name}"`);
    tell(claim, `Cannot bind PersistentVolume "${volume.metadata.name}" to requested PersistentVolumeClaim`);
  }

  /** The claim went to another volume: this one was made for nothing, or is free again. */
  async #loseClaim(volume: PersistentVolume, reference: Reference): Promise<void> {
    const isMade = volume.metadata.annotations?.[PROVISIONED_BY_ANNOTATION] !== undefined;
    if (isMade && volume.spec.persistentVolumeReclaimPolicy === 'Delete')
      await this.#release(volume, reference);
    else await this.#unbind(volume);
  }

  async #release(volume: PersistentVolume, reference: Reference): Promise<void> {
    if (volume.status.phase !== 'Released' && volume.status.phase !== 'Failed') {
      // What follows is done when the phase is seen.
      await this.#setPhase(volume, 'Released');
      return;
    }
    if (volume.metadata.deletionTimestamp !== undefined) return;
    const policy = volume.spec.persistentVolumeReclaimPolicy;
    if (policy === 'Recycle') await this.#recycle(volume, reference);
    if (policy === 'Delete') await this.#delete(volume);
  }

  async #recycle(volume: PersistentVolume, { namespace, name }: Reference): Promise<void> {
    const { recorder, podsOf } = this.#options;
    const users = podsOf(`${namespace}/${name}`);
    if (users.length > 0) {
      const message = `Volume is used by pods: ${users.join(',')}`;
      recorder.event(volume, 'Normal', 'VolumeFailedRecycle', message);
    } else if (!isRecyclable(volume)) {
      await this.#fail(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    } else {
      recorder.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled');
      await this.#unbind(volume);
    }
  }

  async #delete(volume: PersistentVolume): Promise<void> {
    const deletion = deletionOf(volume, volume.metadata.annotations?.[PROVISIONED_BY_ANNOTATION]);
    if (deletion.by === 'nobody') await this.#fail(volume, 'VolumeFailedDelete', deletion.why);
    if (deletion.by !== 'controller') return;
    const { name, uid } = volume.metadata;
    await this.#options.context.client
      .delete(persistentVolumes, { name: name! }, { preconditions: { uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  async #fail(volume: PersistentVolume, reason: string, message: string): Promise<void> {
    if (await this.#setPhase(volume, 'Failed', message))
      this.#options.recorder.event(volume, 'Warning', reason, message);
  }

  /** The volume is for everybody again; one that a user reserved is still for that claim's name. Mirrors unbindVolume. */
  async #unbind(volume: PersistentVolume): Promise<void> {
    const changed = structuredCopy(volume);
    if (volume.metadata.annotations?.[BOUND_BY_CONTROLLER_ANNOTATION] === undefined) {
      delete changed.spec.claimRef?.uid;
    } else {
      delete changed.spec.claimRef;
      delete changed.metadata.annotations![BOUND_BY_CONTROLLER_ANNOTATION];
    }
    const { client } = this.#options.context;
    const unbound = await client.update(persistentVolumes, changed);
    await this.#setPhase(unbound, 'Available');
  }

  async #setPhase(volume: PersistentVolume, phase: string, message?: string): Promise<boolean> {
    if (volume.status.phase === phase) return false;
    const { message: _before, ...rest } = volume.status;
    const status = { ...rest, phase, ...(message === undefined ? {} : { message }) };
    const { client } = this.#options.context;
    await client.update(persistentVolumes, { ...volume, status }, { subresource: 'status' });
    return true;
  }
}
