/** Starts a cluster from the built script and keeps the code V8 made of it meanwhile. Run by the build. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileScript } from './prepared-code.ts';

const compiled = compileScript(join(import.meta.dirname, '..', 'dist', 'command.cjs'));
const folder = mkdtempSync(join(tmpdir(), 'kubemu-build-'));
process.argv.splice(2, Infinity, 'start', '--port=0', `--data-dir=${folder}`);
const { write } = process.stdout;
process.stdout.write = (text) => {
  // The second line, after which the command waits for a signal.
  if (String(text).startsWith('export KUBECONFIG=')) process.kill(process.pid, 'SIGTERM');
  return true;
};
try {
  await compiled.run().main();
} finally {
  process.stdout.write = write;
  rmSync(folder, { recursive: true, force: true });
}
if (process.exitCode === undefined) compiled.keepCode();
