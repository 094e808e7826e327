/** Every scenario, once with the controllers of Kubernetes and once with kubemu's: what comes of it is the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import { differences } from './compare.ts';
import { ControlPlane, type Controllers } from './control-plane.ts';
import { isKnown } from './known-differences.ts';
import { play, type Outcome } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

const NODES = 3;
const ARGS = ['--nodes', String(NODES)];

interface Play {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly complaints: readonly string[];
}

const wanted = SCENARIOS.filter(({ name }) => name.includes(process.env['SCENARIO'] ?? ''));

async function perform(controllers: Controllers): Promise<Play> {
  const plane = await ControlPlane.start(controllers, { kubemu: ARGS });
  try {
    const areFree = (): boolean =>
      plane.mirror.list('Node').length === NODES &&
      plane.mirror.list('Node').every(({ spec }) => spec.taints === undefined);
    await plane.mirror.until('nodes without taints', areFree, 30_000);
    const outcomes = await play(plane, wanted);
    return { outcomes, complaints: plane.programs.flatMap((program) => program.complaints()) };
  } finally {
    await plane.stop();
  }
}

let upstream: Play;
let embedded: Play;
beforeAll(async () => {
  upstream = await perform('upstream');
  embedded = await perform('embedded');
});

describe('the controllers of Kubernetes', () => {
  it.each(wanted.map(({ name }) => name))('%s', (name) => {
    const error = upstream.outcomes.get(name)?.error;
    if (error !== undefined) throw error;
  });

  it('have nothing to complain of', () => {
    expect(upstream.complaints).toEqual([]);
  });
});

describe('the controllers of kubemu', () => {
  it.each(wanted.map(({ name }) => name))('%s', (name) => {
    const { picture, error } = embedded.outcomes.get(name)!;
    if (error !== undefined) throw error;
    const found = differences(upstream.outcomes.get(name)!.picture, picture);
    expect(found.filter((line) => !isKnown(line))).toEqual([]);
  });
});
