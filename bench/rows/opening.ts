/** Opening a data directory, against iterating over what is in it. */
import { Level } from 'level';
import { openEngine } from '../../storage/engines/index.ts';
import { resourceKey } from '../../storage/keys.ts';
import { openStore } from '../../storage/store.ts';
import type { Finding } from '../harness/finding.ts';
import { inTurn, median, now, residentMB } from '../harness/measure.ts';

const ROUNDS = 3;
const FORKS = 9;

async function iterateMs(directory: string): Promise<number> {
  const database = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' });
  await database.open();
  const began = now();
  const iterator = database.iterator({ highWaterMarkBytes: 1024 * 1024 });
  while ((await iterator.nextv(1000)).length > 0);
  const ms = now() - began;
  await iterator.close();
  await database.close();
  return ms;
}

async function openMs(directory: string): Promise<number> {
  const began = now();
  const store = await openStore({
    engine: openEngine({ type: 'level', directory, durability: 'process' }),
  });
  const ms = now() - began;
  await store.close();
  return ms;
}

/** A copy of all of it, opened on a store that runs: time, and what the process needs more. */
async function forkFindings(directory: string): Promise<Finding[]> {
  const store = await openStore({
    engine: openEngine({ type: 'level', directory, durability: 'process' }),
  });
  const [times, sizes]: [number[], number[]] = [[], []];
  for (let round = 0; round < FORKS; round++) {
    const cluster = `bench-${round}`;
    const before = residentMB(process.pid);
    const began = now();
    await store.fork(cluster, { parent: 'default' });
    // It is open once something can be read of it.
    store.get(resourceKey({ cluster, group: '', resource: 'namespaces', name: 'default' }));
    times.push(now() - began);
    sizes.push(residentMB(process.pid) - before);
  }
  for (let round = 0; round < FORKS; round++) await store.dropFork(`bench-${round}`);
  await store.close();
  return [
    {
      row: 'fork',
      what: 'fork of a cluster with 100,000 pods, opened',
      value: median(times),
      unit: 'ms',
      target: 20,
      better: 'lower',
      details: { slowestMs: Math.max(...times) },
    },
    {
      row: 'fork',
      what: 'resident per such fork',
      value: median(sizes),
      unit: 'MB',
      target: 5,
      better: 'lower',
      details: { largestMB: Math.max(...sizes) },
    },
  ];
}

export async function openingFindings(directory: string): Promise<Finding[]> {
  const times = await inTurn(ROUNDS, {
    iterate: () => iterateMs(directory),
    open: () => openMs(directory),
  });
  return [
    {
      row: 'opening',
      what: 'opening the store of 100,000 pods, against classic-level iterating over it',
      value: times.open / times.iterate,
      unit: 'times',
      target: 8,
      better: 'lower',
      details: { openMs: times.open, iterateMs: times.iterate },
    },
    ...(await forkFindings(directory)),
  ];
}
