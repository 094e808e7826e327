/** Makes the device claims of pods from templates, and frees claims when their pods are done. Mirrors resourceclaim. */
import { POD_GVK } from '../runtime/pods.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerOf, keyOf } from '../../api/machinery/object-meta.ts';
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
import { OwnWrites } from '../runtime/own-writes.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { together } from '../runtime/together.ts';
import { deviceClaimNames, isReservedFor } from '../scheduler/devices/pod-claims.ts';

/** Name that the pod gives to the claim. */
const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';
/** Kept by claims that are allocated; `scheduler/devices` puts it there. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';
const OWNER_INDEX = 'owning pod';
const USER_INDEX = 'reserved for';
const CLAIM_INDEX = 'device claim';
const TEMPLATE_INDEX = 'device claim template';
/** Leaves room for the letters that make a name unique. */
const BASE_NAME_LENGTH_MAX = 57;

export const resourceClaimController: ControllerDefinition = {
  name: 'resourceclaim-controller',
  aliases: ['resource-claim-controller'],
  description: {
    does: 'Makes the ResourceClaims of pods from their templates, reserves claims for pods that are on a node already, and takes back reservations of pods that are gone or ended; with the last of them the devices are free, and a claim that was made for the pod goes.',
    watches: ['pods', 'resourceclaims', 'resourceclaimtemplates'],
    writes: ['pods/status', 'resourceclaims', 'resourceclaims/status'],
    events: ['FailedResourceClaimCreation'],
    leavesOut: ['claims of pod groups, which are off by default'],
  },
  setup: (context) => new ResourceClaimController(context).reconcilers,
};

class ResourceClaimController {
  readonly reconcilers: RunningController;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<ResourceClaim>;
  readonly #templates: Informer<ResourceClaimTemplate>;
  readonly #forPods: Reconciler;
  readonly #forClaims: Reconciler;

  constructor(base: ControllerContext) {
    const acting = { ...base, client: base.client.as('resource-claim-controller') };
    const ownWrites = new OwnWrites(acting, pods, [resourceClaims]);
    const context = { ...acting, client: ownWrites.client };
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
    this.#pods.addIndex(CLAIM_INDEX, (pod) =>
      deviceClaimNames(pod).names.map(({ name }) => `${pod.metadata.namespace}/${name}`),
    );
    this.#pods.addIndex(TEMPLATE_INDEX, ({ metadata, spec }) =>
      (spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
        name === undefined ? [] : [`${metadata.namespace}/${name}`],
      ),
    );
    const options = { context, workers: 4 };
    this.#forPods = createReconciler({
      ...options,
      name: 'resource-claim pods',
      ownWrites,
      reconcile: (key) => this.#syncPod(key),
    });
    this.#forClaims = createReconciler({
      ...options,
      name: 'resource-claim claims',
      reconcile: (key) => this.#syncClaim(key),
    });
    this.reconcilers = together([this.#forPods, this.#forClaims]);
    this.#watch();
  }

  #watch(): void {
    const podChanged = (pod: Pod): void => {
      const hasClaims = (pod.spec.resourceClaims ?? []).length > 0;
      if (hasClaims && this.#needsWork(pod)) this.#forPods.queue.add(keyOf(pod));
      if ((hasClaims || pod.status.extendedResourceClaimStatus !== undefined) && isDone(pod))
        this.#lookAtClaimsOf(pod);
    };
    this.#pods.addHandler({
      added: podChanged,
      updated: podChanged,
      deleted: (pod) => this.#lookAtClaimsOf(pod),
    });
    const usersChanged = (claim: ResourceClaim): void => {
      for (const pod of this.#pods.byIndex(CLAIM_INDEX, keyOf(claim))) podChanged(pod);
    };
    const claimChanged = (claim: ResourceClaim): void => {
      this.#forClaims.queue.add(keyOf(claim));
      usersChanged(claim);
    };
    this.#claims.addHandler({ added: claimChanged, updated: claimChanged, deleted: usersChanged });
    const templateChanged = (template: ResourceClaimTemplate): void => {
      for (const pod of this.#pods.byIndex(TEMPLATE_INDEX, keyOf(template))) podChanged(pod);
    };
    this.#templates.addHandler({ added: templateChanged, updated: templateChanged });
  }

  #lookAtClaimsOf({ metadata }: Pod): void {
    for (const index of [OWNER_INDEX, USER_INDEX])
      for (const claim of this.#claims.byIndex(index, metadata.uid!)) this.#forClaims.queue.add(keyOf(claim));
  }

  /** Whether a claim of the pod is to be made, or reserved for it. */
  #needsWork(pod: Pod): boolean {
    if (pod.metadata.deletionTimestamp !== undefined || isDone(pod)) return false;
    const { names, isMissing } = deviceClaimNames(pod);
    return (
      isMissing ||
      names.some(({ name, isGenerated }) => {
        const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
        return claim === undefined ? isGenerated : this.#isToReserve(claim, pod);
      })
    );
  }

  /** Somebody put the pod on a node past the scheduler. */
  #isToReserve(claim: ResourceClaim, pod: Pod): boolean {
    const isPlaced = (pod.spec.nodeName ?? '') !== '';
    return isPlaced && claim.status?.allocation !== undefined && !isReservedFor(claim, pod);
  }

  async #syncPod(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isDone(pod)) return;
    await this.#makeClaims(pod);
    for (const { name, isGenerated } of deviceClaimNames(pod).names) {
      const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
      if (claim === undefined || !this.#isToReserve(claim, pod)) continue;
      if (isGenerated && controllerOf(claim)?.uid !== pod.metadata.uid) continue;
      await this.#reserve(claim, pod);
    }
  }

  async #makeClaims(pod: Pod): Promise<void> {
    const { namespace, name: podName, uid } = pod.metadata;
    const statuses = new Map(
      (pod.status.resourceClaimStatuses ?? []).map((status) => [status.name, status.resourceClaimName]),
    );
    let isChanged = false;
    for (const { name, resourceClaimTemplateName } of pod.spec.resourceClaims ?? []) {
      if (resourceClaimTemplateName === undefined) continue;
      const known = statuses.get(name);
      // Without a name the pod needs no claim.
      if (statuses.has(name) && known === undefined) continue;
      const current = this.#claims.get(`${namespace}/${known ?? ''}`);
      if (current !== undefined && controllerOf(current)?.uid === uid) continue;
      const claim = this.#existing(pod, name) ?? (await this.#make(pod, name, resourceClaimTemplateName));
      if (claim === undefined || claim.metadata.name === known) continue;
      statuses.set(name, claim.metadata.name);
      isChanged = true;
    }
    if (!isChanged) return;
    const resourceClaimStatuses = [...statuses].map(([name, resourceClaimName]) => ({
      name,
      resourceClaimName,
    }));
    const body = { status: { resourceClaimStatuses } };
    const options = { subresource: 'status', fieldManager: 'ResourceClaimController' };
    await this.#context.client
      .patch(pods, { namespace, name: podName! }, { type: 'apply', body }, options)
      .catch(ignoreGone);
  }

  async #reserve(claim: ResourceClaim, pod: Pod): Promise<void> {
    const changed = structuredCopy(claim);
    const { name, uid } = pod.metadata;
    const reservedFor = [...(claim.status?.reservedFor ?? [])];
    reservedFor.push({ resource: 'pods', name: name!, uid: uid! });
    changed.status = { ...changed.status, reservedFor };
    await this.#context.client.update(resourceClaims, changed, { subresource: 'status' });
  }

  #existing({ metadata }: Pod, podClaim: string): ResourceClaim | undefined {
    return this.#claims
      .byIndex(OWNER_INDEX, metadata.uid!)
      .find((claim) => claim.metadata.annotations?.[POD_CLAIM_ANNOTATION] === podClaim);
  }

  async #make(pod: Pod, podClaim: string, templateName: string): Promise<ResourceClaim | undefined> {
    const { namespace, name, uid } = pod.metadata;
    const template = this.#templates.get(`${namespace}/${templateName}`);
    if (template === undefined) {
      const missing = `resourceclaimtemplate.resource.k8s.io "${templateName}" not found`;
      const message = `PodResourceClaim ${podClaim}: resource claim template "${templateName}": ${missing}`;
      this.#recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
      return undefined;
    }
    const { labels, annotations } = template.spec.metadata ?? {};
    try {
      return await this.#context.client.create(resourceClaims, {
        metadata: {
          generateName: generatedName(name!, podClaim),
          namespace,
          ...(labels === undefined ? {} : { labels }),
          annotations: { ...annotations, [POD_CLAIM_ANNOTATION]: podClaim },
          ownerReferences: [{ ...POD_GVK, name: name!, uid: uid!, controller: true }],
        },
        spec: template.spec.spec,
      });
    } catch (error) {
      if (isNamespaceTerminating(error) || isNotFound(error)) return undefined;
      const message = `PodResourceClaim ${podClaim}: create ResourceClaim : ${(error as Error).message}`;
      this.#recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
      throw error;
    }
  }

  /** Reservations of pods that no longer run go; with the last one the allocation does, and a claim made for a pod itself. */
  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    const reserved = claim.status?.reservedFor ?? [];
    const kept = reserved.filter((consumer) => this.#isStillUsed(claim, consumer));
    let current = claim;
    if (kept.length < reserved.length) current = await this.#release(claim, kept);
    else if (kept.length === 0 && claim.metadata.deletionTimestamp !== undefined)
      current = await this.#free(claim);
    if (kept.length === 0) await this.#deleteGenerated(current);
  }

  #isStillUsed(claim: ResourceClaim, { apiGroup = '', resource, name, uid }: Consumer): boolean {
    if (apiGroup !== '' || resource !== 'pods') return true;
    const pod = this.#pods.get(`${claim.metadata.namespace}/${name}`);
    return pod !== undefined && pod.metadata.uid === uid && !isDone(pod);
  }

  async #release(claim: ResourceClaim, kept: readonly Consumer[]): Promise<ResourceClaim> {
    const changed = structuredCopy(claim);
    changed.status = { ...changed.status, reservedFor: kept.length === 0 ? undefined : [...kept] };
    // Without the finalizer somebody else allocated it.
    if (kept.length === 0 && isProtected(claim)) delete changed.status.allocation;
    const updated = await this.#context.client.update(resourceClaims, changed, { subresource: 'status' });
    return updated.status?.allocation === undefined ? this.#unprotect(updated) : updated;
  }

  /** Lets a claim go that is to be deleted. */
  async #free(claim: ResourceClaim): Promise<ResourceClaim> {
    if (!isProtected(claim)) return claim;
    if (claim.status?.allocation === undefined) return this.#unprotect(claim);
    const changed = structuredCopy(claim);
    delete changed.status.allocation;
    return this.#unprotect(
      await this.#context.client.update(resourceClaims, changed, { subresource: 'status' }),
    );
  }

  async #unprotect(claim: ResourceClaim): Promise<ResourceClaim> {
    if (!isProtected(claim)) return claim;
    const changed = structuredCopy(claim);
    changed.metadata.finalizers = changed.metadata.finalizers!.filter((name) => name !== FINALIZER);
    return this.#context.client.update(resourceClaims, changed);
  }

  async #deleteGenerated(claim: ResourceClaim): Promise<void> {
    const owner = controllerOf(claim);
    if (owner?.kind !== 'Pod' || claim.metadata.deletionTimestamp !== undefined) return;
    const pod = this.#pods.get(`${claim.metadata.namespace}/${owner.name}`);
    if (pod === undefined || (pod.metadata.uid === owner.uid && !isDone(pod))) return;
    const { namespace, name, uid } = claim.metadata;
    await this.#context.client
      .delete(resourceClaims, { namespace, name: name! }, { preconditions: { uid } })
      .catch(ignoreGone);
  }
}

type Consumer = NonNullable<ResourceClaim['status']['reservedFor']>[number];

function isProtected({ metadata }: ResourceClaim): boolean {
  return metadata.finalizers?.includes(FINALIZER) === true;
}

/** Both names shortened alike when they are too long together. */
function generatedName(pod: string, claim: string): string {
  const name = `${pod}-${claim}-`;
  if (name.length <= BASE_NAME_LENGTH_MAX) return name;
  const short = (text: string): string =>
    text.slice(0, Math.floor((text.length * BASE_NAME_LENGTH_MAX) / name.length));
  return `${short(pod)}-${short(claim)}`;
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}

function isDone(pod: Pod): boolean {
  return (
    isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && (pod.spec.nodeName ?? '') === '')
  );
}
