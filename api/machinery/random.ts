/** The one door to chance. Nothing else calls `Math.random` (checked by test/tidy.test.ts). */

/** Letters of generated names: no vowels and no look-alikes, so that no words appear. */
export const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export interface Random {
  /** Uniform integer in `[0, 2^32)`. */
  uint32(): number;
}

/** A seeded generator (sfc32): one seed gives one sequence on every machine. Not for secrets. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` may be any text; numbers are taken by their decimal form. */
  constructor(seed: string | number) {
    // FNV-1a over the text, three times with different salts, fills the state.
    const state = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b].map((salt) => {
      let hash = salt;
      for (const char of String(seed)) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
      return hash | 0;
    });
    [this.#a, this.#b, this.#c] = state as [number, number, number];
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }
}

/** A generator seeded by the platform's entropy. */
export function randomSeed(): string {
  return crypto.randomUUID();
}

/** Uniform integer in `[0, limit)`; `limit` at most 2^32. */
export function randomInt(random: Random, limit: number): number {
  return Math.floor((random.uint32() / 2 ** 32) * limit);
}

/** Uniform number in `[0, 1)`. */
export function randomFloat(random: Random): number {
  return random.uint32() / 2 ** 32;
}

const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The low 16 bits as four digits. */
const hex16 = (word: number): string => HEX_BYTES[(word >>> 8) & 0xff]! + HEX_BYTES[word & 0xff]!;

/** A version 4 UUID. */
export function randomUUID(random: Random): string {
  const [a, b, c, d] = [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
  // 4 for the version, two bits for the variant.
  const [low, variant] = [(b & 0x0fff) | 0x4000, ((c >>> 16) & 0x3fff) | 0x8000];
  return `${hex16(a >>> 16)}${hex16(a)}-${hex16(b >>> 16)}-${hex16(low)}-${hex16(variant)}-${hex16(c)}${hex16(d >>> 16)}${hex16(d)}`;
}

/** `length` letters of {@link NAME_ALPHABET}, as generateName appends. */
export function randomSuffix(random: Random, length = 5): string {
  let suffix = '';
  for (let i = 0; i < length; i++) suffix += NAME_ALPHABET[randomInt(random, NAME_ALPHABET.length)];
  return suffix;
}
