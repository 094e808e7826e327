/** The networks of nodes within a network of the cluster. Mirrors nodeipam cidrset/cidr_set.go. */
import { formatIP, parseCIDR } from '../../api/groups/common/ip.ts';

/** Prefix lengths of the network of a node, by bits of an address. */
const NODE_PREFIX: Readonly<Record<number, number>> = { 32: 24, 128: 64 };

interface Network {
  readonly first: bigint;
  readonly prefixLength: number;
  /** Of an address: 32 or 128. */
  readonly bits: number;
}

export class CIDRSet {
  readonly #range: Network;
  readonly #nodePrefix: number;
  readonly #size: number;
  readonly #used = new Set<number>();
  #next = 0;

  /** Throws an Error when `cidr` is none. Nodes get a /24 of IPv4 or a /64 of IPv6, or all of a smaller network. */
  constructor(cidr: string) {
    const range = networkOf(cidr);
    if (range === undefined) throw new Error(`invalid cluster network "${cidr}"`);
    this.#range = range;
    this.#nodePrefix = Math.max(NODE_PREFIX[range.bits]!, range.prefixLength);
    this.#size = 2 ** (this.#nodePrefix - range.prefixLength);
  }

  /** The next free network, behind the one given out last; undefined when none is left. */
  allocate(): string | undefined {
    if (this.#used.size >= this.#size) return undefined;
    while (this.#used.has(this.#next)) this.#next = (this.#next + 1) % this.#size;
    const index = this.#next;
    this.#used.add(index);
    this.#next = (index + 1) % this.#size;
    return this.#format(index);
  }

  /** Takes what `cidr` covers; what lies outside is nobody's concern here. */
  occupy(cidr: string): void {
    for (const index of this.#covered(cidr)) this.#used.add(index);
  }

  release(cidr: string): void {
    for (const index of this.#covered(cidr)) this.#used.delete(index);
  }

  *#covered(cidr: string): Iterable<number> {
    const network = networkOf(cidr);
    if (network?.bits !== this.#range.bits) return;
    const step = BigInt(this.#range.bits - this.#nodePrefix);
    const offset = network.first - this.#range.first;
    const length = 1n << BigInt(network.bits - network.prefixLength);
    const first = offset < 0n ? 0n : offset >> step;
    const last = (offset + length - 1n) >> step;
    for (let index = Number(first); index <= Number(last) && index < this.#size; index++) yield index;
  }

  #format(index: number): string {
    const { first, bits } = this.#range;
    const address = first + (BigInt(index) << BigInt(bits - this.#nodePrefix));
    const hex = address.toString(16).padStart(bits / 4, '0');
    const bytes = hex.match(/../g)!.map((byte) => parseInt(byte, 16));
    return `${formatIP({ bytes, isMapped: false })}/${this.#nodePrefix}`;
  }
}

function networkOf(cidr: string): Network | undefined {
  const parsed = parseCIDR(cidr);
  if (parsed === undefined) return undefined;
  const bits = parsed.ip.bytes.length * 8;
  const address = parsed.ip.bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const hostBits = BigInt(bits - parsed.prefixLength);
  return { first: (address >> hostBits) << hostBits, prefixLength: parsed.prefixLength, bits };
}
