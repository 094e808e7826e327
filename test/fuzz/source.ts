/** Choices of a fuzzer, all from one seed. */
import { randomFloat, randomInt, SeededRandom } from '../../api/machinery/random.ts';

export class Source {
  readonly #random: SeededRandom;

  constructor(seed: string | number) {
    this.#random = new SeededRandom(seed);
  }

  /** In `[0, limit)`. */
  int(limit: number): number {
    return randomInt(this.#random, limit);
  }

  chance(probability: number): boolean {
    return randomFloat(this.#random) < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }

  /** Up to `max` items. */
  list<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.int(max + 1) }, make);
  }
}
