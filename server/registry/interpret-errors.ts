/** The one table from storage errors to API errors. Mirrors apiserver storage/errors InterpretXxxError. */
import {
  newAlreadyExists,
  newConflict,
  newExpired,
  newInternalError,
  newNotFound,
  newServiceUnavailable,
  newTooLargeResourceVersion,
  type StatusError,
} from '../../api/machinery/errors.ts';
import type { GroupResource } from '../../api/machinery/gvk.ts';
import { isStorageError } from '../../storage/errors.ts';

/** What a storage error means for the caller; anything else is returned as it is. `requested` is the revision asked for. */
export function interpretError(
  error: unknown,
  resource: GroupResource,
  name: string,
  requested = 0,
): unknown {
  if (!isStorageError(error)) return error;
  switch (error.code) {
    case 'key-not-found':
      return newNotFound(resource, name);
    case 'key-exists':
      return newAlreadyExists(resource, name);
    case 'revision-conflict':
      return newConflict(resource, name);
    case 'compacted':
      return newTooOld(requested, error.revision ?? 0);
    case 'future-revision':
      return newTooLargeResourceVersion(requested, error.revision ?? 0);
    case 'unavailable':
      return newServiceUnavailable(error.message);
    case 'corrupt':
      return newInternalError(error);
  }
}

/** 410 for a revision that was compacted away. */
function newTooOld(requested: number, oldest: number): StatusError {
  return newExpired(`too old resource version: ${requested} (${oldest})`);
}
