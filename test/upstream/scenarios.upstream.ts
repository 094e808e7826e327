/** Every scenario, once with the controllers of Kubernetes and once with kubemu's: what comes of it is the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import { differences } from './compare.ts';
import { ControlPlane, type Controllers } from './control-plane.ts';
import { isKnown } from './known-differences.ts';
import { Plays } from './plays.ts';
import { play, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

const NODES = 3;
const ARGS = ['--nodes', String(NODES)];

/** How often a scenario is played by both before they count as different. */
const ROUNDS = 3;

const wanted = SCENARIOS.filter(({ name }) => name.includes(process.env['SCENARIO'] ?? ''));
const plays = new Plays((theirs, ours) => differences(theirs, ours).filter((line) => !isKnown(line)));
const complaints: string[] = [];

/** Plays those that are played alone or apart in clusters of their own, at the same time as the rest. */
async function perform(controllers: Controllers, scenarios: readonly Scenario[]): Promise<void> {
  const casts = new Map<unknown, Scenario[]>();
  for (const scenario of scenarios) {
    const { schedulerConfiguration, alone, apart } = scenario;
    const stage = schedulerConfiguration ?? [alone ?? false, apart ?? false].join();
    casts.set(stage, [...(casts.get(stage) ?? []), scenario]);
  }
  await Promise.all([...casts.values()].map((cast) => performTogether(controllers, cast)));
}

async function performTogether(controllers: Controllers, scenarios: readonly Scenario[]): Promise<void> {
  const { schedulerConfiguration } = scenarios[0]!;
  const plane = await ControlPlane.start(controllers, { kubemu: ARGS, schedulerConfiguration });
  try {
    const areFree = (): boolean =>
      plane.mirror.list('Node').length === NODES &&
      plane.mirror.list('Node').every(({ spec }) => spec.taints === undefined);
    await plane.mirror.until('nodes without taints', areFree, 30_000);
    plays.add(controllers, await play(plane, scenarios));
    complaints.push(...plane.programs.flatMap((program) => program.complaints()));
  } finally {
    await plane.stop();
  }
}

beforeAll(async () => {
  let left: readonly Scenario[] = wanted;
  for (let round = 1; left.length > 0 && round <= ROUNDS; round++) {
    await perform('upstream', left);
    await perform('embedded', left);
    left = left.filter(({ name }) => plays.verdict(name).length > 0);
    if (round < ROUNDS)
      for (const { name } of left)
        process.stderr.write(`played again: ${name}\n  ${plays.verdict(name).join('\n  ')}\n`);
  }
});

describe('the controllers of Kubernetes', () => {
  it.each(wanted.map(({ name }) => name))('%s', (name) => {
    plays.succeeded('upstream', name);
  });

  it('have nothing to complain of', () => {
    expect(complaints).toEqual([]);
  });
});

describe('the controllers of kubemu', () => {
  it.each(wanted.map(({ name }) => name))('%s', (name) => {
    plays.succeeded('embedded', name);
    expect(plays.verdict(name)).toEqual([]);
  });
});
