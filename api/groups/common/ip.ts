/** IP addresses and CIDR blocks in fields. Mirrors apimachinery util/validation/ip.go with strict parsing on. */
import { isIPv4, isIPv6 } from 'node:net';
import type { FieldError } from '../../machinery/errors.ts';
import { invalid, type PathOrText } from '../../machinery/validation.ts';

export type IPFamily = 'IPv4' | 'IPv6';

const SLOPPY_IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

function withoutLeadingZeros(address: string): string {
  return address
    .split('.')
    .map((part) => String(Number(part)))
    .join('.');
}

/**
 * The bytes of an address: 4, or 16. Parts of IPv4 addresses may have leading zeros, and IPv4 addresses mapped into IPv6
 * are 4 bytes, as in Go's net.IP. Undefined when it is no address.
 */
export function parseIP(text: string): readonly number[] | undefined {
  if (SLOPPY_IPV4.test(text)) {
    const plain = withoutLeadingZeros(text);
    return isIPv4(plain) ? plain.split('.').map(Number) : undefined;
  }
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const bytes = parseIPv6(text);
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

function parseIPv6(text: string): number[] {
  const tail = text.slice(text.lastIndexOf(':') + 1);
  const quad = tail.includes('.') ? tail.split('.').map(Number) : undefined;
  const groupsOnly =
    quad === undefined
      ? text
      : `${text.slice(0, -tail.length)}${hex(quad[0]!, quad[1]!)}:${hex(quad[2]!, quad[3]!)}`;
  const [head, rest] = groupsOnly.split('::') as [string, string | undefined];
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = groups(rest);
  const middle = rest === undefined ? [] : new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...middle, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

function hex(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}

/** The family of an address, undefined when it is none. */
export function ipFamily(text: string): IPFamily | undefined {
  const bytes = parseIP(text);
  return bytes === undefined ? undefined : bytes.length === 4 ? 'IPv4' : 'IPv6';
}

/** An address in its canonical spelling or another. */
export function validateIP(path: PathOrText, text: string): FieldError[] {
  const bytes = parseIP(text);
  if (bytes === undefined)
    return [invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  if (SLOPPY_IPV4.test(text) && withoutLeadingZeros(text) !== text)
    return [invalid(path, text, 'must not have leading 0s')];
  if (bytes.length === 4 && text.includes(':'))
    return [invalid(path, text, 'must not be an IPv4-mapped IPv6 address')];
  return [];
}

/** A block such as `10.0.0.0/8`, with no bits set behind the prefix. */
export function validateCIDR(path: PathOrText, text: string): FieldError[] {
  const parsed = parseCIDR(text);
  if (parsed === undefined)
    return [invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
  const [address, prefix] = text.split('/') as [string, string];
  if (
    (SLOPPY_IPV4.test(address) && withoutLeadingZeros(address) !== address) ||
    String(parsed.prefixLength) !== prefix
  ) {
    return [invalid(path, text, 'must not have leading 0s in IP or prefix length')];
  }
  if (parsed.bytes.length === 4 && address.includes(':'))
    return [invalid(path, text, 'must not have an IPv4-mapped IPv6 address')];
  const hasMore = parsed.bytes.some(
    (byte, index) => (byte & hostMask(parsed.prefixLength - index * 8)) !== 0,
  );
  return hasMore ? [invalid(path, text, 'must not have bits set beyond the prefix length')] : [];
}

/** Bits of a byte that lie behind the first `bits`. */
function hostMask(bits: number): number {
  return bits >= 8 ? 0 : bits <= 0 ? 0xff : 0xff >> bits;
}

/** Address and prefix of a block; undefined when it is none. */
export function parseCIDR(
  text: string,
): { readonly bytes: readonly number[]; readonly prefixLength: number } | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const bytes = match === null ? undefined : parseIP(match[1]!);
  if (match === null || bytes === undefined) return undefined;
  const prefixLength = Number(match[2]);
  return prefixLength <= bytes.length * 8 ? { bytes, prefixLength } : undefined;
}

/** Whether `inner` lies in `outer`, both being blocks. */
export function cidrContains(outer: string, inner: string): boolean {
  const a = parseCIDR(outer);
  const b = parseCIDR(inner);
  if (
    a === undefined ||
    b === undefined ||
    a.bytes.length !== b.bytes.length ||
    b.prefixLength < a.prefixLength
  )
    return false;
  return a.bytes.every(
    (byte, index) => ((byte ^ b.bytes[index]!) & ~hostMask(a.prefixLength - index * 8) & 0xff) === 0,
  );
}

/** Addresses that endpoints cannot have. Mirrors ValidateNonSpecialIP. */
export function validateNonSpecialIP(path: PathOrText, text: string): FieldError[] {
  const bytes = parseIP(text);
  if (bytes === undefined) return [invalid(path, text, 'must be a valid IP address')];
  const [first = 0, second = 0, third = 0] = bytes;
  const isV4 = bytes.length === 4;
  const isLast = (value: number): boolean =>
    bytes.slice(0, -1).every((byte) => byte === 0) && bytes.at(-1) === value;
  const errors: FieldError[] = [];
  if (isLast(0)) errors.push(invalid(path, text, `may not be unspecified (${text})`));
  if (isV4 ? first === 127 : isLast(1))
    errors.push(invalid(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  if (isV4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    errors.push(invalid(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  }
  if (isV4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 2) {
    errors.push(
      invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'),
    );
  }
  return errors;
}

/** Whether the texts are addresses of both families. Mirrors netutils.IsDualStackIPStrings. */
export function isDualStack(addresses: readonly string[]): boolean {
  const families = new Set(addresses.map(ipFamily));
  return families.has('IPv4') && families.has('IPv6');
}
