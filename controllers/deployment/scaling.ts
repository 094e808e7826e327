/** Gives the replica sets of a deployment their sizes. */
import type { Client } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { replicaSets, type Deployment, type ReplicaSet } from '../../openapi/generated/apps-v1.ts';
import type { EventRecorder } from '../runtime/controller.ts';
import { active, byAge, DESIRED_REPLICAS, fenceposts, isSaturated, MAX_REPLICAS } from './replica-sets.ts';
import { announceScale } from './revisions.ts';
import { oldSizes, proportions } from './sizes.ts';

export class Scaling {
  readonly #client: Client;
  readonly #recorder: EventRecorder;

  constructor(client: Client, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder;
  }

  /** Brings the sets to the deployment's number of replicas without moving the rollout on. */
  async scale(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet | undefined,
  ): Promise<ReplicaSet[]> {
    const replicas = deployment.spec.replicas ?? 1;
    const running = active(sets);
    const only =
      running.length === 0 ? (newSet ?? byAge(sets).at(-1)) : running.length === 1 ? running[0] : undefined;
    if (only !== undefined) {
      return replaced(sets, await this.#scaleTo(deployment, only, replicas));
    }
    let result = [...sets];
    if (isSaturated(deployment, newSet)) {
      for (const old of running)
        if (old.metadata.uid !== newSet!.metadata.uid)
          result = replaced(result, await this.#scaleTo(deployment, old, 0));
      return result;
    }
    if (deployment.spec.strategy?.type !== 'RollingUpdate') return result;
    const allowed = replicas > 0 ? replicas + fenceposts(deployment).maxSurge : 0;
    for (const [set, size] of proportions(deployment, running, allowed))
      result = replaced(result, await this.#scaleTo(deployment, set, size));
    return result;
  }

  /** Takes away old pods as far as availability allows: first those that do not work. */
  async shrinkOld(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    newSet: ReplicaSet,
  ): Promise<ReplicaSet[]> {
    let result = [...sets];
    for (const [set, size] of oldSizes(deployment, sets, newSet))
      result = replaced(result, await this.stepTo(deployment, set, size));
    return result;
  }

  /** Moves a replica set one step on. Unlike scaling, leaves a set alone that has its size. */
  async stepTo(deployment: Deployment, set: ReplicaSet, size: number): Promise<ReplicaSet> {
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
    const changed = await this.#client.update(replicaSets, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas: size },
    });
    if (before !== size) announceScale(this.#recorder, deployment, set.metadata.name!, before, size);
    return changed;
  }
}

/** The sets with this one as it is now. */
export function replaced(sets: readonly ReplicaSet[], changed: ReplicaSet): ReplicaSet[] {
  return sets.map((set) => (set.metadata.uid === changed.metadata.uid ? changed : set));
}
