/** Group commit of the store with durability power, against raw synced batches of classic-level. */
import { join } from 'node:path';
import { Level } from 'level';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { inTurn, rateOf } from '../harness/measure.ts';
import { temporaryFolder } from '../harness/process.ts';

const WRITERS = 64;
const ROUNDS = 5;
const MANY = 6400;
const FEW = 600;
const VALUE = Buffer.from('lorem ipsum '.repeat(200).slice(0, 2000));

export const storeWritesRow: Row = {
  name: 'store',
  run: async (): Promise<Finding[]> => {
    const folder = temporaryFolder();
    const directory = join(folder.path, 'store');
    const store = await openStore({ engine: openEngine({ type: 'level', directory, durability: 'power' }) });
    const raw = new Level<string, Buffer>(join(folder.path, 'raw'), { valueEncoding: 'buffer' });
    await raw.open();
    let made = 0;
    const key = (): string => `key/${String(made++).padStart(12, '0')}`;
    const put = (): Promise<unknown> => store.put(key(), () => ({ bytes: VALUE }), { expect: 'absent' });
    const batch = (): Promise<void> =>
      raw.batch(
        Array.from({ length: WRITERS }, () => ({ type: 'put' as const, key: key(), value: VALUE })),
        { sync: true },
      );
    const writers = Array.from({ length: WRITERS }, (_, index) => index);
    const measurements = {
      many: () => rateOf(writers, MANY, put),
      one: () => rateOf([0], FEW, put),
      raw: async () => (await rateOf([0], MANY / WRITERS, batch)) * WRITERS,
    };
    await inTurn(1, measurements);
    const rates = await inTurn(ROUNDS, measurements);
    await store.close();
    await raw.close();
    folder.remove();
    const details = {
      perSecond64Writers: rates.many,
      perSecond1Writer: rates.one,
      rawPerSecond: rates.raw,
    };
    return [
      {
        row: 'store',
        what: 'store writes of 2 KB, 64 writers, durability power, against raw synced batches of 64',
        value: rates.many / rates.raw,
        unit: 'ratio',
        target: 0.6,
        better: 'higher',
        details,
      },
      {
        row: 'store',
        what: '64 writers against one',
        value: rates.many / rates.one,
        unit: 'times',
        target: 10,
        better: 'higher',
        details,
      },
    ];
  },
};
