/**
 * Finds devices for all claims of a pod on one node, going back over what it chose until everything fits.
 * Mirrors structured/internal/incubating allocator; what it takes of devices is given back in the opposite order.
 */
import { keyOf } from '../../../api/machinery/object-meta.ts';
import { parseQuantity } from '../../../api/machinery/quantity.ts';
import type { Node } from '../../../openapi/generated/core-v1.ts';
import type { DeviceClass, ResourceClaim } from '../../../openapi/generated/resource-v1.ts';
import type { AllocatedDevices } from './allocated-devices.ts';
import { consumptionOf } from './capacity.ts';
import { Constraint } from './constraints.ts';
import { isFor, type Pool, type PooledDevice } from './pools.ts';
import {
  AllocationError,
  alternativesOf,
  isChosen,
  isKeptAway,
  type DeviceRequestFacts,
} from './requests.ts';

/** Devices that a claim may have. */
const RESULTS_MAX = 32;
/** Steps of a search; upstream gives up after ten seconds. */
const STEPS_MAX = 500_000;

/** A device chosen for a request. */
export interface ChosenDevice extends PooledDevice {
  readonly request: DeviceRequestFacts;
  readonly deviceClass: DeviceClass;
  /** Set for devices that others may share. */
  readonly consumedCapacity?: Readonly<Record<string, string>>;
}

/** What a claim gets: devices, and for each of its requests the alternative that was taken. */
export interface ClaimAllocation {
  readonly claim: ResourceClaim;
  readonly devices: readonly ChosenDevice[];
  readonly taken: readonly { readonly request: DeviceRequestFacts; readonly deviceClass: DeviceClass }[];
}

export interface AllocationSurroundings {
  readonly allocated: AllocatedDevices;
  deviceClass(name: string): DeviceClass | undefined;
}

interface Candidate {
  readonly request: DeviceRequestFacts;
  readonly deviceClass: DeviceClass;
  readonly count: number;
  /** When every device is asked for. */
  readonly all?: readonly PooledDevice[];
}

interface ClaimSearch {
  readonly claim: ResourceClaim;
  /** Alternatives of each request. */
  readonly requests: readonly (readonly Candidate[])[];
  readonly constraints: readonly Constraint[];
  readonly devices: ChosenDevice[];
  readonly taken: Candidate[];
}

/** Too many devices for the claim: nothing tried below this helps, an alternative with fewer may. */
type Found = boolean | 'too many';

/**
 * Undefined when the node's devices do not suffice. `invalid pools` when they do not and some of its pools say nonsense.
 * Throws {@link AllocationError}.
 */
export function allocateDevices(
  claims: readonly ResourceClaim[],
  node: Node,
  pools: readonly Pool[],
  around: AllocationSurroundings,
): readonly ClaimAllocation[] | 'invalid pools' | undefined {
  const search = new Search(claims, node, pools, around);
  const result = search.run();
  if (result !== undefined) return result;
  return pools.some(({ state }) => state === 'invalid') ? 'invalid pools' : undefined;
}

class Search {
  readonly #node: Node;
  readonly #pools: readonly Pool[];
  readonly #poolOf = new Map<PooledDevice, Pool>();
  readonly #devices: readonly PooledDevice[];
  readonly #allocated: AllocatedDevices;
  readonly #claims: readonly ClaimSearch[];
  /** Claims that have a device, by its id. */
  readonly #holders = new Map<string, number>();
  readonly #consumed = new Map<string, Map<string, bigint>>();
  /** Counters left, by pool, set and name. */
  readonly #counters = new Map<Pool, Map<string, bigint>>();
  #steps = 0;

  constructor(
    claims: readonly ResourceClaim[],
    node: Node,
    pools: readonly Pool[],
    around: AllocationSurroundings,
  ) {
    this.#node = node;
    this.#pools = pools;
    this.#allocated = around.allocated;
    for (const pool of pools) for (const device of pool.devices) this.#poolOf.set(device, pool);
    this.#devices = pools.flatMap(({ devices }) => devices);
    this.#claims = claims.map((claim) => this.#prepare(claim, around));
  }

  run(): readonly ClaimAllocation[] | undefined {
    if (this.#allocate(0, 0, 0, 0, undefined) !== true) return undefined;
    return this.#claims.map(({ claim, devices, taken }) => ({ claim, devices, taken }));
  }

  #prepare(claim: ResourceClaim, around: AllocationSurroundings): ClaimSearch {
    const { requests = [], constraints = [] } = claim.spec.devices ?? {};
    const prepared = requests.map((request) =>
      alternativesOf(request).map((facts) => this.#candidate(claim, facts, around)),
    );
    const least = prepared.reduce((sum, each) => sum + Math.min(...each.map(({ count }) => count)), 0);
    if (least > RESULTS_MAX) {
      const why = `number of requested devices ${least} exceeds the claim limit of ${RESULTS_MAX}`;
      throw new AllocationError(`claim ${keyOf(claim)}: ${why}`);
    }
    return {
      claim,
      requests: prepared,
      constraints: constraints.map((constraint) => new Constraint(constraint)),
      devices: [],
      taken: [],
    };
  }

  #candidate(claim: ResourceClaim, request: DeviceRequestFacts, around: AllocationSurroundings): Candidate {
    const of = `claim ${keyOf(claim)}, request ${request.name}`;
    const deviceClass = around.deviceClass(request.className);
    if (deviceClass === undefined) {
      const name = `deviceclass.resource.k8s.io "${request.className}"`;
      throw new AllocationError(
        `${of}: could not retrieve device class ${request.className}: ${name} not found`,
      );
    }
    if (!request.wantsAll) return { request, deviceClass, count: request.count };
    const all: PooledDevice[] = [];
    for (const { state, id, devices } of this.#pools) {
      if (state !== 'usable') {
        const why = state === 'incomplete' ? 'being updated' : 'invalid';
        throw new AllocationError(`${of}: asks for all devices, but resource pool ${id} is currently ${why}`);
      }
      const chosen = devices.filter(
        (device) =>
          this.#isSelectable(device, { request, deviceClass }, claim) &&
          this.#consumption(device, request) !== undefined,
      );
      all.push(...chosen);
    }
    return { request, deviceClass, count: all.length, all };
  }

  /** From the given place on: claim, request, how many devices it has, and where among all devices to look on. */
  #allocate(
    claimIndex: number,
    requestIndex: number,
    count: number,
    from: number,
    candidate: Candidate | undefined,
  ): Found {
    if (++this.#steps > STEPS_MAX)
      throw new AllocationError(`node ${this.#node.metadata.name}: timed out trying to allocate devices`);
    const search = this.#claims[claimIndex];
    if (search === undefined) return true;
    const alternatives = search.requests[requestIndex];
    if (alternatives === undefined) return this.#allocate(claimIndex + 1, 0, 0, 0, undefined) === true;
    if (candidate === undefined) return this.#tryAlternatives(claimIndex, requestIndex, alternatives);
    if (candidate.all?.length === 0) return false;
    if (count >= candidate.count) return this.#allocate(claimIndex, requestIndex + 1, 0, 0, undefined);
    if (search.devices.length + candidate.count - count > RESULTS_MAX) return 'too many';
    const goOn = (next: number): Found =>
      this.#allocate(claimIndex, requestIndex, count + 1, next, candidate);
    if (candidate.all !== undefined)
      return this.#tryDevice(claimIndex, candidate, candidate.all[count]!, () => goOn(0), true);
    for (let i = from; i < this.#devices.length; i++) {
      const device = this.#devices[i]!;
      if (!this.#isFree(device, candidate.request, claimIndex)) continue;
      if (!this.#isSelectable(device, candidate, search.claim)) continue;
      const found = this.#tryDevice(claimIndex, candidate, device, () => goOn(i + 1), false);
      if (found !== false) return found;
    }
    return false;
  }

  #tryAlternatives(claimIndex: number, requestIndex: number, alternatives: readonly Candidate[]): Found {
    let result: Found = alternatives.length > 1 ? 'too many' : false;
    for (const candidate of alternatives) {
      const { taken } = this.#claims[claimIndex]!;
      taken[requestIndex] = candidate;
      const found = this.#allocate(claimIndex, requestIndex, 0, 0, candidate);
      if (found === true || alternatives.length === 1) return found;
      if (found === false) result = false;
    }
    return result;
  }

  #isFree({ id, device }: PooledDevice, { adminAccess }: DeviceRequestFacts, claimIndex: number): boolean {
    if (adminAccess) return device.allowMultipleAllocations === true || !this.#claimHolds(claimIndex, id);
    return !this.#allocated.isDedicated(id) && !this.#holders.has(id);
  }

  #claimHolds(claimIndex: number, id: string): boolean {
    return this.#claims[claimIndex]!.devices.some((other) => other.id === id);
  }

  #isSelectable(
    device: PooledDevice,
    { request, deviceClass }: Pick<Candidate, 'request' | 'deviceClass'>,
    claim: ResourceClaim,
  ): boolean {
    if (!isChosen(device, request, deviceClass, claim)) return false;
    return device.slice.spec.perDeviceNodeSelection !== true || isFor(device.device, this.#node);
  }

  #consumption(
    { device, id }: PooledDevice,
    { capacity }: DeviceRequestFacts,
  ): Readonly<Record<string, string>> | undefined {
    return consumptionOf(device, capacity, [this.#allocated.consumed(id), this.#consumed.get(id)]);
  }

  /** Takes the device and goes on with `next`; gives it back when that leads nowhere. */
  #tryDevice(
    claimIndex: number,
    { request, deviceClass }: Candidate,
    device: PooledDevice,
    next: () => Found,
    isNeeded: boolean,
  ): Found {
    const search = this.#claims[claimIndex]!;
    if (!this.#isFree(device, request, claimIndex) || isKeptAway(device.device, request)) return false;
    const isShared = device.device.allowMultipleAllocations === true;
    const counts = !(isShared && (this.#allocated.isShared(device.id) || this.#consumed.has(device.id)));
    if (counts && !this.#takeCounters(device)) return false;
    if (!this.#join(search, request, device)) {
      if (counts) this.#addCounters(device, 1n);
      if (!isNeeded) return false;
      const why = `cannot add device ${device.id} because a claim constraint would not be satisfied`;
      throw new AllocationError(`claim ${keyOf(search.claim)}, request ${request.name}: ${why}`);
    }
    const consumedCapacity = this.#consumption(device, request);
    if (consumedCapacity === undefined) {
      this.#part(search, request, device, counts);
      return false;
    }
    search.devices.push({ ...device, request, deviceClass, ...(isShared ? { consumedCapacity } : {}) });
    if (isShared) this.#consume(device.id, consumedCapacity, 1n);
    else tally(this.#holders, device.id, 1);
    const found = next();
    if (found === true) return true;
    if (isShared) this.#consume(device.id, consumedCapacity, -1n);
    else tally(this.#holders, device.id, -1);
    search.devices.pop();
    this.#part(search, request, device, counts);
    return found;
  }

  /** Gives back what a device took of constraints and counters. */
  #part(
    { constraints }: ClaimSearch,
    request: DeviceRequestFacts,
    device: PooledDevice,
    counts: boolean,
  ): void {
    for (const constraint of constraints) constraint.remove(request);
    if (counts) this.#addCounters(device, 1n);
  }

  #join({ constraints }: ClaimSearch, request: DeviceRequestFacts, device: PooledDevice): boolean {
    const failed = constraints.findIndex((constraint) => !constraint.add(request, device));
    if (failed === -1) return true;
    for (const constraint of constraints.slice(0, failed)) constraint.remove(request);
    return false;
  }

  #consume(id: string, amounts: Readonly<Record<string, string>>, times: 1n | -1n): void {
    let consumed = this.#consumed.get(id);
    if (consumed === undefined) this.#consumed.set(id, (consumed = new Map()));
    // Of how many shares this is made, so that it is known when none is left.
    consumed.set('', (consumed.get('') ?? 0n) + times);
    for (const [name, amount] of Object.entries(amounts))
      consumed.set(name, (consumed.get(name) ?? 0n) + times * parseQuantity(amount).nano);
    if (consumed.get('') === 0n) this.#consumed.delete(id);
  }

  #takeCounters(device: PooledDevice): boolean {
    const { consumesCounters = [] } = device.device;
    if (consumesCounters.length === 0) return true;
    this.#addCounters(device, -1n);
    const left = this.#countersOf(this.#poolOf.get(device)!);
    const suffice = consumesCounters.every(({ counterSet, counters }) =>
      Object.keys(counters).every((name) => left.get(`${counterSet}/${name}`)! >= 0n),
    );
    if (!suffice) this.#addCounters(device, 1n);
    return suffice;
  }

  #addCounters(device: PooledDevice, times: 1n | -1n): void {
    if ((device.device.consumesCounters ?? []).length > 0)
      addCounters(this.#countersOf(this.#poolOf.get(device)!), device, times);
  }

  /** What is left of the pool's counters by those that are allocated, and by those of this search. */
  #countersOf(pool: Pool): Map<string, bigint> {
    let left = this.#counters.get(pool);
    if (left !== undefined) return left;
    left = new Map();
    for (const { name: set, counters } of pool.counterSets.values())
      for (const [name, { value }] of Object.entries(counters))
        left.set(`${set}/${name}`, parseQuantity(value).nano);
    for (const device of [...pool.devices, ...pool.elsewhere])
      if (this.#allocated.isDedicated(device.id) || this.#allocated.isShared(device.id))
        addCounters(left, device, -1n);
    this.#counters.set(pool, left);
    return left;
  }
}

function addCounters(left: Map<string, bigint>, { device }: PooledDevice, times: 1n | -1n): void {
  for (const { counterSet, counters } of device.consumesCounters ?? [])
    for (const [name, { value }] of Object.entries(counters)) {
      const key = `${counterSet}/${name}`;
      left.set(key, left.get(key)! + times * parseQuantity(value).nano);
    }
}

function tally(counts: Map<string, number>, key: string, times: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + times;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
