/** One simulated kubelet's node: registration, heartbeats, lease, images and addresses of its pods. */
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { formatAddress, parsePrefix, type Prefix } from '../../api/groups/common/prefix.ts';
import { formatMicroTime, type Timer } from '../../api/machinery/clock.ts';
import type { Client } from '../../api/machinery/client.ts';
import { leases } from '../../openapi/generated/coordination-v1.ts';
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import { csiNodes } from '../../openapi/generated/storage-v1.ts';
import { DRIVER } from '../volume-provisioner/simulated-driver.ts';
import type { ControllerContext, EventRecorder } from '../runtime/controller.ts';
import { parseImage, type ImageReference } from './images.ts';
import {
  LEASE_DURATION_SECONDS,
  LEASE_RENEW_MS,
  NODE_HEARTBEAT_MS,
  newNode,
  nodeIPs,
  nodeName,
  nodeStatus,
  podCIDRs,
} from './node.ts';

/** Hosts of a pod network that pods get: not its own address, nor that of the gateway, nor the broadcast one. */
const FIRST_HOST = 2;
const LAST_HOST = 254;
const LEASE_NAMESPACE = 'kube-node-lease';

export class NodeAgent {
  readonly name: string;
  /** Addresses of the node, the primary one first. */
  readonly ips: readonly string[];
  readonly recorder: EventRecorder;
  readonly client: Client;
  readonly #context: ControllerContext;
  readonly #index: number;
  readonly #images = new Map<string, ImageReference>();
  /** Addresses of pods by UID, and all of them. */
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #taken = new Set<string>();
  /** The node's networks for pods, and what each host of them is called. */
  #networks: readonly Prefix[] | undefined;
  readonly #hosts: (readonly string[])[] = [];
  #timers: Timer[] = [];
  #volumesInUse: readonly string[] = [];
  /** Whether there are images that the node's status does not show. */
  #hasNewImages = false;
  #stopped = false;

  constructor(context: ControllerContext, index: number) {
    this.#context = context;
    this.#index = index;
    this.name = nodeName(index);
    this.ips = nodeIPs(index, context.options);
    this.client = context.client.as(`system:node:${this.name}`);
    this.recorder = context.recorder('kubelet', this.name);
  }

  /** Registers the node when it is missing, posts its status, and keeps both and the lease fresh. */
  start(): void {
    this.#keep('heartbeat', NODE_HEARTBEAT_MS, async () => {
      const { node, isNew } = await this.#register();
      for (const { names } of node.status.images ?? []) this.holdImage(names?.at(-1) ?? '');
      await this.#postStatus();
      if (isNew) this.#announce(node);
      await this.#registerDrivers(node);
    });
    this.#keep('lease', LEASE_RENEW_MS, async () => {
      await this.#renewLease();
      if (this.#hasNewImages) await this.#postStatus();
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  hasImage(name: string): boolean {
    return this.#images.has(name);
  }

  addImage(reference: ImageReference): void {
    if (this.#images.has(reference.name)) return;
    this.#images.set(reference.name, reference);
    this.#hasNewImages = true;
  }

  /** Notes an image that was on the node before this process started. */
  holdImage(name: string): void {
    const reference = parseImage(name);
    if (!('error' in reference)) this.#images.set(reference.name, reference);
  }

  /** Addresses of the node's pod networks that no other pod holds, the same host of each. */
  allocateIPs(podUid: string): readonly string[] {
    const held = this.#addresses.get(podUid);
    if (held !== undefined) return held;
    for (let host = FIRST_HOST; host <= LAST_HOST; host++) {
      const ips = this.#ipsOf(host);
      if (ips.some((ip) => this.#taken.has(ip))) continue;
      this.holdIPs(podUid, ips);
      return ips;
    }
    throw new Error(`no free pod address on ${this.name}`);
  }

  #ipsOf(host: number): readonly string[] {
    this.#networks ??= podCIDRs(this.#index, this.#context.options).map((cidr) => parsePrefix(cidr)!);
    return (this.#hosts[host] ??= this.#networks.map(({ family, first }) =>
      formatAddress({ family, value: first + BigInt(host) }),
    ));
  }

  /** Notes the addresses of a pod, such as those it had before this process started. */
  holdIPs(podUid: string, addresses: readonly string[]): void {
    this.#addresses.set(podUid, addresses);
    for (const ip of addresses) this.#taken.add(ip);
  }

  releaseIPs(podUid: string): void {
    for (const ip of this.#addresses.get(podUid) ?? []) this.#taken.delete(ip);
    this.#addresses.delete(podUid);
  }

  /** Says in the node's status which attachable volumes its pods use; nothing is detached while it is there. */
  async reportVolumesInUse(volumes: readonly string[]): Promise<void> {
    this.#volumesInUse = volumes;
    const body = { status: { volumesInUse: volumes.length === 0 ? null : volumes } };
    const options = { subresource: 'status' };
    await this.client
      .patch(nodes, { name: this.name }, { type: 'merge', body }, options)
      .catch((error: unknown) => {
        // A node that comes back says it with its status.
        if (!isNotFound(error)) throw error;
      });
  }

  /** Runs `work` now and every `periodMs` from then on; a failure is logged and made up for by the next run. */
  #keep(what: string, periodMs: number, work: () => Promise<void>): void {
    const name = `kubelet ${this.name} ${what}`;
    const onError = (error: unknown): void =>
      this.#context.logger.warn('node upkeep failed', { name, error });
    const round = (): void => {
      if (this.#stopped) return;
      this.#context.tasks.run(name, work, onError);
      const next = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        round();
      };
      const timer = this.#context.clock.schedule(periodMs, next, { name, recurring: true });
      this.#timers.push(timer);
    };
    round();
  }

  async #register(): Promise<{ node: Node; isNew: boolean }> {
    try {
      return { node: await this.client.get(nodes, { name: this.name }), isNew: false };
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      return {
        node: await this.client.create(nodes, newNode(this.#index, this.#context.options)),
        isNew: true,
      };
    } catch (error) {
      // The lease and the heartbeat both see to the node; one of them was faster.
      if (!isAlreadyExists(error)) throw error;
      return { node: await this.client.get(nodes, { name: this.name }), isNew: false };
    }
  }

  /** Says which storage drivers the node has. */
  async #registerDrivers({ metadata }: Node): Promise<void> {
    try {
      await this.client.get(csiNodes, { name: this.name });
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await this.client
      .create(csiNodes, {
        metadata: {
          name: this.name,
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: this.name, uid: metadata.uid! }],
        },
        spec: { drivers: [{ name: DRIVER, nodeID: this.name }] },
      })
      .catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
  }

  async #postStatus(): Promise<void> {
    for (;;) {
      const node = await this.client.get(nodes, { name: this.name });
      this.#hasNewImages = false;
      const own = {
        index: this.#index,
        ips: this.ips,
        uid: node.metadata.uid!,
        images: [...this.#images.values()],
      };
      const status = nodeStatus(
        node.status,
        own,
        this.#context.options.kubernetesVersion,
        this.#context.clock.now(),
      );
      try {
        const inUse = this.#volumesInUse.length === 0 ? {} : { volumesInUse: [...this.#volumesInUse] };
        await this.client.update(
          nodes,
          { ...node, status: { ...status, ...inUse } },
          { subresource: 'status' },
        );
        return;
      } catch (error) {
        if (isConflict(error)) continue;
        this.#hasNewImages = true;
        throw error;
      }
    }
  }

  #announce(node: Node): void {
    const event = (reason: string, message: string): void =>
      this.recorder.event(node, 'Normal', reason, message);
    event('Starting', 'Starting kubelet.');
    event('NodeHasSufficientMemory', `Node ${this.name} status is now: NodeHasSufficientMemory`);
    event('NodeHasNoDiskPressure', `Node ${this.name} status is now: NodeHasNoDiskPressure`);
    event('NodeHasSufficientPID', `Node ${this.name} status is now: NodeHasSufficientPID`);
    event('NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
    event('NodeReady', `Node ${this.name} status is now: NodeReady`);
  }

  async #renewLease(): Promise<void> {
    const target = { namespace: LEASE_NAMESPACE, name: this.name };
    const renewTime = formatMicroTime(this.#context.clock.now());
    try {
      const lease = await this.client.get(leases, target);
      await this.client.update(leases, {
        ...lease,
        spec: { ...lease.spec, holderIdentity: this.name, renewTime },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const node = await this.#register().then((registered) => registered.node);
      await this.client
        .create(leases, {
          metadata: {
            ...target,
            ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: this.name, uid: node.metadata.uid! }],
          },
          spec: { holderIdentity: this.name, leaseDurationSeconds: LEASE_DURATION_SECONDS, renewTime },
        })
        .catch((failure: unknown) => {
          if (!isAlreadyExists(failure)) throw failure;
        });
    }
  }
}
