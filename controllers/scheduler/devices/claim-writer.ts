/** Writes into claims what the scheduler decided about them. Mirrors dynamicresources.go bindClaim and what undoes it. */
import { formatTime } from '../../../api/machinery/clock.ts';
import { structuredCopy } from '../../../api/machinery/client.ts';
import { isConflict, isNotFound } from '../../../api/machinery/errors.ts';
import { keyOf } from '../../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../../openapi/generated/core-v1.ts';
import {
  resourceClaims,
  type AllocationResult,
  type ResourceClaim,
} from '../../../openapi/generated/resource-v1.ts';
import type { ControllerContext } from '../../runtime/controller.ts';
import { POD_GVK } from '../../runtime/pods.ts';
import type { ExtendedRequests } from './extended-resources.ts';
import { isReservedFor } from './pod-claims.ts';

/** Kept by claims that are allocated, so that they do not go before their devices are free. */
const CLAIM_FINALIZER = 'resource.kubernetes.io/delete-protection';
export const EXTENDED_CLAIM_ANNOTATION = 'resource.kubernetes.io/extended-resource-claim';
const ATTEMPTS_MAX = 5;

type Context = Pick<ControllerContext, 'client' | 'clock'>;

export class ClaimWriter {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Stores an allocation, if there is one to store, and that the pod uses the claim. Throws with upstream's words. */
  async bind(
    claim: ResourceClaim,
    pod: Pod,
    allocation: AllocationResult | undefined,
  ): Promise<ResourceClaim> {
    const { client, clock } = this.#context;
    return this.#retrying(claim, async (current) => {
      const of = keyOf(current);
      if (current.metadata.deletionTimestamp !== undefined)
        throw new Error(`claim ${of} got deleted in the meantime`);
      if (allocation !== undefined && current.status?.allocation !== undefined)
        throw new Error(`claim ${of} got allocated elsewhere in the meantime`);
      const protectedClaim = allocation === undefined ? current : await this.#protect(current);
      const changed = structuredCopy(protectedClaim);
      const stored = allocation ?? changed.status?.allocation;
      if (stored === undefined) throw new Error(`claim ${of} got deallocated elsewhere in the meantime`);
      const { name, uid } = pod.metadata;
      changed.status = {
        ...changed.status,
        allocation: { allocationTimestamp: formatTime(clock.now()), ...stored },
        reservedFor: [...(changed.status?.reservedFor ?? []), { resource: 'pods', name: name!, uid: uid! }],
      };
      const what = allocation === undefined ? 'reservation' : 'allocation and reservation';
      return worded(`add ${what} to claim ${of}`, () =>
        client.update(resourceClaims, changed, { subresource: 'status' }),
      );
    });
  }

  /** Takes the pod off a claim that is reserved for it. */
  async unreserve(claim: ResourceClaim, pod: Pod): Promise<void> {
    if (!isReservedFor(claim, pod)) return;
    const { namespace, name, uid } = claim.metadata;
    const entry = { $patch: 'delete', uid: pod.metadata.uid };
    const body = { metadata: { uid }, status: { reservedFor: [entry] } };
    await this.#context.client
      .patch(
        resourceClaims,
        { namespace, name: name! },
        { type: 'strategic', body },
        { subresource: 'status' },
      )
      .catch(ignoreGone);
  }

  /** Frees the devices of a claim that nobody uses. */
  async deallocate(claim: ResourceClaim): Promise<void> {
    const changed = structuredCopy(claim);
    changed.status = {};
    await this.#context.client.update(resourceClaims, changed, { subresource: 'status' }).catch(ignoreGone);
  }

  /** Makes the claim for what a pod asks of extended resources. */
  async createExtended(pod: Pod, { requests }: ExtendedRequests): Promise<ResourceClaim> {
    const { namespace, name } = pod.metadata;
    return worded(`create claim for extended resources ${namespace}/`, () =>
      this.#context.client.create(resourceClaims, {
        metadata: {
          generateName: `${name}-extended-resources-`,
          namespace,
          annotations: { [EXTENDED_CLAIM_ANNOTATION]: 'true' },
          ownerReferences: [{ ...POD_GVK, name: name!, uid: pod.metadata.uid!, controller: true }],
        },
        spec: { devices: { requests: [...requests] } },
      }),
    );
  }

  async tellExtended(pod: Pod, claim: ResourceClaim, { mappings }: ExtendedRequests): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const extendedResourceClaimStatus = {
      requestMappings: mappings,
      resourceClaimName: claim.metadata.name!,
    };
    const body = { metadata: { uid }, status: { extendedResourceClaimStatus } };
    await worded(`update pod ${namespace}/${name} ExtendedResourceClaimStatus`, () =>
      this.#context.client.patch(
        pods,
        { namespace, name: name! },
        { type: 'strategic', body },
        { subresource: 'status' },
      ),
    );
  }

  async delete(claim: ResourceClaim): Promise<void> {
    const { client } = this.#context;
    const { namespace, name } = claim.metadata;
    try {
      await this.#retrying(claim, (current) => {
        const changed = structuredCopy(current);
        changed.metadata.finalizers = (changed.metadata.finalizers ?? []).filter(
          (finalizer) => finalizer !== CLAIM_FINALIZER,
        );
        return client.update(resourceClaims, changed);
      });
      await client.delete(resourceClaims, { namespace, name: name! });
    } catch (error) {
      ignoreGone(error);
    }
  }

  async #protect(claim: ResourceClaim): Promise<ResourceClaim> {
    const finalizers = claim.metadata.finalizers ?? [];
    if (finalizers.includes(CLAIM_FINALIZER)) return claim;
    const changed = structuredCopy(claim);
    changed.metadata.finalizers = [...finalizers, CLAIM_FINALIZER];
    return worded(`add finalizer to claim ${keyOf(claim)}`, () =>
      this.#context.client.update(resourceClaims, changed),
    );
  }

  /** Runs `change` on the claim as it is, again when somebody else was faster. */
  async #retrying(
    claim: ResourceClaim,
    change: (current: ResourceClaim) => Promise<ResourceClaim>,
  ): Promise<ResourceClaim> {
    const { namespace, name } = claim.metadata;
    let current = claim;
    for (let attempt = 1; ; attempt++) {
      try {
        return await change(current);
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error;
        current = await worded(`get updated claim ${keyOf(claim)} after conflict`, () =>
          this.#context.client.get(resourceClaims, { namespace, name: name! }),
        );
      }
    }
  }
}

/** Says in front of an error what was being done; conflicts stay what they are. */
async function worded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isConflict(error)) throw error;
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}
