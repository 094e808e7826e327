/** CRUD on any resource, once for all kinds. Mirrors apiserver registry/generic/registry store.go. */
import type { ResourceDefinition, WriteFacts } from '../../api/definition.ts';
import type { DefinitionSet } from '../../api/definition-set.ts';
import { canonicalize } from '../../api/machinery/codec.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import {
  isNotFound,
  newAlreadyExists,
  newConflict,
  newGenerateNameConflict,
  newNotFound,
  newTooLargeResourceVersion,
} from '../../api/machinery/errors.ts';
import { formatGroupVersion, type GroupResource } from '../../api/machinery/gvk.ts';
import { structuredCopy } from '../../api/machinery/client.ts';
import type { ManagedFieldsEntry, UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Random } from '../../api/machinery/random.ts';
import { isKeyExists, isRevisionConflict, isKeyNotFound } from '../../storage/errors.ts';
import type { KeyRange, Store, StoredValue } from '../../storage/interface.ts';
import { namespaceRange, resourceKey, resourceRange, singleKeyRange } from '../../storage/keys.ts';
import type { AdmissionRequest } from '../admission/plugin.ts';
import type { AdmissionChain } from '../admission/index.ts';
import {
  applyDefaults,
  checkNewObject,
  dedupeOwnerReferences,
  fillSystemFields,
  generateName,
  prepareForCreate,
  validateNewObject,
} from './before-create.ts';
import { beginDelete, checkDeletePreconditions } from './before-delete.ts';
import {
  checkPreconditions,
  countGeneration,
  keepOtherParts,
  keepSystemFields,
  matchIdentity,
  validateChange,
} from './before-update.ts';
import { fieldManagerScope, isUnchanged, trackManagedFields } from './field-management.ts';
import type {
  DeleteOptions,
  ListOutcome,
  ListReadOptions,
  ObjectTarget,
  ObjectUpdater,
  ReadOptions,
  RegistryWatch,
  RegistryWatchListener,
  RequestContext,
  ResourceRegistry,
  ResourceTarget,
  ResultObject,
  Scope,
  UpdateOptions,
  WatchReadOptions,
  WriteOptions,
} from './interface.ts';
import { interpretError } from './interpret-errors.ts';
import { parseResourceVersion, readPage, validateListOptions, type PageFilter } from './list.ts';
import type { Allocation, ResourceHooks } from './resource-hooks.ts';
import { convertObject, Results } from './results.ts';
import { newSelectable, Selection } from './selection.ts';
import { SelectorIndex } from './selector-index.ts';
import { decodeStored, encodeAt, encodeForm, selectableOf, withResourceVersion } from './stored-form.ts';
import { openWatch, validateWatchOptions } from './watch.ts';

/** How long a read waits for a revision that does not exist yet. */
const FUTURE_REVISION_WAIT_MS = 3000;
/** Tries of an update whose caller did not insist on a version, and of a generated name. */
const UPDATE_TRIES = 5;
const GENERATE_NAME_TRIES = 8;

export interface RegistryOptions {
  readonly store: Store;
  /** Name of the cluster in every key. */
  readonly cluster: string;
  readonly definitions: DefinitionSet;
  readonly admission: AdmissionChain;
  /** Time of the objects. */
  readonly clock: Clock;
  /** Time of the callers, who wait no longer when the cluster's time stands still. Default: `clock`. */
  readonly wall?: Clock;
  readonly random: Random;
  /** By `plural.group` (`services`). */
  readonly hooks?: Readonly<Record<string, ResourceHooks>>;
  /** Deep-freezes stored objects, so that a reader who changes one is found out. For tests: it costs time. */
  readonly freeze?: boolean;
}

export function createRegistry(options: RegistryOptions): ResourceRegistry {
  return new Registry(options);
}

/** A target with the definition that keeps its objects. */
interface Resolved {
  readonly target: ResourceTarget;
  readonly storing: ResourceDefinition;
  readonly resource: GroupResource;
  /** Group and version the caller speaks. */
  readonly apiVersion: string;
}

class Registry implements ResourceRegistry {
  readonly #options: RegistryOptions;
  readonly #store: Store;
  readonly #results = new Results();
  readonly #index: SelectorIndex;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#index = new SelectorIndex(options.store);
  }

  async get(
    _context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    options: ReadOptions,
  ): Promise<ResultObject> {
    await this.#waitForRevision(parseResourceVersion(options.resourceVersion));
    return this.current(target, object);
  }

  current(target: ResourceTarget, object: ObjectTarget): ResultObject {
    const resolved = this.#resolve(target);
    const key = this.#key(resolved, object);
    const value = key === undefined ? undefined : this.#store.get(key);
    if (value === undefined) throw newNotFound(resolved.resource, object.name);
    return this.#results.of(value, target, resolved.storing);
  }

  async list(
    _context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    options: ListReadOptions,
  ): Promise<ListOutcome> {
    const resolved = this.#resolve(target);
    validateListOptions(options);
    const selection = new Selection(target.definition, options.labelSelector, options.fieldSelector);
    await this.#waitForRevision(parseResourceVersion(options.resourceVersion));
    const range = this.#range(resolved, scope, selection);
    const page = readPage(this.#store, range, options, this.#filter(resolved, selection));
    return {
      items: page.values.map((value) => this.#results.of(value, target, resolved.storing)),
      resourceVersion: String(page.revision),
      continue: page.continue,
      remainingItemCount: page.remainingItemCount,
    };
  }

  async watch(
    _context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    options: WatchReadOptions,
    listener: RegistryWatchListener,
  ): Promise<RegistryWatch> {
    const resolved = this.#resolve(target);
    validateWatchOptions(options);
    const selection = new Selection(target.definition, options.labelSelector, options.fieldSelector);
    await this.#waitForRevision(parseResourceVersion(options.resourceVersion));
    return openWatch({
      store: this.#store,
      range: this.#range(resolved, scope, selection),
      filter: this.#filter(resolved, selection),
      options,
      listener,
      version: resolved.apiVersion,
      toResult: (value) => this.#results.of(value, target, resolved.storing),
    });
  }

  async create(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    object: UnknownObject,
    options: WriteOptions,
  ): Promise<ResultObject> {
    const resolved = this.#resolve(target);
    const { storing } = resolved;
    const created = this.#toStored(resolved, object);
    checkNewObject(created, scope.namespace);
    fillSystemFields(created, this.#options.clock, this.#options.random, context.warnings);
    applyDefaults(storing, created);
    this.#track(resolved, '', undefined, created, created.metadata.managedFields, options);
    const request = this.#admissionRequest(
      context,
      resolved,
      'CREATE',
      '',
      { namespace: scope.namespace, name: created.metadata.name ?? '' },
      options.dryRun,
      created,
    );
    await this.#options.admission.admit(request);
    prepareForCreate(storing, created, this.#facts(context));
    // Upstream decodes what it has stored, with defaults: they follow what was prepared, such as the labels of a job.
    if (storing.behaviour.prepareForCreate !== undefined) applyDefaults(storing, created);
    try {
      const value = await this.#storeNew(context, resolved, request, created, options);
      return this.#results.of(value, target, storing);
    } catch (error) {
      throw interpretError(error, resolved.resource, created.metadata.name ?? '');
    }
  }

  /** Validates and writes a new object, under a new name each time a generated one is taken. */
  async #storeNew(
    context: RequestContext,
    resolved: Resolved,
    request: AdmissionRequest,
    object: UnknownObject,
    options: WriteOptions,
  ): Promise<StoredValue> {
    for (let tries = 1; ; tries++) {
      const generated = generateName(object, this.#options.random);
      const draft =
        generated === undefined ? object : { ...object, metadata: { ...object.metadata, name: generated } };
      try {
        return await this.#storeDraft(context, resolved, request, draft, options, tries === 1);
      } catch (error) {
        if (!isKeyExists(error) || generated === undefined) throw error;
        if (tries >= GENERATE_NAME_TRIES) throw newGenerateNameConflict(resolved.resource, generated);
      }
    }
  }

  /** Allocates what the object needs besides, checks it and writes it; `warns` when its warnings were not told before. */
  async #storeDraft(
    context: RequestContext,
    resolved: Resolved,
    request: AdmissionRequest,
    draft: UnknownObject,
    options: WriteOptions,
    warns: boolean,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const hooks = this.#hooks(resolved);
    const object = hooks?.allocate === undefined ? draft : structuredCopy(draft);
    return this.#allocating(hooks?.allocate?.(object, undefined, options.dryRun), async (allocation) => {
      const canonical = this.#canonical(storing, object);
      const faults = hooks?.validate?.(canonical, undefined, '');
      validateNewObject(storing, canonical, resolved.apiVersion, faults);
      if (warns) context.warnings.push(...(storing.behaviour.warnings?.(canonical, undefined, '') ?? []));
      await options.authorizeCreate?.();
      const name = canonical.metadata.name!;
      await this.#options.admission.validate({ ...request, name, object: canonical });
      try {
        const key = this.#key(resolved, { namespace: request.namespace, name })!;
        if (allocation !== undefined && this.#store.latest(key) === undefined) await allocation.prepare();
        return await this.#put(key, canonical, 'absent', options.dryRun);
      } finally {
        settle(request);
      }
    });
  }

  /** Keeps what was allocated for a write that succeeds, and gives it back when it fails. */
  #allocating<R>(
    allocating: Promise<Allocation> | undefined,
    write: (allocation?: Allocation) => Promise<R>,
  ): Promise<R> {
    return allocating === undefined ? write() : keepOrRevert(allocating, write);
  }

  async update(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<{ result: ResultObject; created: boolean }> {
    const resolved = this.#resolve(target);
    return this.#withLatest(
      resolved,
      object,
      async (current) => {
        const value = await this.#updateOnce(context, resolved, object, current, updater, options);
        return { result: this.#results.of(value, target, resolved.storing), created: false };
      },
      () => this.#createOnUpdate(context, resolved, object, updater, options),
    );
  }

  /**
   * Works on the newest accepted state of an object, again when another write was faster; `missing` answers when there is none.
   * Whoever is refused can read what the refusal rests on.
   */
  async #withLatest<R>(
    resolved: Resolved,
    object: ObjectTarget,
    work: (current: StoredValue) => Promise<R>,
    missing: () => Promise<R>,
  ): Promise<R> {
    const key = this.#key(resolved, object);
    for (let tries = 1; ; tries++) {
      const current = key === undefined ? undefined : this.#store.latest(key);
      if (current === undefined) {
        if (key !== undefined) await this.#store.committed(key);
        return missing();
      }
      try {
        return await work(current);
      } catch (error) {
        const lostRace = isRevisionConflict(error) || isKeyNotFound(error);
        if (lostRace && tries < UPDATE_TRIES) continue;
        if (key !== undefined) await this.#store.committed(key);
        throw interpretError(error, resolved.resource, object.name);
      }
    }
  }

  async #createOnUpdate(
    context: RequestContext,
    resolved: Resolved,
    object: ObjectTarget,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<{ result: ResultObject; created: boolean }> {
    const { target, resource } = resolved;
    const mayCreate =
      options.forceCreate === true ||
      (options.mayCreate === true && resolved.storing.behaviour.allowCreateOnUpdate === true);
    if (!mayCreate || options.subresource !== undefined) throw newNotFound(resource, object.name);
    const created = await updater(undefined);
    matchIdentity(created, object);
    const { uid, resourceVersion = '' } = created.metadata;
    if ((uid ?? '') !== '') {
      throw newConflict(
        resource,
        object.name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: `,
      );
    }
    if (resourceVersion !== '' && resourceVersion !== '0' && options.forceCreate !== true)
      throw newNotFound(resource, object.name);
    delete created.metadata.resourceVersion;
    return { result: await this.create(context, target, object, created, options), created: true };
  }

  async #updateOnce(
    context: RequestContext,
    resolved: Resolved,
    object: ObjectTarget,
    current: StoredValue,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const subresource = options.subresource?.name ?? '';
    const old = decodeStored(current);
    const live = this.#results.of(current, resolved.target, storing).object;
    const written = await updater(live);
    const given = written.metadata?.managedFields;
    const changed = this.#toStored(resolved, { ...written, metadata: { ...written.metadata } });
    matchIdentity(changed, object);
    checkPreconditions(storing, changed, old);
    keepSystemFields(changed, old);
    dedupeOwnerReferences(changed, context.warnings);
    if (subresource === '') applyDefaults(storing, changed);
    this.#track(resolved, subresource, live, changed, given, options);
    const request = this.#admissionRequest(
      context,
      resolved,
      'UPDATE',
      subresource,
      object,
      options.dryRun,
      changed,
      old,
    );
    await this.#options.admission.admit(request);
    const facts = this.#facts(context);
    const { managedFields } = changed.metadata;
    keepOtherParts(storing, subresource, changed, old, facts);
    if (managedFields === undefined) delete changed.metadata.managedFields;
    else changed.metadata.managedFields = managedFields;
    const hooks = subresource === '' ? this.#hooks(resolved) : undefined;
    return this.#allocating(hooks?.allocate?.(changed, old, options.dryRun), (allocation) => {
      if (subresource === '') storing.behaviour.prepareForUpdate?.(changed, old, facts);
      else if (subresource === 'status') storing.behaviour.prepareForStatusUpdate?.(changed, old, facts);
      return this.#storeChange(context, resolved, request, current, changed, options, allocation);
    });
  }

  async #storeChange(
    context: RequestContext,
    resolved: Resolved,
    request: AdmissionRequest,
    current: StoredValue,
    changed: UnknownObject,
    options: UpdateOptions,
    allocation: Allocation | undefined,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const old = decodeStored(current);
    const canonical = this.#canonical(storing, changed, old);
    const isPart = storing.behaviour.parts?.[request.subresource] !== undefined;
    if (request.subresource === '' || isPart) countGeneration(storing, canonical, old);
    // What a write leaves as it was needs no new revision, and nobody is told.
    canonical.metadata.resourceVersion = old.metadata.resourceVersion;
    const isSame = isUnchanged(canonical, old);
    if (!isSame) {
      const faults = this.#hooks(resolved)?.validate?.(canonical, old, request.subresource);
      validateChange(storing, request.subresource, canonical, old, resolved.apiVersion, faults);
      context.warnings.push(...(storing.behaviour.warnings?.(canonical, old, request.subresource) ?? []));
    }
    await this.#options.admission.validate({ ...request, object: canonical });
    try {
      if (this.#isReleased(storing, canonical)) {
        await this.#remove(resolved, current, canonical, options.dryRun);
        return this.#detached(current, canonical);
      }
      if (isSame) {
        await this.#store.committed(current.key);
        return current;
      }
      const isLatest = this.#store.latest(current.key)?.revision === current.revision;
      if (allocation !== undefined && isLatest) await allocation.prepare();
      return await this.#put(current.key, canonical, current.revision, options.dryRun, current);
    } finally {
      settle(request);
    }
  }

  /** A deleted object that nothing holds any more goes with the write that let go of it. */
  #isReleased(definition: ResourceDefinition, object: UnknownObject): boolean {
    const { metadata } = object;
    if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
    if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
    return definition.behaviour.isHeld?.(object) !== true;
  }

  async delete(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    options: DeleteOptions,
  ): Promise<{ result: ResultObject; gone: boolean }> {
    const resolved = this.#resolve(target);
    return this.#withLatest(
      resolved,
      object,
      (current) => this.#deleteOnce(context, resolved, object, current, options),
      () => Promise.reject(newNotFound(resolved.resource, object.name)),
    );
  }

  async #deleteOnce(
    context: RequestContext,
    resolved: Resolved,
    object: ObjectTarget,
    current: StoredValue,
    options: DeleteOptions,
  ): Promise<{ result: ResultObject; gone: boolean }> {
    const { storing, target } = resolved;
    const old = decodeStored(current);
    checkDeletePreconditions(storing, old, options);
    const request = this.#admissionRequest(
      context,
      resolved,
      'DELETE',
      '',
      object,
      options.dryRun,
      undefined,
      old,
    );
    await this.#options.admission.admit(request);
    await this.#options.admission.validate(request);
    const marked = { ...old, metadata: { ...old.metadata } };
    const gone = beginDelete(storing, marked, options, this.#options.clock.now());
    const canonical = this.#canonical(storing, marked, old);
    if (gone) {
      await this.#remove(resolved, current, canonical, options.dryRun);
      return { result: this.#results.of(current, target, storing), gone };
    }
    canonical.metadata.resourceVersion = old.metadata.resourceVersion;
    if (equalJSON(canonical, old)) {
      await this.#store.committed(current.key);
      return { result: this.#results.of(current, target, storing), gone };
    }
    const value = await this.#put(current.key, canonical, current.revision, options.dryRun, current);
    return { result: this.#results.of(value, target, storing), gone };
  }

  async deleteCollection(
    context: RequestContext,
    target: ResourceTarget,
    scope: Scope,
    list: ListReadOptions,
    options: DeleteOptions,
  ): Promise<ListOutcome> {
    const outcome = await this.list(context, target, scope, list);
    const items: ResultObject[] = [];
    for (const item of outcome.items) {
      const { namespace = '', name } = item.object.metadata;
      try {
        items.push((await this.delete(context, target, { namespace, name: name! }, options)).result);
      } catch (error) {
        // Somebody else was faster.
        if (!isNotFound(error)) throw error;
      }
    }
    return { ...outcome, items };
  }

  #resolve(target: ResourceTarget): Resolved {
    const { definition } = target;
    const resource = { group: definition.group, resource: definition.names.plural };
    const apiVersion = formatGroupVersion(definition.group, target.version);
    return { target, storing: this.#options.definitions.storing(definition), resource, apiVersion };
  }

  #hooks({ storing }: Resolved): ResourceHooks | undefined {
    return this.#options.hooks?.[
      storing.group === '' ? storing.names.plural : `${storing.names.plural}.${storing.group}`
    ];
  }

  /** Works out who manages what of a changed object, in place. */
  #track(
    { target, storing }: Resolved,
    subresource: string,
    live: UnknownObject | undefined,
    changed: UnknownObject,
    given: ManagedFieldsEntry[] | undefined,
    { tracked = true, fieldManager: manager }: WriteOptions,
  ): void {
    if (!tracked) return;
    const scope = fieldManagerScope(target, storing, subresource);
    trackManagedFields(scope, live, changed, { manager, nowMs: this.#options.clock.now(), given });
  }

  #facts({ user, warnings }: RequestContext): WriteFacts {
    return { user, nowMs: this.#options.clock.now(), warnings };
  }

  /** Key of an object; undefined for a name that no object can have. */
  #key({ storing }: Resolved, { namespace, name }: ObjectTarget): string | undefined {
    const parts = storing.namespaced ? [namespace, name] : [name];
    if (parts.some((part) => part === '' || part.includes('/'))) return undefined;
    return resourceKey({
      cluster: this.#options.cluster,
      group: storing.group,
      resource: storing.names.plural,
      ...(storing.namespaced ? { namespace } : {}),
      name,
    });
  }

  #range(resolved: Resolved, { namespace }: Scope, selection?: Selection): KeyRange {
    const { storing } = resolved;
    const resource = { cluster: this.#options.cluster, group: storing.group, resource: storing.names.plural };
    if (selection?.name !== undefined && (namespace !== '' || !storing.namespaced)) {
      const key = this.#key(resolved, { namespace, name: selection.name });
      if (key !== undefined) return singleKeyRange(key);
    }
    if (namespace === '') return resourceRange(resource);
    return namespaceRange({ ...resource, namespace });
  }

  /** How to find what is selected; undefined when that is everything. */
  #filter(resolved: Resolved, selection: Selection): PageFilter | undefined {
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
    const resource = this.#range(resolved, { namespace: '' });
    return {
      isWanted: (value) => selection.matches(selectableOf(value, storing)),
      find: (range) => this.#index.find(storing, resource, range, selection),
    };
  }

  async #waitForRevision(revision: number): Promise<void> {
    if (revision <= this.#store.revision) return;
    const abort = new AbortController();
    const { clock, wall = clock } = this.#options;
    const timer = wall.schedule(FUTURE_REVISION_WAIT_MS, () => abort.abort());
    try {
      await this.#store.waitFor(revision, abort.signal);
    } catch (error) {
      if (!abort.signal.aborted) throw interpretError(error, { group: '', resource: '' }, '');
      throw newTooLargeResourceVersion(revision, this.#store.revision);
    } finally {
      timer.cancel();
    }
  }

  /** The caller's object in the shape it is stored in; a copy whenever shapes differ. */
  #toStored({ target, storing }: Resolved, object: UnknownObject): UnknownObject {
    const from = formatGroupVersion(target.definition.group, target.version);
    const to = formatGroupVersion(storing.group, storing.storageVersion.name);
    object.metadata ??= {};
    if (from === to) {
      object.kind = storing.names.kind;
      object.apiVersion = to;
      return object;
    }
    const converted = convertObject(target, object, from, to);
    converted.kind = storing.names.kind;
    return converted;
  }

  /** Canonical, with a place for the resourceVersion; shares with `old` what the object has of it. */
  #canonical(definition: ResourceDefinition, object: UnknownObject, old?: UnknownObject): UnknownObject {
    object.metadata.resourceVersion = '0';
    return canonicalize(definition.storageVersion.schema, object, old);
  }

  async #put(
    key: string,
    object: UnknownObject,
    expect: 'absent' | number,
    dryRun: boolean,
    current?: StoredValue,
  ): Promise<StoredValue> {
    if (dryRun) return this.#pretend(key, object, expect, current);
    return this.#store.put(
      key,
      (revision) => {
        object.metadata.resourceVersion = String(revision);
        return encodeForm(this.#options.freeze === true ? deepFreeze(object) : object, revision);
      },
      { expect },
    );
  }

  /** What a write would have stored. */
  async #pretend(
    key: string,
    object: UnknownObject,
    expect: 'absent' | number,
    current: StoredValue | undefined,
  ): Promise<StoredValue> {
    if (expect === 'absent') {
      if (this.#store.latest(key) !== undefined) {
        await this.#store.committed(key);
        throw newAlreadyExists(this.#resourceOf(key), object.metadata.name!);
      }
      delete object.metadata.resourceVersion;
    }
    const revision = current?.revision ?? 0;
    return {
      key,
      ...encodeForm(object, revision),
      revision,
      createRevision: current?.createRevision ?? 0,
    };
  }

  #resourceOf(key: string): GroupResource {
    const [, , group, resource] = key.split('/') as [string, string, string, string];
    return { group: group === 'core' ? '' : group, resource };
  }

  async #remove(
    resolved: Resolved,
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
    await this.#store.delete(current.key, encode, { expect: current.revision });
    await this.#hooks(resolved)?.release?.(old);
  }

  /** An object that is not, or no longer, stored. */
  #detached(current: StoredValue, object: UnknownObject): StoredValue {
    return { ...current, ...encodeForm(object, current.revision) };
  }

  #admissionRequest(
    context: RequestContext,
    { storing }: Resolved,
    operation: AdmissionRequest['operation'],
    subresource: string,
    { namespace, name }: ObjectTarget,
    dryRun: boolean,
    object?: UnknownObject,
    oldObject?: UnknownObject,
  ): AdmissionRequest {
    return {
      operation,
      definition: storing,
      subresource,
      namespace,
      name,
      object,
      oldObject,
      user: context.user,
      dryRun,
      warnings: context.warnings,
      settled: [],
    };
  }
}

async function keepOrRevert<R>(
  allocating: Promise<Allocation>,
  write: (allocation: Allocation) => Promise<R>,
): Promise<R> {
  const allocation = await allocating;
  let result: R;
  try {
    result = await write(allocation);
  } catch (error) {
    await allocation.revert();
    throw error;
  }
  await allocation.commit();
  return result;
}

/** Tells those who wait for it that a write is done, or will not be. */
function settle({ settled }: AdmissionRequest): void {
  for (const call of settled.splice(0)) call();
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
