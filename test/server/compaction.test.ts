import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../api/machinery/clock.ts';
import { silentLogger } from '../../api/machinery/logger.ts';
import { compactRegularly } from '../../server/compaction.ts';
import { MemoryEngine } from '../../storage/engines/memory.ts';
import { openStore } from '../../storage/store.ts';

const MINUTE_MS = 60_000;

async function fixture(intervalMs: number) {
  const store = await openStore({ engine: new MemoryEngine() });
  const clock = new VirtualClock();
  const stop = compactRegularly(store, intervalMs, clock, silentLogger);
  const write = async () => {
    await store.put('a', () => ({ bytes: Buffer.from('x') }), { expect: 'any' });
    return store.revision;
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { store, write, stop, pass: (minutes: number) => clock.advance(minutes * MINUTE_MS, settle) };
}

describe('compaction by age', () => {
  it('forgets at each interval what was history at the one before', async () => {
    const { store, write, pass } = await fixture(5 * MINUTE_MS);
    const early = await write();
    await pass(5);
    expect(store.compactedRevision).toBe(1);
    const late = await write();
    await pass(4);
    expect(store.compactedRevision).toBe(1);
    await pass(1);
    expect(store.compactedRevision).toBe(early);
    await pass(5);
    expect(store.compactedRevision).toBe(late);
  });

  it('never happens with an interval of 0', async () => {
    const { store, write, pass } = await fixture(0);
    await write();
    await pass(1000);
    expect(store.compactedRevision).toBe(1);
  });

  it('stops', async () => {
    const { store, write, pass, stop } = await fixture(MINUTE_MS);
    await write();
    stop();
    await pass(10);
    expect(store.compactedRevision).toBe(1);
  });

  it('goes on after a store that refuses', async () => {
    const { store, write, pass } = await fixture(MINUTE_MS);
    await write();
    await store.close();
    await pass(10);
    expect(store.compactedRevision).toBe(1);
  });
});
