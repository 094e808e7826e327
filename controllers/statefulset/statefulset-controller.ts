/** Runs pods with names, order and storage of their own. Mirrors pkg/controller/statefulset. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { statefulSets, type StatefulSet, type StatefulSetStatus } from '../../openapi/generated/apps-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import { claim, indexByController } from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { revisionHash } from '../runtime/hashes.ts';
import { podReadySince } from '../runtime/pods.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { ownedPodsHandler } from '../runtime/owned-pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { RevisionHistory, type CurrentRevision } from '../runtime/revision-history.ts';
import { ordinalOf, revisionOf, STATEFUL_SET_GVK } from './identity.ts';
import { PodControl } from './pod-control.ts';
import { Rollout, type Intentions } from './rollout.ts';
import { calculateStatus, type Revisions } from './status.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';

/** Keeps pods and claims as stateful sets ask. */
export const statefulSetController: ControllerDefinition = {
  name: 'statefulset-controller',
  aliases: ['statefulset'],
  description: {
    does:
      'Runs pods with stable names and claims: one after the other or in parallel, from the start ordinal up; rolling ' +
      'updates from the highest ordinal down to the partition, maxUnavailable at a time where it is set (Kubernetes has that behind a gate, off by default), or on deletion; ' +
      'revisions with their history; claims kept or deleted by the retention policy.',
    watches: ['controllerrevisions', 'persistentvolumeclaims', 'pods', 'statefulsets'],
    writes: ['controllerrevisions', 'persistentvolumeclaims', 'pods', 'statefulsets/status'],
    events: [
      'ConflictingController',
      'FailedCreate',
      'FailedDelete',
      'FailedUpdate',
      'SuccessfulCreate',
      'SuccessfulDelete',
      'SuccessfulUpdate',
    ],
  },
  setup: (context) => new StatefulSetController(context).reconciler,
};

class StatefulSetController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #control: PodControl;
  readonly #history: RevisionHistory<StatefulSet>;
  readonly #expectations: Expectations;

  constructor(base: ControllerContext) {
    const acting = { ...base, client: base.client.as('statefulset-controller') };
    const ownWrites = new OwnWrites(acting, statefulSets, [pods]);
    const context = { ...acting, client: ownWrites.client };
    this.#context = context;
    this.#sets = context.informer(statefulSets);
    this.#pods = context.informer(pods);
    this.#control = new PodControl(context, context.recorder('statefulset-controller'));
    this.#history = new RevisionHistory(context, {
      ownerType: statefulSets,
      gvk: STATEFUL_SET_GVK,
      hashLabel: HASH_LABEL,
      hash: (_template, data, count = 0) => revisionHash(data, count),
    });
    this.#expectations = new Expectations(context.clock);
    indexByController(this.#pods);
    this.reconciler = createReconciler({
      name: 'statefulset',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
      ownWrites,
    });
    const enqueue = (set: StatefulSet): void => this.reconciler.queue.add(keyOf(set));
    this.#sets.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });
    this.#pods.addHandler(
      ownedPodsHandler({
        owners: this.#sets,
        kind: STATEFUL_SET_GVK.kind,
        selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
        queue: this.reconciler.queue,
        expectations: this.#expectations,
      }),
    );
  }

  async #reconcile(key: string): Promise<Result | void> {
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    // The event that is waited for comes back here.
    if (!this.#expectations.satisfied(key)) return;
    const members = await claim({
      client: this.#context.client,
      owner: set,
      ownerType: statefulSets,
      gvk: STATEFUL_SET_GVK,
      informer: this.#pods,
      selector: selectorFromLabelSelector(set.spec.selector),
      isMember: (pod) => ordinalOf(set, pod) !== undefined,
    });
    try {
      return await this.#sync(key, set, members);
    } catch (error) {
      // What the namespace takes along need not be made.
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  async #sync(key: string, set: StatefulSet, members: readonly Pod[]): Promise<Result | void> {
    const nowMs = this.#context.clock.now();
    const history = isBeingDeleted(set) ? await this.#lastHistory(set) : await this.#history.current(set);
    if (history === undefined) return;
    const { update, all, collisionCount } = history;
    const current = all.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? update;
    const revisions: Revisions = { current, update };
    const rollout = new Rollout(set, members, revisions, this.#control, this.#intentions(key), nowMs);
    let problem: Error | undefined;
    if (!isBeingDeleted(set)) {
      try {
        await rollout.run();
      } catch (error) {
        problem = error as Error;
      }
    }
    await this.#postStatus(
      set,
      calculateStatus(set, members, revisions, collisionCount, rollout.deleted, nowMs),
    );
    const live = [current.metadata.name!, update.metadata.name!, ...members.map(revisionOf)];
    await this.#history.truncate(set, all, new Set(live));
    if (problem !== undefined) throw problem;
    return resyncForAvailability(set, members, nowMs);
  }

  /** Of a set that is going: nothing new is made. */
  async #lastHistory(set: StatefulSet): Promise<CurrentRevision | undefined> {
    const all = await this.#history.list(set);
    const update = all.find(({ metadata }) => metadata.name === set.status.updateRevision);
    return update && { update, all, collisionCount: set.status.collisionCount ?? 0 };
  }

  #intentions(key: string): Intentions {
    return {
      creating: () => this.#expectations.expectCreations(key, 1),
      deleting: ({ metadata }) => this.#expectations.expectDeletions(key, [metadata.uid!]),
      notCreated: () => this.#expectations.creationObserved(key),
      notDeleted: ({ metadata }) => this.#expectations.deletionObserved(key, metadata.uid!),
    };
  }

  async #postStatus(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (equalJSON(set.status, status)) return;
    try {
      await this.#context.client.update(statefulSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** With minReadySeconds, pods become available without an event: come back at that time. */
function resyncForAvailability({ spec }: StatefulSet, members: readonly Pod[], nowMs: number): Result | void {
  const minReadyMs = (spec.minReadySeconds ?? 0) * 1000;
  const waits = members.flatMap((pod) => {
    const since = podReadySince(pod);
    return since === undefined || since + minReadyMs <= nowMs ? [] : [since + minReadyMs - nowMs];
  });
  if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
}
