/** Tells kubelets how long they may cache secrets and config maps. Mirrors pkg/controller/ttl. */
import { nodes, type Node } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const TTL_ANNOTATION = 'node.alpha.kubernetes.io/ttl';

/** Sizes of clusters, which overlap so that a cluster at a border does not go to and fro. */
const STEPS = [
  { nodesMin: 0, nodesMax: 100, ttlSeconds: 0 },
  { nodesMin: 90, nodesMax: 500, ttlSeconds: 15 },
  { nodesMin: 450, nodesMax: 1000, ttlSeconds: 30 },
  { nodesMin: 900, nodesMax: 2000, ttlSeconds: 60 },
  { nodesMin: 1800, nodesMax: Infinity, ttlSeconds: 300 },
] as const;

export const ttlController: ControllerDefinition = {
  name: 'ttl-controller',
  aliases: ['ttl'],
  description: {
    does: 'Annotates each node with the time for which its kubelet may cache what it reads, longer in larger clusters; a node learns of another time when it is written next.',
    watches: ['nodes'],
    writes: ['nodes'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('ttl-controller') };
  const informer = context.informer(nodes);
  let count = 0;
  let step = 0;
  const reconciler = createReconciler({
    name: 'ttl',
    context,
    workers: 5,
    reconcile: async (name) => {
      const node = informer.get(name);
      const wanted = STEPS[step]!.ttlSeconds;
      if (node === undefined || wholeNumber(node.metadata.annotations?.[TTL_ANNOTATION]) === wanted) return;
      const body = { metadata: { annotations: { [TTL_ANNOTATION]: String(wanted) } } };
      await context.client.patch(nodes, { name }, { type: 'strategic', body });
    },
  });
  const enqueue = ({ metadata }: Node): void => reconciler.queue.add(metadata.name!);
  informer.addHandler({
    added: (node) => {
      count++;
      if (count > STEPS[step]!.nodesMax) step++;
      enqueue(node);
    },
    updated: enqueue,
    deleted: () => {
      count--;
      if (count < STEPS[step]!.nodesMin) step--;
    },
  });
  return reconciler;
}

/** As strconv.Atoi reads it. */
function wholeNumber(text = ''): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
}
