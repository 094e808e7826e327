/** A data directory while no cluster runs on it: checked, compacted, exported and imported. */
import { access, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelEngine } from '../storage/engines/level.ts';
import { isCorrupt } from '../storage/errors.ts';
import type { Engine, StoredValue } from '../storage/interface.ts';
import { clusterPrefix, clusterRange, parseKey } from '../storage/keys.ts';
import {
  checkData,
  compactData,
  type DataReport,
  readData,
  restoreData,
  type RestoredValue,
} from '../storage/maintenance.ts';

/** The cluster that `kubemu start` serves. */
export const CLUSTER_NAME = 'default';

/** Folder of a data directory that the storage engine has to itself. */
export function objectsFolder(dataDir: string): string {
  return join(dataDir, 'objects');
}

/** Reads everything in `dataDir` and reports all that is wrong. Throws when it holds no data, or a cluster runs on it. */
export async function checkDataDirectory(dataDir: string): Promise<DataReport> {
  return withEngine(dataDir, (engine) => checkData(engine, problemOf));
}

export interface CompactionReport {
  readonly records: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Forgets all history and gives the space back. */
export async function compactDataDirectory(dataDir: string): Promise<CompactionReport> {
  const bytesBefore = await sizeOf(objectsFolder(dataDir));
  const records = await withEngine(dataDir, async (engine) => {
    const deleted = await compactData(engine);
    await engine.reclaim();
    return deleted;
  });
  return { records, bytesBefore, bytesAfter: await sizeOf(objectsFolder(dataDir)) };
}

export interface ExportOptions {
  /** Default: the one `kubemu start` serves. */
  readonly cluster?: string;
  /** Default: the newest. */
  readonly revision?: number;
  /** Name of a snapshot, instead of a revision. */
  readonly snapshot?: string;
  /** Leaves out what is damaged instead of refusing. */
  readonly skipDamaged?: boolean;
}

/** First line of an export. */
interface ExportHeader {
  readonly kubemuExport: 1;
  readonly cluster: string;
  readonly revision: number;
  readonly objects: number;
}

/** A line of an export: one object. */
interface ExportLine {
  /** Behind the cluster's prefix. */
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly object?: unknown;
  /** Instead of `object` when the bytes are not what JSON.stringify would make of it. */
  readonly base64?: string;
}

/** The objects of a cluster as lines of JSON, without line ends. Throws when anything is damaged, unless told to skip it. */
export async function* exportDataDirectory(
  dataDir: string,
  options: ExportOptions = {},
): AsyncIterable<string> {
  const { cluster = CLUSTER_NAME, skipDamaged = false } = options;
  const { values, revision, damage } = await withEngine(dataDir, (engine) =>
    readData(engine, clusterRange(cluster), options),
  );
  const [first] = damage;
  if (first !== undefined && !skipDamaged) throw adviseOn(first, dataDir);
  const header: ExportHeader = { kubemuExport: 1, cluster, revision, objects: values.length };
  yield JSON.stringify(header);
  const { length } = clusterPrefix(cluster);
  for (const value of values) yield JSON.stringify(toLine(value, length));
}

/** Fills a data directory that holds no objects from the lines of an export. Returns how many objects there were. */
export async function importDataDirectory(dataDir: string, lines: AsyncIterable<string>): Promise<number> {
  const folder = objectsFolder(dataDir);
  if (await exists(join(folder, 'CURRENT'))) {
    throw new Error(`${dataDir} holds data already: import into a new directory`);
  }
  await mkdir(dataDir, { recursive: true });
  const engine = new LevelEngine({ directory: folder, durability: 'power' });
  await engine.open();
  try {
    const reader = new ExportReader();
    return await restoreData(engine, reader.read(lines), () => reader.revision);
  } finally {
    await engine.close();
  }
}

/** `error`, if it is damage, with a word on what to do about it. */
export function adviseOn(error: unknown, dataDir: string): unknown {
  if (!isCorrupt(error)) return error;
  const folder = objectsFolder(dataDir);
  if (error.key === folder) {
    const advice = `LevelDB cannot read ${folder}: go back to a copy of it, or begin with a new data directory`;
    return new Error(`${error.message}; ${advice}`, { cause: error });
  }
  const advice = `'kubemu check ${dataDir}' shows all of the damage, 'kubemu export --skip-damaged ${dataDir}' saves what can be read`;
  return new Error(`${error.message}; ${advice}`, { cause: error });
}

class ExportReader {
  #header: ExportHeader | undefined;
  #line = 0;

  get revision(): number {
    if (this.#header === undefined) throw new Error('the export is empty');
    return this.#header.revision;
  }

  async *read(lines: AsyncIterable<string>): AsyncIterable<RestoredValue> {
    let objects = 0;
    for await (const text of lines) {
      this.#line++;
      if (text.trim() === '') continue;
      if (this.#header === undefined) {
        this.#header = this.#readHeader(text);
        continue;
      }
      objects++;
      yield this.#readObject(text);
    }
    const announced = this.#header?.objects ?? 0;
    if (objects !== announced) {
      throw new Error(`the export is cut off: it has ${objects} objects, and began with ${announced}`);
    }
  }

  #readHeader(text: string): ExportHeader {
    const header = this.#parse(text) as Partial<ExportHeader>;
    if (header.kubemuExport !== 1) throw this.#bad('this is no export of kubemu, or of a newer one');
    if (!isCount(header.revision) || !isCount(header.objects)) throw this.#bad('the header makes no sense');
    return header as ExportHeader;
  }

  #readObject(text: string): RestoredValue {
    const { key, revision, createRevision, object, base64 } = this.#parse(text) as Partial<ExportLine>;
    const fullKey = `${clusterPrefix(CLUSTER_NAME)}${key}`;
    if (typeof key !== 'string' || parseKey(fullKey) === undefined) throw this.#bad('it has no proper key');
    if (!isCount(revision) || !isCount(createRevision))
      throw this.#bad(`the revisions of ${key} are missing`);
    if ((object === undefined) === (base64 === undefined)) throw this.#bad(`${key} has no object`);
    const bytes =
      base64 === undefined ? Buffer.from(`${JSON.stringify(object)}\n`) : Buffer.from(base64, 'base64');
    return { key: fullKey, revision, createRevision, bytes };
  }

  #parse(text: string): unknown {
    try {
      return Object(JSON.parse(text));
    } catch (error) {
      throw this.#bad((error as Error).message);
    }
  }

  #bad(why: string): Error {
    return new Error(`line ${this.#line}: ${why}`);
  }
}

function toLine({ key, bytes, revision, createRevision }: StoredValue, prefixLength: number): ExportLine {
  const line = { key: key.slice(prefixLength), revision, createRevision };
  // Objects are kept with a line end, save those that older versions wrote.
  const text = bytes.toString('utf8').replace(/\n$/, '');
  try {
    const object: unknown = JSON.parse(text);
    if (JSON.stringify(object) === text) return { ...line, object };
  } catch {
    // Not JSON: the bytes are kept as they are.
  }
  return { ...line, base64: bytes.toString('base64') };
}

/** What is wrong with an object as such: whether it is the one its key names. */
function problemOf({ key, bytes, revision }: StoredValue): string | undefined {
  const parts = parseKey(key);
  if (parts === undefined) return 'the key is of no object';
  let object: { metadata?: { name?: unknown; namespace?: unknown; resourceVersion?: unknown } };
  try {
    object = JSON.parse(bytes.toString('utf8')) as typeof object;
  } catch (error) {
    return `the object is not JSON (${(error as Error).message})`;
  }
  const { name, namespace, resourceVersion } = object.metadata ?? {};
  if (name !== parts.name || namespace !== parts.namespace) return 'the object has another name';
  return resourceVersion === String(revision) ? undefined : 'the object has another resourceVersion';
}

async function withEngine<T>(
  dataDir: string,
  work: (engine: LevelEngine & Engine) => Promise<T>,
): Promise<T> {
  const directory = objectsFolder(dataDir);
  if (!(await exists(join(directory, 'CURRENT')))) throw new Error(`${dataDir} holds no data of kubemu`);
  const engine = new LevelEngine({ directory, durability: 'power' });
  try {
    await engine.open();
    return await work(engine);
  } catch (error) {
    throw adviseOn(error, dataDir);
  } finally {
    await engine.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
