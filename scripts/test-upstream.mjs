// Drives kubemu by the controller manager and scheduler of Kubernetes and by kwok, and compares what they make with what
// kubemu's own controllers make. Builds them from their Go modules; without Go it is left out, except in CI.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'test', 'upstream');
const PACKAGES = [
  'k8s.io/kubernetes/cmd/kube-controller-manager',
  'k8s.io/kubernetes/cmd/kube-scheduler',
  'sigs.k8s.io/kwok/cmd/kwok',
];

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status ?? 1;
}

/** Builds the programs with their version, which they otherwise do not know; the folder they are in. */
function buildPrograms() {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const programs = join(cache, 'kubemu-test-upstream');
  mkdirSync(programs, { recursive: true });
  const required = readFileSync(join(folder, 'go.mod'), 'utf8');
  const [, version, minor] = /k8s\.io\/kubernetes (v1\.(\d+)\.\d+)/.exec(required);
  const linking = [`gitVersion=${version}`, 'gitMajor=1', `gitMinor=${minor}`]
    .map((flag) => `-X k8s.io/component-base/version.${flag}`)
    .join(' ');
  const args = ['build', '-ldflags', `-s -w ${linking}`, '-o', `${programs}/`, ...PACKAGES];
  const status = run('go', args, { cwd: folder });
  if (status !== 0) process.exit(status);
  return programs;
}

/** Where the files of a module are. */
function folderOf(module) {
  const args = ['list', '-m', '-f', '{{.Dir}}', module];
  return spawnSync('go', args, { cwd: folder, encoding: 'utf8' }).stdout.trim();
}

if (process.env.CI !== 'true' && spawnSync('go', ['version']).status !== 0) {
  process.stdout.write('programs of Kubernetes: left out, there is no Go to build them\n');
  process.exit(0);
}
const env = {
  ...process.env,
  KUBEMU_UPSTREAM_PROGRAMS: buildPrograms(),
  KUBEMU_UPSTREAM_KWOK: folderOf('sigs.k8s.io/kwok'),
  KUBEMU_UPSTREAM_API: folderOf('k8s.io/api'),
};
const vitest = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--config', 'vitest.upstream.config.ts'];
process.exit(
  run(process.execPath, ['scripts/build.mjs', '--if-stale']) ||
    run(process.execPath, [...vitest, ...process.argv.slice(2)], { env }),
);
