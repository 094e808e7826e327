/** The end of a look at a deployment: its status, and which old replica sets go. */
import type { Client } from '../../api/machinery/client.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { isBeingDeleted } from '../../api/machinery/object-meta.ts';
import {
  deployments,
  replicaSets,
  type Deployment,
  type DeploymentStatus,
  type ReplicaSet,
} from '../../openapi/generated/apps-v1.ts';
import type { Result } from '../runtime/controller.ts';
import { revisionOf } from './replica-sets.ts';
import { calculateStatus, isComplete, syncProgress } from './status.ts';

export class Finishing {
  readonly #client: Client;
  readonly #clock: Clock;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Status, clean-up of old sets, and when to come back. `isRollout` is false while scaling, which is no progress. */
  async finish(
    stale: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
    isRollout: boolean,
  ): Promise<Result | void> {
    const { namespace, name, generation } = stale.metadata;
    let deployment: Deployment;
    try {
      deployment = await this.#client.get(deployments, { namespace, name: name! });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (deployment.metadata.uid !== stale.metadata.uid) return;
    const calculated = {
      ...calculateStatus(deployment, sets, newSet, this.#clock.now()),
      observedGeneration: generation,
    };
    const { status, requeueAfterMs } = isRollout
      ? syncProgress(deployment, calculated, sets, newSet, this.#clock.now())
      : { status: calculated };
    await this.#postStatus(deployment, status);
    const mayCleanUp = isRollout ? isComplete(deployment, status) : deployment.spec.paused === true;
    if (mayCleanUp && !isBeingDeleted(deployment)) await this.#cleanUp(deployment, sets, newSet);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  async #postStatus(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    if (equalJSON(deployment.status, status)) return;
    try {
      await this.#client.update(deployments, { ...deployment, status }, { subresource: 'status' });
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
      await this.#client
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
