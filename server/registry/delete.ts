/** Deletion of any object, and of all in a list. Mirrors apiserver registry/generic/registry store.go Delete. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound, newNotFound } from '../../api/machinery/errors.ts';
import type { StoredValue } from '../../storage/interface.ts';
import { newAdmissionRequest } from './admission-request.ts';
import { beginDelete, checkDeletePreconditions } from './before-delete.ts';
import type {
  DeleteOptions,
  ListOutcome,
  ObjectTarget,
  RequestContext,
  ResourceTarget,
  ResultObject,
} from './interface.ts';
import { withLatest } from './latest.ts';
import type { RegistryOptions } from './registry-options.ts';
import { resolveTarget, toCanonical, type ResolvedTarget } from './resolved-target.ts';
import type { Results } from './results.ts';
import { decodeStored } from './stored-form.ts';
import type { StoredWrites } from './stored-writes.ts';

interface Deleted {
  readonly result: ResultObject;
  /** False while finalizers or a grace period keep the object. */
  readonly gone: boolean;
}

/** Deletes objects, at once or by marking them; what is refused is refused with a StatusError. */
export class Deletions {
  readonly #options: RegistryOptions;
  readonly #results: Results;
  readonly #writes: StoredWrites;

  constructor(options: RegistryOptions, results: Results, writes: StoredWrites) {
    this.#options = options;
    this.#results = results;
    this.#writes = writes;
  }

  async delete(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    options: DeleteOptions,
  ): Promise<Deleted> {
    const resolved = resolveTarget(this.#options, target);
    return withLatest(
      this.#options.store,
      resolved,
      object,
      (current) => this.#deleteOnce(context, resolved, object, current, options),
      () => Promise.reject(newNotFound(resolved.resource, object.name)),
    );
  }

  async #deleteOnce(
    context: RequestContext,
    resolved: ResolvedTarget,
    object: ObjectTarget,
    current: StoredValue,
    options: DeleteOptions,
  ): Promise<Deleted> {
    const { storing, target } = resolved;
    const { admission, clock, store } = this.#options;
    const old = decodeStored(current);
    checkDeletePreconditions(storing, old, options);
    const request = newAdmissionRequest(context, resolved, object, {
      operation: 'DELETE',
      subresource: '',
      dryRun: options.dryRun,
      oldObject: old,
    });
    await admission.admit(request);
    await admission.validate(request);
    const marked = { ...old, metadata: { ...old.metadata } };
    const gone = beginDelete(storing, marked, options, clock.now());
    const canonical = toCanonical(storing, marked, old);
    if (gone) {
      await this.#writes.remove(resolved, current, canonical, options.dryRun);
      return { result: this.#results.of(current, target, storing), gone };
    }
    canonical.metadata.resourceVersion = old.metadata.resourceVersion;
    if (equalJSON(canonical, old)) {
      await store.committed(current.key);
      return { result: this.#results.of(current, target, storing), gone };
    }
    const value = await this.#writes.putChanged(current, canonical, options.dryRun);
    return { result: this.#results.of(value, target, storing), gone };
  }

  /** Deletes what was listed; the outcome has the items that were still there. */
  async deleteListed(
    context: RequestContext,
    target: ResourceTarget,
    listed: ListOutcome,
    options: DeleteOptions,
  ): Promise<ListOutcome> {
    const items: ResultObject[] = [];
    for (const item of listed.items) {
      const { namespace = '', name } = item.object.metadata;
      try {
        items.push((await this.delete(context, target, { namespace, name: name! }, options)).result);
      } catch (error) {
        // Somebody else was faster.
        if (!isNotFound(error)) throw error;
      }
    }
    return { ...listed, items };
  }
}
