/** What the scheduler knows of one node: its capacity and everything the pods on it take. Kept current pod by pod. */
import { controllerOf } from '../../api/machinery/object-meta.ts';
import { milli, parseQuantity } from '../../api/machinery/quantity.ts';
import type { Container, Node, Pod } from '../../openapi/generated/core-v1.ts';

/** Amounts by resource name, in thousandths so that `500m` of a CPU is a whole number. */
export type Resources = ReadonlyMap<string, bigint>;

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export class NodeInfo {
  node: Node;
  allocatable: Resources;
  readonly requested = new Map<string, bigint>();
  readonly pods = new Map<string, Pod>();
  /** How many pods of one controller are here, by the controller's UID. */
  readonly ownedPods = new Map<string, number>();
  #ports: HostPort[] = [];

  constructor(node: Node) {
    this.node = node;
    this.allocatable = resourcesOf(node.status.allocatable ?? node.status.capacity);
  }

  setNode(node: Node): void {
    this.node = node;
    this.allocatable = resourcesOf(node.status.allocatable ?? node.status.capacity);
  }

  get ports(): readonly HostPort[] {
    return this.#ports;
  }

  /** Counts `pod` in, once. */
  add(pod: Pod): void {
    const uid = pod.metadata.uid!;
    if (this.pods.has(uid)) this.remove(this.pods.get(uid)!);
    this.pods.set(uid, pod);
    this.#count(pod, 1n);
    this.#ports.push(...hostPorts(pod));
  }

  remove(pod: Pod): void {
    const known = this.pods.get(pod.metadata.uid!);
    if (known === undefined) return;
    this.pods.delete(pod.metadata.uid!);
    this.#count(known, -1n);
    this.#ports = [...this.pods.values()].flatMap(hostPorts);
  }

  #count(pod: Pod, sign: bigint): void {
    for (const [name, amount] of podRequests(pod)) {
      this.requested.set(name, (this.requested.get(name) ?? 0n) + sign * amount);
    }
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined) this.ownedPods.set(owner, (this.ownedPods.get(owner) ?? 0) + Number(sign));
  }
}

function thousandths(quantity: string): bigint {
  return milli(parseQuantity(quantity));
}

/** A map of quantities as whole thousandths. */
export function resourcesOf(list: Readonly<Record<string, string>> | undefined): Resources {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, thousandths(quantity)]));
}

/**
 * What a pod asks of a node: the sum of its containers and sidecars, or the largest init container if that is more, plus
 * overhead. Mirrors component-helpers resource PodRequests.
 */
export function podRequests(pod: Pod): Map<string, bigint> {
  const total = new Map<string, bigint>();
  for (const container of pod.spec.containers) accumulate(total, requestsOf(container));
  const sidecars = new Map<string, bigint>();
  const peaks = new Map<string, bigint>();
  for (const container of pod.spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      accumulate(total, requests);
      accumulate(sidecars, requests);
      raise(peaks, sidecars);
    } else {
      const peak = new Map(sidecars);
      accumulate(peak, requests);
      raise(peaks, peak);
    }
  }
  raise(total, peaks);
  for (const [name, amount] of resourcesOf(pod.spec.resources?.requests)) total.set(name, amount);
  accumulate(total, resourcesOf(pod.spec.overhead));
  return total;
}

function requestsOf(container: Container): Resources {
  return resourcesOf(container.resources?.requests);
}

function accumulate(total: Map<string, bigint>, more: Resources): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0n) + amount);
}

function raise(total: Map<string, bigint>, floor: Resources): void {
  for (const [name, amount] of floor) if (amount > (total.get(name) ?? 0n)) total.set(name, amount);
}

/** Ports of the node that the pod's containers claim. */
export function hostPorts(pod: Pod): HostPort[] {
  return [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ].flatMap((container) =>
    (container.ports ?? [])
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ hostIP, protocol, hostPort }) => ({
        ip: hostIP ?? '0.0.0.0',
        protocol: protocol ?? 'TCP',
        port: hostPort!,
      })),
  );
}
