// Bundles the command and the library into dist/. `--if-stale` does nothing when dist/ is newer than every source.
import { build } from 'esbuild';
import { existsSync, readdirSync, rmSync, statSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile, chmod } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = [
  'api',
  'cli',
  'controllers',
  'openapi',
  'server',
  'storage',
  'scripts/build.mjs',
  'tsconfig.types.json',
  'package.json',
  'package-lock.json',
];
/** Types and resource tokens of each group version: `kubemu/api/core-v1`. */
const GENERATED = join(root, 'openapi', 'generated');
const STAMP = join(root, 'dist', '.built');

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path)
    .filter((name) => name !== 'generator')
    .reduce((latest, name) => Math.max(latest, newest(join(path, name))), 0);
}

function isFresh() {
  if (!existsSync(STAMP)) return false;
  const built = statSync(STAMP).mtimeMs;
  return SOURCES.every((source) => newest(join(root, source)) < built);
}

/** Large data is parsed as JSON at run time, several times faster than as a JavaScript literal. */
const jsonAsText = {
  name: 'json-as-text',
  setup(plugin) {
    plugin.onLoad({ filter: /(openapi[\\/]facts|server[\\/]bootstrap)[\\/].*\.json$/ }, async ({ path }) => {
      const text = JSON.stringify(JSON.parse(await readFile(path, 'utf8')));
      return { contents: `export default JSON.parse(${JSON.stringify(text)});`, loader: 'js' };
    });
  },
};

if (process.argv.includes('--if-stale') && isFresh()) process.exit(0);

mkdirSync(join(root, 'dist'), { recursive: true });
const startedAt = process.hrtime.bigint();
// Code prepared for the script that was here before must not be taken for code of the new one.
for (const name of readdirSync(join(root, 'dist')))
  if (name.endsWith('.code')) rmSync(join(root, 'dist', name));

const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [jsonAsText],
};
await Promise.all([
  build({
    ...common,
    entryPoints: {
      index: 'server/index.ts',
      ...Object.fromEntries(
        readdirSync(GENERATED)
          .filter((name) => name !== 'schemas.ts')
          .map((name) => [`api/${name.slice(0, -3)}`, join(GENERATED, name)]),
      ),
    },
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    external: ['level'],
    // Bundled CommonJS packages call require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  }),
  // One script, for which V8 can prepare code; and the module that runs it.
  build({
    ...common,
    entryPoints: { command: 'cli/main.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    external: ['level'],
    define: { 'import.meta.dirname': '__dirname' },
    supported: { 'dynamic-import': false },
  }),
  build({ ...common, entryPoints: { kubemu: 'cli/launch.ts' }, format: 'esm' }),
]);
await chmod(join(root, 'dist', 'kubemu.js'), 0o755);

const types = spawnSync(
  process.execPath,
  [join('node_modules', 'ts7', 'bin', 'tsc'), '-p', 'tsconfig.types.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (types.status !== 0) process.exit(types.status ?? 1);

// Descriptions for OpenAPI come from packages that only development installs.
for (const step of ['openapi/build.ts', 'cli/build.ts']) {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(root, step)], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

writeFileSync(STAMP, '');
const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
process.stdout.write(`built dist/ in ${seconds.toFixed(1)} s\n`);
