import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LevelEngine } from '../../../storage/engines/level.ts';
import { openStore } from '../../../storage/store.ts';
import { engineSuite } from '../../suites/engine.suite.ts';
import { levelMedium, temporaryDirectory } from '../fixtures/engines.ts';
import type { WriterPlan } from '../fixtures/writer-process.ts';

engineSuite('level engine, durability process', levelMedium('process'));
engineSuite('level engine, durability power', levelMedium('power'));

const writer = fileURLToPath(new URL('../fixtures/writer-process.ts', import.meta.url));

describe('level engine', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const open = (path: string) =>
    openStore({ engine: new LevelEngine({ directory: path, durability: 'process' }) });

  it('makes the directory and those above it', async () => {
    const store = await open(join(directory, 'a', 'b'));
    await store.close();
  });

  it('refuses a directory open in this process, however it is spelled', async () => {
    const data = join(directory, 'data');
    const alias = join(directory, 'alias');
    const store = await open(data);
    await symlink(data, alias);
    for (const path of [data, join(directory, 'data', '..', 'data'), alias]) {
      await expect(open(path)).rejects.toMatchObject({
        code: 'unavailable',
        message: `data directory ${path} is in use by a running kubemu`,
        cause: { code: 'LEVEL_LOCKED' },
      });
    }
    await store.close();
    const again = await open(data);
    await again.close();
  });

  it('refuses a directory open in another process', async () => {
    const plan: WriterPlan = { directory, durability: 'process', seed: '1' };
    const child = spawn(process.execPath, ['--import', 'tsx', writer, JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      await expect(open(directory)).rejects.toMatchObject({
        code: 'unavailable',
        message: `data directory ${directory} is in use by a running kubemu`,
      });
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('refuses a path that cannot be a directory', async () => {
    const path = join(directory, 'file');
    await writeFile(path, '');
    await expect(open(path)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`data directory ${path} cannot be opened`),
    });
  });

  it('calls damage of the database itself corrupt', async () => {
    const path = join(directory, 'data');
    await mkdir(path);
    await writeFile(join(path, 'CURRENT'), 'no newline');
    await expect(open(path)).rejects.toMatchObject({ code: 'corrupt', key: path });
  });
});
