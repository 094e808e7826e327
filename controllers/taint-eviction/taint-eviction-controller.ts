/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. Mirrors tainteviction. */
import { parseTime } from '../../api/machinery/clock.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { nodes, pods, type Node, type Pod, type Taint } from '../../openapi/generated/core-v1.ts';
import { disruptPod } from '../runtime/disrupt-pod.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { indexByNode, podsOnNode } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { toleratesTaint } from '../scheduler/plugins/node.ts';

export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction-controller',
  description: {
    does: 'Deletes pods that do not tolerate a NoExecute taint of their node, at once or when their tolerationSeconds are over.',
    watches: ['nodes', 'pods'],
    writes: ['pods', 'pods/status'],
    events: ['TaintManagerEviction'],
  },
  setup: (context) => new TaintEviction(context),
};

class TaintEviction implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #reconciler: Reconciler;
  /** Pods whose time runs, by key. */
  readonly #doomed = new Map<string, { readonly uid: string; readonly sinceMs: number }>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('taint-eviction-controller') };
    this.#context = context;
    this.#recorder = context.recorder('taint-eviction-controller');
    this.#nodes = context.informer(nodes);
    this.#pods = context.informer(pods);
    indexByNode(this.#pods);
    this.#reconciler = createReconciler({
      name: 'taint-eviction',
      context,
      workers: 8,
      reconcile: (key) => this.#reconcile(key),
    });
    const { queue } = this.#reconciler;
    this.#nodes.addHandler({
      added: (node) => this.#nodeChanged(node),
      updated: (node, old) => {
        if (JSON.stringify(evicting(node)) !== JSON.stringify(evicting(old))) this.#nodeChanged(node);
      },
    });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, old) => {
        const isNews =
          pod.spec.nodeName !== old.spec.nodeName || pod.metadata.generation !== old.metadata.generation;
        if (isNews) this.#podChanged(pod);
      },
      deleted: (pod) => {
        if (this.#doomed.has(keyOf(pod))) queue.add(keyOf(pod));
      },
    });
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #nodeChanged({ metadata }: Node): void {
    for (const pod of podsOnNode(this.#pods, metadata.name!)) this.#reconciler.queue.add(keyOf(pod));
  }

  #podChanged(pod: Pod): void {
    const node = this.#nodes.get(pod.spec.nodeName ?? '');
    if (node !== undefined && evicting(node).length > 0) this.#reconciler.queue.add(keyOf(pod));
  }

  async #reconcile(key: string): Promise<Result | void> {
    const pod = this.#pods.get(key);
    const node = pod === undefined ? undefined : this.#nodes.get(pod.spec.nodeName ?? '');
    const doomed = this.#doomed.get(key);
    const known = doomed !== undefined && doomed.uid === pod?.metadata.uid ? doomed : undefined;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#doomed.delete(key);
      return;
    }
    const seconds = node === undefined ? Infinity : toleratedSeconds(pod, evicting(node));
    if (seconds === Infinity) {
      if (known !== undefined) {
        const message = `Cancelling deletion of Pod ${key}`;
        this.#recorder.event(pod, 'Normal', 'TaintManagerEviction', message);
      }
      this.#doomed.delete(key);
      return;
    }
    const nowMs = this.#context.clock.now();
    const sinceMs = known?.sinceMs ?? beginOf(evicting(node!), nowMs);
    const leftMs = sinceMs + seconds * 1000 - nowMs;
    if (leftMs > 0) {
      this.#doomed.set(key, { uid: pod.metadata.uid!, sinceMs });
      return { requeueAfterMs: leftMs };
    }
    this.#doomed.delete(key);
    await this.#evict(key, pod);
  }

  async #evict(key: string, pod: Pod): Promise<void> {
    this.#recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    await disruptPod(
      this.#context,
      pod,
      'DeletionByTaintManager',
      'Taint manager: deleting due to NoExecute taint',
    );
  }
}

function evicting({ spec }: Node): Taint[] {
  return (spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/** How long the pod may stay: the shortest of what its tolerations grant; Infinity for ever, 0 not at all. */
function toleratedSeconds({ spec }: Pod, taints: readonly Taint[]): number {
  let shortest = Infinity;
  for (const taint of taints) {
    const matching = (spec.tolerations ?? []).filter((toleration) => toleratesTaint(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching)
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds));
  }
  return shortest;
}

/** When the taints were given; after a restart of ours the time goes on from there. */
function beginOf(taints: readonly Taint[], nowMs: number): number {
  const times = taints
    .map(({ timeAdded }) => parseTime(timeAdded ?? ''))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? nowMs : Math.min(nowMs, Math.max(...times));
}
