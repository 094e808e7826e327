/** Devices kept for a pod on its way to a node, and the claims that are to say so. */
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { AllocationResult, ResourceClaim } from '../../../openapi/generated/resource-v1.ts';
import type { Wait } from '../plugin.ts';
import { hasBindingConditions } from './binding-conditions.ts';
import type { DeviceCaches } from './caches.ts';
import { extendedClaimUID, type ExtendedRequests } from './extended-resources.ts';
import { isReservedFor } from './pod-claims.ts';

interface ReservationFacts {
  readonly pod: Pod;
  readonly node: string;
  readonly claims: readonly ResourceClaim[];
  /** By UID of the claim; that of extended resources goes by {@link extendedClaimUID}. */
  readonly results: ReadonlyMap<string, AllocationResult>;
  readonly extended: ExtendedRequests | undefined;
  readonly devices: DeviceCaches;
}

export class DeviceReservation {
  readonly #facts: ReservationFacts;
  /** As they were written last. */
  readonly #claims: ResourceClaim[];
  #extended: ResourceClaim | undefined;

  constructor(facts: ReservationFacts) {
    this.#facts = facts;
    this.#claims = [...facts.claims];
  }

  /** Writes the claims; the wait for their devices, if there is one. */
  async preBind(): Promise<Wait | undefined> {
    await this.#bindClaims();
    const all = [...this.#claims, ...(this.#extended === undefined ? [] : [this.#extended])];
    if (!all.some(hasBindingConditions)) return undefined;
    const { devices, node } = this.#facts;
    return {
      event: {
        reason: 'BindingConditionsPending',
        message: `waiting for binding conditions for device on node ${node}`,
      },
      begin: (done) => devices.waits.begin(all, done),
    };
  }

  /** Takes all of it back, as far as it came. */
  async unreserve(): Promise<void> {
    const { pod, devices, results } = this.#facts;
    for (const uid of results.keys()) devices.allocated.release(uid);
    for (const claim of this.#claims) await devices.writer.unreserve(claim, pod);
    if (this.#extended !== undefined) await devices.writer.delete(this.#extended);
  }

  async #bindClaims(): Promise<void> {
    const { pod, devices, results, extended } = this.#facts;
    for (const [i, claim] of this.#claims.entries()) {
      if (isReservedFor(claim, pod)) continue;
      const uid = claim.metadata.uid!;
      const bound = await devices.writer.bind(claim, pod, results.get(uid));
      this.#claims[i] = bound;
      devices.allocated.written(uid, bound.metadata.resourceVersion!);
    }
    if (extended === undefined) return;
    const pending = extendedClaimUID(pod.metadata.uid!);
    const allocation = results.get(pending)!;
    this.#extended = await devices.writer.createExtended(pod, extended);
    const uid = this.#extended.metadata.uid!;
    devices.allocated.reserve(uid, allocation);
    devices.allocated.release(pending);
    try {
      this.#extended = await devices.writer.bind(this.#extended, pod, allocation);
    } catch (error) {
      devices.allocated.release(uid);
      throw error;
    }
    devices.allocated.written(uid, this.#extended.metadata.resourceVersion!);
    await devices.writer.tellExtended(pod, this.#extended, extended);
  }
}
