/** Has the claims of a placed pod bound before the pod is. Mirrors scheduler plugins/volumebinding binder.go. */
import {
  BOUND_BY_CONTROLLER_ANNOTATION,
  SELECTED_NODE_ANNOTATION,
} from '../persistent-volume-binder/annotations.ts';
import type { Timer } from '../../api/machinery/clock.ts';
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
import type { Wait } from './plugin.ts';
import { podVolumes, volumeFor, type VolumeCaches } from './plugins/volumes.ts';

interface Waiting {
  /** Keys of claims not bound yet. */
  readonly claims: Set<string>;
  readonly timer: Timer;
  /** Undefined until it is known; then what is called with it is called at once. */
  isBound?: boolean;
  done?: (error?: Error) => void;
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

  /**
   * Says which volumes the pod's claims are to have. Returns the wait for them, where there are any; it ends with an error
   * when one cannot be bound, and the pod is to be placed anew.
   */
  async bind(pod: Pod, node: Node, timeoutSeconds: number): Promise<Wait | undefined> {
    const { waiting: claims } = podVolumes(pod, this.#caches);
    if (claims.length === 0) return undefined;
    const waiting = this.#wait(claims.map(keyOf), timeoutSeconds);
    try {
      await this.#ask(claims, node);
    } catch (error) {
      this.#end(waiting, false);
      throw error;
    }
    return {
      begin: (done) => {
        waiting.done = done;
        if (waiting.isBound !== undefined) this.#end(waiting, waiting.isBound);
      },
    };
  }

  async #ask(claims: readonly PersistentVolumeClaim[], node: Node): Promise<void> {
    const taken = new Set<string>();
    for (const claim of claims) {
      const volume = volumeFor(claim, node, this.#caches, taken);
      if (volume === undefined) await this.#selectNode(claim, node.metadata.name!);
      else {
        taken.add(volume.metadata.name!);
        await this.#reserve(volume, claim);
      }
    }
  }

  /** Lets go of all pods that wait. */
  stop(): void {
    for (const waiting of this.#waiting) this.#end(waiting, false);
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

  #wait(keys: readonly string[], timeoutSeconds: number): Waiting {
    const name = `scheduler volume binding (${keys.join(', ')})`;
    const giveUp = (): void => this.#end(waiting, false);
    const timer = this.#context.clock.schedule(1000 * timeoutSeconds, giveUp, { name });
    const waiting: Waiting = { claims: new Set(keys), timer };
    this.#waiting.add(waiting);
    return waiting;
  }

  #end(waiting: Waiting, isBound: boolean): void {
    this.#waiting.delete(waiting);
    waiting.timer.cancel();
    waiting.isBound = isBound;
    waiting.done?.(isBound ? undefined : new Error('binding volumes: context deadline exceeded'));
  }

  #claimChanged(claim: PersistentVolumeClaim): void {
    if (claim.status.phase !== 'Bound') return;
    const key = keyOf(claim);
    for (const waiting of this.#waiting) {
      if (waiting.claims.delete(key) && waiting.claims.size === 0) this.#end(waiting, true);
    }
  }

  #giveUp(key: string): void {
    for (const waiting of this.#waiting) if (waiting.claims.has(key)) this.#end(waiting, false);
  }
}
