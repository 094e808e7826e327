/** Values of expressions that JavaScript has no type for. */
import type { Quantity } from '../quantity.ts';
import type { Semver } from '../semver.ts';

export type CelMap = ReadonlyMap<unknown, unknown>;

export class CelQuantity {
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }
}

export class CelSemver {
  readonly version: Semver;

  constructor(version: Semver) {
    this.version = version;
  }
}

/** A map that gives a value for every key, and still tells which keys it has. */
export class DefaultingMap extends Map<unknown, unknown> {
  readonly #fallback: unknown;

  constructor(entries: Iterable<readonly [unknown, unknown]>, fallback: unknown) {
    super(entries);
    this.#fallback = fallback;
  }

  override get(key: unknown): unknown {
    return super.get(key) ?? this.#fallback;
  }
}

// Engines tell a map by its constructor.
Object.defineProperty(DefaultingMap.prototype, 'constructor', { value: Map });
