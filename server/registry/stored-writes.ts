/** Canonical objects on their way into the store and out of it; a dry run gets as far as the store and no further. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { newAlreadyExists } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { StoredValue } from '../../storage/interface.ts';
import type { RegistryOptions } from './registry-options.ts';
import type { ResolvedTarget } from './resolved-target.ts';
import { hooksOf } from './resource-hooks.ts';
import { decodeStored, encodeAt, encodeForm, withResourceVersion } from './stored-form.ts';

/** Writes canonical objects, which are given away to the store. */
export class StoredWrites {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Stores a new object. Throws `key-exists` of the store; in a dry run the 409 of the API. */
  putNew(target: ResolvedTarget, key: string, object: UnknownObject, dryRun: boolean): Promise<StoredValue> {
    return dryRun ? this.#pretend(target, key, object) : this.#put(key, object, 'absent');
  }

  async #pretend({ resource }: ResolvedTarget, key: string, object: UnknownObject): Promise<StoredValue> {
    const { store } = this.#options;
    if (store.latest(key) !== undefined) {
      await store.committed(key);
      throw newAlreadyExists(resource, object.metadata.name!);
    }
    delete object.metadata.resourceVersion;
    return { key, ...encodeForm(object, 0), revision: 0, createRevision: 0 };
  }

  /** Stores an object in the place of `current`. Throws `revision-conflict` and `key-not-found` of the store. */
  putChanged(current: StoredValue, object: UnknownObject, dryRun: boolean): Promise<StoredValue> {
    if (!dryRun) return this.#put(current.key, object, current.revision);
    return Promise.resolve(detached(current, object));
  }

  #put(key: string, object: UnknownObject, expect: 'absent' | number): Promise<StoredValue> {
    return this.#options.store.put(
      key,
      (revision) => {
        object.metadata.resourceVersion = String(revision);
        return encodeForm(this.#options.freeze === true ? deepFreeze(object) : object, revision);
      },
      { expect },
    );
  }

  /** Takes an object out of the store; watchers are shown `last`, and what its kind holds beside it is given back. */
  async remove(
    { storing }: ResolvedTarget,
    current: StoredValue,
    last: UnknownObject,
    dryRun: boolean,
  ): Promise<void> {
    if (dryRun) return;
    const old = decodeStored(current);
    last.metadata.resourceVersion = old.metadata.resourceVersion;
    const encode = equalJSON(last, old)
      ? (revision: number) => encodeAt(current, revision)
      : (revision: number) => encodeForm(withResourceVersion(last, revision), revision);
    await this.#options.store.delete(current.key, encode, { expect: current.revision });
    await hooksOf(this.#options.hooks, storing)?.release?.(old);
  }
}

/** An object that is not, or no longer, stored in the place of `current`. */
export function detached(current: StoredValue, object: UnknownObject): StoredValue {
  return { ...current, ...encodeForm(object, current.revision) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
