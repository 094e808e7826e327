// Drives client libraries, and kubectl as its official Go module has it, against the built command. Needs Go, Python, Rust
// and Java with Maven beside Node; what is not there is left out, except in CI.
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const VITEST = join('node_modules', 'vitest', 'vitest.mjs');

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status ?? 1;
}

/** Builds the kubectl of test/kubectl/current; undefined where there is no Go. */
function buildKubectl() {
  if (process.env.CI !== 'true' && spawnSync('go', ['version']).status !== 0) return undefined;
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const binary = join(cache, 'kubemu-test-clients', 'go', 'kubectl');
  const status = run(process.execPath, ['scripts/build-kubectl.mjs', binary]);
  if (status !== 0) process.exit(status);
  return binary;
}

function runKubectl() {
  const binary = buildKubectl();
  if (binary === undefined) {
    process.stdout.write('kubectl of the current release: left out, there is no Go to build it\n');
    return 0;
  }
  return run(process.execPath, [VITEST, 'run', 'test/kubectl'], { env: { ...process.env, KUBECTL: binary } });
}

process.exit(
  run(process.execPath, ['scripts/build.mjs', '--if-stale']) ||
    run(process.execPath, [VITEST, 'run', '--config', 'vitest.clients.config.ts']) ||
    runKubectl(),
);
