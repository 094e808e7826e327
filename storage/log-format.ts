/**
 * What the store keeps on an engine (described in docs/reference/storage.md):
 *
 *     meta              JSON: format version, revision, compacted revision
 *     log/<revision>    one record per write, as long as the write is current, within history, or held by a name or a fork
 *     fork/<sequence>   JSON: a fork, or a dropped one that left records behind
 *     snapshot/<sequence>   JSON: a revision with a name
 */
import { crc32 } from 'node:zlib';
import { newCorrupt, newUnavailable } from './errors.ts';
import type { KeyRange, StoreEvent } from './interface.ts';
import { prefixRange } from './keys.ts';

/** Version of the on-disk format this code writes, and the newest it reads. */
const FORMAT_VERSION = 2;

export const META_KEY = 'meta';
const LOG_PREFIX = 'log/';
/** Digits of `Number.MAX_SAFE_INTEGER`: padded to them, revisions sort as text. */
const REVISION_DIGITS = 16;

export interface Meta {
  readonly revision: number;
  readonly compactedRevision: number;
}

/** A cluster that began as a copy of another one. */
export interface ForkRecord {
  /** Order of creation among forks and snapshots. */
  readonly sequence: number;
  readonly cluster: string;
  /** Name of the cluster it was forked from, at `parentRevision`. */
  readonly parent: string;
  /** Sequence of the parent if that is a fork itself. */
  readonly parentSequence?: number;
  readonly parentRevision: number;
  /** Store revision at which it was made: its own writes come after. */
  readonly revision: number;
  /** Store revision at which it was dropped: it has no writes after. */
  readonly droppedRevision?: number;
}

/** A revision with a name. */
export interface SnapshotRecord {
  readonly sequence: number;
  readonly name: string;
  readonly revision: number;
}

/** A write as it is kept. */
export interface LogRecord {
  readonly deleted: boolean;
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  /** Revision of the state before the write; 0 when it created the key. */
  readonly previousRevision: number;
  readonly bytes: Buffer;
}

export function encodeMeta(meta: Meta): Buffer {
  const { revision, compactedRevision } = meta;
  return Buffer.from(JSON.stringify({ format: FORMAT_VERSION, revision, compactedRevision }));
}

/** Errors: `unavailable` when a newer kubemu wrote it, `corrupt`. */
export function decodeMeta(value: Buffer): Meta {
  let meta: unknown;
  try {
    meta = JSON.parse(value.toString());
  } catch (error) {
    throw newCorrupt(META_KEY, 'it is not JSON', error);
  }
  const { format, revision, compactedRevision } = Object(meta) as Record<string, unknown>;
  if (!isRevision(format)) throw newCorrupt(META_KEY, 'it has no format version');
  if (format > FORMAT_VERSION) {
    throw newUnavailable(
      `the data has format version ${format}, this kubemu reads up to ${FORMAT_VERSION}: use a newer kubemu`,
      { key: META_KEY },
    );
  }
  if (!isRevision(revision) || !isRevision(compactedRevision) || compactedRevision > revision) {
    throw newCorrupt(META_KEY, 'its revisions make no sense');
  }
  return { revision, compactedRevision };
}

/** Engine key of the record of `revision`. */
export function logKey(revision: number): string {
  return LOG_PREFIX + String(revision).padStart(REVISION_DIGITS, '0');
}

export const LOG_RANGE: KeyRange = prefixRange(LOG_PREFIX);

const FORK_PREFIX = 'fork/';
const SNAPSHOT_PREFIX = 'snapshot/';
export const FORK_RANGE: KeyRange = prefixRange(FORK_PREFIX);
export const SNAPSHOT_RANGE: KeyRange = prefixRange(SNAPSHOT_PREFIX);

export function forkKey(sequence: number): string {
  return FORK_PREFIX + String(sequence).padStart(REVISION_DIGITS, '0');
}

export function snapshotKey(sequence: number): string {
  return SNAPSHOT_PREFIX + String(sequence).padStart(REVISION_DIGITS, '0');
}

export function encodeNote(note: ForkRecord | SnapshotRecord): Buffer {
  return Buffer.from(JSON.stringify(note));
}

/** Errors: `corrupt`. */
export function decodeFork(engineKey: string, value: Buffer): ForkRecord {
  const note = decodeNote(engineKey, value) as Partial<ForkRecord>;
  const { sequence, cluster, parent, parentSequence, parentRevision, revision, droppedRevision } = note;
  if (!isRevision(sequence) || forkKey(sequence) !== engineKey || !isName(cluster) || !isName(parent)) {
    throw newCorrupt(engineKey, 'it says nothing of a fork');
  }
  const revisions = [parentRevision, revision, droppedRevision ?? revision];
  const isOrdered = revisions.every((each, index) => isRevision(each) && each >= (revisions[index - 1] ?? 0));
  if (!isOrdered || (parentSequence !== undefined && !(parentSequence < sequence))) {
    throw newCorrupt(engineKey, 'its revisions make no sense');
  }
  return note as ForkRecord;
}

/** Errors: `corrupt`. */
export function decodeSnapshot(engineKey: string, value: Buffer): SnapshotRecord {
  const note = decodeNote(engineKey, value) as Partial<SnapshotRecord>;
  const { sequence, name, revision } = note;
  if (
    !isRevision(sequence) ||
    snapshotKey(sequence) !== engineKey ||
    !isName(name) ||
    !isRevision(revision)
  ) {
    throw newCorrupt(engineKey, 'it says nothing of a snapshot');
  }
  return note as SnapshotRecord;
}

function decodeNote(engineKey: string, value: Buffer): unknown {
  try {
    return Object(JSON.parse(value.toString()));
  } catch (error) {
    throw newCorrupt(engineKey, 'it is not JSON', error);
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/**
 * Record layout, integers big-endian:
 *
 *     0  uint32  CRC-32 of everything after it
 *     4  uint8   1 put, 2 delete
 *     5  uint64  create revision
 *    13  uint64  previous revision, 0 for none
 *    21  uint32  length of the key in bytes
 *    25  ...     key in UTF-8, then the value's bytes
 */
const CRC_END = 4;
const KEY_START = 25;
const KIND_PUT = 1;
const KIND_DELETE = 2;

/** The record of a write. The revision is not in it: it is in the engine key. */
export function encodeRecord({ type, key, value, previous }: StoreEvent): Buffer {
  const keyLength = Buffer.byteLength(key);
  const record = Buffer.allocUnsafe(KEY_START + keyLength + value.bytes.length);
  record[4] = type === 'deleted' ? KIND_DELETE : KIND_PUT;
  record.writeBigUInt64BE(BigInt(value.createRevision), 5);
  record.writeBigUInt64BE(BigInt(previous?.revision ?? 0), 13);
  record.writeUInt32BE(keyLength, 21);
  record.write(key, KEY_START);
  value.bytes.copy(record, KEY_START + keyLength);
  record.writeUInt32BE(crc32(record.subarray(CRC_END)), 0);
  return record;
}

/** The bytes of the result share memory with `value`. Errors: `corrupt`. */
export function decodeRecord(engineKey: string, value: Buffer): LogRecord {
  const revision = Number(engineKey.slice(LOG_PREFIX.length));
  if (!isRevision(revision) || logKey(revision) !== engineKey) {
    throw newCorrupt(engineKey, 'the key is not a revision');
  }
  if (value.length < KEY_START) throw newCorrupt(engineKey, 'the record is too short');
  if (crc32(value.subarray(CRC_END)) !== value.readUInt32BE(0)) {
    throw newCorrupt(engineKey, 'the checksum is wrong');
  }
  const kind = value[4];
  if (kind !== KIND_PUT && kind !== KIND_DELETE) throw newCorrupt(engineKey, `unknown record kind ${kind}`);
  const keyEnd = KEY_START + value.readUInt32BE(21);
  if (keyEnd > value.length) throw newCorrupt(engineKey, 'the key is cut short');
  return {
    deleted: kind === KIND_DELETE,
    key: value.toString('utf8', KEY_START, keyEnd),
    revision,
    createRevision: Number(value.readBigUInt64BE(5)),
    previousRevision: Number(value.readBigUInt64BE(13)),
    bytes: value.subarray(keyEnd),
  };
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
