/** The package as those see it who install it: its types and its exports, from a folder outside the project. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const TSC = join(root, 'node_modules', 'ts7', 'bin', 'tsc');
const OPTIONS = [
  '--noEmit',
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2022',
  '--skipLibCheck',
  'false',
];

const PROGRAM = `
import { startCluster, StatusError, type Cluster } from 'kubemu';
import { configMaps, type ConfigMap } from 'kubemu/api/core-v1';

const cluster: Cluster = await startCluster({ nodes: 0 });
const target = { namespace: 'default', name: 'settings' };
const created: ConfigMap = await cluster.client.create(configMaps, { metadata: target, data: { color: 'blue' } });
const reason: string = await cluster.client
  .create(configMaps, { metadata: target })
  .then(() => 'none', (error: unknown) => (error instanceof StatusError ? (error.status.reason ?? '') : 'other'));
await cluster.stop();
globalThis.result = [cluster.url.startsWith('https://127.0.0.1:'), created.data?.['color'], reason];
`;

describe('the package', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubemu-consumer-'));
    mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
    symlinkSync(
      join(root, 'node_modules', '@types', 'node'),
      join(folder, 'node_modules', '@types', 'node'),
      'dir',
    );
    symlinkSync(root, join(folder, 'node_modules', 'kubemu'), 'dir');
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'globals.d.ts'), 'declare var result: unknown;');
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = (name: string, program: string): { status: number | null; stdout: string } => {
    writeFileSync(join(folder, name), program);
    return spawnSync(process.execPath, [TSC, ...OPTIONS, '--types', 'node', 'globals.d.ts', name], {
      cwd: folder,
      encoding: 'utf8',
    });
  };

  it('has types that a strict program compiles against, and that catch its mistakes', () => {
    expect(check('right.ts', PROGRAM)).toMatchObject({ status: 0, stdout: '' });
    const wrong = check('wrong.ts', PROGRAM.replace("data: { color: 'blue' }", 'data: { color: 7 }'));
    expect(wrong.status).not.toBe(0);
    expect(wrong.stdout).toContain("Type 'number' is not assignable to type 'string'");
  });

  it('starts a cluster that its client works with', () => {
    const program = PROGRAM.replaceAll(/: (Cluster|ConfigMap|string|unknown)\b/g, '')
      .replace(', type Cluster', '')
      .replace(', type ConfigMap', '');
    writeFileSync(join(folder, 'main.js'), `${program}\nconsole.log(JSON.stringify(globalThis.result));`);
    const printed = execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual([true, 'blue', 'AlreadyExists']);
  });
});
