/** Makes the device claims of pods from templates, and frees claims when their pods are done. Mirrors resourceclaim. */
import { POD_GVK } from '../runtime/pods.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerOf, controllerReference, keyOf } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import {
  resourceClaims,
  resourceClaimTemplates,
  type ResourceClaim,
  type ResourceClaimTemplate,
} from '../../openapi/generated/resource-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

/** Name that the pod gives to the claim. */
const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';
const OWNER_INDEX = 'owning pod';
const USER_INDEX = 'reserved for';

export const resourceClaimController: ControllerDefinition = {
  name: 'resourceclaim-controller',
  aliases: ['resource-claim-controller'],
  description: {
    does: 'Makes the ResourceClaims of pods from their templates, and takes back reservations of pods that are gone or ended.',
    watches: ['pods', 'resourceclaims', 'resourceclaimtemplates'],
    writes: ['pods/status', 'resourceclaims', 'resourceclaims/status'],
    events: ['FailedResourceClaimCreation'],
    leavesOut: ['allocation, which is the scheduler’s', 'claims of extended resources'],
  },
  setup: (context) => new ResourceClaimController(context),
};

class ResourceClaimController implements RunningController {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #templates: Informer<ResourceClaimTemplate>;
  readonly #forPods: Reconciler;
  readonly #forClaims: Reconciler;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('resource-claim-controller') };
    this.#context = context;
    this.#recorder = context.recorder('resource_claim');
    this.#pods = context.informer(pods);
    this.#claims = context.informer(resourceClaims);
    this.#templates = context.informer(resourceClaimTemplates);
    this.#claims.addIndex(OWNER_INDEX, (claim) => {
      const owner = controllerOf(claim);
      return owner?.kind === 'Pod' ? [owner.uid] : [];
    });
    this.#claims.addIndex(USER_INDEX, ({ status }) => (status?.reservedFor ?? []).map(({ uid }) => uid));
    const options = { context, workers: 4 };
    this.#forPods = createReconciler({
      ...options,
      name: 'resource-claim pods',
      reconcile: (key) => this.#syncPod(key),
    });
    this.#forClaims = createReconciler({
      ...options,
      name: 'resource-claim claims',
      reconcile: (key) => this.#syncClaim(key),
    });
    const podChanged = (pod: Pod): void => {
      if ((pod.spec.resourceClaims ?? []).length === 0) return;
      this.#forPods.queue.add(keyOf(pod));
      this.#lookAtClaimsOf(pod);
    };
    this.#pods.addHandler({
      added: podChanged,
      updated: podChanged,
      deleted: (pod) => this.#lookAtClaimsOf(pod),
    });
    const claimChanged = (claim: ResourceClaim): void => this.#forClaims.queue.add(keyOf(claim));
    this.#claims.addHandler({
      added: claimChanged,
      updated: claimChanged,
      deleted: (claim) => {
        const owner = controllerOf(claim);
        if (owner?.kind === 'Pod') this.#forPods.queue.add(`${claim.metadata.namespace}/${owner.name}`);
      },
    });
    this.#templates.addHandler({
      added: ({ metadata }) => {
        for (const pod of this.#pods.list(metadata.namespace)) podChanged(pod);
      },
    });
  }

  start(): void {
    this.#forPods.start?.();
    this.#forClaims.start?.();
  }

  async stop(): Promise<void> {
    await this.#forPods.stop?.();
    await this.#forClaims.stop?.();
  }

  #lookAtClaimsOf({ metadata }: Pod): void {
    for (const index of [OWNER_INDEX, USER_INDEX])
      for (const claim of this.#claims.byIndex(index, metadata.uid!)) this.#forClaims.queue.add(keyOf(claim));
  }

  async #syncPod(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isDone(pod)) return;
    const statuses = new Map(
      (pod.status.resourceClaimStatuses ?? []).map((status) => [status.name, status.resourceClaimName]),
    );
    let isChanged = false;
    for (const { name, resourceClaimTemplateName } of pod.spec.resourceClaims ?? []) {
      if (resourceClaimTemplateName === undefined || statuses.get(name) !== undefined) continue;
      const claim = this.#existing(pod, name) ?? (await this.#make(pod, name, resourceClaimTemplateName));
      if (claim === undefined) continue;
      statuses.set(name, claim.metadata.name);
      isChanged = true;
    }
    if (!isChanged) return;
    const resourceClaimStatuses = [...statuses].map(([name, resourceClaimName]) => ({
      name,
      resourceClaimName,
    }));
    const { namespace, name, uid } = pod.metadata;
    const body = { metadata: { uid }, status: { resourceClaimStatuses } };
    await this.#context.client
      .patch(pods, { namespace, name: name! }, { type: 'strategic', body }, { subresource: 'status' })
      .catch(ignoreGone);
  }

  #existing({ metadata }: Pod, podClaim: string): ResourceClaim | undefined {
    return this.#claims
      .byIndex(OWNER_INDEX, metadata.uid!)
      .find((claim) => claim.metadata.annotations?.[POD_CLAIM_ANNOTATION] === podClaim);
  }

  async #make(pod: Pod, podClaim: string, templateName: string): Promise<ResourceClaim | undefined> {
    const { namespace, name } = pod.metadata;
    const template = this.#templates.get(`${namespace}/${templateName}`);
    if (template === undefined) {
      const message = `PodResourceClaim ${podClaim}: resourceclaimtemplates.resource.k8s.io "${templateName}" not found`;
      this.#recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
      return undefined;
    }
    const { labels, annotations } = template.spec.metadata ?? {};
    try {
      return await this.#context.client.create(resourceClaims, {
        metadata: {
          generateName: `${name}-${podClaim}-`,
          namespace,
          ...(labels === undefined ? {} : { labels }),
          annotations: { ...annotations, [POD_CLAIM_ANNOTATION]: podClaim },
          ownerReferences: [controllerReference(pod, POD_GVK)],
        },
        spec: template.spec.spec,
      });
    } catch (error) {
      if (isNamespaceTerminating(error) || isNotFound(error)) return undefined;
      const message = `PodResourceClaim ${podClaim}: failed to create ResourceClaim: ${(error as Error).message}`;
      this.#recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
      throw error;
    }
  }

  /** Reservations of pods that no longer run go; with the last one the allocation does, and a claim made for a pod itself. */
  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    const reserved = claim.status?.reservedFor ?? [];
    const kept = reserved.filter(({ resource, name, uid }) => {
      if (resource !== 'pods') return true;
      const pod = this.#pods.get(`${claim.metadata.namespace}/${name}`);
      return pod !== undefined && pod.metadata.uid === uid && !isDone(pod);
    });
    if (kept.length < reserved.length) {
      const changed = structuredCopy(claim);
      changed.status = { ...changed.status, reservedFor: kept.length === 0 ? undefined : kept };
      if (kept.length === 0) delete changed.status.allocation;
      await this.#context.client.update(resourceClaims, changed, { subresource: 'status' }).catch(ignoreGone);
      return;
    }
    const owner = controllerOf(claim);
    if (owner?.kind !== 'Pod' || claim.metadata.deletionTimestamp !== undefined) return;
    const pod = this.#pods.get(`${claim.metadata.namespace}/${owner.name}`);
    if (pod === undefined || pod.metadata.uid !== owner.uid || !isDone(pod)) return;
    const { namespace, name, uid } = claim.metadata;
    await this.#context.client
      .delete(resourceClaims, { namespace, name: name! }, { preconditions: { uid } })
      .catch(ignoreGone);
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}

function isDone(pod: Pod): boolean {
  return (
    isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && (pod.spec.nodeName ?? '') === '')
  );
}
