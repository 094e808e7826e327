/** The walk in the README is run as it stands there, and prints what it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectls, openSession, type Session } from './session.ts';

interface Step {
  readonly command: string;
  /** Lines that are printed; `…` stands for anything, white space for any amount of it. */
  readonly prints: readonly string[];
}

/** Each command of the block with the comments right behind it; a comment behind an empty line is prose. */
function readWalk(): Step[] {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const block = /## A walk\n[^]*?```sh\n([^]*?)```/.exec(readme)![1]!;
  const steps: { command: string; prints: string[] }[] = [];
  let isOutput = false;
  for (const line of block.split('\n')) {
    if (line.startsWith('kubectl ')) steps.push({ command: line, prints: [] });
    else if (isOutput && line.startsWith('# ')) steps.at(-1)!.prints.push(line.slice(2));
    isOutput = line !== '' && (isOutput || line.startsWith('kubectl '));
  }
  return steps;
}

function words(command: string): string[] {
  const [, ...rest] = command.match(/(?:'[^']*'|[^\s'])+/g)!;
  return rest.map((word) => word.replaceAll("'", ''));
}

function pattern(line: string): RegExp {
  const escaped = line.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`^${escaped.replaceAll('…', '.*').replaceAll(/\s+/g, String.raw`\s+`)}\s*$`);
}

const steps = readWalk();

describe.skipIf(kubectls.length === 0).each(kubectls)('the walk of the README with $name', (kubectl) => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(kubectl);
  });
  afterAll(() => session.end());

  it.each(steps)('$command', async ({ command, prints }) => {
    const fails = prints.some((line) => line.startsWith('error:'));
    const { stdout, stderr } = await session.run(words(command), fails ? { code: 1 } : {});
    const printed = `${stdout}\n${stderr}`.split('\n');
    for (const line of prints) {
      expect(
        printed.some((candidate) => pattern(line).test(candidate)),
        `${line}\nis not in\n${printed.join('\n')}`,
      ).toBe(true);
    }
  });
});

it('the walk of the README is not empty', () => {
  expect(steps.length).toBeGreaterThan(15);
});
