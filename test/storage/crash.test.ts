import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LevelEngine } from '../../storage/engines/level.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from './fixtures/engines.ts';
import { EVERYTHING, record } from './fixtures/stores.ts';

const WRITER = fileURLToPath(new URL('./fixtures/writer-process.ts', import.meta.url));
const ROUNDS = 3;
/** Acknowledged writes after which a round's writer is killed. */
const WRITES_PER_ROUND = [500, 1_234, 3_000];

interface Acknowledged {
  readonly deleted: boolean;
  readonly revision: number;
}

/** Lets a child write until enough is acknowledged, kills it, and adds what it acknowledged to `known`. */
async function writeAndKill(
  directory: string,
  known: Map<string, Acknowledged>,
  writes: number,
): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, key = '', revision] = line.split(' ');
    known.set(key, { deleted: kind === 'delete', revision: Number(revision) });
    // What is in the pipe by then was acknowledged before the kill, so the loop reads on.
    if (++count === writes) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect([signal, count >= writes]).toEqual(['SIGKILL', true]);
}

describe('after SIGKILL', () => {
  it('every acknowledged write is there, history has no hole, and revisions go on', async () => {
    const directory = await temporaryDirectory();
    const known = new Map<string, Acknowledged>();
    let newest = 1;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await writeAndKill(directory, known, WRITES_PER_ROUND[round] ?? 0);
        const store = await openStore({ engine: new LevelEngine({ directory, durability: 'process' }) });
        const last = Math.max(...Array.from(known.values(), ({ revision }) => revision));
        expect(last).toBeGreaterThan(newest);
        expect(store.revision).toBeGreaterThanOrEqual(last);
        for (const [key, { deleted, revision }] of known) {
          const value = store.get(key);
          // Each key has one writer, which waits: at most one write of it came after the acknowledged one.
          if (value?.revision === revision) expect(value.bytes.toString()).toBe(`${key} at ${revision}`);
          else if (value !== undefined) expect(value.revision).toBeGreaterThan(revision);
          else if (!deleted) expect(deletionOf(key, revision)).toBe(true);
        }
        const { events } = record(store, EVERYTHING, store.compactedRevision);
        expect(events.map((event) => event.revision)).toEqual(
          Array.from(
            { length: store.revision - store.compactedRevision },
            (_, index) => store.compactedRevision + 1 + index,
          ),
        );
        newest = store.revision;
        await store.close();

        function deletionOf(key: string, after: number): boolean {
          return events.some(
            (event) => event.type === 'deleted' && event.key === key && event.revision > after,
          );
        }
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
