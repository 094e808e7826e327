/** The command's script and the code prepared for it. */
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeFile, compileScript, type CompiledScript } from '../../cli/prepared-code.ts';
import { temporaryDirectory } from '../storage/fixtures/engines.ts';

const BUILT = join(import.meta.dirname, '..', '..', 'dist', 'command.cjs');
const SCRIPT = `
const { basename } = require('node:path');
exports.main = async () => [basename(__filename), basename(__dirname), /µ/.test('\\u00b5')];
`;

describe('the built command', () => {
  it('comes with code that this Node takes', () => {
    expect(compileScript(BUILT).isPrepared).toBe(true);
  });
});

describe('a script', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await temporaryDirectory();
    file = join(folder, 'command.cjs');
    await writeFile(file, SCRIPT);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const outcome = async (compiled: CompiledScript): Promise<unknown> => compiled.run().main();
  const expected = (): unknown => ['command.cjs', basename(folder), true];

  it('runs without prepared code', async () => {
    const compiled = compileScript(file);
    expect(compiled.isPrepared).toBe(false);
    expect(await outcome(compiled)).toEqual(expected());
  });

  it('runs from the code that was kept', async () => {
    compileScript(file).keepCode();
    const compiled = compileScript(file);
    expect(compiled.isPrepared).toBe(true);
    expect(await outcome(compiled)).toEqual(expected());
  });

  it('runs when V8 refuses the code', async () => {
    // Another text than before: this process remembers what it has compiled.
    await writeFile(file, `${SCRIPT}// changed`);
    await writeFile(codeFile(file), 'code of another V8');
    const compiled = compileScript(file);
    expect(compiled.isPrepared).toBe(false);
    expect(await outcome(compiled)).toEqual(expected());
  });
});
