import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LevelEngine } from '../../storage/engines/level.ts';
import type { Store } from '../../storage/interface.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from './fixtures/engines.ts';
import { EVERYTHING, record } from './fixtures/stores.ts';

const WRITER = fileURLToPath(new URL('./fixtures/writer-process.ts', import.meta.url));
/** For each round, how many acknowledged writes its writer lives for, and who kills it then. */
const ROUNDS = [
  { writes: 500, kill: 'from outside' },
  { writes: 333, kill: 'itself' },
  { writes: 1, kill: 'itself' },
  { writes: 3_000, kill: 'from outside' },
] as const;

/** The writer process has this many writers, and each waits for its write to be acknowledged. */
const UNACKNOWLEDGED_MAX = 8;

/** A key's last acknowledged write. */
interface Acknowledged {
  readonly deleted: boolean;
  readonly revision: number;
}

/** Lets a child write until it is killed and adds what it acknowledged to `known`. */
async function writeAndKill(
  directory: string,
  durability: 'process' | 'power',
  known: Map<string, Acknowledged>,
  { writes, kill }: (typeof ROUNDS)[number],
): Promise<void> {
  const selfKill = kill === 'itself' ? [String(writes)] : [];
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, directory, durability, ...selfKill], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, key = '', revision] = line.split(' ');
    known.set(key, { deleted: kind === 'delete', revision: Number(revision) });
    // What is in the pipe by then was acknowledged before the kill, so the loop reads on.
    if (++count === writes && kill === 'from outside') child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect([signal, count >= writes]).toEqual(['SIGKILL', true]);
}

/** Checks the store against what was acknowledged; brings `known` up to what the store has. */
function checkAcknowledged(store: Store, known: Map<string, Acknowledged>): void {
  const { events } = record(store, EVERYTHING, store.compactedRevision);
  const revisions = Array.from(
    { length: store.revision - store.compactedRevision },
    (_, index) => store.compactedRevision + 1 + index,
  );
  expect(events.map(({ revision }) => revision)).toEqual(revisions);
  let unacknowledged = 0;
  for (const [key, { deleted, revision }] of known) {
    const value = store.get(key);
    if (value === undefined && deleted) continue;
    if (value !== undefined && value.revision === revision && !deleted) {
      expect(value.bytes.toString()).toBe(`${key} at ${revision}`);
      continue;
    }
    unacknowledged++;
    const last = events.findLast((event) => event.key === key);
    expect(last?.revision, `${key}, acknowledged at ${revision}`).toBeGreaterThan(revision);
  }
  expect(unacknowledged).toBeLessThanOrEqual(UNACKNOWLEDGED_MAX);
  known.clear();
  for (const { key, revision } of store.list(EVERYTHING).entries)
    known.set(key, { deleted: false, revision });
}

describe('after SIGKILL', () => {
  it.each(['process', 'power'] as const)(
    'durability %s: every acknowledged write is there, history has no hole, and revisions go on',
    async (durability) => {
      const directory = await temporaryDirectory();
      const known = new Map<string, Acknowledged>();
      let newest = 1;
      try {
        for (const round of ROUNDS) {
          await writeAndKill(directory, durability, known, round);
          const last = Math.max(...Array.from(known.values(), ({ revision }) => revision));
          expect(last).toBeGreaterThan(newest);
          const store = await openStore({ engine: new LevelEngine({ directory, durability }) });
          expect(store.revision).toBeGreaterThanOrEqual(last);
          checkAcknowledged(store, known);
          newest = store.revision;
          await store.close();
        }
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  );
});
