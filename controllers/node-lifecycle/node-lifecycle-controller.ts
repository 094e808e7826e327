/** Keeps the taints of nodes in step with their conditions and greets new nodes. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { nodes, type Node, type Taint } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle-controller',
  aliases: ['nodelifecycle'],
  description: {
    does: 'Notices nodes and keeps the taints that follow from their conditions.',
    watches: ['nodes'],
    writes: ['nodes'],
    events: ['RegisteredNode'],
  },
  setup,
};

/** Condition, the status that calls for the taint, and the taint. */
const CONDITION_TAINTS: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', 'node.kubernetes.io/not-ready'],
  ['Ready', 'Unknown', 'node.kubernetes.io/unreachable'],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const NOT_READY = 'node.kubernetes.io/not-ready';

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('node-controller') };
  const recorder = context.recorder('node-controller');
  const informer = context.informer(nodes);
  const reconciler = createReconciler({
    name: 'node-lifecycle',
    context,
    workers: 4,
    reconcile: async (name) => {
      const node = informer.get(name);
      if (node === undefined) return;
      const taints = wantedTaints(node, formatTime(context.clock.now()));
      if (sameTaints(taints, node.spec.taints ?? [])) return;
      const changed = structuredCopy(node);
      changed.spec.taints = taints.length === 0 ? undefined : taints;
      await context.client.update(nodes, changed);
    },
  });
  informer.addHandler({
    added: (node) => {
      const name = node.metadata.name!;
      recorder.event(
        node,
        'Normal',
        'RegisteredNode',
        `Node ${name} event: Registered Node ${name} in Controller`,
      );
      reconciler.queue.add(name);
    },
    updated: (node) => reconciler.queue.add(node.metadata.name!),
  });
  return reconciler;
}

/** The taints of others, and those the conditions call for. A node without a Ready condition keeps its not-ready taint. */
function wantedTaints(node: Node, now: string): Taint[] {
  const current = node.spec.taints ?? [];
  const managed = new Set([...CONDITION_TAINTS.map(([, , key]) => key), UNSCHEDULABLE]);
  const foreign = current.filter(({ key, effect }) => !managed.has(key) || effect !== 'NoSchedule');
  const status = new Map(
    (node.status.conditions ?? []).map((condition) => [condition.type, condition.status]),
  );
  const keys = CONDITION_TAINTS.filter(([type, tainting]) => status.get(type) === tainting).map(
    ([, , key]) => key,
  );
  const isUnheard =
    !status.has('Ready') && current.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule');
  if (isUnheard) keys.push(NOT_READY);
  if (node.spec.unschedulable === true) keys.push(UNSCHEDULABLE);
  const own = keys.map(
    (key) =>
      current.find((taint) => taint.key === key && taint.effect === 'NoSchedule') ?? {
        key,
        effect: 'NoSchedule',
        timeAdded: now,
      },
  );
  return [...foreign, ...own];
}

function sameTaints(a: readonly Taint[], b: readonly Taint[]): boolean {
  const view = (taints: readonly Taint[]): string =>
    JSON.stringify(taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`).toSorted());
  return view(a) === view(b);
}
