/** The search for devices of one pod: node by node, then for the node it was given. */
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { AllocationResult, ResourceClaim } from '../../../openapi/generated/resource-v1.ts';
import type { NodeInfo } from '../node-info.ts';
import {
  SchedulingError,
  unresolvable,
  type PluginRun,
  type PostFilterOutcome,
  type Rejection,
  type Wait,
} from '../plugin.ts';
import { matchesTerm } from '../plugins/node.ts';
import { allocateDevices, type ClaimAllocation } from './allocation.ts';
import { isUnusable } from './binding-conditions.ts';
import type { DeviceCaches } from './caches.ts';
import { DeviceReservation } from './device-reservation.ts';
import { extendedClaimUID, extendedRequests, type ExtendedRequests } from './extended-resources.ts';
import { AllocationError } from './requests.ts';
import { allocationResultOf } from './results.ts';

const NAME = 'DynamicResources';
const ALTERNATIVES_MAX = 8;

export interface DeviceRunFacts {
  readonly pod: Pod;
  /** Its claims, in the order the pod names them. */
  readonly claims: readonly ResourceClaim[];
  /** Extended resources that devices may stand for. */
  readonly resources: readonly string[];
  /** The claim for them that an earlier attempt left behind. */
  readonly leftOver: ResourceClaim | undefined;
  readonly devices: DeviceCaches;
}

/** What was found on a node. */
interface OnNode {
  readonly allocations: readonly ClaimAllocation[];
  readonly extended?: ExtendedRequests;
}

export class DeviceRun implements PluginRun {
  readonly #facts: DeviceRunFacts;
  readonly #found = new Map<string, OnNode>();
  /** Allocated, and kept from some node by that. */
  readonly #unavailable = new Set<ResourceClaim>();
  #reservation: DeviceReservation | undefined;

  constructor(facts: DeviceRunFacts) {
    this.#facts = facts;
  }

  filter({ node, allocatable }: NodeInfo): Rejection | undefined {
    const { pod, claims, devices, leftOver } = this.#facts;
    const name = node.metadata.name!;
    const resources = this.#facts.resources.filter((each) => (allocatable.scalars.get(each) ?? 0) === 0);
    if (leftOver !== undefined && resources.length > 0)
      return unresolvable(NAME, 'cannot schedule extended resource claim');
    if (claims.length === 0 && resources.length === 0) return undefined;
    const extended = resources.length === 0 ? undefined : extendedRequests(pod, resources, devices.extended);
    const wanted = claims.filter(({ status }) => status?.allocation === undefined);
    if (extended !== undefined) wanted.push(inMemory(pod, extended));
    const allocations = this.#allocate(wanted, node);
    if (!Array.isArray(allocations)) return allocations as Rejection;
    const unavailable = claims.filter((claim) => !this.#isAvailable(claim, node));
    for (const claim of unavailable) this.#unavailable.add(claim);
    if (unavailable.length > 0) return unresolvable(NAME, 'resourceclaim not available on the node');
    this.#found.set(name, { allocations, ...(extended === undefined ? {} : { extended }) });
    return undefined;
  }

  /** Higher where better alternatives were taken, scaled to 100. */
  score(nodes: readonly NodeInfo[]): number[] {
    const scores = nodes.map(({ name }) => this.#scoreOf(name));
    const max = Math.max(0, ...scores);
    return max === 0 ? scores : scores.map((score) => Math.floor((score * 100) / max));
  }

  reserve({ name }: NodeInfo): undefined {
    const { pod, claims, devices } = this.#facts;
    const { allocations = [], extended } = this.#found.get(name) ?? {};
    const results = new Map<string, AllocationResult>();
    for (const allocation of allocations) {
      const result = allocationResultOf(allocation, name, devices.newShareID);
      results.set(allocation.claim.metadata.uid!, result);
      devices.allocated.reserve(allocation.claim.metadata.uid!, result);
    }
    this.#reservation = new DeviceReservation({ pod, node: name, claims, results, extended, devices });
  }

  unreserve(): void {
    const reservation = this.#reservation;
    if (reservation !== undefined) this.#facts.devices.inBackground(() => reservation.unreserve());
  }

  needsPreBind(): boolean {
    return this.#reservation !== undefined;
  }

  async preBind(): Promise<Wait | undefined> {
    return this.#reservation?.preBind();
  }

  /** Frees one claim that stands in the way and that nobody else uses. */
  postFilter(): PostFilterOutcome {
    return { message: this.#makeRoom(), isDone: false };
  }

  #makeRoom(): string {
    const { pod, leftOver, devices } = this.#facts;
    for (const claim of this.#unavailable) {
      const users = claim.status?.reservedFor ?? [];
      if (users.length > 1 || (users.length === 1 && users[0]!.uid !== pod.metadata.uid)) continue;
      devices.inBackground(() => devices.writer.deallocate(claim));
      return 'deallocation of ResourceClaim completed';
    }
    if (leftOver === undefined) return 'still not schedulable';
    devices.inBackground(() => devices.writer.delete(leftOver));
    return 'deletion of ResourceClaim completed';
  }

  #allocate(
    wanted: readonly ResourceClaim[],
    node: NodeInfo['node'],
  ): readonly ClaimAllocation[] | Rejection {
    if (wanted.length === 0) return [];
    const { catalog, allocated, classes } = this.#facts.devices;
    try {
      const found = allocateDevices(wanted, node, catalog.poolsFor(node), {
        allocated,
        deviceClass: (name) => classes.get(name),
      });
      if (found === 'invalid pools') return unresolvable(NAME, 'invalid resource pools were encountered');
      return found ?? unresolvable(NAME, 'cannot allocate all claims');
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      throw new SchedulingError(`running "${NAME}" filter plugin: ${error.message}`);
    }
  }

  #isAvailable(claim: ResourceClaim, node: NodeInfo['node']): boolean {
    const { allocation } = claim.status ?? {};
    if (allocation === undefined) return true;
    const terms = allocation.nodeSelector?.nodeSelectorTerms;
    if (terms !== undefined && !terms.some((term) => matchesTerm(term, node))) return false;
    return !isUnusable(claim, this.#facts.devices.now());
  }

  #scoreOf(node: string): number {
    const { allocations = [] } = this.#found.get(node) ?? {};
    const fresh = new Map(
      allocations.map(({ claim, taken }) => [claim, taken.map(({ request }) => request.fullName)]),
    );
    let score = 0;
    for (const claim of this.#facts.claims) {
      const results = claim.status?.allocation?.devices?.results ?? [];
      const taken = new Set(fresh.get(claim) ?? results.map(({ request }) => request));
      for (const { name, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
        const rank = firstAvailable.findIndex((alternative) => taken.has(`${name}/${alternative.name}`));
        if (rank !== -1) score += ALTERNATIVES_MAX - rank;
      }
    }
    return score;
  }
}

/** The claim that is made for a pod's extended resources once the pod has a node. */
function inMemory({ metadata }: Pod, { requests }: ExtendedRequests): ResourceClaim {
  const { namespace, uid } = metadata;
  return {
    metadata: { namespace, name: '<extended-resources>', uid: extendedClaimUID(uid!) },
    spec: { devices: { requests: [...requests] } },
    status: {},
  } as ResourceClaim;
}
