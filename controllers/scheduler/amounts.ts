/** Amounts of resources as plain numbers, quick to add and compare. */
import { milli, parseQuantity } from '../../api/machinery/quantity.ts';

/** CPU in thousandths, everything else in whole units; scalars are what is neither CPU, memory nor ephemeral storage. */
export interface Amounts {
  cpu: number;
  memory: number;
  ephemeralStorage: number;
  scalars: Map<string, number>;
}

export function newAmounts(): Amounts {
  return { cpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };
}

/** Quantities are few and come again and again. */
const READ_MAX = 10_000;
const read = new Map<string, { readonly milli: number; readonly whole: number }>();

function quantityOf(text: string): { readonly milli: number; readonly whole: number } {
  let known = read.get(text);
  if (known === undefined) {
    const quantity = parseQuantity(text);
    const nano = quantity.nano;
    known = { milli: Number(milli(quantity)), whole: Number((nano + 999_999_999n) / 1_000_000_000n) };
    if (read.size >= READ_MAX) read.clear();
    read.set(text, known);
  }
  return known;
}

/** Reads a map of quantities. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts = newAmounts();
  for (const name in list) {
    const quantity = quantityOf(list[name]!);
    if (name === 'cpu') amounts.cpu = quantity.milli;
    else if (name === 'memory') amounts.memory = quantity.whole;
    else if (name === 'ephemeral-storage') amounts.ephemeralStorage = quantity.whole;
    else if (name !== 'pods') amounts.scalars.set(name, quantity.whole);
  }
  return amounts;
}

/** Number of pods a node takes. */
export function podsMaxOf(list: Readonly<Record<string, string>> | undefined): number {
  const text = list?.['pods'];
  return text === undefined ? 0 : quantityOf(text).whole;
}

/** Adds `more` to `total`, `times` times. */
export function accumulate(total: Amounts, more: Amounts, times = 1): void {
  total.cpu += times * more.cpu;
  total.memory += times * more.memory;
  total.ephemeralStorage += times * more.ephemeralStorage;
  for (const [name, amount] of more.scalars) {
    total.scalars.set(name, (total.scalars.get(name) ?? 0) + times * amount);
  }
}

/** Lifts `total` to at least `floor`, resource by resource. */
export function raise(total: Amounts, floor: Amounts): void {
  total.cpu = Math.max(total.cpu, floor.cpu);
  total.memory = Math.max(total.memory, floor.memory);
  total.ephemeralStorage = Math.max(total.ephemeralStorage, floor.ephemeralStorage);
  for (const [name, amount] of floor.scalars) {
    total.scalars.set(name, Math.max(total.scalars.get(name) ?? 0, amount));
  }
}

export function copyAmounts(amounts: Amounts): Amounts {
  return { ...amounts, scalars: new Map(amounts.scalars) };
}
