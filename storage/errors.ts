import type { StorageErrorCode, StorageErrorLike } from './interface.ts';

export interface StorageErrorDetails {
  /** Key the error is about: a store key, for `corrupt` the engine key. */
  readonly key?: string;
  /** See `StorageErrorLike.revision`. */
  readonly revision?: number;
  readonly cause?: unknown;
}

/** The only error the store and its engines throw. Callers decide by `code`; the message is for people. */
export class StorageError extends Error implements StorageErrorLike {
  readonly code: StorageErrorCode;
  readonly key?: string;
  readonly revision?: number;

  constructor(code: StorageErrorCode, message: string, details: StorageErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'StorageError';
    this.code = code;
    this.key = details.key;
    this.revision = details.revision;
  }
}

/** The key does not exist, and the writer expected that it does. */
export function newKeyNotFound(key: string): StorageError {
  return new StorageError('key-not-found', `key ${key} does not exist`, { key });
}

/** The key exists, and the writer expected that it does not. */
export function newKeyExists(key: string): StorageError {
  return new StorageError('key-exists', `key ${key} already exists`, { key });
}

/** The newest revision of the key, `latest`, is not the one the writer expected. */
export function newRevisionConflict(key: string, expected: number, latest: number): StorageError {
  const message = `key ${key} is at revision ${latest}, not at the expected ${expected}`;
  return new StorageError('revision-conflict', message, { key, revision: latest });
}

/** History of `revision` is gone; `oldest` is the oldest revision kept. */
export function newCompacted(revision: number, oldest: number): StorageError {
  const message = `revision ${revision} has been compacted, the oldest one kept is ${oldest}`;
  return new StorageError('compacted', message, { revision: oldest });
}

/** `revision` does not exist yet; `current` is the store revision. */
export function newFutureRevision(revision: number, current: number): StorageError {
  const message = `revision ${revision} does not exist yet, the current one is ${current}`;
  return new StorageError('future-revision', message, { revision: current });
}

/** The store or its medium does not do what was asked: closed, in use, or failed. */
export function newUnavailable(message: string, details?: StorageErrorDetails): StorageError {
  return new StorageError('unavailable', message, details);
}

/** Stored data breaks a rule of the format; `key` is the engine key it was found under. */
export function newCorrupt(key: string, message: string, cause?: unknown): StorageError {
  return new StorageError('corrupt', `stored data is damaged at ${key}: ${message}`, { key, cause });
}

export function isStorageError(error: unknown): error is StorageError {
  return error instanceof StorageError;
}

export function isKeyNotFound(error: unknown): error is StorageError {
  return hasCode(error, 'key-not-found');
}

export function isKeyExists(error: unknown): error is StorageError {
  return hasCode(error, 'key-exists');
}

export function isRevisionConflict(error: unknown): error is StorageError {
  return hasCode(error, 'revision-conflict');
}

export function isCompacted(error: unknown): error is StorageError {
  return hasCode(error, 'compacted');
}

export function isFutureRevision(error: unknown): error is StorageError {
  return hasCode(error, 'future-revision');
}

export function isUnavailable(error: unknown): error is StorageError {
  return hasCode(error, 'unavailable');
}

export function isCorrupt(error: unknown): error is StorageError {
  return hasCode(error, 'corrupt');
}

function hasCode(error: unknown, code: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && error.code === code;
}
