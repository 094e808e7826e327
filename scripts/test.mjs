// Runs the tests and closes with one line: `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'kubemu-test-'));
const report = join(folder, 'report.json');
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' });

// The tests that start the real command need it built.
const built = run(process.execPath, ['scripts/build.mjs', '--if-stale']);
if (built.status !== 0) process.exit(built.status ?? 1);

const vitest = run(process.execPath, [
  join('node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);

let summary = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
try {
  summary = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  // No report: the runner died, which counts as a failure.
}
rmSync(folder, { recursive: true, force: true });

const failed = Math.max(summary.numFailedTests, vitest.status === 0 ? 0 : 1);
const skipped = summary.numPendingTests + summary.numTodoTests;
process.stdout.write(
  `${summary.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
process.exit(failed === 0 && vitest.status === 0 ? 0 : 1);
