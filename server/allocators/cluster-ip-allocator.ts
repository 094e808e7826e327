/**
 * Addresses of services. What is taken is what there are IPAddress objects of, so that a restart changes nothing and whoever
 * else makes such objects is heeded. Mirrors registry/core/service/ipallocator.
 */
import { formatAddress, parseAddress, type IPFamily } from '../../api/groups/common/prefix.ts';
import type { Client } from '../../api/machinery/client.ts';
import { isAlreadyExists } from '../../api/machinery/errors.ts';
import type { Random } from '../../api/machinery/random.ts';
import type { Service } from '../../openapi/generated/core-v1.ts';
import { ipAddresses } from '../../openapi/generated/networking-v1.ts';
import type { ObjectReader } from '../admission/reader.ts';
import type { IPRange } from './ip-range.ts';
import type { ServiceRanges } from './service-ranges.ts';

const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
const MANAGED_BY = 'ipallocator.k8s.io';

/** Why an address is not to be had; `isFull` when no other is either. */
export class AddressError extends Error {
  readonly isFull: boolean;

  constructor(message: string, isFull = false) {
    super(message);
    this.isFull = isFull;
  }
}

const ALLOCATED = 'provided IP is already allocated';
const MISMATCHED = 'the provided network does not match the current range';
const FULL = 'range is full';

export interface ClusterIPAllocatorOptions {
  readonly ranges: ServiceRanges;
  readonly reader: ObjectReader;
  readonly random: Random;
  readonly client: () => Client;
}

export class ClusterIPAllocator {
  readonly #options: ClusterIPAllocatorOptions;
  /** Addresses of writes that are under way, in canonical form. */
  readonly #reserved = new Set<string>();

  constructor(options: ClusterIPAllocatorOptions) {
    this.#options = options;
  }

  /** Reserves one address. Throws an AddressError. */
  reserve(ip: string, dryRun: boolean): void {
    const address = parseAddress(ip)!;
    const ofFamily = this.#rangesOf(address.family);
    if (dryRun) return checkDryRun(ofFamily[0], ip);
    const name = formatAddress(address);
    if (!ofFamily.some((range) => range.contains(ip))) throw new AddressError(MISMATCHED);
    if (this.#isTaken(name)) throw new AddressError(ALLOCATED);
    this.#reserved.add(name);
  }

  /** Reserves any address; in a dry run gives one that nobody can have. Throws an AddressError. */
  reserveNext(family: IPFamily, dryRun: boolean): string {
    for (const range of this.#rangesOf(family)) {
      if (dryRun) return range.network;
      const ip = range.pick(this.#options.random, (each) => this.#isTaken(each));
      if (ip === undefined) continue;
      this.#reserved.add(ip);
      return ip;
    }
    throw new AddressError(FULL, true);
  }

  /** Makes the IPAddress of a reserved address. Rejects with an AddressError when somebody was faster. */
  async allocate({ metadata }: Service, ip: string): Promise<void> {
    const { family, value } = parseAddress(ip)!;
    const name = formatAddress({ family, value });
    const parent = { group: '', resource: 'services', namespace: metadata.namespace, name: metadata.name! };
    const labels = { [FAMILY_LABEL]: family, [MANAGED_BY_LABEL]: MANAGED_BY };
    try {
      await this.#options
        .client()
        .create(ipAddresses, { metadata: { name, labels }, spec: { parentRef: parent } });
    } catch (error) {
      if (isAlreadyExists(error)) throw new AddressError(ALLOCATED);
      throw error;
    }
  }

  /** The write is over: what counts from here on is the IPAddress. */
  endReservation(ip: string): void {
    this.#reserved.delete(formatAddress(parseAddress(ip)!));
  }

  async release(ip: string): Promise<void> {
    // As upstream: whatever keeps the object, the service is written already, and the repair looks after the rest.
    await this.#options
      .client()
      .delete(ipAddresses, { name: formatAddress(parseAddress(ip)!) })
      .catch(() => {});
  }

  #isTaken(ip: string): boolean {
    return this.#reserved.has(ip) || this.#options.reader.get(IP_ADDRESSES, '', ip) !== undefined;
  }

  #rangesOf(family: IPFamily): readonly IPRange[] {
    return this.#options.ranges().filter((range) => range.family === family);
  }
}

const IP_ADDRESSES = { group: 'networking.k8s.io', resource: 'ipaddresses' } as const;

/** A dry run asks any one range, and not what is taken. */
function checkDryRun(range: IPRange | undefined, ip: string): void {
  if (range === undefined) throw new AddressError(MISMATCHED);
  if (!range.contains(ip))
    throw new AddressError(
      `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range.cidr}`,
    );
}
