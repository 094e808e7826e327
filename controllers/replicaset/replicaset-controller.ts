/** Keeps the number of pods a ReplicaSet asks for. Mirrors pkg/controller/replicaset. */
import { formatTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { controllerOf, controllerReference, keyOf } from '../../api/machinery/object-meta.ts';
import { replicaSets, type ReplicaSet, type ReplicaSetCondition, type ReplicaSetStatus } from '../../openapi/generated/apps-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder, Informer, Reconciler, Result, RunningController } from '../runtime/controller.ts';
import { Expectations } from '../runtime/expectations.ts';
import { isPodActive, isPodAvailable, isPodReady, podFromTemplate, podReadySince, slowStart } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { deletionOrder } from './ranking.ts';

const GVK = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
/** Most pods created or deleted in one go. */
const BURST = 500;

export const replicaSetController: ControllerDefinition = {
  name: 'replicaset-controller',
  aliases: ['replicaset'],
  setup: (context) => new ReplicaSetController(context),
};

class ReplicaSetController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #reconciler: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('replicaset-controller') };
    this.#context = context;
    this.#recorder = context.recorder('replicaset-controller');
    this.#sets = context.informer(replicaSets);
    this.#pods = context.informer(pods);
    this.#expectations = new Expectations(context.clock);
    this.#reconciler = createReconciler({ name: 'replicaset', context, workers: 5, reconcile: (key) => this.#reconcile(key) });
    const enqueue = (set: ReplicaSet): void => this.#reconciler.queue.add(keyOf(set));
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

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #podAdded(pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerKey(pod);
    if (owner === undefined) this.#enqueueMatching(pod);
    else {
      this.#expectations.creationObserved(owner);
      this.#reconciler.queue.add(owner);
    }
  }

  #podUpdated(pod: Pod, old: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#podDeleted(pod);
      return;
    }
    const owner = this.#ownerKey(pod);
    const before = this.#ownerKey(old);
    if (before !== undefined && before !== owner) this.#reconciler.queue.add(before);
    if (owner !== undefined) this.#reconciler.queue.add(owner);
    else if (!equalJSON(pod.metadata.labels, old.metadata.labels) || before !== undefined) this.#enqueueMatching(pod);
  }

  #podDeleted(pod: Pod): void {
    const owner = this.#ownerKey(pod);
    if (owner === undefined) return;
    this.#expectations.deletionObserved(owner, pod.metadata.uid!);
    this.#reconciler.queue.add(owner);
  }

  #ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    return owner?.kind === GVK.kind ? `${pod.metadata.namespace}/${owner.name}` : undefined;
  }

  #enqueueMatching(pod: Pod): void {
    if (controllerOf(pod) !== undefined) return;
    for (const set of this.#sets.list(pod.metadata.namespace)) {
      if (selectorFromLabelSelector(set.spec.selector).matches(pod.metadata.labels ?? {})) this.#reconciler.queue.add(keyOf(set));
    }
  }

  async #reconcile(key: string): Promise<Result | void> {
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    const maySync = this.#expectations.satisfied(key);
    const owned = await this.#claimPods(set);
    const active = owned.filter(isPodActive);
    const problem = maySync && set.metadata.deletionTimestamp === undefined ? await this.#manage(key, set, active) : undefined;
    const now = this.#context.clock.now();
    const status = statusOf(set, active, owned, problem, now);
    await this.#postStatus(set, status);
    if (problem !== undefined && !isNamespaceTerminating(problem.error)) throw problem.error;
    return resyncForAvailability(set, active, now);
  }

  /** Adopts matching orphans, lets go of owned pods that no longer match, and returns those that are the set's. */
  async #claimPods(set: ReplicaSet): Promise<Pod[]> {
    const selector = selectorFromLabelSelector(set.spec.selector);
    const claimed: Pod[] = [];
    for (const pod of this.#pods.list(set.metadata.namespace)) {
      const owner = controllerOf(pod);
      const matches = selector.matches(pod.metadata.labels ?? {});
      if (owner?.uid === set.metadata.uid) {
        if (matches) claimed.push(pod);
        else if (set.metadata.deletionTimestamp === undefined) await this.#release(set, pod);
      } else if (owner === undefined && matches && pod.metadata.deletionTimestamp === undefined && set.metadata.deletionTimestamp === undefined && isPodActive(pod)) {
        const adopted = await this.#adopt(set, pod);
        if (adopted !== undefined) claimed.push(adopted);
      }
    }
    return claimed;
  }

  async #adopt(set: ReplicaSet, pod: Pod): Promise<Pod | undefined> {
    const ownerReferences = [...(pod.metadata.ownerReferences ?? []), controllerReference(set, GVK)];
    return this.#updatePod({ ...pod, metadata: { ...pod.metadata, ownerReferences } });
  }

  async #release(set: ReplicaSet, pod: Pod): Promise<void> {
    const left = (pod.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== set.metadata.uid);
    await this.#updatePod({ ...pod, metadata: { ...pod.metadata, ownerReferences: left.length === 0 ? undefined : left } });
  }

  async #updatePod(pod: Pod): Promise<Pod | undefined> {
    try {
      return await this.#context.client.update(pods, pod);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #manage(key: string, set: ReplicaSet, active: readonly Pod[]): Promise<Problem | undefined> {
    const difference = active.length - (set.spec.replicas ?? 1);
    if (difference < 0) return this.#create(key, set, Math.min(-difference, BURST));
    if (difference > 0) return this.#deletePods(key, set, active, Math.min(difference, BURST));
    return undefined;
  }

  async #create(key: string, set: ReplicaSet, count: number): Promise<Problem | undefined> {
    this.#expectations.expectCreations(key, count);
    const { name, namespace } = set.metadata;
    const { done, error } = await slowStart(count, async () => {
      try {
        const pod = await this.#context.client.create(pods, podFromTemplate(set.spec.template!, name!, namespace!, controllerReference(set, GVK)));
        this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (failure) {
        if (!isNamespaceTerminating(failure)) {
          this.#recorder.event(set, 'Warning', 'FailedCreate', `Error creating: ${(failure as Error).message}`);
        }
        throw failure;
      }
    });
    for (let i = done; i < count; i++) this.#expectations.creationObserved(key);
    return error === undefined ? undefined : { reason: 'FailedCreate', error };
  }

  async #deletePods(key: string, set: ReplicaSet, active: readonly Pod[], count: number): Promise<Problem | undefined> {
    const victims = deletionOrder(active, this.#relatedPods(set), this.#context.clock.now()).slice(0, count);
    this.#expectations.expectDeletions(key, victims.map(({ metadata }) => metadata.uid!));
    let problem: Problem | undefined;
    for (const { metadata } of victims) {
      try {
        await this.#context.client.delete(pods, { namespace: metadata.namespace, name: metadata.name! }, { preconditions: { uid: metadata.uid } });
        this.#recorder.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${metadata.name}`);
      } catch (error) {
        this.#expectations.deletionObserved(key, metadata.uid!);
        if (isNotFound(error)) continue;
        this.#recorder.event(set, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
        problem = { reason: 'FailedDelete', error };
      }
    }
    return problem;
  }

  /** Pods of all sets with the same owner: replicas of one application. */
  #relatedPods(set: ReplicaSet): Pod[] {
    const owner = controllerOf(set)?.uid;
    const siblings = owner === undefined ? [set] : this.#sets.list(set.metadata.namespace).filter((other) => controllerOf(other)?.uid === owner);
    const uids = new Set(siblings.map(({ metadata }) => metadata.uid));
    return this.#pods.list(set.metadata.namespace).filter((pod) => uids.has(controllerOf(pod)?.uid));
  }

  async #postStatus(set: ReplicaSet, status: ReplicaSetStatus): Promise<void> {
    if (equalJSON(set.status, status)) return;
    try {
      await this.#context.client.update(replicaSets, { ...set, status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

interface Problem {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: unknown;
}

function statusOf(set: ReplicaSet, active: readonly Pod[], owned: readonly Pod[], problem: Problem | undefined, nowMs: number): ReplicaSetStatus {
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const labeled = active.filter(({ metadata }) => templateLabels.every(([key, value]) => metadata.labels?.[key] === value));
  const terminating = owned.filter(({ metadata, status }) => metadata.deletionTimestamp !== undefined && status.phase !== 'Failed' && status.phase !== 'Succeeded');
  const conditions = conditionsOf(set, problem, nowMs);
  const nonZero = (count: number): number | undefined => (count === 0 ? undefined : count);
  return {
    replicas: active.length,
    fullyLabeledReplicas: nonZero(labeled.length),
    readyReplicas: nonZero(active.filter(isPodReady).length),
    availableReplicas: nonZero(active.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length),
    terminatingReplicas: terminating.length,
    observedGeneration: set.metadata.generation,
    conditions: conditions.length === 0 ? undefined : conditions,
  };
}

function conditionsOf(set: ReplicaSet, problem: Problem | undefined, nowMs: number): ReplicaSetCondition[] {
  const others = (set.status.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  if (problem === undefined) return others;
  const before = set.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const lastTransitionTime = before?.reason === problem.reason ? before.lastTransitionTime : formatTime(nowMs);
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, reason: problem.reason, message: (problem.error as Error).message }];
}

/** With minReadySeconds, pods become available without an event: come back at that time. */
function resyncForAvailability(set: ReplicaSet, active: readonly Pod[], nowMs: number): Result | void {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000;
  if (minReadyMs === 0) return;
  const waits = active.flatMap((pod) => {
    const since = podReadySince(pod);
    return since === undefined || since + minReadyMs <= nowMs ? [] : [since + minReadyMs - nowMs];
  });
  if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
}

