/** What the scheduler knows of one node: its capacity and everything the pods on it take. Kept current pod by pod. */
import type { Node } from '../../openapi/generated/core-v1.ts';
import { accumulate, amountsOf, copyAmounts, newAmounts, podsMaxOf, type Amounts } from './amounts.ts';
import type { HostPort, PodInfo } from './pod-info.ts';

export const HOSTNAME_LABEL = 'kubernetes.io/hostname';
export const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** Names of zones by the numbers they got, for tables by zone. There are few, and names that are gone do no harm. */
const zones: string[] = [];

/** The zone with a number below `zoneCount()`. */
export function zoneAt(id: number): string {
  return zones[id]!;
}

export function zoneCount(): number {
  return zones.length;
}

function zoneIdOf(zone: string | undefined): number {
  if (zone === undefined) return -1;
  const known = zones.indexOf(zone);
  return known < 0 ? zones.push(zone) - 1 : known;
}

/** Counts every change of any node, so that what was worked out for a node is known to be current. */
let changes = 0;

export class NodeInfo {
  readonly name: string;
  /** Place among the nodes, for tables by node. */
  readonly slot: number;
  node: Node;
  /** Of the label that is asked for most. */
  zone: string | undefined;
  /** Number of the zone; -1 for none. */
  zoneId: number;
  /** Whether it has the label that pods are spread over nodes by. */
  hasHostname: boolean;
  /** Changes whenever anything below does. */
  generation: number = ++changes;
  allocatable: Amounts;
  podsMax: number;
  requested: Amounts = newAmounts();
  /** As `requested`, with a little for containers that ask for nothing. */
  scored = { cpu: 0, memory: 0 };
  readonly pods = new Map<string, PodInfo>();
  /** Images on the node by name, with their sizes in bytes. */
  images: ReadonlyMap<string, number>;
  #ports: HostPort[] = [];

  constructor(node: Node, slot: number) {
    this.name = node.metadata.name!;
    this.slot = slot;
    this.node = node;
    this.zone = node.metadata.labels?.[ZONE_LABEL];
    this.zoneId = zoneIdOf(this.zone);
    this.hasHostname = node.metadata.labels?.[HOSTNAME_LABEL] !== undefined;
    this.allocatable = amountsOf(allocatableOf(node));
    this.podsMax = podsMaxOf(allocatableOf(node));
    this.images = imagesOf(node);
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.node.metadata.labels;
  }

  /** Value of a label of the node. */
  label(key: string): string | undefined {
    return key === ZONE_LABEL ? this.zone : this.node.metadata.labels?.[key];
  }

  setNode(node: Node): void {
    this.node = node;
    this.zone = node.metadata.labels?.[ZONE_LABEL];
    this.zoneId = zoneIdOf(this.zone);
    this.hasHostname = node.metadata.labels?.[HOSTNAME_LABEL] !== undefined;
    this.allocatable = amountsOf(allocatableOf(node));
    this.podsMax = podsMaxOf(allocatableOf(node));
    this.images = imagesOf(node);
    this.generation = ++changes;
  }

  get ports(): readonly HostPort[] {
    return this.#ports;
  }

  /** Counts a pod in, once; a newer version of it takes the place of the older. */
  add(info: PodInfo): void {
    const uid = info.pod.metadata.uid!;
    if (this.pods.has(uid)) this.remove(uid);
    this.pods.set(uid, info);
    this.#count(info, 1);
    if (info.ports.length > 0) this.#ports.push(...info.ports);
  }

  remove(uid: string): void {
    const info = this.pods.get(uid);
    if (info === undefined) return;
    this.pods.delete(uid);
    this.#count(info, -1);
    if (info.ports.length > 0) this.#ports = [...this.pods.values()].flatMap(({ ports }) => ports);
  }

  /** Puts a newer version of a pod in place that takes what the older did. */
  renew(info: PodInfo): void {
    this.pods.set(info.pod.metadata.uid!, info);
  }

  /** A copy to try things on. */
  copy(): NodeInfo {
    const copy = new NodeInfo(this.node, this.slot);
    copy.requested = copyAmounts(this.requested);
    copy.scored = { ...this.scored };
    for (const [uid, info] of this.pods) copy.pods.set(uid, info);
    copy.#ports = [...this.#ports];
    return copy;
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    accumulate(this.requested, info.requests, sign);
    this.scored.cpu += sign * info.scored.cpu;
    this.scored.memory += sign * info.scored.memory;
    this.generation = ++changes;
  }
}

function allocatableOf({ status }: Node): Readonly<Record<string, string>> | undefined {
  return status.allocatable ?? status.capacity;
}

function imagesOf({ status }: Node): ReadonlyMap<string, number> {
  return new Map(
    (status.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) =>
      names.map((name): [string, number] => [name, Number(sizeBytes)]),
    ),
  );
}
