/** Gives nodes their networks for pods. Mirrors pkg/controller/nodeipam range_allocator.go. */
import type { Client } from '../../api/machinery/client.ts';
import { isBeingDeleted } from '../../api/machinery/object-meta.ts';
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import { POD_NETWORKS } from '../kubelet/node.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { CIDRSet } from './cidr-set.ts';

export const nodeIPAMController: ControllerDefinition = {
  name: 'node-ipam-controller',
  aliases: ['nodeipam'],
  description: {
    does: 'Gives nodes that come without a network for their pods one of the cluster’s: a /24, and a /64 where the cluster has IPv6.',
    watches: ['nodes'],
    writes: ['nodes'],
    events: ['CIDRAssignmentFailed', 'CIDRNotAvailable'],
    leavesOut: ['sizes other than those'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('node-controller') };
  const informer = context.informer(nodes);
  const networks = new NodeNetworks(context);
  const reconciler = createReconciler({
    name: 'node-ipam',
    context,
    // One at a time: a node whose write is under way holds what it was given.
    workers: 1,
    reconcile: async (name) => {
      const node = informer.get(name);
      if (node === undefined || isBeingDeleted(node)) return;
      if ((node.spec.podCIDRs ?? []).length === 0) await networks.allocate(node);
    },
  });
  const changed = (node: Node): void => {
    networks.seen(node);
    if ((node.spec.podCIDRs ?? []).length === 0) reconciler.queue.add(node.metadata.name!);
  };
  informer.addHandler({ added: changed, updated: changed, deleted: (node) => networks.gone(node) });
  return reconciler;
}

class NodeNetworks {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  /** In the order of families. */
  readonly #sets: readonly CIDRSet[];
  /** Nodes, by UID, whose network is written and perhaps not yet seen. */
  readonly #given = new Set<string>();

  constructor({ client, options, recorder }: ControllerContext) {
    const { ipFamilies, serviceCIDRs } = options;
    const { clusterCIDRs = ipFamilies.map((family) => POD_NETWORKS[family]) } = options;
    this.#client = client;
    this.#recorder = recorder('cidrAllocator');
    this.#sets = clusterCIDRs.map((cidr) => new CIDRSet(cidr));
    for (const set of this.#sets) for (const cidr of serviceCIDRs) set.occupy(cidr);
  }

  seen({ metadata, spec }: Node): void {
    const held = spec.podCIDRs ?? [];
    held.slice(0, this.#sets.length).forEach((cidr, index) => this.#sets[index]!.occupy(cidr));
    if (held.length > 0) this.#given.delete(metadata.uid!);
  }

  gone({ metadata, spec }: Node): void {
    this.#given.delete(metadata.uid!);
    this.#giveBack((spec.podCIDRs ?? []).slice(0, this.#sets.length));
  }

  /** Writes networks into a node that has none. */
  async allocate(node: Node): Promise<void> {
    if (this.#given.has(node.metadata.uid!)) return;
    const podCIDRs = this.#take(node);
    const body = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    try {
      await this.#client.patch(nodes, { name: node.metadata.name! }, { type: 'strategic', body });
      this.#given.add(node.metadata.uid!);
    } catch (error) {
      this.#giveBack(podCIDRs);
      this.#announce(node, 'CIDRAssignmentFailed');
      throw error;
    }
  }

  #take(node: Node): string[] {
    const taken: string[] = [];
    for (const [index, set] of this.#sets.entries()) {
      const cidr = set.allocate();
      if (cidr === undefined) {
        this.#giveBack(taken);
        this.#announce(node, 'CIDRNotAvailable');
        throw new Error(
          `failed to allocate cidr from cluster cidr at idx:${index}: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range`,
        );
      }
      taken.push(cidr);
    }
    return taken;
  }

  #giveBack(cidrs: readonly string[]): void {
    cidrs.forEach((cidr, index) => this.#sets[index]!.release(cidr));
  }

  #announce({ metadata: { name, uid } }: Node, reason: string): void {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid } };
    this.#recorder.event(node, 'Normal', reason, `Node ${name} status is now: ${reason}`);
  }
}
