/** Gives every pod of the default scheduler a node. Mirrors kube-scheduler's default profile; see docs/reference/nodes.md. */
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { randomInt } from '../../api/machinery/random.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Node,
  type Pod,
  type PodCondition,
} from '../../openapi/generated/core-v1.ts';
import { storageClasses } from '../../openapi/generated/storage-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { FILTERS } from './filters/index.ts';
import type { Rejection } from './filters/filter.ts';
import { NodeInfo } from './node-info.ts';
import { SchedulingQueue } from './queue.ts';
import { scoreNode } from './score.ts';
import {
  podVolumes,
  rejectVolumes,
  SELECTED_NODE_ANNOTATION,
  type PodVolumes,
  type VolumeCaches,
} from './volumes.ts';

export const SCHEDULER_NAME = 'default-scheduler';

export const schedulerController: ControllerDefinition = {
  name: 'scheduler',
  description: {
    does: 'Gives every pod of the default scheduler a node that passes the filters and scores best; switched by `--scheduler`.',
    watches: ['nodes', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'storageclasses'],
    writes: ['persistentvolumeclaims', 'pods/binding', 'pods/status'],
    events: ['FailedScheduling', 'Scheduled'],
  },
  setup: (context) => new Scheduler(context),
};

/** With more nodes than this, looking stops once enough of them fit (upstream's percentageOfNodesToScore). */
const FEASIBLE_NODES_MIN = 100;

class Scheduler implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #caches: VolumeCaches;
  readonly #nodes = new Map<string, NodeInfo>();
  /** Node of every counted pod by UID, assumed ones included. */
  readonly #placed = new Map<string, string>();
  readonly #queue: SchedulingQueue;
  #started = false;
  #running = false;
  #nextStart = 0;

  constructor(context: ControllerContext) {
    this.#context = { ...context, client: context.client.as('kube-scheduler') };
    this.#recorder = context.recorder(SCHEDULER_NAME);
    this.#queue = new SchedulingQueue(context.clock, () => this.#wake());
    this.#pods = context.informer(pods);
    this.#caches = {
      claims: context.informer(persistentVolumeClaims),
      volumes: context.informer(persistentVolumes),
      classes: context.informer(storageClasses),
    };
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
    context.informer(nodes).addHandler({
      added: (node) => this.#nodeChanged(node),
      updated: (node, old) => {
        if (affectsScheduling(node, old)) this.#nodeChanged(node);
      },
      deleted: (node) => void this.#nodes.delete(node.metadata.name!),
    });
    const retry = { added: () => this.#queue.moveAll(), updated: () => this.#queue.moveAll() };
    this.#caches.claims.addHandler(retry);
    this.#caches.volumes.addHandler(retry);
    this.#caches.classes.addHandler(retry);
  }

  start(): void {
    this.#started = true;
    this.#wake();
  }

  stop(): void {
    this.#started = false;
    this.#queue.stop();
  }

  #podChanged(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    const ended = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if ((pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      if (ended) this.#release(pod);
      else this.#place(pod, pod.spec.nodeName!);
      return;
    }
    const mine = (pod.spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME;
    if (!mine || ended || pod.metadata.deletionTimestamp !== undefined) {
      this.#queue.remove(key);
      return;
    }
    if (this.#placed.has(pod.metadata.uid!)) return;
    if (old !== undefined && pod.metadata.generation === old.metadata.generation && !labelsChanged(pod, old))
      return;
    this.#queue.add(key, pod.spec.priority ?? 0);
  }

  #podDeleted(pod: Pod): void {
    this.#queue.remove(keyOf(pod));
    this.#release(pod);
  }

  #nodeChanged(node: Node): void {
    const name = node.metadata.name!;
    const info = this.#nodes.get(name);
    if (info === undefined) {
      const added = new NodeInfo(node);
      this.#nodes.set(name, added);
      for (const pod of this.#pods.list()) {
        const live = pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed';
        if (pod.spec.nodeName === name && live) added.add(pod);
      }
    } else {
      info.setNode(node);
    }
    this.#queue.moveAll();
  }

  #place(pod: Pod, node: string): void {
    const before = this.#placed.get(pod.metadata.uid!);
    if (before !== undefined && before !== node) this.#nodes.get(before)?.remove(pod);
    this.#placed.set(pod.metadata.uid!, node);
    this.#nodes.get(node)?.add(pod);
  }

  #release(pod: Pod): void {
    const node = this.#placed.get(pod.metadata.uid!);
    if (node === undefined) return;
    this.#placed.delete(pod.metadata.uid!);
    this.#nodes.get(node)?.remove(pod);
    this.#queue.moveAll();
  }

  /** Works off the active queue, a pod a turn of the event loop, so that nothing else starves. */
  #wake(): void {
    if (!this.#started || this.#running || this.#queue.activeCount === 0) return;
    this.#running = true;
    const onError = (error: unknown): void => this.#context.logger.error('scheduling failed', { error });
    this.#context.tasks.run(
      'scheduler',
      async () => {
        try {
          const key = this.#queue.pop();
          if (key !== undefined) await this.#schedule(key);
        } finally {
          this.#running = false;
          this.#wake();
        }
      },
      onError,
    );
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || (pod.spec.nodeName ?? '') !== '') {
      this.#queue.remove(key);
      return;
    }
    if ((pod.spec.schedulingGates ?? []).length > 0) {
      this.#queue.fail(key);
      await this.#report(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates');
      return;
    }
    const volumes = podVolumes(pod, this.#caches);
    const outcome = this.#findNode(pod, volumes);
    if ('message' in outcome) {
      this.#queue.fail(key);
      this.#recorder.event(pod, 'Warning', 'FailedScheduling', outcome.message);
      await this.#report(pod, 'Unschedulable', outcome.message);
      return;
    }
    if (volumes.waiting.length > 0) {
      await this.#selectNode(volumes, outcome.node);
      this.#queue.fail(key);
      return;
    }
    this.#place(pod, outcome.node);
    // Binding does not hold up the next pod: the node's room is taken already.
    this.#context.tasks.run(
      'scheduler bind',
      () => this.#bind(key, pod, outcome.node),
      (error) => this.#context.logger.error('binding failed', { key, error }),
    );
  }

  #findNode(pod: Pod, volumes: PodVolumes): { readonly node: string } | { readonly message: string } {
    if (this.#nodes.size === 0) return { message: 'no nodes available to schedule pods' };
    if (volumes.problem !== undefined) {
      return {
        message: unschedulableMessage(this.#nodes.size, volumes.problem, [
          unresolvableNodes(this.#nodes.size),
        ]),
      };
    }
    const all = [...this.#nodes.values()];
    const enough = feasibleNodesToFind(all.length);
    const rejections: Rejection[] = [];
    const feasible: NodeInfo[] = [];
    for (let i = 0; i < all.length && feasible.length < enough; i++) {
      const info = all[(this.#nextStart + i) % all.length]!;
      const rejection = this.#reject(pod, info, volumes);
      if (rejection === undefined) feasible.push(info);
      else rejections.push(rejection);
    }
    if (all.length > enough)
      this.#nextStart = (this.#nextStart + feasible.length + rejections.length) % all.length;
    if (feasible.length === 0) return { message: failureMessage(rejections) };
    return { node: this.#best(pod, feasible).node.metadata.name! };
  }

  #reject(pod: Pod, info: NodeInfo, volumes: PodVolumes): Rejection | undefined {
    for (const filter of FILTERS) {
      const rejection = filter.reject(pod, info, this.#nodes);
      if (rejection !== undefined) return rejection;
    }
    return rejectVolumes(volumes, info.node);
  }

  /** The best score; among equals one by chance. */
  #best(pod: Pod, feasible: readonly NodeInfo[]): NodeInfo {
    let best: NodeInfo[] = [];
    let bestScore = -Infinity;
    for (const info of feasible) {
      const score = scoreNode(pod, info);
      if (score > bestScore) best = [];
      if (score >= bestScore) best.push(info);
      bestScore = Math.max(score, bestScore);
    }
    return best.length === 1 ? best[0]! : best[randomInt(this.#context.random, best.length)]!;
  }

  async #bind(key: string, pod: Pod, node: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#context.client.createSubresource(pods, { namespace, name: name! }, 'binding', {
        kind: 'Binding',
        apiVersion: 'v1',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: node },
      });
      this.#recorder.event(
        pod,
        'Normal',
        'Scheduled',
        `Successfully assigned ${namespace}/${name} to ${node}`,
      );
    } catch (error) {
      this.#release(pod);
      if (isNotFound(error) || isConflict(error)) this.#queue.remove(key);
      else this.#queue.retry(key);
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Tells the volume binder where claims that wait for their first consumer are to be. */
  async #selectNode(volumes: PodVolumes, node: string): Promise<void> {
    for (const claim of volumes.waiting) {
      if (claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === node) continue;
      const changed = structuredCopy(claim);
      changed.metadata.annotations = { ...changed.metadata.annotations, [SELECTED_NODE_ANNOTATION]: node };
      await this.#context.client.update(persistentVolumeClaims, changed).catch((error: unknown) => {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      });
    }
  }

  /** Writes PodScheduled=False, once per message. */
  async #report(pod: Pod, reason: string, message: string): Promise<void> {
    const before = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
    if (before?.status === 'False' && before.reason === reason && before.message === message) return;
    const now = formatTime(this.#context.clock.now());
    const condition = {
      type: 'PodScheduled',
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : now,
      reason,
      message,
    } as unknown as PodCondition;
    const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const changed = { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
    await this.#context.client.update(pods, changed, { subresource: 'status' }).catch((error: unknown) => {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    });
  }
}

function labelsChanged(pod: Pod, old: Pod): boolean {
  return JSON.stringify(pod.metadata.labels) !== JSON.stringify(old.metadata.labels);
}

/** Heartbeats do not matter to scheduling. */
function affectsScheduling(node: Node, old: Node): boolean {
  const view = ({ metadata, spec, status }: Node): string =>
    JSON.stringify([metadata.labels, spec.taints, spec.unschedulable, status.allocatable, status.capacity]);
  return view(node) !== view(old);
}

function feasibleNodesToFind(count: number): number {
  if (count <= FEASIBLE_NODES_MIN) return count;
  const percentage = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(FEASIBLE_NODES_MIN, Math.floor((count * percentage) / 100));
}

function unresolvableNodes(count: number): string {
  return `${count} Preemption is not helpful for scheduling`;
}

/** `0/N nodes are available: 1 Insufficient cpu, ... preemption: 0/N nodes are available: ...`, counts sorted as text. */
function failureMessage(rejections: readonly Rejection[]): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  const hopeless = rejections.filter(({ unresolvable }) => unresolvable).length;
  const preemption: string[] = [];
  if (hopeless < rejections.length) {
    preemption.push(`${rejections.length - hopeless} No preemption victims found for incoming pod`);
  }
  if (hopeless > 0) preemption.push(unresolvableNodes(hopeless));
  return unschedulableMessage(rejections.length, reasons.join(', '), preemption.sort());
}

function unschedulableMessage(count: number, reasons: string, preemption: readonly string[]): string {
  return `0/${count} nodes are available: ${reasons}. preemption: 0/${count} nodes are available: ${preemption.join(', ')}.`;
}
