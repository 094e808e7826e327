/** Has the claims of a placed pod bound before the pod is. Mirrors scheduler plugins/volumebinding binder.go. */
import {
  BOUND_BY_CONTROLLER_ANNOTATION,
  SELECTED_NODE_ANNOTATION,
} from '../persistent-volume-binder/annotations.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext } from '../runtime/controller.ts';
import { podVolumes, volumeFor, type VolumeCaches } from './plugins/volumes.ts';

interface Waiting {
  /** Keys of claims not bound yet. */
  readonly claims: Set<string>;
  done(isBound: boolean): void;
}

export class VolumeBinder {
  readonly #context: Pick<ControllerContext, 'client' | 'clock'>;
  readonly #caches: VolumeCaches;
  readonly #waiting = new Set<Waiting>();

  constructor(context: Pick<ControllerContext, 'client' | 'clock'>, caches: VolumeCaches) {
    this.#context = context;
    this.#caches = caches;
    caches.claims.addHandler({
      added: (claim) => this.#claimChanged(claim),
      updated: (claim) => this.#claimChanged(claim),
      deleted: (claim) => this.#giveUp(keyOf(claim)),
    });
  }

  /** Returns when all claims of the pod are bound, and throws when one cannot be: the pod is to be placed anew. */
  async bind(pod: Pod, node: Node, timeoutSeconds: number): Promise<void> {
    const { waiting } = podVolumes(pod, this.#caches);
    if (waiting.length === 0) return;
    const bound = this.#untilBound(waiting.map(keyOf), timeoutSeconds);
    const taken = new Set<string>();
    for (const claim of waiting) {
      const volume = volumeFor(claim, node, this.#caches, taken);
      if (volume === undefined) await this.#selectNode(claim, node.metadata.name!);
      else {
        taken.add(volume.metadata.name!);
        await this.#reserve(volume, claim);
      }
    }
    if (!(await bound)) throw new Error('binding volumes: context deadline exceeded');
  }

  /** Lets go of all pods that wait. */
  stop(): void {
    for (const waiting of this.#waiting) waiting.done(false);
  }

  /** Has the volume made where the pod goes. */
  async #selectNode(claim: PersistentVolumeClaim, node: string): Promise<void> {
    if (claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === node) return;
    const changed = structuredCopy(claim);
    changed.metadata.annotations = { ...changed.metadata.annotations, [SELECTED_NODE_ANNOTATION]: node };
    await this.#context.client.update(persistentVolumeClaims, changed);
  }

  async #reserve(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    if (volume.spec.claimRef?.uid === claim.metadata.uid) return;
    const changed = structuredCopy(volume);
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const kind = 'PersistentVolumeClaim';
    if (changed.spec.claimRef === undefined)
      changed.metadata.annotations = {
        ...changed.metadata.annotations,
        [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes',
      };
    changed.spec.claimRef = { kind, apiVersion: 'v1', namespace, name, uid, resourceVersion };
    await this.#context.client.update(persistentVolumes, changed);
  }

  #untilBound(keys: readonly string[], timeoutSeconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const name = `scheduler volume binding (${keys.join(', ')})`;
      const giveUp = (): void => waiting.done(false);
      const timer = this.#context.clock.schedule(1000 * timeoutSeconds, giveUp, { name });
      const waiting: Waiting = {
        claims: new Set(keys),
        done: (isBound) => {
          this.#waiting.delete(waiting);
          timer.cancel();
          resolve(isBound);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  #claimChanged(claim: PersistentVolumeClaim): void {
    if (claim.status.phase !== 'Bound') return;
    const key = keyOf(claim);
    for (const waiting of this.#waiting) {
      if (waiting.claims.delete(key) && waiting.claims.size === 0) waiting.done(true);
    }
  }

  #giveUp(key: string): void {
    for (const waiting of this.#waiting) if (waiting.claims.has(key)) waiting.done(false);
  }
}
