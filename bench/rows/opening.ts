/** Opening a data directory, against iterating over what is in it. */
import { Level } from 'level';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import type { Finding } from '../harness/finding.ts';
import { inTurn, now } from '../harness/measure.ts';

const ROUNDS = 3;

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
  ];
}
