// Builds the kubectl of test/kubectl/current from its official Go module: node scripts/build-kubectl.mjs FILE
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node scripts/build-kubectl.mjs FILE');
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'kubectl', 'current');

// The module v0.N is of the release v1.N; without being told, kubectl does not know what it is.
const [, minor, patch] = /k8s\.io\/kubectl v0\.(\d+)\.(\d+)/.exec(
  readFileSync(join(folder, 'go.mod'), 'utf8'),
);
const linking = [`gitVersion=v1.${minor}.${patch}`, 'gitMajor=1', `gitMinor=${minor}`]
  .map((flag) => `-X k8s.io/component-base/version.${flag}`)
  .join(' ');

mkdirSync(dirname(resolve(file)), { recursive: true });
const { status } = spawnSync('go', ['build', '-ldflags', linking, '-o', resolve(file), '.'], {
  cwd: folder,
  stdio: 'inherit',
});
process.exit(status ?? 1);
