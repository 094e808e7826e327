/** Times, medians and what a process used. Loops are bounded in count. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const CLOCK_TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export const now = (): number => performance.now();

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** `count` calls, one by each of `workers` at a time. Returns calls per second. */
export async function rateOf<W>(
  workers: readonly W[],
  count: number,
  call: (worker: W, index: number) => Promise<unknown>,
): Promise<number> {
  const began = now();
  let next = 0;
  await Promise.all(
    workers.map(async (worker) => {
      while (next < count) await call(worker, next++);
    }),
  );
  return (count / (now() - began)) * 1000;
}

/** Runs the measurements in turn, `rounds` times, and gives the median of each: what disturbs one disturbs all. */
export async function inTurn<K extends string>(
  rounds: number,
  measurements: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number>> {
  const names = Object.keys(measurements) as K[];
  const values = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) values.get(name)!.push(await measurements[name]());
  }
  return Object.fromEntries(names.map((name) => [name, median(values.get(name)!)])) as Record<K, number>;
}

/** Processor time a process has used so far, in ms. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
}

/** Resident memory of a process, in MB of 10^6 bytes. */
export function residentMB(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1e6;
}

/** Asks until the answer is yes; throws after about `tries` times 20 ms. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  tries = 3000,
): Promise<void> {
  for (let left = tries; left > 0; left--) {
    if (await isSo()) return;
    await pause(20);
  }
  throw new Error(`${what} took too long`);
}

/** Time for a process to settle down. */
export const settle = (ms = 500): Promise<void> => pause(ms);
