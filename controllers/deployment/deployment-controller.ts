/** Rolls deployments out. Mirrors pkg/controller/deployment. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { controllerOf, isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import {
  deployments,
  replicaSets,
  type Deployment,
  type DeploymentStatus,
  type ReplicaSet,
} from '../../openapi/generated/apps-v1.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import { adoptersOf, claim, indexByController, ownedBy, resolveController } from '../runtime/claims.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import {
  active,
  byAge,
  DESIRED_REPLICAS,
  fenceposts,
  findNew,
  isSaturated,
  MAX_REPLICAS,
  revisionOf,
} from './replica-sets.ts';
import { announceScale, DEPLOYMENT_GVK, Revisions } from './revisions.ts';
import { newSetSize, oldSizes, proportions } from './sizes.ts';
import {
  calculateStatus,
  conditionOf,
  hasDeadline,
  isComplete,
  syncProgress,
  withCondition,
} from './status.ts';

/** Keeps replica sets, and with them pods, as deployments ask. */
export const deploymentController: ControllerDefinition = {
  name: 'deployment-controller',
  aliases: ['deployment'],
  description: {
    does:
      'Rolls deployments out: one replica set per template, grown and shrunk within surge and unavailability, or all at once ' +
      'with Recreate; revisions, pausing, proportional scaling, the progress deadline and the history limit.',
    watches: ['deployments', 'pods', 'replicasets'],
    writes: ['deployments/status', 'replicasets'],
    events: ['ReplicaSetCreateError', 'ScalingReplicaSet', 'SelectingAll'],
    leavesOut: ['the rollback annotation of extensions/v1beta1'],
  },
  setup: (context) => new DeploymentController(context).reconciler,
};

class DeploymentController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #revisions: Revisions;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('deployment-controller') };
    this.#context = context;
    this.#recorder = context.recorder('deployment-controller');
    this.#revisions = new Revisions(context, this.#recorder);
    this.#deployments = context.informer(deployments);
    this.#sets = context.informer(replicaSets);
    this.#pods = context.informer(pods);
    indexByController(this.#sets);
    indexByController(this.#pods);
    this.reconciler = createReconciler({
      name: 'deployment',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
    });
    const enqueue = (deployment: Deployment): void => this.reconciler.queue.add(keyOf(deployment));
    this.#deployments.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });
    this.#sets.addHandler({
      added: (set) => this.#enqueueOwner(set),
      updated: (set, old) => {
        if (controllerOf(old)?.uid !== controllerOf(set)?.uid) this.#enqueueOwner(old);
        this.#enqueueOwner(set);
      },
      deleted: (set) => this.#enqueueOwner(set),
    });
    // Recreate waits for the last old pod to be gone.
    this.#pods.addHandler({ deleted: (pod) => this.#podGone(pod) });
  }

  #enqueueOwner(set: ReplicaSet): void {
    const owner = resolveController(set, DEPLOYMENT_GVK.kind, this.#deployments);
    const keys =
      owner === undefined
        ? adoptersOf(set, this.#deployments, ({ spec }) => selectorFromLabelSelector(spec.selector))
        : [keyOf(owner)];
    for (const key of keys) this.reconciler.queue.add(key);
  }

  #podGone(pod: Pod): void {
    const set = resolveController(pod, 'ReplicaSet', this.#sets);
    const owner = set && resolveController(set, DEPLOYMENT_GVK.kind, this.#deployments);
    if (owner?.spec.strategy?.type === 'Recreate') this.reconciler.queue.add(keyOf(owner));
  }

  async #reconcile(key: string): Promise<Result | void> {
    const deployment = this.#deployments.get(key);
    if (deployment === undefined) return;
    const selector = selectorFromLabelSelector(deployment.spec.selector);
    if (selector.empty) {
      this.#recorder.event(
        deployment,
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return;
    }
    const { client } = this.#context;
    const sets = await claim({
      client,
      owner: deployment,
      ownerType: deployments,
      gvk: DEPLOYMENT_GVK,
      informer: this.#sets,
      selector,
    });
    try {
      return await this.#sync(deployment, sets);
    } catch (error) {
      // What the namespace takes along need not be rolled out.
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  async #sync(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    if (isBeingDeleted(deployment)) return this.#finish(deployment, sets, findNew(deployment, sets), false);
    const current = await this.#notePause(deployment);
    if (current.spec.paused === true || this.#isScaling(current, sets)) return this.#syncScale(current, sets);
    return current.spec.strategy?.type === 'Recreate'
      ? this.#recreate(current, sets)
      : this.#rollOut(current, sets);
  }

  #now(): number {
    return this.#context.clock.now();
  }

  /** Says in the Progressing condition that a deployment was paused or resumed, so that the deadline does not count. */
  async #notePause(deployment: Deployment): Promise<Deployment> {
    if (!hasDeadline(deployment)) return deployment;
    const progressing = conditionOf(deployment.status, 'Progressing');
    if (progressing?.reason === 'ProgressDeadlineExceeded') return deployment;
    const isNotedPaused = progressing?.reason === 'DeploymentPaused';
    const paused = deployment.spec.paused === true;
    if (paused === isNotedPaused) return deployment;
    const change = paused
      ? {
          type: 'Progressing',
          status: 'Unknown',
          reason: 'DeploymentPaused',
          message: 'Deployment is paused',
        }
      : {
          type: 'Progressing',
          status: 'Unknown',
          reason: 'DeploymentResumed',
          message: 'Deployment is resumed',
        };
    const status = {
      ...deployment.status,
      conditions: withCondition(deployment.status.conditions ?? [], change, this.#now()),
    };
    return this.#context.client.update(deployments, { ...deployment, status }, { subresource: 'status' });
  }

  /** The number of replicas changed since the sets were last written. */
  #isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
    return active(sets).some(({ metadata }) => {
      const desired = metadata.annotations?.[DESIRED_REPLICAS];
      return desired !== undefined && Number(desired) !== (deployment.spec.replicas ?? 1);
    });
  }

  async #syncScale(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    const { newSet, all } = await this.#revisions.newSet(deployment, sets, false);
    const scaled = await this.#scale(deployment, all, newSet);
    return this.#finish(deployment, scaled, this.#same(newSet, scaled), false);
  }

  #same(set: ReplicaSet | undefined, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
    return sets.find(({ metadata }) => metadata.uid === set?.metadata.uid);
  }

  /** Brings the sets to the deployment's number of replicas without moving the rollout on. */
  async #scale(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
  ): Promise<ReplicaSet[]> {
    const replicas = deployment.spec.replicas ?? 1;
    const running = active(sets);
    const only =
      running.length === 0 ? (newSet ?? byAge(sets).at(-1)) : running.length === 1 ? running[0] : undefined;
    if (only !== undefined) {
      return this.#replaced(sets, await this.#scaleTo(deployment, only, replicas));
    }
    let result = [...sets];
    if (isSaturated(deployment, newSet)) {
      for (const old of running)
        if (old.metadata.uid !== newSet!.metadata.uid)
          result = this.#replaced(result, await this.#scaleTo(deployment, old, 0));
      return result;
    }
    if (deployment.spec.strategy?.type !== 'RollingUpdate') return result;
    const allowed = replicas > 0 ? replicas + fenceposts(deployment).maxSurge : 0;
    for (const [set, size] of proportions(deployment, running, allowed))
      result = this.#replaced(result, await this.#scaleTo(deployment, set, size));
    return result;
  }

  #replaced(sets: readonly ReplicaSet[], changed: ReplicaSet): ReplicaSet[] {
    return sets.map((set) => (set.metadata.uid === changed.metadata.uid ? changed : set));
  }

  /** Moves a replica set one step on. Unlike scaling, leaves a set alone that has its size. */
  async #stepTo(deployment: Deployment, set: ReplicaSet, size: number): Promise<ReplicaSet> {
    return set.spec.replicas === size ? set : this.#scaleTo(deployment, set, size);
  }

  /** Sets the size of a replica set and the annotations that record it, with an event when the size changed. */
  async #scaleTo(deployment: Deployment, set: ReplicaSet, size: number): Promise<ReplicaSet> {
    const replicas = deployment.spec.replicas ?? 1;
    const before = set.spec.replicas ?? 0;
    const annotations = {
      ...set.metadata.annotations,
      [DESIRED_REPLICAS]: String(replicas),
      [MAX_REPLICAS]: String(replicas + fenceposts(deployment).maxSurge),
    };
    if (before === size && equalJSON(annotations, set.metadata.annotations)) return set;
    const changed = await this.#context.client.update(replicaSets, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas: size },
    });
    if (before !== size) announceScale(this.#recorder, deployment, set.metadata.name!, before, size);
    return changed;
  }

  async #rollOut(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    const { newSet, all } = await this.#revisions.newSet(deployment, sets, true);
    let result = all;
    const grown = await this.#stepTo(deployment, newSet!, newSetSize(deployment, all, newSet!));
    result = this.#replaced(result, grown);
    if (grown.spec.replicas === newSet!.spec.replicas)
      result = await this.#shrinkOld(deployment, result, grown);
    return this.#finish(deployment, result, grown, true);
  }

  /** Takes away old pods as far as availability allows: first those that do not work. */
  async #shrinkOld(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet,
  ): Promise<ReplicaSet[]> {
    let result = [...sets];
    for (const [set, size] of oldSizes(deployment, sets, newSet))
      result = this.#replaced(result, await this.#stepTo(deployment, set, size));
    return result;
  }

  /** All old pods go before the first new one comes. */
  async #recreate(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    const { newSet: existing, all } = await this.#revisions.newSet(deployment, sets, false);
    const old = all.filter(({ metadata }) => metadata.uid !== existing?.metadata.uid);
    const running = active(old);
    let result = all;
    for (const set of running) result = this.#replaced(result, await this.#stepTo(deployment, set, 0));
    if (running.length > 0 || old.some((set) => this.#hasPods(set)))
      return this.#finish(deployment, result, existing, true);
    const { newSet, all: complete } =
      existing === undefined
        ? await this.#revisions.newSet(deployment, result, true)
        : { newSet: existing, all: result };
    const grown = await this.#stepTo(deployment, newSet!, deployment.spec.replicas ?? 1);
    return this.#finish(deployment, this.#replaced(complete, grown), grown, true);
  }

  /** Pods on their way out count too, and those the set speaks of. */
  #hasPods(set: ReplicaSet): boolean {
    return (set.status.replicas ?? 0) > 0 || ownedBy(this.#pods, set).some((pod) => !isPodTerminal(pod));
  }

  /** Status, clean-up of old sets, and when to come back. `isRollout` is false while scaling, which is no progress. */
  async #finish(
    stale: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
    isRollout: boolean,
  ): Promise<Result | void> {
    const { namespace, name, generation } = stale.metadata;
    let deployment: Deployment;
    try {
      deployment = await this.#context.client.get(deployments, { namespace, name: name! });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (deployment.metadata.uid !== stale.metadata.uid) return;
    const calculated = {
      ...calculateStatus(deployment, sets, newSet, this.#now()),
      observedGeneration: generation,
    };
    const { status, requeueAfterMs } = isRollout
      ? syncProgress(deployment, calculated, sets, newSet, this.#now())
      : { status: calculated };
    await this.#postStatus(deployment, status);
    const mayCleanUp = isRollout ? isComplete(deployment, status) : deployment.spec.paused === true;
    if (mayCleanUp && !isBeingDeleted(deployment)) await this.#cleanUp(deployment, sets, newSet);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  async #postStatus(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    if (equalJSON(deployment.status, status)) return;
    try {
      await this.#context.client.update(deployments, { ...deployment, status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Keeps as many old sets as revisionHistoryLimit says, the newest, and every one that has pods. */
  async #cleanUp(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
  ): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const old = sets.filter((set) => set.metadata.uid !== newSet?.metadata.uid && !isBeingDeleted(set));
    const surplus = old
      .sort((a, b) => revisionOf(a) - revisionOf(b))
      .slice(0, Math.max(0, old.length - limit));
    for (const { metadata } of surplus.filter(isEmpty)) {
      await this.#context.client
        .delete(replicaSets, { namespace: metadata.namespace, name: metadata.name! })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
  }
}

/** Has no pods and wants none, as of its present generation. */
function isEmpty({ metadata, spec, status }: ReplicaSet): boolean {
  return (
    (spec.replicas ?? 0) === 0 &&
    status.replicas === 0 &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}
