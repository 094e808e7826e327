/** The writes that bind a claim and a volume, and those that say a claim has none. */
import { structuredCopy, type Client } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import { BIND_COMPLETED_ANNOTATION, BOUND_BY_CONTROLLER_ANNOTATION } from './annotations.ts';
import { reservedFor } from './reserving.ts';

export class Bindings {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The four writes of a binding, each of which a restart may fall between: volume, its phase, claim, its phase. */
  async bind(claim: PersistentVolumeClaim, volume: PersistentVolume, byController: boolean): Promise<void> {
    const client = this.#client;
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
    await this.#client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
  }

  /** Without a volume there is no size and no mode; returns whether anything changed. */
  async release(claim: PersistentVolumeClaim, phase: string): Promise<boolean> {
    if (claim.status.phase === phase) return false;
    const {
      accessModes: _modes,
      capacity: _capacity,
      currentVolumeAttributesClassName: _class,
      ...rest
    } = claim.status;
    const { namespace, name } = claim.metadata;
    const current = await this.#client.get(persistentVolumeClaims, { namespace, name: name! });
    const changed = { ...current, status: { ...rest, phase } };
    await this.#client.update(persistentVolumeClaims, changed, { subresource: 'status' });
    return true;
  }
}
