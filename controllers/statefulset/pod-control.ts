/** Writes pods and claims of stateful sets, with the events that go with it. Mirrors statefulset/stateful_pod_control.go. */
import { isAlreadyExists, isNotFound } from '../../api/machinery/errors.ts';
import type { StatefulSet } from '../../openapi/generated/apps-v1.ts';
import {
  persistentVolumeClaims,
  pods,
  type PersistentVolumeClaim,
  type Pod,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, EventRecorder, Informer } from '../runtime/controller.ts';
import type { PodDraft } from '../runtime/pods.ts';
import { hasOtherController, isStale, newOwners, retentionPolicy } from './claim-owners.ts';
import { claimsOf, podName, withIdentity } from './identity.ts';

type Verb = 'Create' | 'Update' | 'Delete';

export class PodControl {
  readonly #client: ControllerContext['client'];
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: Pick<ControllerContext, 'client' | 'informer'>, recorder: EventRecorder) {
    this.#client = context.client;
    this.#recorder = recorder;
    this.#claims = context.informer(persistentVolumeClaims);
  }

  /** The claims first, then the pod. Rejects when the name is taken, without an event. */
  async create(set: StatefulSet, draft: PodDraft, ordinal: number): Promise<void> {
    const name = draft.metadata.name!;
    try {
      await this.createClaims(set, ordinal);
      await this.#client.create(pods, draft);
    } catch (error) {
      if (!isAlreadyExists(error)) this.#announce(set, 'Create', name, error as Error);
      throw error;
    }
    this.#announce(set, 'Create', name);
  }

  async delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#client.delete(pods, { namespace, name: name! }, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) {
        this.#announce(set, 'Delete', name!, error as Error);
        throw error;
      }
    }
    this.#announce(set, 'Delete', name!);
  }

  /** Puts labels and owners right where somebody changed them. */
  async repair(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    const changed = withIdentity(pod, ordinal);
    await this.ownClaims(set, pod, ordinal);
    if (changed === undefined) return;
    try {
      await this.#client.update(pods, changed);
    } catch (error) {
      this.#announce(set, 'Update', pod.metadata.name!, error as Error);
      throw error;
    }
    this.#announce(set, 'Update', pod.metadata.name!);
  }

  /** Makes the claims of an ordinal that are missing. Rejects while one of them is on its way out. */
  async createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    const problems: string[] = [];
    for (const claim of claimsOf(set, ordinal).values()) {
      const existing = this.#claims.get(`${claim.metadata.namespace}/${claim.metadata.name}`);
      if (existing === undefined) {
        const error = await this.#createClaim(set, claim, ordinal);
        if (error !== undefined)
          problems.push(`failed to create PVC ${claim.metadata.name}: ${error.message}`);
      } else if (existing.metadata.deletionTimestamp !== undefined)
        problems.push(`pvc ${claim.metadata.name} is being deleted`);
    }
    if (problems.length > 0) throw new Error(problems.join(', '));
  }

  /** Undefined when it is there, made now or before. */
  async #createClaim(
    set: StatefulSet,
    claim: PersistentVolumeClaim,
    ordinal: number,
  ): Promise<Error | undefined> {
    const { name } = claim.metadata;
    const subject = `Claim ${name}`;
    const pod = podName(set, ordinal);
    try {
      await this.#client.create(persistentVolumeClaims, claim);
    } catch (error) {
      // The cache was behind; whether the claim is on its way out is seen at the next look.
      if (isAlreadyExists(error)) return undefined;
      const message = `Create ${subject} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${(error as Error).message}`;
      this.#recorder.event(set, 'Warning', 'FailedCreate', message);
      return error as Error;
    }
    const message = `Create ${subject} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
    this.#recorder.event(set, 'Normal', 'SuccessfulCreate', message);
    return undefined;
  }

  /** Sets the owners of a pod's claims as the retention policy says. */
  async ownClaims(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    for (const claim of this.#existingClaims(set, ordinal)) {
      const ownerReferences = newOwners(claim, set, pod, ordinal);
      if (ownerReferences === undefined) continue;
      const { name } = claim.metadata;
      if (hasOtherController(claim, set, pod)) {
        const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
        this.#recorder.event(set, 'Warning', 'ConflictingController', message);
      }
      try {
        await this.#client.update(persistentVolumeClaims, {
          ...claim,
          metadata: { ...claim.metadata, ownerReferences },
        });
      } catch (error) {
        if (isNotFound(error)) continue;
        const cause = new Error(
          `could not update claim ${name} for delete policy ownerRefs: ${(error as Error).message}`,
        );
        this.#announce(set, 'Update', pod.metadata.name!, cause);
        throw error;
      }
    }
  }

  /** A claim that goes with a pod of before must be gone before the ordinal gets a new one. */
  hasStaleClaim(set: StatefulSet, draft: PodDraft, ordinal: number): boolean {
    if (retentionPolicy(set).whenScaled === 'Retain') return false;
    return this.#existingClaims(set, ordinal).some((claim) => isStale(claim, draft));
  }

  #existingClaims(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
    return [...claimsOf(set, ordinal).values()].flatMap(
      ({ metadata }) => this.#claims.get(`${metadata.namespace}/${metadata.name}`) ?? [],
    );
  }

  #announce(set: StatefulSet, verb: Verb, pod: string, error?: Error): void {
    const subject = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    if (error === undefined)
      this.#recorder.event(set, 'Normal', `Successful${verb}`, `${subject} successful`);
    else this.#recorder.event(set, 'Warning', `Failed${verb}`, `${subject} failed error: ${error.message}`);
  }
}
