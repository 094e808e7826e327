// The crash test at full length: a hundred rounds. `KUBEMU_SEED=x` tries another course of events.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/storage/crash.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { KUBEMU_CRASH_ROUNDS: '100', ...process.env },
});
process.exit(status ?? 1);
