import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock, type Clock } from '../../../api/machinery/clock.ts';
import { configMaps } from '../../../openapi/generated/core-v1.ts';
import { startCluster, type Cluster, type ClusterOptions } from '../../../server/cluster.ts';
import { ClusterClock } from '../../../server/control/cluster-clock.ts';
import { KeptTime } from '../../../server/control/kept-time.ts';

const DAY_MS = 86_400_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubemu-time-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function during<T>(
  clock: ClusterOptions['clock'],
  work: (cluster: Cluster) => T | Promise<T>,
): Promise<T> {
  const cluster = await startCluster({ dataDir: folder, clock, nodes: 0 });
  try {
    return await work(cluster);
  } finally {
    await cluster.stop();
  }
}

const now = ({ clock }: Cluster): number => clock.now();

describe('the virtual time of a data directory', () => {
  it('goes on where it was', { timeout: 60_000 }, async () => {
    const before = await during('virtual', async (cluster) => {
      await cluster.clock.step(DAY_MS);
      return now(cluster);
    });
    await during('virtual', async (cluster) => {
      expect(now(cluster)).toBe(before);
      const { metadata } = await cluster.client.create(configMaps, {
        metadata: { name: 'a', namespace: 'default' },
      });
      expect(Date.parse(metadata.creationTimestamp!)).toBe(Math.floor(before / 1000) * 1000);
      await cluster.clock.advance();
    });
    expect(await during('virtual', now)).toBeGreaterThanOrEqual(before);
    // A clock of the caller's begins where the caller likes.
    expect(await during(new VirtualClock(DAY_MS), now)).toBe(DAY_MS);
    expect(await during('virtual', now)).toBe(DAY_MS);
    await during('real', now);
    expect(await during('virtual', now)).toBeGreaterThan(before - DAY_MS);
    expect(await during('virtual', now)).toBeLessThan(before);
  });

  it('is none where none was kept, or what was kept is no time', () => {
    const kept = new KeptTime(folder);
    expect(kept.ms).toBeUndefined();
    kept.keep(5000);
    expect(kept.ms).toBe(5000);
    writeFileSync(join(folder, 'virtual-time'), 'noon');
    expect(kept.ms).toBeUndefined();
    kept.forget();
    kept.forget();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('how far time gets is told before it does', () => {
  it('by each way of moving it', async () => {
    const virtual = new VirtualClock(0);
    const wall = new VirtualClock(1_000_000);
    const told: number[] = [];
    const settle = (): Promise<void> => Promise.resolve();
    const clock = new ClusterClock({
      clock: virtual,
      virtual,
      wall,
      settle,
      reaching: (ms) => told.push(ms),
    });
    const seen: number[] = [];
    virtual.schedule(30, () => seen.push(told.at(-1)!));
    virtual.schedule(200, () => seen.push(told.at(-1)!));
    await clock.step(100);
    await clock.advance();
    await clock.advanceTo(250);
    await clock.advanceTo(10);
    expect([told, seen]).toEqual([
      [100, 200, 250],
      [100, 200],
    ]);
    await clock.run(10);
    const ahead = told.at(-1)!;
    expect(ahead).toBe(250 + 3 * 10_000);
    await runFor(wall, 60_000);
    expect(told.at(-1)!).toBeGreaterThan(virtual.now());
    expect(told.length).toBeLessThan(50);
    await clock.pause();
    expect(told.at(-1)).toBe(virtual.now());
    await clock.advanceTo(0);
  });
});

async function runFor(wall: VirtualClock & Clock, ms: number): Promise<void> {
  await wall.advance(ms, () => new Promise((resolve) => setImmediate(resolve)));
}
