/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. Mirrors tainteviction. */
import { keyOf, parseKey } from '../../api/machinery/object-meta.ts';
import { nodes, pods, type Node, type Pod, type Taint } from '../../openapi/generated/core-v1.ts';
import { disruptPod } from '../runtime/disrupt-pod.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
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
  setup: (context) => new TaintEviction(context).reconciler,
};

class TaintEviction {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  /** Pods whose time runs, by key. */
  readonly #doomed = new Map<string, { readonly uid: string; readonly dueMs: number }>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('taint-eviction-controller') };
    this.#context = context;
    this.#recorder = context.recorder('taint-eviction-controller');
    this.#nodes = context.informer(nodes);
    this.#pods = context.informer(pods);
    indexByNode(this.#pods);
    this.reconciler = createReconciler({
      name: 'taint-eviction',
      context,
      workers: 8,
      reconcile: (key) => this.#reconcile(key),
    });
    const { queue } = this.reconciler;
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
          pod.spec.nodeName !== old.spec.nodeName ||
          JSON.stringify(pod.spec.tolerations) !== JSON.stringify(old.spec.tolerations);
        if (isNews) this.#podChanged(pod);
      },
      deleted: (pod) => {
        if (this.#doomed.has(keyOf(pod))) queue.add(keyOf(pod));
      },
    });
  }

  #nodeChanged({ metadata }: Node): void {
    for (const pod of podsOnNode(this.#pods, metadata.name!)) this.reconciler.queue.add(keyOf(pod));
  }

  #podChanged(pod: Pod): void {
    const node = this.#nodes.get(pod.spec.nodeName ?? '');
    if (node !== undefined && evicting(node).length > 0) this.reconciler.queue.add(keyOf(pod));
  }

  async #reconcile(key: string): Promise<Result | void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || this.#doomed.get(key)?.uid !== pod.metadata.uid) this.#cancel(key);
    if (pod === undefined) return;
    const node = this.#nodes.get(pod.spec.nodeName ?? '');
    const known = this.#doomed.get(key);
    // The time of a pod runs on when its node goes.
    if (node === undefined) return known && this.#await(key, pod, known.dueMs);
    const taints = evicting(node);
    const seconds = toleratedSeconds(pod, taints);
    if (seconds === undefined || seconds === Infinity) this.#cancel(key);
    if (seconds === Infinity) return;
    const nowMs = this.#context.clock.now();
    if (seconds === undefined) return this.#await(key, pod, nowMs);
    // What is due once stays so, whatever is tolerated by now.
    return this.#await(key, pod, known?.dueMs ?? nowMs + seconds * 1000);
  }

  async #await(key: string, pod: Pod, dueMs: number): Promise<Result | void> {
    const leftMs = dueMs - this.#context.clock.now();
    if (leftMs > 0) {
      this.#doomed.set(key, { uid: pod.metadata.uid!, dueMs });
      return { requeueAfterMs: leftMs };
    }
    this.#doomed.delete(key);
    await this.#evict(key, pod);
  }

  #cancel(key: string): void {
    if (this.#doomed.delete(key)) this.#report(key, `Cancelling deletion of Pod ${key}`);
  }

  /** Upstream knows the pod by its name alone here: its event has no UID. */
  #report(key: string, message: string): void {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: parseKey(key) };
    this.#recorder.event(pod, 'Normal', 'TaintManagerEviction', message);
  }

  async #evict(key: string, pod: Pod): Promise<void> {
    this.#report(key, `Marking for deletion Pod ${key}`);
    await disruptPod(this.#context, pod, {
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      observedGeneration: pod.metadata.generation,
    });
  }
}

function evicting({ spec }: Node): Taint[] {
  return (spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/**
 * How long the pod may stay: the shortest of what the first toleration of each taint grants; Infinity for ever, undefined
 * when a taint is not tolerated at all.
 */
function toleratedSeconds({ spec }: Pod, taints: readonly Taint[]): number | undefined {
  let shortest = Infinity;
  for (const taint of taints) {
    const toleration = spec.tolerations?.find((candidate) => toleratesTaint(candidate, taint));
    if (toleration === undefined) return undefined;
    shortest = Math.min(shortest, Math.max(0, toleration.tolerationSeconds ?? Infinity));
  }
  return shortest;
}
