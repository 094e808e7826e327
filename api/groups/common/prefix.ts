/** Networks as numbers: what lies in them and in which order. Mirrors pkg/api/servicecidr and the arithmetic of netip. */
import { formatIP, isIPv6, parseCIDR, parseIP } from './ip.ts';

export type IPFamily = 'IPv4' | 'IPv6';

export interface Address {
  readonly family: IPFamily;
  readonly value: bigint;
}

export interface Prefix {
  readonly family: IPFamily;
  /** Bits that all of its addresses share. */
  readonly length: number;
  /** The network's own address: the first. */
  readonly first: bigint;
  /** In IPv4 the broadcast address. */
  readonly last: bigint;
}

const BITS = { IPv4: 32, IPv6: 128 } as const;

export function otherFamily(family: IPFamily): IPFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

function numberOf(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Undefined when it is no address. */
export function parseAddress(text: string): Address | undefined {
  const ip = parseIP(text);
  if (ip === undefined) return undefined;
  return isIPv6(ip)
    ? { family: 'IPv6', value: numberOf(ip.bytes) }
    : { family: 'IPv4', value: numberOf(ip.bytes.slice(-4)) };
}

/** In canonical form. */
export function formatAddress({ family, value }: Address): string {
  const count = BITS[family] / 8;
  const bytes = Array.from({ length: count }, (_, index) =>
    Number((value >> BigInt(8 * (count - 1 - index))) & 0xffn),
  );
  return formatIP({ bytes, isMapped: false });
}

/** The family of an address; undefined when it is none. */
export function familyOf(text: string): IPFamily | undefined {
  const ip = parseIP(text);
  if (ip === undefined) return undefined;
  return isIPv6(ip) ? 'IPv6' : 'IPv4';
}

/** Undefined when it is no CIDR. Bits behind the prefix are ignored. */
export function parsePrefix(text: string): Prefix | undefined {
  const cidr = parseCIDR(text);
  if (cidr === undefined || cidr.ip.isMapped) return undefined;
  const family = isIPv6(cidr.ip) ? 'IPv6' : 'IPv4';
  const hostBits = BigInt(BITS[family] - cidr.prefixLength);
  const first = (numberOf(cidr.ip.bytes) >> hostBits) << hostBits;
  return { family, length: cidr.prefixLength, first, last: first + (1n << hostBits) - 1n };
}

export function formatPrefix({ family, first, length }: Prefix): string {
  return `${formatAddress({ family, value: first })}/${length}`;
}

/** The `index`-th of the subnets of `length` bits, from 0; undefined when there are not as many. */
export function subnetOf(prefix: Prefix, length: number, index: number): Prefix | undefined {
  const size = 1n << BigInt(BITS[prefix.family] - length);
  const first = prefix.first + size * BigInt(index);
  const last = first + size - 1n;
  return last > prefix.last ? undefined : { family: prefix.family, length, first, last };
}

export function overlaps(one: Prefix, other: Prefix): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** Whether `outer` has all of `inner`; a prefix has itself. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return overlaps(outer, inner) && outer.length <= inner.length;
}

/** Whether the network can give out the address: not its own, nor in IPv4 the broadcast one. */
export function containsAddress(prefix: Prefix, { family, value }: Address): boolean {
  if (family !== prefix.family || value <= prefix.first) return false;
  return family === 'IPv4' ? value < prefix.last : value <= prefix.last;
}
