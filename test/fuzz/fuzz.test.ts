/**
 * Requests made by chance: never a crash, never a fault, never a change by a request that was refused, and every refusal a
 * Status. `npm run test:fuzz` runs a million; FUZZ_RUNS and FUZZ_SEED say otherwise.
 */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { newTestServer } from '../server/fixtures/server.ts';
import { check } from './check.ts';
import { newRequest, type FuzzRequest } from './requests.ts';
import { Source } from './source.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? (process.env['CI'] === undefined ? 2000 : 20_000));
/** Another seed finds other things; the same one the same. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
/** Most requests against one server, half as many as a rule: so there is something to change and to delete. */
const REQUESTS_PER_SERVER = 50;
const RUN_MS_MAX = 60_000 + RUNS * 100;

// What a promise nobody waits for would have thrown is a crash as well.
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
process.on('unhandledRejection', note);
afterAll(() => void process.off('unhandledRejection', note));

it(
  `stands ${RUNS} requests of seed ${SEED}`,
  async () => {
    // Shrinks to the shortest sequence that still fails: a request means the same wherever it stands.
    const sequence = fc.array(fc.noShrink(fc.nat()), {
      minLength: 1,
      maxLength: REQUESTS_PER_SERVER,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(sequence, async (list) => {
        const server = await newTestServer({ logLevel: 'error', healthChecks: [] });
        for (const seed of list) {
          const request = newRequest(new Source(seed), server.definitions);
          try {
            await check(server, request);
          } catch (error) {
            throw new Error(`${show(request)}\n${(error as Error).message}`, { cause: error });
          }
        }
      }),
      { numRuns: Math.ceil((RUNS * 2) / REQUESTS_PER_SERVER), seed: SEED },
    );
    expect(unhandled).toEqual([]);
  },
  RUN_MS_MAX,
);

function show({ method, path, headers, body }: FuzzRequest): string {
  const text = body === undefined ? '' : Buffer.from(body).toString('latin1').slice(0, 2000);
  return `${method} ${path} ${JSON.stringify(headers)}\n${text}`;
}
