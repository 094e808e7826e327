/** Has the claims of a placed pod bound before the pod is. Mirrors scheduler plugins/volumebinding binder.go. */
import { SELECTED_NODE_ANNOTATION } from '../persistent-volume-binder/annotations.ts';
import { reservedFor } from '../persistent-volume-binder/reserving.ts';
import type { Timer } from '../../api/machinery/clock.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext } from '../runtime/controller.ts';
import type { Wait } from './plugin.ts';
import { volumesOn, type VolumeCaches } from './plugins/volumes.ts';

/** What the claims of a pod get on its node. */
export interface Choice {
  readonly claims: readonly PersistentVolumeClaim[];
  readonly node: string;
  /** Reserved for their claims. */
  readonly volumes: readonly PersistentVolume[];
  /** Their volumes are to be made. */
  readonly unbound: readonly PersistentVolumeClaim[];
  /** Lets others have what was assumed. */
  forget(): void;
}

interface Waiting {
  /** Keys of claims not bound yet. */
  readonly claims: Set<string>;
  readonly node: string;
  /** Claims whose volumes are to be made, and whether they were seen to say where. */
  readonly unbound: Map<string, boolean>;
  readonly timer: Timer;
  /** Undefined until it is known; then what is called with it is called at once. */
  end?: { readonly problem?: string };
  done?: (error?: Error) => void;
}

export class VolumeBinder {
  readonly #context: Pick<ControllerContext, 'client' | 'clock'>;
  readonly #caches: VolumeCaches;
  readonly #waiting = new Set<Waiting>();

  /** Call before informers start. */
  constructor(context: Pick<ControllerContext, 'client' | 'clock' | 'informer'>, caches: VolumeCaches) {
    this.#context = context;
    context.informer(nodes).addHandler({ deleted: ({ metadata }) => this.#nodeGone(metadata.name!) });
    this.#caches = caches;
    caches.claims.addHandler({
      added: (claim) => this.#claimChanged(claim),
      updated: (claim) => this.#claimChanged(claim),
      deleted: (claim) => this.#claimGone(keyOf(claim)),
    });
  }

  /** Settles what the claims of a pod get on its node, so that no other pod is given the same. */
  assume(claims: readonly PersistentVolumeClaim[], node: Node): Choice {
    const { assumed } = this.#caches;
    const { found, unbound = [] } = volumesOn(claims, node, this.#caches);
    const undo: (() => void)[] = [];
    const volumes = found.map(([claim, volume]) => {
      const reserved = reservedFor(volume, claim);
      if (reserved !== volume) undo.push(assumed.assumeVolume(reserved));
      return reserved;
    });
    for (const claim of unbound)
      if (assumed.nodeOf(claim) === undefined) undo.push(assumed.assumeNode(claim, node.metadata.name!));
    const forget = (): void => undo.forEach((step) => step());
    return { claims, node: node.metadata.name!, volumes, unbound, forget };
  }

  /**
   * Says which volumes the pod's claims are to have. Returns the wait for them; it ends with an error when one cannot be
   * bound, and the pod is to be placed anew.
   */
  async bind(choice: Choice, timeoutSeconds: number): Promise<Wait> {
    const waiting = this.#wait(choice, timeoutSeconds);
    try {
      for (const volume of choice.volumes) await this.#reserve(volume);
      for (const claim of choice.unbound) await this.#selectNode(claim, choice.node);
    } catch (error) {
      this.#end(waiting, {});
      throw error;
    }
    return {
      begin: (done) => {
        waiting.done = done;
        if (waiting.end !== undefined) this.#end(waiting, waiting.end);
      },
    };
  }

  /** Lets go of all pods that wait. */
  stop(): void {
    for (const waiting of this.#waiting) this.#end(waiting, { problem: 'context canceled' });
  }

  /** Has the volume made where the pod goes. */
  async #selectNode(claim: PersistentVolumeClaim, node: string): Promise<void> {
    if (selectedNode(claim) === node) return;
    const changed = structuredCopy(claim);
    changed.metadata.annotations = { ...changed.metadata.annotations, [SELECTED_NODE_ANNOTATION]: node };
    await this.#context.client.update(persistentVolumeClaims, changed);
  }

  async #reserve(volume: PersistentVolume): Promise<void> {
    const current = this.#caches.volumes.get(volume.metadata.name!);
    if (current?.spec.claimRef?.uid === volume.spec.claimRef!.uid) return;
    await this.#context.client.update(persistentVolumes, volume);
  }

  #wait({ claims, node, unbound }: Choice, timeoutSeconds: number): Waiting {
    const keys = claims.map(keyOf);
    const name = `scheduler volume binding (${keys.join(', ')})`;
    const giveUp = (): void => this.#end(waiting, { problem: 'context deadline exceeded' });
    const waiting: Waiting = {
      claims: new Set(keys),
      node,
      unbound: new Map(unbound.map((claim) => [keyOf(claim), selectedNode(claim) === node])),
      timer: this.#context.clock.schedule(1000 * timeoutSeconds, giveUp, { name }),
    };
    this.#waiting.add(waiting);
    return waiting;
  }

  #end(waiting: Waiting, end: NonNullable<Waiting['end']>): void {
    this.#waiting.delete(waiting);
    waiting.timer.cancel();
    waiting.end = end;
    waiting.done?.(end.problem === undefined ? undefined : new Error(`binding volumes: ${end.problem}`));
  }

  #claimChanged(claim: PersistentVolumeClaim): void {
    const key = keyOf(claim);
    const isBound = claim.status.phase === 'Bound';
    for (const waiting of this.#waiting) {
      const problem = isBound ? undefined : lostNode(waiting, key, claim);
      if (problem !== undefined) this.#end(waiting, { problem });
      else if (isBound && waiting.claims.delete(key) && waiting.claims.size === 0) this.#end(waiting, {});
    }
  }

  #nodeGone(node: string): void {
    const problem = `failed to get node "${node}": node "${node}" not found`;
    for (const waiting of this.#waiting) if (waiting.node === node) this.#end(waiting, { problem });
  }

  #claimGone(key: string): void {
    for (const waiting of this.#waiting) {
      if (!waiting.claims.has(key)) continue;
      const what = waiting.unbound.has(key) ? 'provisioning pvc' : 'binding';
      const problem = `failed to check ${what}: could not find v1.PersistentVolumeClaim "${key}"`;
      this.#end(waiting, { problem });
    }
  }
}

function selectedNode({ metadata }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[SELECTED_NODE_ANNOTATION];
}

/** The driver can make no volume for the node that the claim names, and asks for another by taking the name away. */
function lostNode({ unbound, node }: Waiting, key: string, claim: PersistentVolumeClaim): string | undefined {
  const wasSeen = unbound.get(key);
  if (wasSeen === undefined) return undefined;
  if (selectedNode(claim) === node) unbound.set(key, true);
  else if (wasSeen)
    return claim.metadata.annotations === undefined
      ? `selectedNode annotation reset for PVC "${claim.metadata.name}"`
      : `provisioning failed for PVC "${claim.metadata.name}"`;
  return undefined;
}
