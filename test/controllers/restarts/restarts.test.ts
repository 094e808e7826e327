/**
 * Whatever comes between controllers and the server, things end as they do without. Each scenario is played undisturbed,
 * then with the process dying behind one of its writes, with writes that fail, and with news that is late.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom, randomInt } from '../../../api/machinery/random.ts';
import { differences } from './end-state.ts';
import { ALL_CONTROLLERS, play, type Scenario, type Trouble } from './scenario.ts';
import { CLUSTER } from './scenarios/cluster.ts';
import { SERVICES } from './scenarios/services.ts';
import { STORAGE } from './scenarios/storage.ts';
import { WORKLOADS } from './scenarios/workloads.ts';

const SCENARIOS: readonly Scenario[] = [...WORKLOADS, ...SERVICES, ...STORAGE, ...CLUSTER];

/** `KUBEMU_RESTARTS=all` dies behind every write there is, a number behind that many. */
const RESTARTS = process.env['KUBEMU_RESTARTS'] ?? '5';
/** Rows of failures, and of delays. */
const SEEDS = Number(process.env['KUBEMU_SEEDS'] ?? '2');

/** Lines that are shown of what differs. */
const LINES_MAX = 8;

function deathsOf(scenario: Scenario, writes: number): number[] {
  const every = Array.from({ length: writes }, (_, index) => index + 1);
  if (RESTARTS === 'all' || writes <= Number(RESTARTS)) return every;
  const random = new SeededRandom(scenario.name);
  const size = writes / Number(RESTARTS);
  // One of each stretch, so that no phase is left out.
  return Array.from({ length: Number(RESTARTS) }, (_, index) =>
    Math.min(writes, 1 + Math.floor(index * size) + randomInt(random, Math.ceil(size))),
  );
}

/** Those that a scenario would have to wait too long for have tests of their own only. */
const WITHOUT_SCENARIO = {
  'legacy-serviceaccount-token-cleaner-controller': 'acts upon what was unused for a year, once a day',
};

it('has a scenario for every controller', () => {
  const covered = new Set([...Object.keys(WITHOUT_SCENARIO), ...SCENARIOS.flatMap(({ of }) => of)]);
  expect([...covered].sort()).toEqual(ALL_CONTROLLERS.map(({ name }) => name).sort());
});

describe.each(SCENARIOS)('$name', (scenario) => {
  it('ends the same whatever happens', { timeout: 600_000 }, async () => {
    const undisturbed = await play(scenario, { type: 'none' });
    const troubles: Trouble[] = [
      ...deathsOf(scenario, undisturbed.writes).map((after) => ({ type: 'restart' as const, after })),
      ...Array.from({ length: SEEDS }, (_, seed) => seed + 1).flatMap((seed) => [
        { type: 'failing' as const, seed },
        { type: 'late' as const, seed },
      ]),
    ];
    const found: string[] = [];
    for (const trouble of troubles) {
      const { state } = await play(scenario, trouble);
      const lines = differences(state, undisturbed.state).filter(
        (line) => scenario.mayDiffer?.test(line) !== true,
      );
      if (lines.length > 0) found.push(JSON.stringify(trouble), ...lines.slice(0, LINES_MAX));
    }
    expect(found).toEqual([]);
  });
});
