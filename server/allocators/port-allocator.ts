/** Node ports of services, in a range. Mirrors registry/core/service/portallocator. */
import { randomInt, type Random } from '../../api/machinery/random.ts';

export class PortError extends Error {}

const FULL = 'range is full';
const ALLOCATED = 'provided port is already allocated';
/** Ports at the start that are given out last, so that those asked for by number are likely free. */
const STATIC_BAND = { min: 16, max: 128, step: 32 } as const;
/** Where made-up ports of a dry run begin. */
const DRY_RUN_PORT = 32769;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `30000-32767`, `30000+2767` or one port. Throws an Error for anything else. */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d+)(?:([-+])(\d+))?$/.exec(text.trim());
  const first = Number(match?.[1]);
  const second = match?.[3] === undefined ? first : Number(match[3]);
  const last = match?.[2] === '+' ? first + second : second;
  if (match === null || first < 1 || last < first || last > 65535)
    throw new Error(`invalid port range "${text}": as 30000-32767, from 1 to 65535`);
  return { first, last };
}

export class PortAllocator {
  readonly range: PortRange;
  readonly #random: Random;
  readonly #taken = new Set<number>();

  constructor(range: PortRange, random: Random) {
    this.range = range;
    this.#random = random;
  }

  has(port: number): boolean {
    return this.#taken.has(port);
  }

  /** Throws a PortError when it is taken or not in the range. */
  allocate(port: number): void {
    const { first, last } = this.range;
    if (port < first || port > last)
      throw new PortError(
        `provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
      );
    if (this.#taken.has(port)) throw new PortError(ALLOCATED);
    this.#taken.add(port);
  }

  /** A free port by chance, of the upper band while it has one. Throws a PortError when there is none. */
  allocateNext(): number {
    const { first, last } = this.range;
    const dynamicFirst = first + staticCount(last - first + 1);
    const port = this.#pick(dynamicFirst, last) ?? this.#pick(first, dynamicFirst - 1);
    if (port === undefined) throw new PortError(FULL);
    this.#taken.add(port);
    return port;
  }

  release(port: number): void {
    this.#taken.delete(port);
  }

  #pick(first: number, last: number): number | undefined {
    const count = last - first + 1;
    if (count <= 0) return undefined;
    const start = randomInt(this.#random, count);
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      if (!this.#taken.has(port)) return port;
    }
    return undefined;
  }
}

function staticCount(size: number): number {
  if (size <= STATIC_BAND.min) return 0;
  return Math.min(Math.max(STATIC_BAND.min, Math.floor(size / STATIC_BAND.step)), STATIC_BAND.max);
}

/** What one write takes and gives back. Mirrors operation.go: what is given back is free once the write is done. */
export class PortOperation {
  readonly #allocator: PortAllocator;
  readonly #dryRun: boolean;
  readonly #allocated: number[] = [];
  readonly #released: number[] = [];

  constructor(allocator: PortAllocator, dryRun: boolean) {
    this.#allocator = allocator;
    this.#dryRun = dryRun;
  }

  /** Throws a PortError. */
  allocate(port: number): void {
    if (!this.#dryRun) this.#allocator.allocate(port);
    else if (this.#allocator.has(port) || this.#allocated.includes(port)) throw new PortError(ALLOCATED);
    this.#allocated.push(port);
  }

  /** In a dry run a port that is only made up. Throws a PortError. */
  allocateNext(): number {
    const port = this.#dryRun
      ? Math.max(DRY_RUN_PORT - 1, ...this.#allocated) + 1
      : this.#allocator.allocateNext();
    this.#allocated.push(port);
    return port;
  }

  releaseLater(port: number): void {
    this.#released.push(port);
  }

  commit(): void {
    if (!this.#dryRun) for (const port of this.#released) this.#allocator.release(port);
  }

  revert(): void {
    if (!this.#dryRun) for (const port of this.#allocated) this.#allocator.release(port);
  }
}
