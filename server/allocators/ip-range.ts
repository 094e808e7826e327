/** A range of addresses for services. Mirrors registry/core/service/ipallocator. */
import {
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  type IPFamily,
  type Prefix,
} from '../../api/groups/common/prefix.ts';
import type { Random } from '../../api/machinery/random.ts';

/** Addresses at the start that are given out last, so that those asked for by name are likely free. Mirrors KEP-3070. */
const STATIC_BAND = { min: 16n, max: 256n, step: 16n } as const;
/** The longest host part a range of IPv6 may have. */
const IPV6_LENGTH_MIN = 64;

export class IPRange {
  readonly cidr: string;
  readonly family: IPFamily;
  readonly #prefix: Prefix;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #dynamicFirst: bigint;

  /** Throws an Error for what is no CIDR, or has no address to give or too many. */
  constructor(cidr: string) {
    const prefix = parsePrefix(cidr);
    if (prefix === undefined) throw new Error(`invalid service range "${cidr}": it is no CIDR`);
    if (prefix.family === 'IPv6' && prefix.length < IPV6_LENGTH_MIN)
      throw new Error(
        `shortest allowed prefix length for service CIDR is ${IPV6_LENGTH_MIN}, got ${prefix.length}`,
      );
    this.#prefix = prefix;
    this.cidr = formatPrefix(prefix);
    this.family = prefix.family;
    this.#first = prefix.first + 1n;
    this.#last = prefix.family === 'IPv4' ? prefix.last - 1n : prefix.last;
    if (this.#last < this.#first)
      throw new Error(`invalid service range "${cidr}": it has no address to give`);
    this.#dynamicFirst = this.#first + staticCount(prefix.last - prefix.first + 1n);
  }

  /** The first address of all: that of the service `kubernetes`. */
  get first(): string {
    return this.#format(this.#first);
  }

  /** The network's own address, which is never given out. */
  get network(): string {
    return this.#format(this.#prefix.first);
  }

  contains(ip: string): boolean {
    const address = parseAddress(ip);
    return (
      address !== undefined &&
      address.family === this.family &&
      address.value >= this.#first &&
      address.value <= this.#last
    );
  }

  /** A free address by chance, of the upper band while it has one; undefined when there is none. */
  pick(random: Random, isTaken: (ip: string) => boolean): string | undefined {
    return (
      this.#pickFrom(random, this.#dynamicFirst, this.#last, isTaken) ??
      this.#pickFrom(random, this.#first, this.#dynamicFirst - 1n, isTaken)
    );
  }

  #pickFrom(
    random: Random,
    first: bigint,
    last: bigint,
    isTaken: (ip: string) => boolean,
  ): string | undefined {
    const count = last - first + 1n;
    if (count <= 0n) return undefined;
    const start = ((BigInt(random.uint32()) << 32n) | BigInt(random.uint32())) % count;
    for (let step = 0n; step < count; step++) {
      const ip = this.#format(first + ((start + step) % count));
      if (!isTaken(ip)) return ip;
    }
    return undefined;
  }

  #format(value: bigint): string {
    return formatAddress({ family: this.family, value });
  }
}

function staticCount(size: bigint): bigint {
  if (size <= STATIC_BAND.min) return 0n;
  const count = size / STATIC_BAND.step;
  if (count < STATIC_BAND.min) return STATIC_BAND.min;
  return count > STATIC_BAND.max ? STATIC_BAND.max : count;
}
