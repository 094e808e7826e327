/**
 * Addresses and CIDRs as upstream reads them: sloppily for what old clients may have stored, strictly for what is new.
 * Mirrors apimachinery util/validation/ip.go and k8s.io/utils/net.
 */
import type { FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { invalid } from '../../machinery/field-errors.ts';
import { remembering } from '../../machinery/remembering.ts';
import type { Findings } from './findings.ts';

export interface IPAddress {
  /** 4 or 16 bytes; an IPv4 address written as IPv6 has 16. */
  readonly bytes: readonly number[];
  /** IPv4 in IPv6 notation, `::ffff:10.0.0.1`. */
  readonly isMapped: boolean;
}

const IPV4_PART = /^\d{1,8}$/;

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!IPV4_PART.test(part) || Number(part) > 255) return undefined;
    bytes.push(Number(part));
  }
  return bytes;
}

function parseIPv6(text: string): number[] | undefined {
  let source = text;
  const dot = source.lastIndexOf(':');
  if (source.includes('.')) {
    const tail = parseIPv4(source.slice(dot + 1));
    if (dot < 0 || tail === undefined) return undefined;
    const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
    source = `${source.slice(0, dot + 1)}${hex(tail[0]!, tail[1]!)}:${hex(tail[2]!, tail[3]!)}`;
  }
  const halves = source.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const head = groupsOf(halves[0]!);
  const rest = halves.length === 2 ? groupsOf(halves[1]!) : [];
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...rest];
  const bytes: number[] = [];
  for (const group of groups) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

/** An address; leading zeros in IPv4 are read as decimal. Undefined when it is none. */
export function parseIP(text: string): IPAddress | undefined {
  return rememberedIP(text) ?? undefined;
}

/** The address of a pod comes with each of its states, again and again. */
const rememberedIP = remembering((text: string) => readIP(text) ?? null);

function readIP(text: string): IPAddress | undefined {
  if (!text.includes(':')) {
    const bytes = parseIPv4(text);
    return bytes === undefined ? undefined : { bytes, isMapped: false };
  }
  const bytes = parseIPv6(text);
  if (bytes === undefined) return undefined;
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return { bytes, isMapped };
}

/** IPv6; an IPv4 address in IPv6 notation is not. */
export function isIPv6({ bytes, isMapped }: IPAddress): boolean {
  return bytes.length === 16 && !isMapped;
}

function formatIPv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** As Go's `net.IP` writes it: the shortest form, IPv4 always dotted. */
export function formatIP({ bytes, isMapped }: IPAddress): string {
  if (bytes.length === 4) return bytes.join('.');
  return isMapped ? bytes.slice(12).join('.') : formatIPv6(bytes);
}

/** As Go's `netip.Addr` writes what it reads; undefined for IPv4 with leading zeros, which it refuses. */
function parseStrict(text: string): IPAddress | undefined {
  const ip = parseIP(text);
  if (ip === undefined) return undefined;
  const dotted = text.includes(':') ? text.slice(text.lastIndexOf(':') + 1) : text;
  if (dotted.includes('.') && dotted.split('.').some((part) => part.length > 1 && part.startsWith('0')))
    return undefined;
  return ip;
}

/** An address; `known` are those that stood there already and stay allowed. */
export function addIP(
  errors: Findings,
  at: FieldPath,
  value: string,
  known: readonly string[] = [],
): boolean {
  if (known.includes(value)) return true;
  const before = errors.length;
  if (parseIP(value) === undefined)
    errors.push(invalid(at, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
  else {
    const strict = parseStrict(value);
    if (strict === undefined) errors.push(invalid(at, value, 'must not have leading 0s'));
    else if (strict.isMapped) errors.push(invalid(at, value, 'must not be an IPv4-mapped IPv6 address'));
  }
  return errors.length === before;
}

/** As {@link addIP}, in canonical form. */
export function addCanonicalIP(errors: Findings, at: FieldPath, value: string): void {
  if (!addIP(errors, at, value)) return;
  const canonical = formatIP(parseIP(value)!);
  if (value !== canonical)
    errors.push(invalid(at, value, `must be in canonical form (${goQuote(canonical)})`));
}

export interface CIDR {
  readonly ip: IPAddress;
  readonly prefixLength: number;
}

/** A CIDR, leading zeros allowed. */
export function parseCIDR(text: string): CIDR | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIP(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (ip === undefined || !/^\d{1,8}$/.test(digits)) return undefined;
  const prefixLength = Number(digits);
  return prefixLength > ip.bytes.length * 8 ? undefined : { ip, prefixLength };
}

function masked({ ip, prefixLength }: CIDR): IPAddress {
  const bytes = ip.bytes.map((byte, index) => {
    const bits = Math.max(0, Math.min(8, prefixLength - index * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
  return { bytes, isMapped: ip.isMapped };
}

function formatCIDR(cidr: CIDR): string {
  return `${formatIP(masked(cidr))}/${cidr.prefixLength}`;
}

function isStrictCIDR(text: string): boolean {
  const slash = text.indexOf('/');
  return parseStrict(text.slice(0, slash)) !== undefined && !/^0\d/.test(text.slice(slash + 1));
}

function hasHostBits(cidr: CIDR): boolean {
  return masked(cidr).bytes.some((byte, index) => byte !== cidr.ip.bytes[index]);
}

/** A CIDR; `known` are those that stood there already and stay allowed. */
export function addCIDR(
  errors: Findings,
  at: FieldPath,
  value: string,
  known: readonly string[] = [],
): boolean {
  if (known.includes(value)) return true;
  const cidr = parseCIDR(value);
  let text: string | undefined;
  if (cidr === undefined) text = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  else if (!isStrictCIDR(value)) text = 'must not have leading 0s in IP or prefix length';
  else if (cidr.ip.isMapped) text = 'must not have an IPv4-mapped IPv6 address';
  else if (hasHostBits(cidr)) text = 'must not have bits set beyond the prefix length';
  if (text === undefined) return true;
  errors.push(invalid(at, value, text));
  return false;
}

/** As {@link addCIDR}, in canonical form. */
export function addCanonicalCIDR(errors: Findings, at: FieldPath, value: string): void {
  if (!addCIDR(errors, at, value)) return;
  const canonical = formatCIDR(parseCIDR(value)!);
  if (value !== canonical)
    errors.push(invalid(at, value, `must be in canonical form (${goQuote(canonical)})`));
}

/** Whether addresses are of both families; each must be valid. */
export function isDualStack(addresses: readonly string[]): boolean {
  const families = new Set(addresses.map((text) => isIPv6(parseIP(text)!)));
  return families.size === 2;
}

/** Texts of warnings about an address that is valid but oddly written. */
export function ipWarnings(at: FieldPath, value: string): string[] {
  const ip = parseIP(value);
  if (ip === undefined) return [];
  const strict = parseStrict(value);
  if (strict === undefined || strict.isMapped)
    return [
      `${String(at)}: non-standard IP address ${goQuote(value)} is invalid: use ${goQuote(formatIP(ip))}`,
    ];
  if (!isIPv6(strict) || formatIP(strict) === value) return [];
  return [
    `${String(at)}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(formatIP(strict))})`,
  ];
}

/** Texts of warnings about a CIDR that is valid but oddly written. */
export function cidrWarnings(at: FieldPath, value: string): string[] {
  const cidr = parseCIDR(value);
  if (cidr === undefined) return [];
  const warnings: string[] = [];
  const canonical = formatCIDR(cidr);
  const quoted = goQuote(value);
  if (hasHostBits(cidr)) {
    const single = `${formatIP(cidr.ip)}/${cidr.ip.bytes.length * 8}`;
    warnings.push(
      `${String(at)}: CIDR value ${quoted} is ambiguous in this context (should be ${goQuote(canonical)} or ${goQuote(single)}?)`,
    );
  }
  if (!isStrictCIDR(value) || cidr.ip.isMapped)
    warnings.push(`${String(at)}: non-standard CIDR value ${quoted} is invalid: use ${goQuote(canonical)}`);
  else if (warnings.length === 0 && isIPv6(cidr.ip) && canonical !== value)
    warnings.push(
      `${String(at)}: IPv6 CIDR value ${quoted} should be in RFC 5952 canonical format (${goQuote(canonical)})`,
    );
  return warnings;
}

/** An address that endpoints of a service may have: not a special one. Mirrors ValidateEndpointIP. */
export function addEndpointIP(errors: Findings, at: FieldPath, value: string): void {
  const ip = parseIP(value);
  if (ip === undefined) {
    errors.push(invalid(at, value, 'must be a valid IP address'));
    return;
  }
  const add = (text: string): number => errors.push(invalid(at, value, text));
  const bytes = ip.isMapped ? ip.bytes.slice(12) : ip.bytes;
  const isV4 = bytes.length === 4;
  if (bytes.every((byte) => byte === 0)) add(`may not be unspecified (${value})`);
  const isLoopback = isV4
    ? bytes[0] === 127
    : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1;
  if (isLoopback) add('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  const isLinkLocal = isV4
    ? bytes[0] === 169 && bytes[1] === 254
    : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
  if (isLinkLocal) add('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  const isMulticast = isV4
    ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
    : bytes[0] === 0xff && (bytes[1]! & 0x0f) === 0x02;
  if (isMulticast) add('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
}
