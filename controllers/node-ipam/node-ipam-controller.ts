/** Gives nodes their networks for pods. Mirrors pkg/controller/nodeipam range_allocator.go. */
import { isBeingDeleted } from '../../api/machinery/object-meta.ts';
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import { POD_NETWORKS } from '../kubelet/node.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
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
  const { ipFamilies, serviceCIDRs } = context.options;
  const { clusterCIDRs = ipFamilies.map((family) => POD_NETWORKS[family]) } = context.options;
  const recorder = context.recorder('cidrAllocator');
  const informer = context.informer(nodes);
  const sets = clusterCIDRs.map((cidr) => new CIDRSet(cidr));
  for (const set of sets) for (const cidr of serviceCIDRs) set.occupy(cidr);
  const announce = ({ metadata }: Node, reason: string): void => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: metadata.name, uid: metadata.uid } };
    recorder.event(node, 'Normal', reason, `Node ${metadata.name} status is now: ${reason}`);
  };

  /** Nodes, by UID, whose network is written and perhaps not yet seen. */
  const given = new Set<string>();

  async function allocate(node: Node): Promise<void> {
    const podCIDRs: string[] = [];
    const giveBack = (): void => podCIDRs.forEach((cidr, index) => sets[index]!.release(cidr));
    for (const [index, set] of sets.entries()) {
      const cidr = set.allocate();
      if (cidr === undefined) {
        giveBack();
        announce(node, 'CIDRNotAvailable');
        throw new Error(
          `failed to allocate cidr from cluster cidr at idx:${index}: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range`,
        );
      }
      podCIDRs.push(cidr);
    }
    const body = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    try {
      await context.client.patch(nodes, { name: node.metadata.name! }, { type: 'strategic', body });
      given.add(node.metadata.uid!);
    } catch (error) {
      giveBack();
      announce(node, 'CIDRAssignmentFailed');
      throw error;
    }
  }

  const reconciler = createReconciler({
    name: 'node-ipam',
    context,
    // One at a time: a node whose write is under way holds what it was given.
    workers: 1,
    reconcile: async (name) => {
      const node = informer.get(name);
      if (node === undefined || isBeingDeleted(node) || given.has(node.metadata.uid!)) return;
      if ((node.spec.podCIDRs ?? []).length > 0) return;
      await allocate(node);
    },
  });
  const changed = (node: Node): void => {
    const held = node.spec.podCIDRs ?? [];
    held.slice(0, sets.length).forEach((cidr, index) => sets[index]!.occupy(cidr));
    if (held.length > 0) given.delete(node.metadata.uid!);
    else reconciler.queue.add(node.metadata.name!);
  };
  informer.addHandler({
    added: changed,
    updated: changed,
    deleted: ({ metadata, spec }) => {
      given.delete(metadata.uid!);
      (spec.podCIDRs ?? []).slice(0, sets.length).forEach((cidr, index) => sets[index]!.release(cidr));
    },
  });
  return reconciler;
}
