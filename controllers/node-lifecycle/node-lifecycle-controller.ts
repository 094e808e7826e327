/** Notices nodes that fall silent, taints nodes by their conditions, and has the pods of ill nodes evicted. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { leases, type Lease } from '../../openapi/generated/coordination-v1.ts';
import { nodes, pods, type Node, type Pod } from '../../openapi/generated/core-v1.ts';
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
import { evictingTaint, readyStatus, sameTaints, wantedTaints } from './condition-taints.ts';
import { Heartbeats, silentConditions } from './health.ts';
import { Zones } from './zones.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle-controller',
  aliases: ['nodelifecycle'],
  description: {
    does:
      'Marks nodes that have not been heard of for 50 s (60 s when new) as unknown and their pods as not ready, taints nodes by ' +
      'their conditions, and gives ill nodes the taints that evict, at upstream’s rates for each zone and not while all nodes are ill.',
    watches: ['leases', 'nodes', 'pods'],
    writes: ['nodes', 'nodes/status', 'pods/status'],
    events: ['NodeNotReady', 'RegisteredNode', 'RemovingNode'],
  },
  setup: (context) => new NodeLifecycle(context),
};

class NodeLifecycle implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #heartbeats = new Heartbeats();
  readonly #zones = new Zones();
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('node-controller') };
    this.#context = context;
    this.#recorder = context.recorder('node-controller');
    this.#nodes = context.informer(nodes);
    this.#pods = context.informer(pods);
    indexByNode(this.#pods);
    this.#reconciler = createReconciler({
      name: 'node-lifecycle',
      context,
      workers: 4,
      reconcile: (name) => this.#reconcile(name),
    });
    this.#nodes.addHandler({
      added: (node) => this.#nodeAdded(node),
      updated: (node, old) => this.#nodeUpdated(node, old),
      deleted: (node) => this.#nodeDeleted(node),
    });
    const heard = ({ metadata, spec }: Lease): void => {
      if (metadata.namespace === LEASE_NAMESPACE)
        this.#heartbeats.note(metadata.name!, spec?.renewTime ?? '', context.clock.now());
    };
    context.informer(leases).addHandler({ added: heard, updated: heard });
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #nodeAdded(node: Node): void {
    const name = node.metadata.name!;
    const message = `Node ${name} event: Registered Node ${name} in Controller`;
    this.#recorder.event(node, 'Normal', 'RegisteredNode', message);
    this.#noteState(node);
    this.#reconciler.queue.add(name);
  }

  #nodeUpdated(node: Node, old: Node): void {
    const heartbeat = (of: Node): string =>
      of.status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '';
    if (readyStatus(node) !== 'Unknown' && heartbeat(node) !== heartbeat(old))
      this.#heartbeats.note(node.metadata.name!, heartbeat(node), this.#context.clock.now());
    this.#noteState(node);
    if (readyStatus(old) === 'True' && readyStatus(node) !== 'True') this.#nodeFellIll(node);
    this.#reconciler.queue.add(node.metadata.name!);
  }

  #nodeDeleted(node: Node): void {
    const name = node.metadata.name!;
    this.#heartbeats.forget(name);
    this.#recorder.event(
      node,
      'Normal',
      'RemovingNode',
      `Node ${name} event: Removing Node ${name} from Controller`,
    );
    if (this.#zones.remove(name)) this.#lookAtAll();
  }

  #noteState(node: Node): void {
    if (this.#zones.set(node.metadata.name!, zoneOf(node), readyStatus(node) === 'True')) this.#lookAtAll();
  }

  #lookAtAll(): void {
    for (const { metadata } of this.#nodes.list()) this.#reconciler.queue.add(metadata.name!);
  }

  #nodeFellIll(node: Node): void {
    const name = node.metadata.name!;
    this.#recorder.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    const onError = (error: unknown): void =>
      this.#context.logger.warn('pods of an ill node not marked', { node: name, error });
    this.#context.tasks.run('node-lifecycle', () => this.#markPods(name), onError);
  }

  /** What the node cannot say itself: its pods are not ready. */
  async #markPods(node: string): Promise<void> {
    for (const pod of podsOnNode(this.#pods, node)) {
      const ready = pod.status.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status !== 'True') continue;
      this.#recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      const { namespace, name, uid } = pod.metadata;
      const lastTransitionTime = formatTime(this.#context.clock.now());
      const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime }];
      const body = { metadata: { uid }, status: { conditions } };
      await this.#context.client
        .patch(pods, { namespace, name: name! }, { type: 'strategic', body }, { subresource: 'status' })
        .catch((error: unknown) => {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        });
    }
  }

  async #reconcile(name: string): Promise<Result | void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const nowMs = this.#context.clock.now();
    const leftMs = this.#heartbeats.leftMs(node, nowMs);
    if (leftMs <= 0) {
      const conditions = silentConditions(node, formatTime(nowMs));
      if (conditions !== undefined) {
        const status = { ...node.status, conditions };
        await this.#context.client.update(nodes, { ...node, status }, { subresource: 'status' });
        // Its event brings the node here again.
        return;
      }
    }
    const waitMs = await this.#taint(node, nowMs);
    if (waitMs !== undefined) return { requeueAfterMs: waitMs };
    return leftMs > 0 ? { requeueAfterMs: leftMs, recurring: true } : undefined;
  }

  /** How long to wait before the taint that evicts may be given; undefined when all taints are as they should be. */
  async #taint(node: Node, nowMs: number): Promise<number | undefined> {
    const current = node.spec.taints ?? [];
    const wanted = this.#zones.allDisrupted ? undefined : evictingTaint(node);
    const held = current.find(
      ({ key, effect }) => effect === 'NoExecute' && (key === wanted || key === otherThan(wanted)),
    )?.key;
    // A node that is evicted from already only changes its reason.
    const waitMs = wanted === undefined || held !== undefined ? 0 : this.#zones.admit(zoneOf(node), nowMs);
    const evicting = waitMs === 0 ? wanted : undefined;
    const taints = wantedTaints(node, evicting, formatTime(nowMs));
    if (!sameTaints(taints, current)) {
      const changed = structuredCopy(node);
      changed.spec.taints = taints.length === 0 ? undefined : taints;
      await this.#context.client.update(nodes, changed);
    }
    return waitMs === 0 ? undefined : waitMs;
  }
}

function otherThan(key: string | undefined): string | undefined {
  if (key === 'node.kubernetes.io/not-ready') return 'node.kubernetes.io/unreachable';
  return key === undefined ? undefined : 'node.kubernetes.io/not-ready';
}

function zoneOf({ metadata }: Node): string {
  const labels = metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}
