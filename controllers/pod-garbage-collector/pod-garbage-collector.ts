/** Removes pods that nobody else will. Mirrors pkg/controller/podgc, by events instead of by looking at every pod. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { nodes, pods, type Node, type Pod } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Reconciler,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { disruptionTarget, type Disruption } from '../runtime/disrupt-pod.ts';
import { indexByNode, podsOnNode } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';

/** Upstream looks this often: what is found waits for the next look. */
const PERIOD_MS = 20_000;
/** How long a node may be missing before its pods are given up. */
const QUARANTINE_MS = 40_000;
/** As many ended pods are kept. */
const TERMINATED_MAX = 12_500;
const NODE_PREFIX = 'node:';
const POD_PREFIX = 'pod:';
const TERMINATED = 'terminated';

/** Clears away pods without a node and ended ones beyond a number. */
export function definePodGarbageCollector(terminatedMax: number): ControllerDefinition {
  return {
    name: 'pod-garbage-collector-controller',
    aliases: ['podgc'],
    description: {
      does:
        'Removes the pods of nodes that are gone for 40 s, pods on their way out that have no node or whose node is out of ' +
        `service, and the oldest ended pods beyond ${terminatedMax}; at times that are 20 s apart.`,
      watches: ['nodes', 'pods'],
      writes: ['pods', 'pods/status'],
    },
    setup: (context) => new PodGarbageCollector(context, terminatedMax),
  };
}

export const podGarbageCollector = definePodGarbageCollector(TERMINATED_MAX);

class PodGarbageCollector implements RunningController {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #terminatedMax: number;
  readonly #ended = new Set<string>();
  readonly #beginMs: number;
  /** Upstream looks for the first time when it starts. */
  #hasLooked = false;
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext, terminatedMax: number) {
    this.#terminatedMax = terminatedMax;
    const context = { ...base, client: base.client.as('pod-garbage-collector') };
    this.#context = context;
    this.#beginMs = context.clock.now();
    this.#pods = context.informer(pods);
    this.#nodes = context.informer(nodes);
    indexByNode(this.#pods);
    this.#reconciler = createReconciler({
      name: 'podgc',
      context,
      workers: 1,
      reconcile: (key) => this.#reconcile(key),
    });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (pod) => this.#podChanged(pod),
      deleted: (pod) => void this.#ended.delete(keyOf(pod)),
    });
    const nodeChanged = ({ metadata }: Node): void => this.#visitNode(metadata.name!);
    this.#nodes.addHandler({
      updated: (node) => {
        if (isOutOfService(node)) nodeChanged(node);
      },
      deleted: nodeChanged,
    });
  }

  /** What the caches held when they were filled is looked at now that both are. */
  start(): void {
    for (const pod of this.#pods.list()) this.#podChanged(pod);
    this.#hasLooked = true;
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #podChanged(pod: Pod): void {
    if (isPodTerminal(pod)) this.#ended.add(keyOf(pod));
    if (this.#ended.size > this.#terminatedMax) this.#queueAfter(TERMINATED, 0);
    const node = pod.spec.nodeName ?? '';
    if (node === '') {
      if (isBeingDeleted(pod)) this.#queueAfter(POD_PREFIX + keyOf(pod), 0);
      return;
    }
    if (!this.#nodes.hasSynced) return;
    const known = this.#nodes.get(node);
    if (known === undefined || (isBeingDeleted(pod) && isOutOfService(known))) this.#visitNode(node);
  }

  #visitNode(name: string): void {
    this.#queueAfter(NODE_PREFIX + name, this.#nodes.get(name) === undefined ? QUARANTINE_MS : 0);
  }

  /** At the first look after a time. */
  #queueAfter(key: string, delayMs: number): void {
    const sinceMs = this.#context.clock.now() - this.#beginMs;
    const periods = (sinceMs + delayMs) / PERIOD_MS;
    const look = (this.#hasLooked ? Math.floor(periods + 1) : Math.ceil(periods)) * PERIOD_MS;
    this.#reconciler.queue.addAfter(key, look - sinceMs);
  }

  async #reconcile(key: string): Promise<Result | void> {
    if (key === TERMINATED) return this.#removeEnded();
    if (key.startsWith(NODE_PREFIX)) return this.#clearNode(key.slice(NODE_PREFIX.length));
    const pod = this.#pods.get(key.slice(POD_PREFIX.length));
    if (pod !== undefined && isBeingDeleted(pod) && (pod.spec.nodeName ?? '') === '') await this.#remove(pod);
  }

  async #clearNode(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    const onNode = podsOnNode(this.#pods, name);
    if (node !== undefined) {
      if (isOutOfService(node))
        await Promise.all(onNode.filter(isBeingDeleted).map((pod) => this.#remove(pod)));
      return;
    }
    if (await this.#nodeExists(name)) return;
    const why = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
    await Promise.all(
      onNode.map((pod) => this.#remove(pod, { ...why, observedGeneration: pod.metadata.generation })),
    );
  }

  /** The cache may be behind. */
  async #nodeExists(name: string): Promise<boolean> {
    try {
      await this.#context.client.get(nodes, { name });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Evicted ones first, then the oldest. */
  async #removeEnded(): Promise<void> {
    const ended = [...this.#ended].flatMap((key) => this.#pods.get(key) ?? []);
    const rank = ({ metadata, status }: Pod): string =>
      `${status.phase === 'Failed' && status.reason === 'Evicted' ? 0 : 1}/${metadata.creationTimestamp}/${metadata.name}`;
    const surplus = ended
      .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
      .slice(0, Math.max(0, ended.length - this.#terminatedMax));
    await Promise.all(surplus.map((pod) => this.#remove(pod)));
  }

  /** No kubelet will say how the pod ended: it failed. */
  async #remove(pod: Pod, disruption?: Disruption): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const { client, clock } = this.#context;
    try {
      if (!isPodTerminal(pod)) {
        const condition = disruption && disruptionTarget(pod, disruption, clock);
        const status = {
          observedGeneration: pod.metadata.generation,
          phase: 'Failed',
          ...(condition && { conditions: [condition] }),
        };
        const patch = { type: 'strategic', body: { metadata: { uid }, status } } as const;
        await client.patch(pods, { namespace, name: name! }, patch, { subresource: 'status' });
      }
      await client.delete(
        pods,
        { namespace, name: name! },
        { gracePeriodSeconds: 0, preconditions: { uid } },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function isOutOfService({ spec, status }: Node): boolean {
  const isReady = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  return (
    isReady !== true && (spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') ?? false)
  );
}
