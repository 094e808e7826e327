import { isKeyNotFound, isRevisionConflict } from '../../storage/errors.ts';
import type { Store, StoredValue } from '../../storage/interface.ts';
import type { ObjectTarget } from './interface.ts';
import { interpretError } from './interpret-errors.ts';
import { keyOfTarget, type ResolvedTarget } from './resolved-target.ts';

/** Tries of a write whose caller did not insist on a version. */
const TRIES = 5;

/**
 * Works on the newest accepted state of an object, again when another write was faster; `missing` answers when there is none.
 * Whoever is refused can read what the refusal rests on.
 */
export async function withLatest<R>(
  store: Store,
  resolved: ResolvedTarget,
  object: ObjectTarget,
  work: (current: StoredValue) => Promise<R>,
  missing: () => Promise<R>,
): Promise<R> {
  const key = keyOfTarget(resolved, object);
  for (let tries = 1; ; tries++) {
    const current = key === undefined ? undefined : store.latest(key);
    if (current === undefined) {
      if (key !== undefined) await store.committed(key);
      return missing();
    }
    try {
      return await work(current);
    } catch (error) {
      const lostRace = isRevisionConflict(error) || isKeyNotFound(error);
      if (lostRace && tries < TRIES) continue;
      if (key !== undefined) await store.committed(key);
      throw interpretError(error, resolved.resource, object.name);
    }
  }
}
