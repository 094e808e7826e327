/** Forking a cluster of 100,000 objects: time, and memory the process takes for it. */
import { join } from 'node:path';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';
import type { Finding, Row } from '../harness/finding.ts';
import { median, now } from '../harness/measure.ts';
import { temporaryFolder } from '../harness/process.ts';

const OBJECTS = 100_000;
const AT_ONCE = 1000;
const FORKS = 9;
const VALUE = Buffer.from('lorem ipsum '.repeat(200).slice(0, 2000));

export const forkRow: Row = {
  name: 'fork',
  run: async (): Promise<Finding[]> => {
    const folder = temporaryFolder();
    const engine = openEngine({
      type: 'level',
      directory: join(folder.path, 'store'),
      durability: 'process',
    });
    const store = await openStore({ engine });
    const put = (index: number): Promise<unknown> =>
      store.put(`registry/main/core/pods/default/pod-${index}`, () => ({ bytes: VALUE }), {
        expect: 'absent',
      });
    for (let first = 0; first < OBJECTS; first += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => put(first + index)));
    }
    await store.compact(store.revision);
    const residentBefore = process.memoryUsage().rss;
    const times: number[] = [];
    for (let index = 0; index < FORKS; index++) {
      const began = now();
      await store.fork(`fork-${index}`, { parent: 'main' });
      times.push(now() - began);
    }
    const residentMB = (process.memoryUsage().rss - residentBefore) / 1e6 / FORKS;
    await store.close();
    folder.remove();
    const details = { forks: FORKS, slowestMs: Math.max(...times) };
    return [
      {
        row: 'fork',
        what: 'a fork of a cluster of 100,000 objects of 2 KB, on disk',
        value: median(times),
        unit: 'ms',
        target: 20,
        better: 'lower',
        details,
      },
      {
        row: 'fork',
        what: 'resident memory for it',
        value: residentMB,
        unit: 'MB',
        target: 5,
        better: 'lower',
        details,
      },
    ];
  },
};
