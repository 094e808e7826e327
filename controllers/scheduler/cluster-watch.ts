/** Keeps the scheduler's picture of the cluster, and tells the queue what may help its pods. Mirrors eventhandlers.go. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { nodes, pods, type Node, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';
import { sameLabels, type SchedulerCache } from './cache.ts';
import type { DeviceCaches } from './devices/caches.ts';
import { deviceClaimNames } from './devices/pod-claims.ts';
import type { Nominations } from './nominations.ts';
import type { Surroundings } from './plugin.ts';
import { volumeLimit } from './plugins/storage-capacity.ts';
import type { VolumeCaches } from './plugins/volumes.ts';
import { podInfoOf, priorityOf } from './pod-info.ts';
import type { Profiles } from './profiles.ts';
import type { SchedulingQueue } from './queue.ts';

export interface ClusterWatchOptions {
  readonly context: ControllerContext;
  readonly profiles: Profiles;
  readonly around: Surroundings;
  readonly nominations: Nominations;
  readonly queue: SchedulingQueue;
}

export class ClusterWatch {
  readonly #context: ControllerContext;
  readonly #profiles: Profiles;
  readonly #pods: Informer<Pod>;
  readonly #cache: SchedulerCache;
  readonly #nominations: Nominations;
  readonly #queue: SchedulingQueue;
  readonly #around: Surroundings;
  /** Pods that are not to be tried before a claim is there, by the claim. */
  readonly #awaited = new Map<string, Set<string>>();

  /** Call before informers start. */
  constructor({ context, profiles, around, nominations, queue }: ClusterWatchOptions) {
    this.#context = context;
    this.#profiles = profiles;
    this.#pods = context.informer(pods);
    this.#cache = around.cache;
    this.#nominations = nominations;
    this.#queue = queue;
    this.#around = around;
    this.#watch(around.volumes);
    this.#watchDevices(around.devices);
  }

  /** Lets the pod be tried, unless a plugin says that it is too early. */
  enqueue(pod: Pod): void {
    const { profile } = this.#profiles.of(pod);
    const isGated = profile.at.preEnqueue.some(
      (plugin) => plugin.preEnqueue?.(pod, this.#around) !== undefined,
    );
    if (isGated) this.#awaitClaims(pod);
    this.#queue.add(keyOf(pod), priorityOf(pod), isGated);
  }

  /** What the pod took of its node is free again. */
  release(pod: Pod): void {
    if (!this.#cache.isPlaced(pod.metadata.uid!)) return;
    this.#cache.release(pod.metadata.uid!);
    this.#queue.happened({ kind: 'pod-gone', pod });
  }

  #watch(volumes: VolumeCaches): void {
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
    this.#context.informer(nodes).addHandler({
      added: (node) => {
        this.#cache.setNode(node);
        this.#queue.happened({ kind: 'node-added', node });
      },
      updated: (node, old) => {
        if (!affectsScheduling(node, old)) return;
        this.#cache.setNode(node);
        this.#queue.happened({ kind: 'node-updated', node, old });
      },
      deleted: (node) => this.#cache.removeNode(node.metadata.name!),
    });
    volumes.claims.addHandler({
      added: (claim) => this.#queue.happened({ kind: 'claim-changed', claim }),
      updated: (claim) => this.#queue.happened({ kind: 'claim-changed', claim }),
    });
    const volumesChanged = (): void => this.#queue.happened({ kind: 'volumes-changed' });
    for (const informer of [volumes.volumes, volumes.classes, volumes.csiNodes])
      (informer as Informer<Node>).addHandler({ added: volumesChanged, updated: volumesChanged });
    const moreRoom = (): void => this.#queue.happened({ kind: 'more-room-for-volumes' });
    volumes.capacities.addHandler({
      added: moreRoom,
      updated: (capacity, old) => {
        if ((volumeLimit(capacity) ?? -1n) > (volumeLimit(old) ?? -1n)) moreRoom();
      },
    });
  }

  #watchDevices({ claims, classes, slices }: DeviceCaches): void {
    claims.addHandler({
      added: (claim) => {
        this.#lookAtWaiting(keyOf(claim));
        this.#queue.happened({ kind: 'device-claim-changed', claim });
      },
      updated: (claim, old) => {
        this.#lookAtWaiting(keyOf(claim));
        this.#queue.happened({ kind: 'device-claim-changed', claim, old });
      },
    });
    const devicesChanged = (): void => this.#queue.happened({ kind: 'devices-changed' });
    for (const informer of [classes, slices])
      (informer as Informer<Node>).addHandler({ added: devicesChanged, updated: devicesChanged });
  }

  /** Pods that wait for the claim may be ready to be tried. */
  #lookAtWaiting(claim: string): void {
    const waiting = this.#awaited.get(claim);
    if (waiting === undefined) return;
    this.#awaited.delete(claim);
    for (const key of waiting) {
      const pod = this.#pods.get(key);
      if (pod !== undefined && (pod.spec.nodeName ?? '') === '') this.#podChanged(pod);
    }
  }

  #podChanged(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    const ended = isPodTerminal(pod);
    if ((pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      this.#nominations.clear(pod.metadata.uid!);
      if (ended) this.release(pod);
      else this.#place(pod, pod.spec.nodeName!, old);
      return;
    }
    const isMine = this.#profiles.has(pod);
    if (!isMine || ended || pod.metadata.deletionTimestamp !== undefined) {
      this.#queue.remove(key);
      this.#nominations.clear(pod.metadata.uid!);
      return;
    }
    // It was placed a moment ago, and is on its way to its node.
    if (this.#cache.isPlaced(pod.metadata.uid!)) return;
    const nominated = pod.status.nominatedNodeName ?? '';
    if (nominated !== '') this.#nominations.set(pod, nominated);
    const isSame =
      old !== undefined &&
      pod.metadata.generation === old.metadata.generation &&
      sameLabels(pod.metadata.labels, old.metadata.labels) &&
      equalJSON(pod.status.resourceClaimStatuses, old.status.resourceClaimStatuses);
    if (isSame) return;
    this.enqueue(pod);
  }

  #awaitClaims(pod: Pod): void {
    for (const { name } of deviceClaimNames(pod).names) {
      const claim = `${pod.metadata.namespace}/${name}`;
      const waiting = this.#awaited.get(claim);
      if (waiting === undefined) this.#awaited.set(claim, new Set([keyOf(pod)]));
      else waiting.add(keyOf(pod));
    }
  }

  #podDeleted(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#nominations.clear(pod.metadata.uid!);
    this.release(pod);
  }

  #place(pod: Pod, node: string, old?: Pod): void {
    const isNew = !this.#cache.isPlaced(pod.metadata.uid!);
    this.#cache.place(pod, node);
    if (isNew) this.#queue.happened({ kind: 'pod-placed', pod });
    else if (old !== undefined && !sameLabels(pod.metadata.labels, old.metadata.labels))
      this.#queue.happened({ kind: 'pod-relabelled', pod, old });
    else if (old !== undefined && pod.metadata.generation !== old.metadata.generation && needsLess(pod, old))
      this.#queue.happened({ kind: 'pod-gone', pod: old });
  }
}

function needsLess(pod: Pod, old: Pod): boolean {
  const { requests: now } = podInfoOf(pod);
  const { requests: before } = podInfoOf(old);
  return (
    now.cpu < before.cpu ||
    now.memory < before.memory ||
    now.ephemeralStorage < before.ephemeralStorage ||
    [...before.scalars].some(([name, amount]) => (now.scalars.get(name) ?? 0) < amount)
  );
}

/** Heartbeats do not matter to scheduling. */
function affectsScheduling(node: Node, old: Node): boolean {
  const view = ({ metadata, spec, status }: Node): unknown[] => [
    metadata.labels,
    spec.taints,
    spec.unschedulable,
    status.allocatable,
    status.capacity,
    status.images,
    status.declaredFeatures,
  ];
  return !equalJSON(view(node), view(old));
}
