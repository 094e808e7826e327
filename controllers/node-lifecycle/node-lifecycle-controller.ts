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
} from '../runtime/controller.ts';
import { indexByNode, podsOnNode } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { referenceTo } from '../runtime/reference.ts';
import { evictingTaint, readyStatus, sameTaints, wantedTaints, type Evicting } from './condition-taints.ts';
import { Heartbeats, silentConditions } from './health.ts';
import { Zones } from './zones.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
/** With this label a node does not count when its zone is judged. */
const NOT_COUNTED = 'node.kubernetes.io/exclude-disruption';
/** Labels, and what they were called before. */
const RENAMED_LABELS = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

export const nodeLifecycleController: ControllerDefinition = {
  name: 'node-lifecycle-controller',
  aliases: ['nodelifecycle'],
  description: {
    does:
      'Marks nodes that have not been heard of for 50 s (60 s when new) as unknown and their pods as not ready, taints nodes by ' +
      'their conditions, keeps the older labels of system and architecture, and gives ill nodes the taints that evict, at upstream’s rates for each zone and not while all nodes are ill.',
    watches: ['leases', 'nodes', 'pods'],
    writes: ['nodes', 'nodes/status', 'pods/status'],
    events: ['NodeNotReady', 'RegisteredNode', 'RemovingNode'],
  },
  setup: (context) => new NodeLifecycle(context).reconciler,
};

class NodeLifecycle {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #heartbeats = new Heartbeats();
  readonly #zones = new Zones();
  /** Nodes that were not looked at since they came. */
  readonly #fresh = new Set<string>();
  /** Nodes that fell silent and whose pods do not know yet, and the version at which they did. */
  readonly #unmarked = new Map<string, string>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('node-controller') };
    this.#context = context;
    this.#recorder = context.recorder('node-controller');
    this.#nodes = context.informer(nodes);
    this.#pods = context.informer(pods);
    indexByNode(this.#pods);
    this.reconciler = createReconciler({
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

  #nodeAdded(node: Node): void {
    const name = node.metadata.name!;
    const message = `Node ${name} event: Registered Node ${name} in Controller`;
    this.#recorder.event(referenceTo(node), 'Normal', 'RegisteredNode', message);
    if (readyStatus(node) !== undefined)
      this.#heartbeats.note(name, heartbeatOf(node), this.#context.clock.now());
    this.#fresh.add(name);
    this.#noteState(node);
    this.reconciler.queue.add(name);
  }

  #nodeUpdated(node: Node, old: Node): void {
    if (readyStatus(node) !== 'Unknown' && heartbeatOf(node) !== heartbeatOf(old))
      this.#heartbeats.note(node.metadata.name!, heartbeatOf(node), this.#context.clock.now());
    this.#noteState(node);
    this.reconciler.queue.add(node.metadata.name!);
  }

  #nodeDeleted(node: Node): void {
    const name = node.metadata.name!;
    this.#heartbeats.forget(name);
    this.#fresh.delete(name);
    this.#unmarked.delete(name);
    this.#recorder.event(
      referenceTo(node),
      'Normal',
      'RemovingNode',
      `Node ${name} event: Removing Node ${name} from Controller`,
    );
    if (this.#zones.remove(name)) this.#lookAtAll();
  }

  #noteState(node: Node): void {
    const name = node.metadata.name!;
    const hasChanged =
      node.metadata.labels?.[NOT_COUNTED] === undefined
        ? this.#zones.set(name, zoneOf(node), readyStatus(node) === 'True')
        : this.#zones.remove(name);
    if (hasChanged) this.#lookAtAll();
  }

  #lookAtAll(): void {
    for (const { metadata } of this.#nodes.list()) this.reconciler.queue.add(metadata.name!);
  }

  /** Told of nodes that fall silent only: the kubelet tells of others. */
  #nodeFellSilent(node: Node): void {
    const name = node.metadata.name!;
    const message = `Node ${name} status is now: NodeNotReady`;
    this.#recorder.event(referenceTo(node), 'Normal', 'NodeNotReady', message);
    this.#unmarked.set(name, node.metadata.resourceVersion!);
  }

  /** What a node cannot say itself: its pods are not ready. Tried again until it is done, or the node is back. */
  async #markPods(node: Node): Promise<void> {
    const nodeName = node.metadata.name!;
    const since = this.#unmarked.get(nodeName);
    if (since === undefined || !this.#nodes.hasSeen(since)) return;
    const onNode = readyStatus(node) === 'True' ? [] : podsOnNode(this.#pods, nodeName);
    for (const pod of onNode) {
      const ready = pod.status.conditions?.find(({ type }) => type === 'Ready');
      if (ready === undefined || ready.status === 'False') continue;
      const { namespace, name, uid } = pod.metadata;
      const lastTransitionTime = formatTime(this.#context.clock.now());
      const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime }];
      const body = { metadata: { uid }, status: { conditions } };
      try {
        const patch = { type: 'strategic', body } as const;
        await this.#context.client.patch(pods, { namespace, name: name! }, patch, { subresource: 'status' });
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) continue;
        throw error;
      }
      this.#recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
    this.#unmarked.delete(nodeName);
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
        const silent = { ...node, status };
        const updated = await this.#context.client.update(nodes, silent, { subresource: 'status' });
        if (readyStatus(node) === 'True') this.#nodeFellSilent(updated);
        // Its event brings the node here again.
        return;
      }
    }
    await this.#markPods(node);
    const waitMs = await this.#taint(await this.#label(node), nowMs);
    if (waitMs !== undefined) return { requeueAfterMs: waitMs };
    return leftMs > 0 ? { requeueAfterMs: leftMs, recurring: true } : undefined;
  }

  /** Older names of labels say the same as the newer ones. Mirrors reconcileNodeLabels. */
  async #label(node: Node): Promise<Node> {
    const { name, labels = {} } = node.metadata;
    const missing = RENAMED_LABELS.filter(
      ([key, old]) => labels[key] !== undefined && labels[old] !== labels[key],
    );
    if (missing.length === 0) return node;
    const body = {
      metadata: { labels: Object.fromEntries(missing.map(([key, old]) => [old, labels[key]])) },
    };
    return this.#context.client.patch(nodes, { name: name! }, { type: 'strategic', body });
  }

  /** How long to wait before the taint that evicts may be given; undefined when all taints are as they should be. */
  async #taint(node: Node, nowMs: number): Promise<number | undefined> {
    const name = node.metadata.name!;
    const current = node.spec.taints ?? [];
    const wanted = this.#zones.allDisrupted ? undefined : evictingTaint(node);
    const held = current.find(
      ({ key, effect }) => effect === 'NoExecute' && (key === wanted || key === otherThan(wanted)),
    )?.key;
    // A node that is evicted from already only changes its reason.
    const waitMs = wanted === undefined || held !== undefined ? 0 : this.#zones.admit(zoneOf(node), nowMs);
    const taints = wantedTaints(
      node,
      this.#evicting(node, waitMs === 0 ? wanted : undefined),
      formatTime(nowMs),
    );
    if (!sameTaints(taints, current)) {
      const changed = structuredCopy(node);
      changed.spec.taints = taints.length === 0 ? undefined : taints;
      await this.#context.client.update(nodes, changed);
    }
    this.#fresh.delete(name);
    return waitMs === 0 ? undefined : waitMs;
  }

  /** A node that has not said how it is keeps what it has, but for what it was born with. */
  #evicting(node: Node, taint: string | undefined): Evicting {
    if (taint !== undefined) return { taint };
    const hasSaid = readyStatus(node) !== undefined || this.#fresh.has(node.metadata.name!);
    return hasSaid ? 'none' : 'as they are';
  }
}

function otherThan(key: string | undefined): string | undefined {
  if (key === 'node.kubernetes.io/not-ready') return 'node.kubernetes.io/unreachable';
  return key === undefined ? undefined : 'node.kubernetes.io/not-ready';
}

function heartbeatOf({ status }: Node): string {
  return status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '';
}

/** Mirrors component-helpers/node/topology GetZoneKey. */
function zoneOf({ metadata }: Node): string {
  const labels = metadata.labels ?? {};
  const [zone = '', region = ''] = ['zone', 'region'].map(
    (part) => labels[`failure-domain.beta.kubernetes.io/${part}`] ?? labels[`topology.kubernetes.io/${part}`],
  );
  return `${region}:${zone}`;
}
