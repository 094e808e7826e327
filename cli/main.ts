/** The command: what process.argv says, done. */
import { Command } from 'commander';
import { checkCommand, compactCommand, exportCommand, importCommand } from './data.ts';
import { startCommand } from './start.ts';
import { KUBEMU_VERSION } from '../server/version.ts';

const program = new Command('kubemu')
  .description(
    'Kubernetes in one Node.js process: API server, store, controllers, scheduler and simulated nodes.',
  )
  .version(KUBEMU_VERSION)
  .addCommand(startCommand())
  .addCommand(checkCommand())
  .addCommand(compactCommand())
  .addCommand(exportCommand())
  .addCommand(importCommand());

export async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`kubemu: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
