/** Which devices are taken: by claims as they are stored, and by those whose allocation is on its way there. */
import { parseQuantity } from '../../../api/machinery/quantity.ts';
import type {
  AllocationResult,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../../openapi/generated/resource-v1.ts';
import type { Informer } from '../../runtime/controller.ts';
import type { Consumption } from './capacity.ts';

interface Pending {
  readonly allocation: AllocationResult;
  /** Of the write that stored it, once there was one. */
  revision?: number;
}

export class AllocatedDevices {
  /** By UID of the claim. */
  readonly #stored = new Map<string, AllocationResult>();
  readonly #pending = new Map<string, Pending>();
  readonly #counted = new Map<string, AllocationResult>();
  /** How many claims have a device to themselves; more than one only by mistake of others. */
  readonly #dedicated = new Map<string, number>();
  readonly #shares = new Map<string, number>();
  readonly #consumed = new Map<string, Map<string, bigint>>();

  constructor(claims: Informer<ResourceClaim>) {
    claims.addHandler({
      added: (claim) => this.#store(claim),
      updated: (claim) => this.#store(claim),
      deleted: ({ metadata }) => {
        this.#stored.delete(metadata.uid!);
        this.#pending.delete(metadata.uid!);
        this.#count(metadata.uid!);
      },
    });
  }

  /** Whether a claim has the device to itself. */
  isDedicated(device: string): boolean {
    return this.#dedicated.has(device);
  }

  isShared(device: string): boolean {
    return this.#shares.has(device);
  }

  /** What all shares of a device take of its capacities. */
  consumed(device: string): Consumption | undefined {
    return this.#consumed.get(device);
  }

  isPending(claim: string): boolean {
    return this.#pending.has(claim);
  }

  /** Takes devices for a claim before it says so itself. */
  reserve(claim: string, allocation: AllocationResult): void {
    this.#pending.set(claim, { allocation });
    this.#count(claim);
  }

  /** The allocation is stored as of that revision; it stays taken until the cache has seen it. */
  written(claim: string, resourceVersion: string): void {
    const pending = this.#pending.get(claim);
    if (pending !== undefined) pending.revision = Number(resourceVersion);
    this.#count(claim);
  }

  /** Gives up what was not stored. */
  release(claim: string): void {
    if (this.#pending.get(claim)?.revision !== undefined) return;
    this.#pending.delete(claim);
    this.#count(claim);
  }

  #store({ metadata, status }: ResourceClaim): void {
    const uid = metadata.uid!;
    if (status?.allocation === undefined) this.#stored.delete(uid);
    else this.#stored.set(uid, status.allocation);
    const written = this.#pending.get(uid)?.revision;
    if (written !== undefined && Number(metadata.resourceVersion) >= written) this.#pending.delete(uid);
    this.#count(uid);
  }

  #count(claim: string): void {
    const now = this.#pending.get(claim)?.allocation ?? this.#stored.get(claim);
    const before = this.#counted.get(claim);
    if (now === before) return;
    if (before !== undefined) this.#add(before, -1);
    if (now === undefined) this.#counted.delete(claim);
    else {
      this.#counted.set(claim, now);
      this.#add(now, 1);
    }
  }

  #add({ devices }: AllocationResult, times: 1 | -1): void {
    for (const result of devices?.results ?? []) {
      if (result.adminAccess === true) continue;
      const id = deviceOf(result);
      if (result.shareID === undefined) tally(this.#dedicated, id, times);
      else {
        tally(this.#shares, id, times);
        this.#consume(id, result, times);
      }
    }
  }

  #consume(id: string, { consumedCapacity = {} }: DeviceRequestAllocationResult, times: 1 | -1): void {
    let amounts = this.#consumed.get(id);
    if (amounts === undefined) this.#consumed.set(id, (amounts = new Map()));
    for (const [name, amount] of Object.entries(consumedCapacity))
      amounts.set(name, (amounts.get(name) ?? 0n) + BigInt(times) * parseQuantity(amount).nano);
    if (!this.#shares.has(id)) this.#consumed.delete(id);
  }
}

function deviceOf({ driver, pool, device }: DeviceRequestAllocationResult): string {
  return `${driver}/${pool}/${device}`;
}

function tally(counts: Map<string, number>, key: string, times: number): void {
  const count = (counts.get(key) ?? 0) + times;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
