/** Reads of any resource: get, list and watch. */
import { newNotFound, newTooLargeResourceVersion } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { StoredValue } from '../../storage/interface.ts';
import type {
  ListOutcome,
  ListReadOptions,
  ObjectTarget,
  ReadOptions,
  RegistryWatch,
  RegistryWatchListener,
  ResourceTarget,
  ResultObject,
  Scope,
  WatchReadOptions,
} from './interface.ts';
import { interpretError } from './interpret-errors.ts';
import { parseResourceVersion, readPage, validateListOptions, type PageFilter } from './list.ts';
import type { RegistryOptions } from './registry-options.ts';
import { keyOfTarget, rangeOfTarget, resolveTarget, type ResolvedTarget } from './resolved-target.ts';
import type { Results } from './results.ts';
import { newSelectable, Selection } from './selection.ts';
import { SelectorIndex } from './selector-index.ts';
import { selectableOf } from './stored-form.ts';
import { openWatch, validateWatchOptions } from './watch.ts';

/** How long a read waits for a revision that does not exist yet. */
const FUTURE_REVISION_WAIT_MS = 3000;

/** Answers reads from what is committed, and waits for a revision that is still to come. Throws StatusErrors. */
export class Reads {
  readonly #options: RegistryOptions;
  readonly #results: Results;
  readonly #index: SelectorIndex;

  constructor(options: RegistryOptions, results: Results) {
    this.#options = options;
    this.#results = results;
    this.#index = new SelectorIndex(options.store);
  }

  async get(target: ResourceTarget, object: ObjectTarget, options: ReadOptions): Promise<ResultObject> {
    const revision = parseResourceVersion(options.resourceVersion);
    if (revision > this.#options.store.revision) await this.#waitForRevision(revision);
    return this.current(target, object);
  }

  current(target: ResourceTarget, object: ObjectTarget): ResultObject {
    const resolved = resolveTarget(this.#options, target);
    const key = keyOfTarget(resolved, object);
    const value = key === undefined ? undefined : this.#options.store.get(key);
    if (value === undefined) throw newNotFound(resolved.resource, object.name);
    return this.#results.of(value, target, resolved.storing);
  }

  async list(target: ResourceTarget, scope: Scope, options: ListReadOptions): Promise<ListOutcome> {
    const resolved = resolveTarget(this.#options, target);
    validateListOptions(options);
    const selection = new Selection(target.definition, options.labelSelector, options.fieldSelector);
    await this.#waitForRevision(parseResourceVersion(options.resourceVersion));
    const range = rangeOfTarget(resolved, scope, selection);
    const page = readPage(this.#options.store, range, options, this.#filter(resolved, selection));
    return {
      items: page.values.map((value) => this.#results.of(value, target, resolved.storing)),
      resourceVersion: String(page.revision),
      continue: page.continue,
      remainingItemCount: page.remainingItemCount,
    };
  }

  async watch(
    target: ResourceTarget,
    scope: Scope,
    options: WatchReadOptions,
    listener: RegistryWatchListener,
  ): Promise<RegistryWatch> {
    const resolved = resolveTarget(this.#options, target);
    validateWatchOptions(options);
    const selection = new Selection(target.definition, options.labelSelector, options.fieldSelector);
    await this.#waitForRevision(parseResourceVersion(options.resourceVersion));
    return openWatch({
      store: this.#options.store,
      range: rangeOfTarget(resolved, scope, selection),
      filter: this.#filter(resolved, selection),
      options,
      listener,
      version: resolved.apiVersion,
      toResult: (value) => this.#results.of(value, target, resolved.storing),
    });
  }

  /** How to find what is selected; undefined when that is everything. */
  #filter(resolved: ResolvedTarget, selection: Selection): PageFilter | undefined {
    if (selection.isEmpty) return undefined;
    const { target, storing } = resolved;
    if (target.definition !== storing) {
      // Its fields are of the other form.
      const objectOf = (value: StoredValue): UnknownObject => this.#results.of(value, target, storing).object;
      return {
        isWanted: (value) => selection.matches(newSelectable(target.definition, objectOf(value))),
        find: () => undefined,
      };
    }
    const resource = rangeOfTarget(resolved, { namespace: '' });
    return {
      isWanted: (value) => selection.matches(selectableOf(value, storing)),
      find: (range) => this.#index.find(storing, resource, range, selection),
    };
  }

  async #waitForRevision(revision: number): Promise<void> {
    const { store, clock, wall = clock } = this.#options;
    if (revision <= store.revision) return;
    const abort = new AbortController();
    const timer = wall.schedule(FUTURE_REVISION_WAIT_MS, () => abort.abort());
    try {
      await store.waitFor(revision, abort.signal);
    } catch (error) {
      if (!abort.signal.aborted) throw interpretError(error, { group: '', resource: '' }, '');
      throw newTooLargeResourceVersion(revision, store.revision);
    } finally {
      timer.cancel();
    }
  }
}
