// Drives client libraries against the built command. Needs Go, Python, Rust and Java with Maven beside Node.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

process.exit(
  run(['scripts/build.mjs', '--if-stale']) ||
    run([join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--config', 'vitest.clients.config.ts']),
);
