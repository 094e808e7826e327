/** The commands for data directories, as processes. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsFolder } from '../../server/data-directory.ts';
import { LevelEngine } from '../../storage/engines/level.ts';
import { resourceKey } from '../../storage/keys.ts';
import { logKey } from '../../storage/log-format.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from '../storage/fixtures/engines.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'kubemu.js');

interface Outcome {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function kubemu(args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [COMMAND, ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

describe('kubemu', () => {
  let home: string;
  let data: string;

  beforeAll(async () => {
    home = await temporaryDirectory();
    data = join(home, 'data');
    const engine = new LevelEngine({ directory: objectsFolder(data), durability: 'process' });
    const store = await openStore({ engine });
    for (const name of ['a', 'b', 'a']) {
      const key = resourceKey({ cluster: 'default', group: '', resource: 'nodes', name });
      const encode = (revision: number) => ({
        bytes: Buffer.from(JSON.stringify({ metadata: { name, resourceVersion: String(revision) } })),
      });
      await store.put(key, encode, { expect: 'any' });
    }
    await store.close();
  });

  afterAll(() => rm(home, { recursive: true, force: true }));

  it('checks, compacts, exports and imports', async () => {
    expect(await kubemu(['check', data])).toEqual({
      code: 0,
      stdout: '2 objects at revision 4, history since 1, 0 forks, 0 snapshots: no damage\n',
      stderr: '',
    });
    expect((await kubemu(['compact', data])).stdout).toMatch(/^1 records deleted, \d+ bytes before/);
    const { stdout: exported } = await kubemu(['export', data]);
    expect(exported).toBe(
      '{"kubemuExport":1,"cluster":"default","revision":4,"objects":2}\n' +
        '{"key":"core/nodes/a","revision":4,"createRevision":2,"object":{"metadata":{"name":"a","resourceVersion":"4"}}}\n' +
        '{"key":"core/nodes/b","revision":3,"createRevision":3,"object":{"metadata":{"name":"b","resourceVersion":"3"}}}\n',
    );
    const file = join(home, 'export');
    await kubemu(['export', data, '--output', file]);
    for (const [args, input] of [
      [[join(home, 'one')], exported] as const,
      [[join(home, 'two'), file], ''] as const,
    ]) {
      expect(await kubemu(['import', ...args], input)).toEqual({
        code: 0,
        stdout: '2 objects imported\n',
        stderr: '',
      });
      expect((await kubemu(['export', args[0]])).stdout).toBe(exported);
    }
  });

  it('ends with status 1 and a line of why', async () => {
    const engine = new LevelEngine({ directory: objectsFolder(data), durability: 'process' });
    await engine.open();
    await engine.write([{ type: 'put', key: logKey(4), value: Buffer.from('x') }]);
    await engine.close();
    const damage = `stored data is damaged at ${logKey(4)}: the record is too short`;
    expect(await kubemu(['check', data])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`${damage}\n`),
    });
    for (const args of [
      ['compact', data],
      ['export', data],
      ['start', '--data-dir', data, '--port', '0'],
    ]) {
      expect(await kubemu(args)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`^kubemu: ${damage}; 'kubemu check ${data}' shows .*\\n$`)),
      });
    }
    expect(await kubemu(['check', join(home, 'nothing')])).toEqual({
      code: 1,
      stdout: '',
      stderr: `kubemu: ${join(home, 'nothing')} holds no data of kubemu\n`,
    });
  });
});
