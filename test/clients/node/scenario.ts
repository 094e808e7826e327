/** Runs named scenarios and prints a line for each, as README.md of the folder above describes. */
import { setTimeout as delay } from 'node:timers/promises';

export const NAMESPACE = process.env['KUBEMU_NAMESPACE']!;
const TIMEOUT_MS = 60_000;

/** The library cannot do this; the message says why. */
export class Skip extends Error {}

/** Runs the scenarios in order and ends the process, which fails when one of them does. */
export async function runAll(scenarios: Readonly<Record<string, () => Promise<void>>>): Promise<never> {
  let failed = false;
  for (const [name, run] of Object.entries(scenarios)) {
    try {
      await run();
      process.stdout.write(`PASS ${name}\n`);
    } catch (error) {
      const text = String(error).replaceAll('\n', ' ');
      if (error instanceof Skip) {
        process.stdout.write(`SKIP ${name}: ${error.message}\n`);
      } else {
        failed = true;
        process.stdout.write(`FAIL ${name}: ${text}\n`);
      }
    }
  }
  process.exit(failed ? 1 : 0);
}

/** Asks the runner to do something with the server. */
export async function control(action: 'restart' | 'compact'): Promise<void> {
  const answer = await fetch(`${process.env['KUBEMU_CONTROL']}/${action}`, { method: 'POST' });
  expect(answer.ok, `${action}: ${answer.status} ${await answer.text()}`);
}

export function expect(condition: boolean, text: unknown): void {
  if (!condition) throw new Error(typeof text === 'string' ? text : JSON.stringify(text));
}

/** Calls `check` until it no longer throws; its last error when that takes too long. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += 20) {
    try {
      return await check();
    } catch (error) {
      if (waitedMs > TIMEOUT_MS) throw error;
    }
    await delay(20);
  }
}
