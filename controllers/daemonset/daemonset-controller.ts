/** Runs a pod on every node that fits. Mirrors pkg/controller/daemon. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { controllerOf, isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import {
  controllerRevisions,
  daemonSets,
  type ControllerRevision,
  type DaemonSet,
  type DaemonSetStatus,
} from '../../openapi/generated/apps-v1.ts';
import { nodes, pods, type Node, type Pod } from '../../openapi/generated/core-v1.ts';
import { adoptersOf, claim, indexByController, isNewlyFree, resolveController } from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { templateHash } from '../runtime/hashes.ts';
import { PodControl } from '../runtime/pod-control.ts';
import { podReadySince, slowStart } from '../runtime/pods.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { ownedPodsHandler } from '../runtime/owned-pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { RevisionHistory, type CurrentRevision } from '../runtime/revision-history.ts';
import { rollingUpdate, upkeep, type Changes } from './changes.ts';
import { DAEMON_SET_GVK, draftPod, groupByNode, HASH_LABEL, type View } from './daemon-pods.ts';
import { FailedPodBackoff } from './failed-pod-backoff.ts';
import { judgeNode, Placement, type Verdict, targetNode } from './placement.ts';
import { calculateStatus, hasMisplaced } from './status.ts';

/** Most pods created or deleted in one go. */
const BURST = 250;

/** Keeps pods on nodes as daemon sets ask. */
export const daemonSetController: ControllerDefinition = {
  name: 'daemonset-controller',
  aliases: ['daemonset'],
  description: {
    does:
      'Keeps a pod on every node whose labels and taints fit, bound by the scheduler through a node affinity on the name; ' +
      'rolling updates within maxUnavailable or with a surge, or on deletion; revisions with their history.',
    watches: ['controllerrevisions', 'daemonsets', 'nodes', 'pods'],
    writes: ['controllerrevisions', 'daemonsets/status', 'pods'],
    events: [
      'FailedCreate',
      'FailedDaemonPod',
      'FailedDelete',
      'SelectingAll',
      'SucceededDaemonPod',
      'SuccessfulCreate',
      'SuccessfulDelete',
    ],
  },
  setup: (context) => new DaemonSetController(context).reconciler,
};

class DaemonSetController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #podControl: PodControl;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #history: RevisionHistory<DaemonSet>;
  readonly #expectations: Expectations;
  readonly #placement = new Placement();
  readonly #failures = new FailedPodBackoff();

  constructor(base: ControllerContext) {
    const acting = { ...base, client: base.client.as('daemon-set-controller') };
    const ownWrites = new OwnWrites(acting, daemonSets, [pods]);
    const context = { ...acting, client: ownWrites.client };
    this.#context = context;
    this.#recorder = context.recorder('daemonset-controller');
    this.#podControl = new PodControl(context.client, this.#recorder);
    this.#sets = context.informer(daemonSets);
    this.#pods = context.informer(pods);
    this.#nodes = context.informer(nodes);
    this.#revisions = context.informer(controllerRevisions);
    this.#history = new RevisionHistory(context, {
      ownerType: daemonSets,
      gvk: DAEMON_SET_GVK,
      hashLabel: HASH_LABEL,
      hash: (template, _data, count) => templateHash(template, count),
    });
    this.#expectations = new Expectations(context.clock);
    indexByController(this.#pods);
    this.reconciler = createReconciler({
      name: 'daemonset',
      context,
      workers: 2,
      reconcile: (key) => this.#reconcile(key),
      ownWrites,
    });
    this.#listen();
  }

  #listen(): void {
    const enqueue = (set: DaemonSet): void => this.reconciler.queue.add(keyOf(set));
    this.#sets.addHandler({
      added: enqueue,
      updated: enqueue,
      deleted: (set) => {
        this.#placement.forget(set);
        this.#failures.forget(set);
        enqueue(set);
      },
    });
    this.#pods.addHandler(
      ownedPodsHandler({
        owners: this.#sets,
        kind: DAEMON_SET_GVK.kind,
        selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
        queue: this.reconciler.queue,
        expectations: this.#expectations,
      }),
    );
    this.#nodes.addHandler({
      added: (node) => this.#nodeChanged(node, undefined),
      updated: (node, old) => {
        if (
          !equalJSON(node.metadata.labels, old.metadata.labels) ||
          !equalJSON(node.spec.taints, old.spec.taints)
        )
          this.#nodeChanged(node, old);
      },
      deleted: (node) => this.#nodeChanged(undefined, node),
    });
    this.#revisions.addHandler({
      added: (revision) => this.#revisionChanged(revision, undefined),
      updated: (revision, old) => this.#revisionChanged(revision, old),
      deleted: (revision) => this.#enqueueController(revision),
    });
  }

  #enqueueController(object: ControllerRevision): void {
    const set = resolveController(object, DAEMON_SET_GVK.kind, this.#sets);
    if (set !== undefined) this.reconciler.queue.add(keyOf(set));
  }

  /** A new revision of a set is its own doing. */
  #revisionChanged(revision: ControllerRevision, old: ControllerRevision | undefined): void {
    if (old !== undefined) {
      this.#enqueueController(old);
      this.#enqueueController(revision);
    }
    if (controllerOf(revision) !== undefined || (old !== undefined && !isNewlyFree(revision, old))) return;
    for (const key of adoptersOf(revision, this.#sets, ({ spec }) =>
      selectorFromLabelSelector(spec.selector),
    ))
      this.reconciler.queue.add(key);
  }

  /** Sets for which the change of a node makes a difference. */
  #nodeChanged(node: Node | undefined, old: Node | undefined): void {
    for (const set of this.#sets.list()) {
      const before = old === undefined ? undefined : judgeNode(set, old);
      const after = node === undefined ? undefined : this.#placement.judge(set, node);
      const isSame =
        (before?.shouldRun ?? false) === (after?.shouldRun ?? false) &&
        (before?.mayStay ?? false) === (after?.mayStay ?? false);
      if (!isSame || hasMisplaced(set)) this.reconciler.queue.add(keyOf(set));
    }
  }

  async #reconcile(key: string): Promise<Result | void> {
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    const selector = selectorFromLabelSelector(set.spec.selector);
    if (selector.empty) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      this.#recorder.event(set, 'Warning', 'SelectingAll', message);
      return;
    }
    if (isBeingDeleted(set)) return;
    const owned = await claim({
      client: this.#context.client,
      owner: set,
      ownerType: daemonSets,
      gvk: DAEMON_SET_GVK,
      informer: this.#pods,
      selector,
    });
    try {
      return await this.#sync(key, set, owned);
    } catch (error) {
      // What the namespace takes along need not run.
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  async #sync(key: string, set: DaemonSet, owned: readonly Pod[]): Promise<Result | void> {
    const history = await this.#history.current(set);
    const hash = history.update.metadata.labels?.[HASH_LABEL] ?? '';
    const nowMs = this.#context.clock.now();
    const view: View = { set, hash, byNode: groupByNode(owned), nowMs };
    const all = this.#nodes.list();
    const judge = (node: Node): Verdict => this.#placement.judge(set, node);
    const maySync = this.#expectations.satisfied(key);
    let problem: unknown;
    if (maySync) problem = await this.#manage(key, view, all, judge);
    if (maySync && problem === undefined) await this.#cleanUp(set, history, owned);
    await this.#postStatus(set, calculateStatus(view, all, judge, history.collisionCount, maySync));
    if (problem !== undefined) throw problem;
    return this.#nextLook(view, owned);
  }

  /** Returns the first error; what else could be done was. */
  async #manage(
    key: string,
    view: View,
    all: readonly Node[],
    judge: (node: Node) => Verdict,
  ): Promise<unknown> {
    const changes = upkeep(view, all, judge, (pod, node) =>
      this.#failures.mayRemove(view.set, node, pod, view.nowMs),
    );
    for (const pod of changes.ended ?? []) this.#announceEnded(view.set, pod);
    const isStill = changes.create.length + changes.remove.length === 0;
    if (!isStill) return this.#carryOut(key, view, changes);
    return view.set.spec.updateStrategy?.type === 'RollingUpdate'
      ? this.#carryOut(key, view, rollingUpdate(view, all, judge))
      : undefined;
  }

  #announceEnded(set: DaemonSet, pod: Pod): void {
    const { metadata, status } = pod;
    const subject = `daemon pod ${metadata.namespace}/${metadata.name} on node ${targetNode(pod) ?? ''}`;
    if (status.phase === 'Failed')
      this.#recorder.event(set, 'Warning', 'FailedDaemonPod', `Found failed ${subject}, will try to kill it`);
    if (status.phase === 'Succeeded')
      this.#recorder.event(
        set,
        'Normal',
        'SucceededDaemonPod',
        `Found succeeded ${subject}, will try to delete it`,
      );
  }

  async #carryOut(key: string, view: View, changes: Changes): Promise<unknown> {
    const create = changes.create.slice(0, BURST);
    const remove = changes.remove.slice(0, BURST);
    this.#expectations.expectCreations(key, create.length);
    this.#expectations.expectDeletions(
      key,
      remove.map(({ metadata }) => metadata.uid!),
    );
    const queue = [...create];
    const { done, error } = await slowStart(create.length, () =>
      this.#podControl.create(view.set, draftPod(view, queue.shift()!)),
    );
    for (let i = done; i < create.length; i++) this.#expectations.creationObserved(key);
    const deletions = await Promise.allSettled(
      remove.map(async (pod) => {
        let deleted = false;
        try {
          deleted = await this.#podControl.delete(view.set, pod);
        } finally {
          if (!deleted) this.#expectations.deletionObserved(key, pod.metadata.uid!);
        }
      }),
    );
    return error ?? deletions.find((outcome) => outcome.status === 'rejected')?.reason;
  }

  async #cleanUp(set: DaemonSet, { update, all }: CurrentRevision, owned: readonly Pod[]): Promise<void> {
    const hashes = new Set(owned.map(({ metadata }) => metadata.labels?.[HASH_LABEL]));
    const live = all.filter(({ metadata }) => hashes.has(metadata.labels?.[HASH_LABEL]));
    const names = new Set([update, ...live].map(({ metadata }) => metadata.name!));
    // Against the limit counts everything but the present one, also what pods still are of.
    await this.#history.truncate(set, all, names, all.length - 1);
  }

  async #postStatus(set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (equalJSON(set.status, status)) return;
    try {
      await this.#context.client.update(daemonSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Pods become available, and failed ones may be taken away, without an event. */
  #nextLook({ set, nowMs }: View, owned: readonly Pod[]): Result | void {
    const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000;
    const waits = owned.flatMap((pod) => {
      const since = podReadySince(pod);
      return since === undefined || since + minReadyMs <= nowMs ? [] : [since + minReadyMs - nowMs];
    });
    const failure = this.#failures.waitMs(set, nowMs);
    if (failure !== undefined) waits.push(failure);
    if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
  }
}
