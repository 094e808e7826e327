/** One simulated kubelet's node: registration, heartbeats, lease, images and addresses of its pods. */
import { isAlreadyExists, isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { formatMicroTime, type Timer } from '../../api/machinery/clock.ts';
import type { Client } from '../../api/machinery/client.ts';
import { leases } from '../../openapi/generated/coordination-v1.ts';
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import { csiNodes } from '../../openapi/generated/storage-v1.ts';
import { DRIVER } from '../volume-provisioner/simulated-driver.ts';
import type { ControllerContext, EventRecorder } from '../runtime/controller.ts';
import type { ImageReference } from './images.ts';
import {
  LEASE_DURATION_SECONDS,
  LEASE_RENEW_MS,
  NODE_HEARTBEAT_MS,
  newNode,
  nodeIP,
  nodeName,
  nodeStatus,
  podCIDR,
} from './node.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

export class NodeAgent {
  readonly name: string;
  readonly ip: string;
  readonly recorder: EventRecorder;
  readonly client: Client;
  readonly #context: ControllerContext;
  readonly #index: number;
  readonly #images = new Map<string, ImageReference>();
  readonly #addresses = new Map<string, string>();
  #timers: Timer[] = [];
  #stopped = false;

  constructor(context: ControllerContext, index: number) {
    this.#context = context;
    this.#index = index;
    this.name = nodeName(index);
    this.ip = nodeIP(index);
    this.client = context.client.as(`system:node:${this.name}`);
    this.recorder = context.recorder('kubelet', this.name);
  }

  /** Registers the node when it is missing, posts its status, and keeps both and the lease fresh. */
  start(): void {
    this.#keep('heartbeat', NODE_HEARTBEAT_MS, async () => {
      const { node, isNew } = await this.#register();
      await this.#postStatus();
      if (isNew) this.#announce(node);
      await this.#registerDrivers(node);
    });
    this.#keep('lease', LEASE_RENEW_MS, () => this.#renewLease());
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
    this.#images.set(reference.name, reference);
  }

  /** An address of the node's pod network that no other pod holds. */
  allocateIP(podUid: string): string {
    const held = this.#addresses.get(podUid);
    if (held !== undefined) return held;
    const prefix = podCIDR(this.#index).replace(/\.0\/24$/, '');
    const taken = new Set(this.#addresses.values());
    for (let host = 2; host < 255; host++) {
      const address = `${prefix}.${host}`;
      if (taken.has(address)) continue;
      this.#addresses.set(podUid, address);
      return address;
    }
    throw new Error(`no free pod address on ${this.name}`);
  }

  /** Notes the address a pod had before this process started. */
  holdIP(podUid: string, address: string): void {
    this.#addresses.set(podUid, address);
  }

  releaseIP(podUid: string): void {
    this.#addresses.delete(podUid);
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
      return { node: await this.client.create(nodes, newNode(this.#index)), isNew: true };
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
      const own = { index: this.#index, uid: node.metadata.uid!, images: [...this.#images.values()] };
      const status = nodeStatus(
        node.status,
        own,
        this.#context.options.kubernetesVersion,
        this.#context.clock.now(),
      );
      try {
        await this.client.update(nodes, { ...node, status }, { subresource: 'status' });
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
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
