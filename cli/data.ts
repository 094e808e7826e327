/** `kubemu check`, `compact`, `export` and `import`: work on a data directory no cluster runs on. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { ExportOptions } from '../server/data-directory.ts';

/** Damage is listed up to here. */
const LINES_MAX = 100;

// The storage layer is loaded by the command that needs it, not by every start of kubemu.
const library = async (): Promise<typeof import('../server/data-directory.ts')> =>
  import('../server/data-directory.ts');

export function checkCommand(): Command {
  return new Command('check')
    .description('Read everything in a data directory and say what is wrong.')
    .argument('<dir>', 'data directory')
    .action(async (dir: string) => {
      const { checkDataDirectory } = await library();
      const { damage, ...counts } = await checkDataDirectory(dir);
      for (const { message } of damage.slice(0, LINES_MAX)) process.stdout.write(`${message}\n`);
      if (damage.length > LINES_MAX) process.stdout.write(`... and ${damage.length - LINES_MAX} more\n`);
      const { keys, revision, compactedRevision, forks, snapshots } = counts;
      process.stdout.write(
        `${keys} objects at revision ${revision}, history since ${compactedRevision}, ${forks} forks, ${snapshots} snapshots: ` +
          (damage.length === 0 ? 'no damage\n' : `${damage.length} damaged places\n`),
      );
      if (damage.length === 0) return;
      process.stdout.write(
        `'kubemu export --skip-damaged ${dir}' saves what can be read; 'kubemu import' puts it into a new directory\n`,
      );
      process.exitCode = 1;
    });
}

export function compactCommand(): Command {
  return new Command('compact')
    .description('Forget all history in a data directory and give the space back.')
    .argument('<dir>', 'data directory')
    .action(async (dir: string) => {
      const { compactDataDirectory } = await library();
      const { records, bytesBefore, bytesAfter } = await compactDataDirectory(dir);
      process.stdout.write(
        `${records} records deleted, ${bytesBefore} bytes before and ${bytesAfter} after\n`,
      );
    });
}

export function exportCommand(): Command {
  return new Command('export')
    .description('Write the objects in a data directory as lines of JSON.')
    .argument('<dir>', 'data directory')
    .option('--output <file>', 'where to (default: standard output)')
    .option('--cluster <name>', 'which cluster, for example a fork (default: the one that is served)')
    .option('--revision <number>', 'as of this revision (default: the newest)', revision)
    .option('--snapshot <name>', 'as of a snapshot')
    .option('--skip-damaged', 'leave out what is damaged instead of refusing')
    .action(async (dir: string, options: ExportOptions & { output?: string }) => {
      const { exportDataDirectory } = await library();
      const lines = async function* (): AsyncIterable<string> {
        for await (const line of exportDataDirectory(dir, options)) yield `${line}\n`;
      };
      const target = options.output === undefined ? process.stdout : createWriteStream(options.output);
      await pipeline(Readable.from(lines()), target, { end: options.output !== undefined });
    });
}

export function importCommand(): Command {
  return new Command('import')
    .description('Fill a new data directory from an export.')
    .argument('<dir>', 'data directory')
    .argument('[file]', 'export (default: standard input)')
    .action(async (dir: string, file?: string) => {
      const { importDataDirectory } = await library();
      const input = file === undefined ? process.stdin : createReadStream(file);
      const objects = await importDataDirectory(dir, linesOf(input));
      process.stdout.write(`${objects} objects imported\n`);
    });
}

/** Made when the first line is asked for: a reader made earlier loses what comes before that. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncIterable<string> {
  yield* createInterface({ input, crlfDelay: Infinity });
}

function revision(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('must be a revision');
  }
  return value;
}
