/** Rolls deployments out. Mirrors pkg/controller/deployment. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { isNamespaceTerminating } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { controllerOf, isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import {
  deployments,
  replicaSets,
  type Deployment,
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
import { Finishing } from './finishing.ts';
import { active, DESIRED_REPLICAS, findNew } from './replica-sets.ts';
import { DEPLOYMENT_GVK, Revisions } from './revisions.ts';
import { replaced, Scaling } from './scaling.ts';
import { newSetSize } from './sizes.ts';
import { conditionOf, hasDeadline, withCondition } from './status.ts';

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
  readonly #scaling: Scaling;
  readonly #finishing: Finishing;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('deployment-controller') };
    this.#context = context;
    this.#recorder = context.recorder('deployment-controller');
    this.#revisions = new Revisions(context, this.#recorder);
    this.#scaling = new Scaling(context.client, this.#recorder);
    this.#finishing = new Finishing(context.client, context.clock);
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
    if (isBeingDeleted(deployment))
      return this.#finishing.finish(deployment, sets, findNew(deployment, sets), false);
    const current = await this.#notePause(deployment);
    if (current.spec.paused === true || this.#isScaling(current, sets)) return this.#syncScale(current, sets);
    return current.spec.strategy?.type === 'Recreate'
      ? this.#recreate(current, sets)
      : this.#rollOut(current, sets);
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
      conditions: withCondition(deployment.status.conditions ?? [], change, this.#context.clock.now()),
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
    const scaled = await this.#scaling.scale(deployment, all, newSet);
    return this.#finishing.finish(deployment, scaled, this.#same(newSet, scaled), false);
  }

  #same(set: ReplicaSet | undefined, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
    return sets.find(({ metadata }) => metadata.uid === set?.metadata.uid);
  }

  async #rollOut(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    const { newSet, all } = await this.#revisions.newSet(deployment, sets, true);
    let result = all;
    const grown = await this.#scaling.stepTo(deployment, newSet!, newSetSize(deployment, all, newSet!));
    result = replaced(result, grown);
    if (grown.spec.replicas === newSet!.spec.replicas)
      result = await this.#scaling.shrinkOld(deployment, result, grown);
    return this.#finishing.finish(deployment, result, grown, true);
  }

  /** All old pods go before the first new one comes. */
  async #recreate(deployment: Deployment, sets: readonly ReplicaSet[]): Promise<Result | void> {
    const { newSet: existing, all } = await this.#revisions.newSet(deployment, sets, false);
    const old = all.filter(({ metadata }) => metadata.uid !== existing?.metadata.uid);
    const running = active(old);
    let result = all;
    for (const set of running) result = replaced(result, await this.#scaling.stepTo(deployment, set, 0));
    if (running.length > 0 || old.some((set) => this.#hasPods(set)))
      return this.#finishing.finish(deployment, result, existing, true);
    const { newSet, all: complete } =
      existing === undefined
        ? await this.#revisions.newSet(deployment, result, true)
        : { newSet: existing, all: result };
    const grown = await this.#scaling.stepTo(deployment, newSet!, deployment.spec.replicas ?? 1);
    return this.#finishing.finish(deployment, replaced(complete, grown), grown, true);
  }

  /** Pods on their way out count too, and those the set speaks of. */
  #hasPods(set: ReplicaSet): boolean {
    return (set.status.replicas ?? 0) > 0 || ownedBy(this.#pods, set).some((pod) => !isPodTerminal(pod));
  }
}
