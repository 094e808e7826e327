import fc from 'fast-check';
import { describe, it } from 'vitest';
import { levelMedium, type MediumFactory, memoryMedium } from './fixtures/engines.ts';
import { ModelRun } from './fixtures/model-run.ts';
import { step } from './fixtures/model-steps.ts';

/**
 * `KUBEMU_SEED=123 KUBEMU_RUNS=5000 npx vitest run test/storage/model.test.ts` tries other histories, and more of them. A
 * failure prints its seed, its path and the shortest history that still fails.
 */
const SEED = Number(process.env['KUBEMU_SEED'] ?? 20260101);
const RUNS = Number(process.env['KUBEMU_RUNS'] ?? 0);

describe('the store behaves as its model through random histories', () => {
  it.each<{ name: string; factory: MediumFactory; numRuns: number }>([
    { name: 'memory engine', factory: memoryMedium, numRuns: RUNS || 150 },
    { name: 'level engine', factory: levelMedium('process'), numRuns: RUNS || 40 },
  ])(
    '$name',
    async ({ factory, numRuns }) => {
      const steps = fc.array(step, { maxLength: 120, size: 'max' });
      const property = fc.asyncProperty(steps, async (taken) => {
        const medium = await factory();
        try {
          await new ModelRun(medium).run(taken);
        } finally {
          await medium.remove();
        }
      });
      await fc.assert(property, { numRuns, seed: SEED });
    },
    RUNS === 0 ? undefined : 3_600_000,
  );
});
