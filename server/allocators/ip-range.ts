/** A range of IPv4 addresses, and which of them are taken. */
import { randomInt, type Random } from '../../api/machinery/random.ts';

/** Addresses at the start that are given out by request only, as upstream keeps them: 16 to 256 by the size of the range. */
function staticCount(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256);
}

export class IPRange {
  readonly cidr: string;
  readonly #base: number;
  readonly #size: number;
  readonly #taken = new Set<number>();

  /** Throws an Error on anything but an IPv4 CIDR with at least four addresses. */
  constructor(cidr: string) {
    const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
    const address = match === null ? undefined : parseIPv4(match[1]!);
    const bits = Number(match?.[2]);
    if (address === undefined || bits > 30 || bits < 8)
      throw new Error(`invalid service range "${cidr}": an IPv4 CIDR from /8 to /30 is needed`);
    this.#size = 2 ** (32 - bits);
    this.#base = address - (address % this.#size);
    this.cidr = `${formatIPv4(this.#base)}/${bits}`;
  }

  /** The first usable address: the one of the `kubernetes` service. */
  get first(): string {
    return formatIPv4(this.#base + 1);
  }

  contains(ip: string): boolean {
    const address = parseIPv4(ip);
    return address !== undefined && address > this.#base && address < this.#base + this.#size - 1;
  }

  isTaken(ip: string): boolean {
    return this.#taken.has(parseIPv4(ip)!);
  }

  take(ip: string): void {
    this.#taken.add(parseIPv4(ip)!);
  }

  release(ip: string): void {
    const address = parseIPv4(ip);
    if (address !== undefined) this.#taken.delete(address);
  }

  /** A free address by chance, from the upper part of the range while it has one; undefined when all are taken. */
  next(random: Random): string | undefined {
    const usable = this.#size - 2;
    const lower = Math.min(staticCount(this.#size), usable - 1);
    return this.#pick(random, lower, usable) ?? this.#pick(random, 0, lower);
  }

  #pick(random: Random, from: number, to: number): string | undefined {
    const count = to - from;
    if (count <= 0) return undefined;
    const start = randomInt(random, count);
    for (let i = 0; i < count; i++) {
      const address = this.#base + 1 + from + ((start + i) % count);
      if (!this.#taken.has(address)) return formatIPv4(address);
    }
    return undefined;
  }
}

/** An address as a number; undefined when it is none in plain dotted form. */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIPv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
