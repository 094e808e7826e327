/** The volumes of pods that are attached to their nodes: pods wait for them, and nodes say which they have in use. */
import { keyOf } from '../../api/machinery/object-meta.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import { csiDrivers, type CSIDriver } from '../../openapi/generated/storage-v1.ts';
import { uniqueVolumeName } from '../attach-detach/volume-names.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';
import { claimNames, claimOfVolume } from '../scheduler/pod-info.ts';
import { pendingNodeSize } from '../volume-provisioner/claim-resizer.ts';

export class PodVolumes {
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #drivers: Informer<CSIDriver>;
  readonly #nodes: Informer<Node>;
  /** Names, as nodes report them, of what pods hold: by node, then by pod key. */
  readonly #held = new Map<string, Map<string, readonly string[]>>();
  /** Pods, by key, that hold volumes of a claim, by its key. */
  readonly #users = new Map<string, Set<string>>();
  /** Pods that wait for a volume, by node. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(context: ControllerContext, wake: (podKey: string) => void) {
    this.#claims = context.informer(persistentVolumeClaims);
    this.#volumes = context.informer(persistentVolumes);
    this.#drivers = context.informer(csiDrivers);
    this.#nodes = context.informer(nodes);
    this.#claims.addHandler({
      updated: (claim) => {
        if (pendingNodeSize(claim) === undefined) return;
        for (const key of this.#users.get(keyOf(claim)) ?? []) wake(key);
      },
    });
    this.#nodes.addHandler({
      updated: ({ metadata }) => {
        for (const key of this.#waiting.get(metadata.name!) ?? []) wake(key);
      },
    });
  }

  /** Why volumes of the pod cannot be looked at, as a kubelet says it; undefined when all can. */
  problemOf(pod: Pod): string | undefined {
    const problems = (pod.spec.volumes ?? []).flatMap((volume) => {
      const name = claimOfVolume(pod, volume);
      const claim = name === undefined ? undefined : `${pod.metadata.namespace}/${name}`;
      const problem = claim === undefined ? undefined : this.#problemOfClaim(claim);
      return problem === undefined
        ? []
        : [{ volume: volume.name, text: `error processing PVC ${claim}: ${problem}` }];
    });
    if (problems.length === 0) return undefined;
    const names = problems.map(({ volume }) => volume).join(' ');
    const texts = problems.map(({ text }) => text).join('; ');
    return `Unable to attach or mount volumes: unmounted volumes=[${names}], unattached volumes=[], failed to process volumes=[${names}]: ${texts}`;
  }

  #problemOfClaim(key: string): string | undefined {
    const claim = this.#claims.get(key);
    if (claim === undefined)
      return `failed to fetch PVC from API server: persistentvolumeclaims "${key.split('/')[1]}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) return 'PVC is being deleted';
    return claim.status.phase !== 'Bound' || (claim.spec.volumeName ?? '') === ''
      ? 'PVC is not bound'
      : undefined;
  }

  /** Notes that the pod uses its volumes on its node; returns whether the node has more in use than before. */
  hold(pod: Pod): boolean {
    const node = pod.spec.nodeName!;
    const volumes = (pod.spec.volumes ?? []).flatMap((volume) => this.#attachable(pod, volume) ?? []);
    if (volumes.length === 0) return false;
    let held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, (held = new Map()));
    const before = held.get(keyOf(pod)) ?? [];
    held.set(keyOf(pod), volumes);
    for (const claim of claimKeys(pod)) {
      const users = this.#users.get(claim);
      if (users === undefined) this.#users.set(claim, new Set([keyOf(pod)]));
      else users.add(keyOf(pod));
    }
    return volumes.some((volume) => !before.includes(volume));
  }

  #attachable(pod: Pod, source: NonNullable<Pod['spec']['volumes']>[number]): string | undefined {
    const claim = claimOfVolume(pod, source);
    const bound = claim === undefined ? undefined : this.#claims.get(`${pod.metadata.namespace}/${claim}`);
    const volume = this.#volumes.get(bound?.spec.volumeName ?? '');
    const driver = volume?.spec.csi?.driver;
    if (volume === undefined || driver === undefined) return undefined;
    return this.#drivers.get(driver)?.spec.attachRequired === false ? undefined : uniqueVolumeName(volume);
  }

  /** Whether all the pod holds is attached to its node. While it is not, the pod is woken when its node changes. */
  isAttached(pod: Pod): boolean {
    const key = keyOf(pod);
    const node = pod.spec.nodeName!;
    const held = this.#held.get(node)?.get(key) ?? [];
    if (held.length === 0) return true;
    const attached = this.#nodes.get(node)?.status.volumesAttached ?? [];
    const isReady = held.every((volume) => attached.some(({ name }) => name === volume));
    if (isReady) this.#stopWaiting(key, node);
    else if (this.#waiting.has(node)) this.#waiting.get(node)!.add(key);
    else this.#waiting.set(node, new Set([key]));
    return isReady;
  }

  /** Claims of the pod whose file systems its node is to grow, with the size. */
  growing(pod: Pod): { claim: PersistentVolumeClaim; size: string }[] {
    return claimKeys(pod).flatMap((key) => {
      const claim = this.#claims.get(key);
      const size = claim === undefined ? undefined : pendingNodeSize(claim);
      return claim === undefined || size === undefined ? [] : [{ claim, size }];
    });
  }

  /** The pod is over; returns whether it held anything. */
  release(pod: Pod): boolean {
    const podKey = keyOf(pod);
    const node = pod.spec.nodeName!;
    this.#stopWaiting(podKey, node);
    for (const claim of claimKeys(pod)) {
      const users = this.#users.get(claim);
      users?.delete(podKey);
      if (users?.size === 0) this.#users.delete(claim);
    }
    const held = this.#held.get(node);
    const wasHeld = held?.delete(podKey) === true;
    if (held?.size === 0) this.#held.delete(node);
    return wasHeld;
  }

  #stopWaiting(podKey: string, node: string): void {
    const waiting = this.#waiting.get(node);
    waiting?.delete(podKey);
    if (waiting?.size === 0) this.#waiting.delete(node);
  }

  /** What pods of the node use, sorted. */
  inUse(node: string): string[] {
    return [...new Set([...(this.#held.get(node)?.values() ?? [])].flat())].sort();
  }
}

function claimKeys(pod: Pod): string[] {
  return claimNames(pod).map((name) => `${pod.metadata.namespace}/${name}`);
}
