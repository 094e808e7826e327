import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  checkDataDirectory,
  compactDataDirectory,
  exportDataDirectory,
  type ExportOptions,
  importDataDirectory,
  objectsFolder,
} from '../../server/data-directory.ts';
import { LevelEngine } from '../../storage/engines/level.ts';
import type { Store } from '../../storage/interface.ts';
import { clusterRange, resourceKey } from '../../storage/keys.ts';
import { logKey, META_KEY } from '../../storage/log-format.ts';
import { openStore } from '../../storage/store.ts';
import { temporaryDirectory } from '../storage/fixtures/engines.ts';
import { show } from '../storage/fixtures/stores.ts';

let home: string;
let data: string;

beforeEach(async () => {
  home = await temporaryDirectory();
  data = join(home, 'data');
});

afterEach(() => rm(home, { recursive: true, force: true }));

const keyOf = (name: string, cluster = 'default'): string =>
  resourceKey({ cluster, group: '', resource: 'configmaps', namespace: 'x', name });

/** Writes an object as the registry does: with the revision in it. */
function write(store: Store, name: string, cluster?: string, extra: object = {}) {
  const encode = (revision: number) => ({
    bytes: Buffer.from(
      `${JSON.stringify({ metadata: { name, namespace: 'x', resourceVersion: String(revision), ...extra } })}\n`,
    ),
  });
  return store.put(keyOf(name, cluster), encode, { expect: 'any' });
}

function remove(store: Store, name: string) {
  const encode = (revision: number) => ({
    bytes: Buffer.from(
      JSON.stringify({ metadata: { name, namespace: 'x', resourceVersion: String(revision) } }),
    ),
  });
  return store.delete(keyOf(name), encode, { expect: 'any' });
}

async function onStore<T>(work: (store: Store) => Promise<T>, directory = data): Promise<T> {
  const folder = objectsFolder(directory);
  const store = await openStore({ engine: new LevelEngine({ directory: folder, durability: 'process' }) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function onEngine(work: (engine: LevelEngine) => Promise<void>): Promise<void> {
  const engine = new LevelEngine({ directory: objectsFolder(data), durability: 'process' });
  await engine.open();
  await work(engine);
  await engine.close();
}

async function lines(options?: ExportOptions): Promise<string[]> {
  const all: string[] = [];
  for await (const line of exportDataDirectory(data, options)) all.push(line);
  return all;
}

async function* from(all: readonly string[]): AsyncIterable<string> {
  yield* all;
}

const problems = async (): Promise<string[]> =>
  (await checkDataDirectory(data)).damage.map(({ message }) => message);

describe('check', () => {
  it('finds nothing wrong with what a store wrote', async () => {
    await onStore(async (store) => {
      for (const name of ['a', 'b', 'a']) await write(store, name);
      await store.createSnapshot('s');
      await store.fork('child', { parent: 'default' });
      await write(store, 'c', 'child');
      await remove(store, 'b');
      await store.compact(4);
    });
    expect(await checkDataDirectory(data)).toEqual({
      revision: 6,
      compactedRevision: 4,
      keys: 4,
      forks: 1,
      snapshots: 1,
      damage: [],
    });
  });

  it('names every damaged place, and goes on behind it', async () => {
    await onStore(async (store) => {
      for (const name of ['a', 'b', 'c', 'd', 'a', 'e', 'f']) await write(store, name);
    });
    await onEngine(async (engine) => {
      const flipped = Buffer.from((await engine.get(logKey(3)))!);
      flipped[flipped.length - 1]! ^= 1;
      await engine.write([
        { type: 'put', key: logKey(3), value: flipped },
        { type: 'delete', key: logKey(5) },
        { type: 'delete', key: logKey(7) },
        { type: 'put', key: 'snapshot/1', value: Buffer.from('{}') },
      ]);
    });
    expect(await problems()).toEqual([
      'stored data is damaged at snapshot/1: it says nothing of a snapshot',
      `stored data is damaged at ${logKey(3)}: the checksum is wrong`,
      `stored data is damaged at ${logKey(5)}: the record is missing, the store is at revision 8`,
      `stored data is damaged at ${logKey(7)}: the record is missing, the store is at revision 8`,
    ]);
    await expect(lines()).rejects.toThrow(
      `stored data is damaged at snapshot/1: it says nothing of a snapshot; 'kubemu check ${data}' shows all of the damage, ` +
        `'kubemu export --skip-damaged ${data}' saves what can be read`,
    );
    const saved = await lines({ skipDamaged: true });
    expect(saved.slice(1).map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(
      ['a', 'c', 'f'].map((name) => keyOf(name).replace('registry/default/', '')),
    );
    const saviour = join(home, 'saved');
    expect(await importDataDirectory(saviour, from(saved))).toBe(3);
  });

  it.each([
    { name: 'no JSON', bytes: 'x', problem: /the object is not JSON/ },
    { name: 'another name', bytes: '{"metadata":{"name":"b"}}', problem: /the object has another name/ },
    {
      name: 'another resourceVersion',
      bytes: '{"metadata":{"name":"a","namespace":"x","resourceVersion":"1"}}',
      problem: /the object has another resourceVersion/,
    },
  ])('looks into objects: $name', async ({ bytes, problem }) => {
    await onStore((store) => store.put(keyOf('a'), () => ({ bytes: Buffer.from(bytes) }), { expect: 'any' }));
    const found = await problems();
    expect(found).toEqual([expect.stringMatching(problem)]);
    expect(found[0]).toContain(keyOf('a'));
  });

  it('finds that a torn last batch is gone, and nothing else', async () => {
    await onStore(async (store) => {
      for (const name of ['a', 'b', 'c']) await write(store, name);
    });
    const folder = objectsFolder(data);
    const log = (await readdir(folder)).filter((name) => name.endsWith('.log')).sort();
    const { size } = await import('node:fs').then(({ statSync }) => statSync(join(folder, log.at(-1)!)));
    await truncate(join(folder, log.at(-1)!), size - 5);
    expect(await checkDataDirectory(data)).toMatchObject({ revision: 3, keys: 2, damage: [] });
    await appendFile(
      join(
        folder,
        (await readdir(folder)).find((name) => name.endsWith('.log'))!,
      ),
      'torn',
    );
    expect(await checkDataDirectory(data)).toMatchObject({ revision: 3, keys: 2, damage: [] });
  });
});

describe('damage in the middle of the log of LevelDB', () => {
  it('is refused, because what came after it tells what is missing', async () => {
    await onStore(async (store) => {
      for (let round = 0; round < 40; round++) {
        await write(store, `a${round}`, undefined, { annotations: { a: 'x'.repeat(5_000) } });
      }
    });
    const folder = objectsFolder(data);
    const log = join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith('.log'))!,
    );
    const bytes = await readFile(log);
    bytes.fill(0x55, 40_000, 40_100);
    await writeFile(log, bytes);
    const found = await problems();
    expect(found.length).toBeGreaterThan(0);
    for (const problem of found) expect(problem).toMatch(/damaged at log\/\d{16}: the records? .* missing/);
    await expect(onStore(async () => {})).rejects.toMatchObject({
      code: 'corrupt',
      key: expect.stringMatching(/^log\/\d{16}$/),
    });
  });
});

describe('compact', () => {
  it('forgets history, keeps what has a name, and gives space back', async () => {
    await onStore(async (store) => {
      const padding = { annotations: { a: 'x'.repeat(20_000) } };
      for (let round = 0; round < 40; round++) await write(store, 'a', undefined, padding);
      await store.createSnapshot('s', 3);
    });
    const { records, bytesBefore, bytesAfter } = await compactDataDirectory(data);
    expect([records, bytesAfter < bytesBefore / 2]).toEqual([38, true]);
    await onStore(async (store) => {
      expect([store.revision, store.compactedRevision]).toEqual([41, 41]);
      expect(store.getAt(keyOf('a'), 3)?.revision).toBe(3);
    });
  });
});

describe('export and import', () => {
  it('bring every object over, with its revisions and bytes', async () => {
    const odd = Buffer.from('{"a":1.0}\n');
    const before = await onStore(async (store) => {
      for (const name of ['a', 'b', 'é', 'a']) await write(store, name);
      await store.put(keyOf('odd'), () => ({ bytes: odd }), { expect: 'any' });
      await remove(store, 'b');
      return store.list(clusterRange('default')).entries.map(show);
    });
    const exported = await lines();
    expect(exported.slice(1).map((line) => Object.keys(JSON.parse(line) as object).at(-1))).toEqual([
      'object',
      'base64',
      'object',
    ]);
    expect(exported[0]).toBe('{"kubemuExport":1,"cluster":"default","revision":7,"objects":3}');
    const copy = join(home, 'copy');
    expect(await importDataDirectory(copy, from(exported))).toBe(3);
    await onStore(async (store) => {
      expect(store.list(clusterRange('default')).entries.map(show)).toEqual(before);
      expect([store.revision, store.compactedRevision]).toEqual([7, 7]);
      expect((await write(store, 'new')).revision).toBe(8);
    }, copy);
  });

  it('take an older revision, a snapshot, or a fork', async () => {
    await onStore(async (store) => {
      await write(store, 'a');
      await write(store, 'b');
      await store.createSnapshot('s', 2);
      await store.fork('child', { parent: 'default' });
      await write(store, 'c', 'child');
    });
    const names = async (options: ExportOptions) =>
      (await lines(options)).slice(1).map((line) => (JSON.parse(line) as { key: string }).key.slice(-1));
    expect(await names({})).toEqual(['a', 'b']);
    expect(await names({ revision: 2 })).toEqual(['a']);
    expect(await names({ snapshot: 's' })).toEqual(['a']);
    expect(await names({ cluster: 'child' })).toEqual(['a', 'b', 'c']);
    await expect(names({ snapshot: 't' })).rejects.toThrow('no snapshot t');
    await expect(names({ revision: 9 })).rejects.toThrow(/revision 9 does not exist yet/);
    const copy = join(home, 'copy');
    await importDataDirectory(copy, from(await lines({ cluster: 'child' })));
    await onStore(async (store) => expect(store.count(clusterRange('default'))).toBe(3), copy);
  });

  const header = '{"kubemuExport":1,"cluster":"default","revision":9,"objects":2}';
  const line = (key: string, revision: number, rest: object = { object: {} }): string =>
    JSON.stringify({ key, revision, createRevision: 1, ...rest });

  it.each([
    { name: 'nothing', given: [], problem: 'the export is empty' },
    { name: 'no header', given: [line('core/pods/x/a', 2)], problem: 'line 1: this is no export of kubemu' },
    { name: 'no JSON', given: [header, '{'], problem: 'line 2: ' },
    { name: 'no key', given: [header, line('a', 2)], problem: 'line 2: it has no proper key' },
    {
      name: 'no object',
      given: [header, line('core/pods/x/a', 2, {})],
      problem: 'line 2: core/pods/x/a has no object',
    },
    {
      name: 'a key twice',
      given: [header, line('core/pods/x/a', 2), line('core/pods/x/a', 3)],
      problem: 'registry/default/core/pods/x/a is there twice',
    },
    {
      name: 'a revision twice',
      given: [header, line('core/pods/x/a', 2), line('core/pods/x/b', 2)],
      problem: 'registry/default/core/pods/x/b has the revision of registry/default/core/pods/x/a',
    },
    {
      name: 'a revision behind the last',
      given: [header, line('core/pods/x/a', 2), line('core/pods/x/b', 10)],
      problem: 'revision 10 is behind the last one, 9',
    },
    {
      name: 'a part of it',
      given: [header, line('core/pods/x/a', 2)],
      problem: 'the export is cut off: it has 1 objects, and began with 2',
    },
  ])('refuse $name, and leave nothing behind', async ({ given, problem }) => {
    await expect(importDataDirectory(data, from(given))).rejects.toThrow(problem);
    expect(await checkDataDirectory(data)).toMatchObject({ revision: 1, keys: 0, damage: [] });
  });

  it('refuse a directory that holds data', async () => {
    await onStore((store) => write(store, 'a'));
    await expect(importDataDirectory(data, from([header]))).rejects.toThrow(
      `${data} holds data already: import into a new directory`,
    );
  });
});

describe('all of them', () => {
  const commands = {
    check: () => checkDataDirectory(data),
    compact: () => compactDataDirectory(data),
    export: () => lines(),
  };

  it.each(Object.entries(commands))('%s: refuse a directory without data', async (_, command) => {
    await mkdir(data);
    await expect(command()).rejects.toThrow(`${data} holds no data of kubemu`);
    expect(await readdir(data)).toEqual([]);
  });

  it.each(Object.entries(commands))('%s: refuse a directory in use', async (_, command) => {
    await onStore(async (store) => {
      await write(store, 'a');
      await expect(command()).rejects.toThrow('is in use by a running kubemu');
      await write(store, 'b');
    });
  });

  it.each(Object.entries(commands))('%s: refuse a newer format', async (_, command) => {
    await onStore((store) => write(store, 'a'));
    await onEngine((engine) =>
      engine.write([{ type: 'put', key: META_KEY, value: Buffer.from('{"format":99}') }]),
    );
    await expect(command()).rejects.toThrow(/format version 99, this kubemu reads up to \d: use a newer/);
  });

  it.each(Object.entries(commands))('%s: tell what is wrong when nothing can be read', async (_, command) => {
    await onStore((store) => write(store, 'a'));
    await writeFile(join(objectsFolder(data), 'CURRENT'), 'no newline');
    await expect(command()).rejects.toThrow(
      /stored data is damaged at .*objects: .*; LevelDB cannot read .*: go back to a copy of it/,
    );
  });
});
