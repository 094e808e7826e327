/** Disks that are full or cannot be written, for real: in processes of their own. */
import { spawn } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Level } from 'level';
import { LevelEngine } from '../../storage/engines/level.ts';
import { checkData } from '../../storage/maintenance.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from './fixtures/engines.ts';
import { put } from './fixtures/stores.ts';
import type { WriterPlan } from './fixtures/writer-process.ts';

const WRITER = fileURLToPath(new URL('./fixtures/writer-process.ts', import.meta.url));
const NOBODY = 65_534;

describe.skipIf(process.platform === 'win32')('a medium that fails', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(async () => {
    await chmod(directory, 0o700);
    await rm(directory, { recursive: true, force: true });
  });

  /** The lines of a writer that ends by itself. Under `limits`, shell commands that hold it down. */
  async function write(plan: Partial<WriterPlan>, limits: string): Promise<string[]> {
    const whole: WriterPlan = { directory, durability: 'process', seed: '1', ...plan };
    const command = [process.execPath, '--import', 'tsx', WRITER, JSON.stringify(whole)];
    const child = spawn('sh', ['-c', `${limits} exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    return lines;
  }

  it('full: ends in an error that says so, with everything acknowledged intact', async () => {
    // No file may grow beyond 1024 blocks, which is half a megabyte or one: enough for some tens of writes.
    const lines = await write({ padding: 5_000 }, "trap '' XFSZ; ulimit -f 1024;");
    const error = lines.at(-1)!;
    expect(error).toMatch(
      /^error unavailable the storage engine failed \(data directory .*: IO error: .*\.log: File too large\); nothing is written until the store is opened again$/,
    );
    const writes = lines
      .map((line) => line.split(' '))
      .filter(([kind]) => kind === 'put' || kind === 'delete');
    expect(writes.length).toBeGreaterThan(20);
    const engine = new LevelEngine({ directory, durability: 'process' });
    await engine.open();
    expect((await checkData(engine)).damage).toEqual([]);
    await engine.close();
    const store = await openStore({ engine: new LevelEngine({ directory, durability: 'process' }) });
    const last = new Map(writes.map(([kind, key, revision]) => [key!, { kind, revision: Number(revision) }]));
    const dropped = lines.flatMap((line) => (line.startsWith('drop ') ? [line.split(' ')[1]!] : []));
    for (const [key, { kind, revision }] of last) {
      if (dropped.includes(key.split('/')[1]!)) continue;
      expect(store.get(key)?.revision, key).toBe(kind === 'delete' ? undefined : revision);
    }
    await put(store, 'registry/main/after', 'x');
    await store.close();
  });

  it('that cannot be written: is refused at opening, and is as it was', async () => {
    const store = await openStore({ engine: new LevelEngine({ directory, durability: 'process' }) });
    await put(store, 'registry/main/a', 'x');
    await store.close();
    await chmod(directory, 0o555);
    // Nothing is forbidden to root.
    const user = process.getuid!() === 0 ? NOBODY : undefined;
    expect(await write({ user }, '')).toEqual([
      expect.stringMatching(
        /^error unavailable data directory .* cannot be opened: IO error: .*LOCK: Permission denied$/,
      ),
    ]);
    await chmod(directory, 0o700);
    const again = await openStore({ engine: new LevelEngine({ directory, durability: 'process' }) });
    expect(again.get('registry/main/a')?.revision).toBe(2);
    await again.close();
  });

  it.each([
    { durability: 'process', sync: false },
    { durability: 'power', sync: true },
  ] as const)(
    'durability $durability: waits for the disk at every batch: $sync',
    async ({ durability, sync }) => {
      const batch = vi.spyOn(Level.prototype, 'batch');
      try {
        const store = await openStore({ engine: new LevelEngine({ directory, durability }) });
        for (const key of ['a', 'b', 'c']) await put(store, key);
        await store.compact(3);
        await store.close();
        const asked = batch.mock.calls.map(
          (call) => (call as unknown as [unknown, { sync: boolean }])[1].sync,
        );
        expect(asked.length).toBeGreaterThan(4);
        expect(new Set(asked)).toEqual(new Set([sync]));
      } finally {
        batch.mockRestore();
      }
    },
  );
});
