/**
 * A process that writes, compacts, names revisions, forks and drops is killed again and again, at random and at named
 * points; what it had acknowledged must be there each time. `npm run test:crash` does a hundred rounds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { randomInt, SeededRandom } from '../../api/machinery/random.ts';
import { LevelEngine } from '../../storage/engines/level.ts';
import type { Store } from '../../storage/interface.ts';
import { clusterPrefix, clusterRange } from '../../storage/keys.ts';
import { checkData } from '../../storage/maintenance.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from './fixtures/engines.ts';
import { FAIL_POINTS, type FailPoint } from './fixtures/fail-point-engine.ts';
import { EVERYTHING, record } from './fixtures/stores.ts';
import type { WriterPlan } from './fixtures/writer-process.ts';

const WRITER = fileURLToPath(new URL('./fixtures/writer-process.ts', import.meta.url));
const ROUNDS = Number(process.env['KUBEMU_CRASH_ROUNDS'] ?? 8);
const SEED = process.env['KUBEMU_SEED'] ?? '1';
/** Each of the writer's nine loops waits for one acknowledgement. */
const UNACKNOWLEDGED_MAX = 9;

/** What was acknowledged so far. */
class Acknowledged {
  /** Last write of each key. */
  readonly keys = new Map<string, { readonly deleted: boolean; readonly revision: number }>();
  readonly snapshots = new Map<string, number>();
  readonly forks = new Set<string>();
  newest = 1;

  add(line: string): void {
    const [kind, name = '', number] = line.split(' ');
    const revision = Number(number);
    this.newest = Math.max(this.newest, revision);
    if (kind === 'put' || kind === 'delete') this.keys.set(name, { deleted: kind === 'delete', revision });
    else if (kind === 'snapshot') this.snapshots.set(name, revision);
    else if (kind === 'release') this.snapshots.delete(name);
    else if (kind === 'fork' || kind === 'drop') this.#forget(name, kind === 'fork');
    else throw new Error(line);
  }

  /** Brings it up to what the store has, which is the beginning of the next round. */
  takeOver(store: Store): void {
    this.keys.clear();
    for (const { key, revision } of store.list(EVERYTHING).entries) {
      this.keys.set(key, { deleted: false, revision });
    }
    this.snapshots.clear();
    for (const { name, revision } of store.snapshots()) this.snapshots.set(name, revision);
    this.forks.clear();
    for (const { cluster } of store.forks()) this.forks.add(cluster);
  }

  #forget(cluster: string, isThere: boolean): void {
    for (const key of this.keys.keys()) if (key.startsWith(clusterPrefix(cluster))) this.keys.delete(key);
    if (isThere) this.forks.add(cluster);
    else this.forks.delete(cluster);
  }
}

/** Lets a child write until it is killed and adds what it acknowledged. */
async function writeAndKill(plan: WriterPlan, killAfter: number, known: Acknowledged): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    known.add(line);
    // What is in the pipe by then was acknowledged before the kill, so the loop reads on.
    if (++count === killAfter) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}

function checkText(key: string, bytes: Buffer, revision: number): void {
  expect(bytes.toString()).toBe(`${key.split('/').slice(2).join('/')} at ${revision}`);
}

/** History has no hole, and leads from the oldest state to the current one. */
function checkHistory(store: Store): void {
  const { compactedRevision, revision } = store;
  const hidden = new Set<number>();
  const { events } = record(store, EVERYTHING, compactedRevision);
  for (const event of events) {
    expect(hidden.has(event.revision)).toBe(false);
    hidden.add(event.revision);
    checkText(event.key, event.value.bytes, event.revision);
  }
  const forks = store.forks();
  const state = new Map(
    store
      .list(EVERYTHING, { revision: compactedRevision })
      .entries.map((value) => [value.key, value.revision]),
  );
  for (const fork of forks.filter((each) => each.revision > compactedRevision)) {
    const begun = store.list(clusterRange(fork.cluster), { revision: fork.revision });
    for (const value of begun.entries) state.set(value.key, value.revision);
  }
  for (const { type, key, revision: at } of events) {
    if (type === 'deleted') state.delete(key);
    else state.set(key, at);
  }
  const { entries } = store.list(EVERYTHING);
  expect(new Map(entries.map((value) => [value.key, value.revision]))).toEqual(state);
  expect([store.count(EVERYTHING), Math.max(0, ...hidden) <= revision]).toEqual([entries.length, true]);
  for (const value of entries) {
    expect(store.get(value.key)?.revision).toBe(value.revision);
    checkText(value.key, value.bytes, value.revision);
  }
}

/** Everything acknowledged is there, or was changed by one of the few writes that were on their way. */
function checkAcknowledged(store: Store, known: Acknowledged): void {
  let unacknowledged = 0;
  const { events } = record(store, EVERYTHING, store.compactedRevision);
  const forks = new Set(store.forks().map(({ cluster }) => cluster));
  const lost = [...known.forks].filter((cluster) => !forks.has(cluster));
  const snapshots = new Map(store.snapshots().map(({ name, revision }) => [name, revision]));
  for (const [name, revision] of known.snapshots) {
    if (snapshots.get(name) !== revision) unacknowledged++;
  }
  for (const [name, revision] of snapshots) {
    if (!known.snapshots.has(name)) unacknowledged++;
    for (const value of store.list(EVERYTHING, { revision }).entries) {
      expect(value.revision).toBeLessThanOrEqual(revision);
      checkText(value.key, value.bytes, value.revision);
    }
  }
  unacknowledged += lost.length;
  for (const [key, { deleted, revision }] of known.keys) {
    if (lost.some((cluster) => key.startsWith(clusterPrefix(cluster)))) continue;
    const value = store.get(key);
    if (value === undefined ? deleted : !deleted && value.revision === revision) continue;
    unacknowledged++;
    const last = events.findLast((event) => event.key === key);
    expect(last?.revision, `${key}, acknowledged at ${revision}`).toBeGreaterThan(revision);
  }
  expect(unacknowledged).toBeLessThanOrEqual(UNACKNOWLEDGED_MAX);
}

async function check(
  directory: string,
  durability: 'process' | 'power',
  known: Acknowledged,
): Promise<number> {
  const engine = new LevelEngine({ directory, durability });
  await engine.open();
  const { damage } = await checkData(engine);
  await engine.close();
  expect(damage).toEqual([]);
  const store = await openStore({ engine: new LevelEngine({ directory, durability }) });
  expect(store.revision).toBeGreaterThanOrEqual(known.newest);
  checkAcknowledged(store, known);
  checkHistory(store);
  known.takeOver(store);
  await store.close();
  return store.revision;
}

describe('after SIGKILL', () => {
  it.each(['process', 'power'] as const)(
    'durability %s: every acknowledged write is there, history has no hole, and revisions go on',
    async (durability) => {
      const directory = await temporaryDirectory();
      const known = new Acknowledged();
      const random = new SeededRandom(`${SEED} ${durability}`);
      let newest = 1;
      try {
        for (let round = 0; round < ROUNDS / 2; round++) {
          // Every other round is killed from outside, the others at each fail point in turn.
          const index = (durability === 'process' ? 0 : 1) + round - 1;
          const point: FailPoint | undefined =
            round % 2 === 0 ? undefined : FAIL_POINTS[index % FAIL_POINTS.length];
          const isOnce = point === 'while opening' || point === 'before close';
          const hits = isOnce ? 1 : 1 + randomInt(random, 12);
          const writes = 1 + randomInt(random, 1500);
          const plan = { directory, durability, seed: `${SEED} ${round}`, point, hits, writes: 3000 };
          await writeAndKill(plan, point === undefined ? writes : Infinity, known);
          const revision = await check(directory, durability, known);
          expect(revision).toBeGreaterThanOrEqual(newest);
          newest = revision;
        }
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
    Math.max(60_000, ROUNDS * 10_000),
  );
});
