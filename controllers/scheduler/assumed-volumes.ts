/** What the scheduler is about to write to volumes and claims, until it reads it. Mirrors volumebinding assume_cache.go. */
import { SELECTED_NODE_ANNOTATION } from '../persistent-volume-binder/annotations.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';
import type { Informer } from '../runtime/controller.ts';

export class AssumedVolumes {
  /** Volumes as they will be, by name. */
  readonly #volumes = new Map<string, PersistentVolume>();
  /** Nodes chosen for claims, by the claim's key. */
  readonly #nodes = new Map<string, { readonly node: string }>();

  /** Whatever is read of a volume or a claim is newer than what was assumed of it. */
  constructor(volumes: Informer<PersistentVolume>, claims: Informer<PersistentVolumeClaim>) {
    const forgetVolume = ({ metadata }: PersistentVolume): void => void this.#volumes.delete(metadata.name!);
    const forgetNode = (claim: PersistentVolumeClaim): void => void this.#nodes.delete(keyOf(claim));
    volumes.addHandler({ updated: forgetVolume, deleted: forgetVolume });
    claims.addHandler({ updated: forgetNode, deleted: forgetNode });
  }

  /** The volume as it is, or is about to be. */
  current(volume: PersistentVolume): PersistentVolume {
    return this.#volumes.get(volume.metadata.name!) ?? volume;
  }

  /** Where the claim's volume is, or is about to be, asked for. */
  nodeOf(claim: PersistentVolumeClaim): string | undefined {
    return this.#nodes.get(keyOf(claim))?.node ?? claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION];
  }

  /** Returns how to take it back, unless something else came to be known since. */
  assumeVolume(volume: PersistentVolume): () => void {
    return assume(this.#volumes, volume.metadata.name!, volume);
  }

  /** Returns how to take it back, unless something else came to be known since. */
  assumeNode(claim: PersistentVolumeClaim, node: string): () => void {
    return assume(this.#nodes, keyOf(claim), { node });
  }
}

function assume<T>(known: Map<string, T>, key: string, value: T): () => void {
  known.set(key, value);
  return () => {
    if (known.get(key) === value) known.delete(key);
  };
}
