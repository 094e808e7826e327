import { expect, it } from 'vitest';
import * as errors from '../../storage/errors.ts';

const cause = new Error('why');

it.each([
  {
    error: errors.newKeyNotFound('a'),
    is: errors.isKeyNotFound,
    fields: { code: 'key-not-found', key: 'a' },
  },
  { error: errors.newKeyExists('a'), is: errors.isKeyExists, fields: { code: 'key-exists', key: 'a' } },
  {
    error: errors.newRevisionConflict('a', 2, 3),
    is: errors.isRevisionConflict,
    fields: { code: 'revision-conflict', key: 'a', revision: 3 },
  },
  { error: errors.newCompacted(2, 3), is: errors.isCompacted, fields: { code: 'compacted', revision: 3 } },
  {
    error: errors.newFutureRevision(4, 3),
    is: errors.isFutureRevision,
    fields: { code: 'future-revision', revision: 3 },
  },
  {
    error: errors.newUnavailable('no', { cause }),
    is: errors.isUnavailable,
    fields: { code: 'unavailable', cause },
  },
  {
    error: errors.newCorrupt('meta', 'bad', cause),
    is: errors.isCorrupt,
    fields: { code: 'corrupt', key: 'meta', cause },
  },
])('$fields.code has its fields and exactly one predicate', ({ error, is, fields }) => {
  expect(error).toMatchObject({ name: 'StorageError', ...fields });
  expect(errors.isStorageError(error)).toBe(true);
  const { isKeyNotFound, isKeyExists, isRevisionConflict, isCompacted } = errors;
  const { isFutureRevision, isUnavailable, isCorrupt } = errors;
  const all = [
    isKeyNotFound,
    isKeyExists,
    isRevisionConflict,
    isCompacted,
    isFutureRevision,
    isUnavailable,
    isCorrupt,
  ];
  expect(all.filter((predicate) => predicate(error))).toEqual([is]);
  expect(all.some((predicate) => predicate(new Error(fields.code)))).toBe(false);
});
