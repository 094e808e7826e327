import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCommand } from '../../cli/start.ts';

const README = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** Options and defaults of the README's table, by option; two that share a row are told apart by their order. */
function tableOfReadme(): [string, string][] {
  return README.split('\n')
    .filter((line) => line.startsWith('| `--'))
    .flatMap((line) => {
      const [options = '', standard = ''] = line.replaceAll('\\|', '/').split('|').slice(1);
      const names = [...options.matchAll(/--[a-z-]+/g)].map(([name]) => name);
      const values = standard.replaceAll('`', '').split(',');
      return names.map((name, index): [string, string] => [name, values[index]?.trim() ?? '']);
    });
}

/** Defaults that are no single word: the README says them in its own. */
const IN_WORDS = ['--kubeconfig', '--seed'];

describe('kubemu start', () => {
  it('has the options of the README, with its defaults', () => {
    const options = startCommand()
      .options.filter(({ hidden }) => !hidden)
      .map(({ long, defaultValue, defaultValueDescription }): [string, string] => [
        long!,
        defaultValueDescription ?? String(defaultValue ?? ''),
      ]);
    const said = ([name]: readonly [string, string]): boolean => !IN_WORDS.includes(name);
    expect(tableOfReadme().map(([name]) => name)).toEqual(options.map(([name]) => name));
    expect(tableOfReadme().filter(said)).toEqual(options.filter(said));
  });
});
