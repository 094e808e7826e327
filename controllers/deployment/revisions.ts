/** The replica set of a deployment's present template, and the revisions. Mirrors deployment/sync.go getNewReplicaSet. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isAlreadyExists, isNamespaceTerminating } from '../../api/machinery/errors.ts';
import { controllerOf, controllerReference } from '../../api/machinery/object-meta.ts';
import {
  deployments,
  replicaSets,
  type Deployment,
  type ReplicaSet,
} from '../../openapi/generated/apps-v1.ts';
import type { ControllerContext, EventRecorder } from '../runtime/controller.ts';
import { templateHash } from '../runtime/hashes.ts';
import {
  DESIRED_REPLICAS,
  fenceposts,
  findNew,
  HASH_LABEL,
  hasTemplate,
  MAX_REPLICAS,
  maxRevision,
  newSetAnnotations,
  replicaSetName,
  REVISION,
} from './replica-sets.ts';
import { newSetSize } from './sizes.ts';
import { conditionOf, hasDeadline, withCondition } from './status.ts';

export const DEPLOYMENT_GVK = { apiVersion: 'apps/v1', kind: 'Deployment' };

/** Records that a replica set was made larger or smaller. */
export function announceScale(
  recorder: EventRecorder,
  deployment: Deployment,
  name: string,
  from: number,
  to: number,
): void {
  const direction = to > from ? 'up' : 'down';
  recorder.event(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${direction} replica set ${name} from ${from} to ${to}`,
  );
}

/** Finds and makes new replica sets. */
export class Revisions {
  readonly #context: Pick<ControllerContext, 'client' | 'clock'>;
  readonly #recorder: EventRecorder;

  constructor(context: Pick<ControllerContext, 'client' | 'clock'>, recorder: EventRecorder) {
    this.#context = context;
    this.#recorder = recorder;
  }

  /** All sets, and that of the present template: found and given the next revision, or made. */
  async newSet(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    mayCreate: boolean,
  ): Promise<{ readonly newSet: ReplicaSet | undefined; readonly all: ReplicaSet[] }> {
    const existing = findNew(deployment, sets);
    const others = sets.filter(({ metadata }) => metadata.uid !== existing?.metadata.uid);
    const revision = maxRevision(others) + 1;
    if (existing === undefined && !mayCreate) return { newSet: undefined, all: [...sets] };
    if (existing === undefined) {
      const created = await this.#createSet(deployment, sets, revision);
      return {
        newSet: created,
        all: sets.some(({ metadata }) => metadata.uid === created.metadata.uid)
          ? [...sets]
          : [...sets, created],
      };
    }
    const annotations = newSetAnnotations(deployment, existing, revision);
    let newSet = existing;
    if (
      !equalJSON(annotations, existing.metadata.annotations) ||
      (existing.spec.minReadySeconds ?? 0) !== (deployment.spec.minReadySeconds ?? 0)
    ) {
      newSet = await this.#context.client.update(replicaSets, {
        ...existing,
        metadata: { ...existing.metadata, annotations },
        spec: { ...existing.spec, minReadySeconds: deployment.spec.minReadySeconds },
      });
    }
    await this.#noteRevision(
      deployment,
      newSet,
      `Found new replica set "${newSet.metadata.name}"`,
      'FoundNewReplicaSet',
    );
    return { newSet, all: sets.map((set) => (set === existing ? newSet : set)) };
  }

  async #createSet(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    revision: number,
  ): Promise<ReplicaSet> {
    const hash = templateHash(deployment.spec.template, deployment.status.collisionCount);
    const { name, namespace } = deployment.metadata;
    const template = structuredCopy(deployment.spec.template);
    template.metadata = {
      ...template.metadata,
      labels: { ...template.metadata?.labels, [HASH_LABEL]: hash },
    };
    const { selector } = deployment.spec;
    const replicas = deployment.spec.replicas ?? 1;
    const draft = {
      metadata: {
        name: replicaSetName(name!, hash),
        namespace,
        labels: template.metadata.labels,
        annotations: {
          ...newSetAnnotations(deployment, undefined, revision),
          [DESIRED_REPLICAS]: String(replicas),
          [MAX_REPLICAS]: String(replicas + fenceposts(deployment).maxSurge),
        },
        ownerReferences: [controllerReference(deployment, DEPLOYMENT_GVK)],
      },
      spec: {
        replicas: newSetSize(deployment, sets, undefined),
        minReadySeconds: deployment.spec.minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
        template,
      },
    };
    let created: ReplicaSet;
    try {
      created = await this.#context.client.create(replicaSets, draft);
    } catch (error) {
      if (isAlreadyExists(error)) return this.#existingSet(deployment, draft.metadata.name);
      if (!isNamespaceTerminating(error))
        await this.#noteCreateError(deployment, draft.metadata.name, error as Error);
      throw error;
    }
    if ((created.spec.replicas ?? 0) > 0)
      announceScale(this.#recorder, deployment, created.metadata.name!, 0, created.spec.replicas!);
    await this.#noteRevision(
      deployment,
      created,
      `Created new replica set "${created.metadata.name}"`,
      'NewReplicaSetCreated',
    );
    return created;
  }

  /** The name is taken: by our own set that the cache does not show yet, or by another template with the same hash. */
  async #existingSet(deployment: Deployment, name: string): Promise<ReplicaSet> {
    const found = await this.#context.client.get(replicaSets, {
      namespace: deployment.metadata.namespace,
      name,
    });
    if (controllerOf(found)?.uid === deployment.metadata.uid && hasTemplate(found, deployment.spec.template))
      return found;
    const status = { ...deployment.status, collisionCount: (deployment.status.collisionCount ?? 0) + 1 };
    await this.#context.client.update(deployments, { ...deployment, status }, { subresource: 'status' });
    throw new Error(`replica set ${name} is of another template`);
  }

  async #noteCreateError(deployment: Deployment, name: string, error: Error): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${error.message}`;
    this.#recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
    if (!hasDeadline(deployment)) return;
    const change = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message };
    const status = {
      ...deployment.status,
      conditions: withCondition(deployment.status.conditions ?? [], change, this.#context.clock.now()),
    };
    await this.#context.client.update(deployments, { ...deployment, status }, { subresource: 'status' });
  }

  /** Copies the revision to the deployment, and begins the Progressing condition where there is none. */
  async #noteRevision(
    deployment: Deployment,
    newSet: ReplicaSet,
    message: string,
    reason: string,
  ): Promise<void> {
    const revision = newSet.metadata.annotations?.[REVISION] ?? '';
    const annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
    const mayBegin =
      reason === 'NewReplicaSetCreated' || conditionOf(deployment.status, 'Progressing') === undefined;
    const before = deployment.status.conditions ?? [];
    const conditions =
      hasDeadline(deployment) && mayBegin
        ? withCondition(
            before,
            { type: 'Progressing', status: 'True', reason, message },
            this.#context.clock.now(),
          )
        : before;
    if (deployment.metadata.annotations?.[REVISION] === revision && equalJSON(before, conditions)) return;
    // A status write takes annotations as well.
    const changed = {
      ...deployment,
      metadata: { ...deployment.metadata, annotations },
      status: { ...deployment.status, conditions },
    };
    await this.#context.client.update(deployments, changed, { subresource: 'status' });
  }
}
