/** Keeps the number of pods that replica sets and replication controllers ask for. Mirrors pkg/controller/replicaset. */
import { nonZero } from '../runtime/counts.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import { controllerOf, controllerReference, isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import type { ResourceType } from '../../api/machinery/client.ts';
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../openapi/generated/apps-v1.ts';
import { pods, type Pod, type ReplicationController } from '../../openapi/generated/core-v1.ts';
import {
  adoptersOf,
  claim,
  indexByController,
  isNewlyFree,
  ownedBy,
  resolveController,
} from '../runtime/claims.ts';
import type { ControllerContext, Informer, Reconciler, Result } from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { PodControl } from '../runtime/pod-control.ts';
import {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminating,
  podFromTemplate,
  podReadySince,
  slowStart,
} from '../runtime/pods.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { deletionOrder } from './ranking.ts';

/** Sets up to this many pods are looked at at every change. */
const SMALL_SET_PODS = 100;
/** How long a larger one waits for further changes: a millisecond for so many pods, up to a limit. */
const PODS_PER_MS = 20;
const LOOK_DELAY_MS_MAX = 500;
/** Most pods created or deleted in one go. */
const BURST = 500;

/** A kind that asks for a number of pods. */
export interface ReplicaKind<T extends Replicated> {
  readonly type: ResourceType<T>;
  readonly gvk: { readonly apiVersion: string; readonly kind: string };
  /** Whose events and writes they are, for example `replicaset-controller`. */
  readonly component: string;
  selectorOf(set: T): LabelSelectorMatcher;
  /** Whether the status says how many pods are on their way out. */
  readonly countsTerminating: boolean;
}

export type Replicated = ReplicaSet | ReplicationController;

/** Keeps the pods of every object of one kind. */
export class ReplicaController<T extends Replicated> {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #podControl: PodControl;
  readonly #kind: ReplicaKind<T>;
  readonly #sets: Informer<T>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;

  constructor(base: ControllerContext, kind: ReplicaKind<T>) {
    const acting = { ...base, client: base.client.as(kind.component) };
    const ownWrites = new OwnWrites(acting, kind.type, [pods]);
    const context = { ...acting, client: ownWrites.client };
    this.#kind = kind;
    this.#context = context;
    this.#podControl = new PodControl(context.client, context.recorder(kind.component));
    this.#sets = context.informer(kind.type);
    this.#pods = context.informer(pods);
    this.#expectations = new Expectations(context.clock);
    indexByController(this.#pods);
    indexByController(this.#sets);
    this.reconciler = createReconciler({
      name: kind.type.resource,
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
      ownWrites,
    });
    const enqueue = (set: T): void => this.reconciler.queue.add(keyOf(set));
    this.#sets.addHandler({
      added: enqueue,
      updated: enqueue,
      deleted: (set) => {
        this.#expectations.forget(keyOf(set));
        enqueue(set);
      },
    });
    this.#pods.addHandler({
      added: (pod) => this.#podAdded(pod),
      updated: (pod, old) => this.#podUpdated(pod, old),
      deleted: (pod) => this.#podDeleted(pod),
    });
  }

  #podAdded(pod: Pod): void {
    if (isBeingDeleted(pod)) {
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerKey(pod);
    if (owner === undefined) this.#enqueueAdopters(pod);
    else {
      this.#expectations.creationObserved(owner);
      this.#lookAt(owner);
    }
  }

  #podUpdated(pod: Pod, old: Pod): void {
    if (isBeingDeleted(pod)) {
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerKey(pod);
    const before = this.#ownerKey(old);
    if (before !== undefined && before !== owner) this.reconciler.queue.add(before);
    if (owner !== undefined) {
      if (before !== owner || mattersToOwner(pod, old)) this.#lookAt(owner);
    } else if (isNewlyFree(pod, old)) this.#enqueueAdopters(pod);
  }

  #podDeleted(pod: Pod): void {
    const owner = this.#ownerKey(pod);
    if (owner === undefined) return;
    this.#expectations.deletionObserved(owner, pod.metadata.uid!);
    this.#lookAt(owner);
  }

  /** A look at a set costs its pods; so that they do not cost that each, large sets are looked at once for many. */
  #lookAt(key: string): void {
    const pods = this.#sets.get(key)?.spec.replicas ?? 0;
    if (pods <= SMALL_SET_PODS) this.reconciler.queue.add(key);
    else this.reconciler.queue.addAfter(key, Math.min(pods / PODS_PER_MS, LOOK_DELAY_MS_MAX));
  }

  #ownerKey(pod: Pod): string | undefined {
    const owner = resolveController(pod, this.#kind.gvk.kind, this.#sets);
    return owner === undefined ? undefined : keyOf(owner);
  }

  #enqueueAdopters(pod: Pod): void {
    for (const key of adoptersOf(pod, this.#sets, (set) => this.#kind.selectorOf(set)))
      this.reconciler.queue.add(key);
  }

  async #reconcile(key: string): Promise<Result | void> {
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    const maySync = this.#expectations.satisfied(key) && !isBeingDeleted(set);
    const selector = this.#kind.selectorOf(set);
    const { client, clock } = this.#context;
    const active = await claim({
      client,
      owner: set,
      ownerType: this.#kind.type,
      gvk: this.#kind.gvk,
      informer: this.#pods,
      selector,
      isIgnored: (pod) => !isPodActive(pod),
    });
    const terminating = this.#kind.countsTerminating
      ? ownedBy(this.#pods, set).filter(
          (pod) => isPodTerminating(pod) && selector.matches(pod.metadata.labels),
        ).length
      : undefined;
    const problem = maySync ? await this.#manage(key, set, active) : undefined;
    const now = clock.now();
    const conditions = maySync ? conditionsOf(set, problem, now) : set.status.conditions;
    await this.#postStatus(set, {
      ...countersOf(set, active, now),
      ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
      conditions,
    });
    if (problem !== undefined) throw problem.error;
    return resyncForAvailability(set, active, now);
  }

  async #manage(key: string, set: T, active: readonly Pod[]): Promise<Problem | undefined> {
    const difference = active.length - (set.spec.replicas ?? 1);
    if (difference < 0) return this.#create(key, set, Math.min(-difference, BURST));
    if (difference > 0) return this.#deletePods(key, set, active, Math.min(difference, BURST));
    return undefined;
  }

  async #create(key: string, set: T, count: number): Promise<Problem | undefined> {
    this.#expectations.expectCreations(key, count);
    const { name, namespace } = set.metadata;
    const { done, error } = await slowStart(count, () =>
      this.#podControl.create(
        set,
        podFromTemplate(set.spec.template!, name!, namespace!, controllerReference(set, this.#kind.gvk)),
      ),
    );
    for (let i = done; i < count; i++) this.#expectations.creationObserved(key);
    // What the namespace takes along need not be made, and is no failure of the set.
    return error === undefined || isNamespaceTerminating(error)
      ? undefined
      : { reason: 'FailedCreate', error: error as Error };
  }

  async #deletePods(
    key: string,
    set: T,
    active: readonly Pod[],
    count: number,
  ): Promise<Problem | undefined> {
    const victims = deletionOrder(active, this.#relatedPods(set), this.#context.clock.now()).slice(0, count);
    this.#expectations.expectDeletions(
      key,
      victims.map(({ metadata }) => metadata.uid!),
    );
    let problem: Problem | undefined;
    const deleteOne = async (pod: Pod): Promise<void> => {
      try {
        if (!(await this.#podControl.delete(set, pod)))
          this.#expectations.deletionObserved(key, pod.metadata.uid!);
      } catch (error) {
        this.#expectations.deletionObserved(key, pod.metadata.uid!);
        problem = { reason: 'FailedDelete', error: error as Error };
      }
    };
    await Promise.all(victims.map(deleteOne));
    return problem;
  }

  /** Pods of all sets with the same owner: replicas of one application. */
  #relatedPods(set: T): Pod[] {
    const uid = controllerOf(set)?.uid;
    const siblings = uid === undefined ? [set] : ownedBy(this.#sets, { metadata: { uid } });
    return siblings.flatMap((sibling) => ownedBy(this.#pods, sibling));
  }

  async #postStatus(set: T, status: T['status']): Promise<void> {
    if (equalJSON(set.status, status)) return;
    try {
      await this.#context.client.update(this.#kind.type, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

interface Problem {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: Error;
}

/** Whether a change of a pod may change what is counted or chosen. */
function mattersToOwner(pod: Pod, old: Pod): boolean {
  return (
    pod.status.phase !== old.status.phase ||
    pod.metadata.generation !== old.metadata.generation ||
    readyTime(pod) !== readyTime(old) ||
    !equalJSON(pod.metadata.labels, old.metadata.labels) ||
    !equalJSON(pod.metadata.ownerReferences, old.metadata.ownerReferences)
  );
}

/** State of the Ready condition, and since when. */
function readyTime({ status }: Pod): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return `${ready?.status} ${ready?.lastTransitionTime}`;
}

function countersOf(set: Replicated, active: readonly Pod[], nowMs: number): ReplicaSetStatus {
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let labeled = 0;
  let ready = 0;
  let available = 0;
  for (const pod of active) {
    const { labels } = pod.metadata;
    if (templateLabels.every((label) => labels?.[label[0]] === label[1])) labeled++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (minReadySeconds === 0 || isPodAvailable(pod, minReadySeconds, nowMs)) available++;
  }
  return {
    replicas: active.length,
    fullyLabeledReplicas: nonZero(labeled),
    readyReplicas: nonZero(ready),
    availableReplicas: nonZero(available),
    observedGeneration: set.metadata.generation,
  };
}

/** ReplicaFailure stays as it began while the failure lasts: a message that differs at each try would never settle. */
function conditionsOf(
  { status }: Replicated,
  problem: Problem | undefined,
  nowMs: number,
): ReplicaSetCondition[] | undefined {
  const conditions = status.conditions ?? [];
  const isNoted = conditions.some(({ type }) => type === 'ReplicaFailure');
  if (problem !== undefined && isNoted) return conditions;
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (problem === undefined) return others.length === 0 ? undefined : others;
  const { reason, error } = problem;
  return [
    ...others,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: formatTime(nowMs),
      reason,
      message: error.message,
    },
  ];
}

/** With minReadySeconds, pods become available without an event: come back at that time. */
function resyncForAvailability(set: Replicated, active: readonly Pod[], nowMs: number): Result | void {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000;
  if (minReadyMs === 0) return;
  const waits = active.flatMap((pod) => {
    const since = podReadySince(pod);
    return since === undefined || since + minReadyMs <= nowMs ? [] : [since + minReadyMs - nowMs];
  });
  if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
}
