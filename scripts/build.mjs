// Bundles the command and the library into dist/. `--if-stale` does nothing when dist/ is newer than every source.
import { build } from 'esbuild';
import { existsSync, readdirSync, statSync, mkdirSync, writeFileSync } from 'node:fs';
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
await build({
  absWorkingDir: root,
  entryPoints: {
    kubemu: 'cli/main.ts',
    index: 'server/index.ts',
    ...Object.fromEntries(
      readdirSync(GENERATED)
        .filter((name) => name !== 'schemas.ts')
        .map((name) => [`api/${name.slice(0, -3)}`, join(GENERATED, name)]),
    ),
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['level', 'classic-level'],
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  // Bundled CommonJS packages call require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  plugins: [jsonAsText],
});
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
const documents = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'openapi', 'build.ts')], {
  cwd: root,
  stdio: 'inherit',
});
if (documents.status !== 0) process.exit(documents.status ?? 1);

writeFileSync(STAMP, '');
const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
process.stdout.write(`built dist/ in ${seconds.toFixed(1)} s\n`);
