/** Changes of any object, by PUT and all kinds of PATCH. Mirrors apiserver registry/generic/registry store.go Update. */
import type { ResourceDefinition } from '../../api/definition.ts';
import { newConflict, newNotFound } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { StoredValue } from '../../storage/interface.ts';
import type { AdmissionRequest } from '../admission/plugin.ts';
import { newAdmissionRequest, settling } from './admission-request.ts';
import { applyDefaults, dedupeOwnerReferences } from './before-create.ts';
import {
  checkPreconditions,
  countGeneration,
  keepOtherParts,
  keepSystemFields,
  matchIdentity,
  validateChange,
} from './before-update.ts';
import type { Creations } from './create.ts';
import { isUnchanged, setManagedFields, trackWrite } from './field-management.ts';
import type {
  ObjectTarget,
  ObjectUpdater,
  RequestContext,
  ResourceTarget,
  ResultObject,
  UpdateOptions,
} from './interface.ts';
import { withLatest } from './latest.ts';
import type { RegistryOptions } from './registry-options.ts';
import { resolveTarget, toCanonical, toStoredShape, type ResolvedTarget } from './resolved-target.ts';
import { hooksOf, whileAllocated, type Allocation } from './resource-hooks.ts';
import type { Results } from './results.ts';
import { decodeStored } from './stored-form.ts';
import { detached, type StoredWrites } from './stored-writes.ts';

interface Updated {
  readonly result: ResultObject;
  readonly created: boolean;
}

/** Changes objects, or creates them where a write may do either; what is refused is refused with a StatusError. */
export class Updates {
  readonly #options: RegistryOptions;
  readonly #results: Results;
  readonly #writes: StoredWrites;
  readonly #creations: Creations;

  constructor(options: RegistryOptions, results: Results, writes: StoredWrites, creations: Creations) {
    this.#options = options;
    this.#results = results;
    this.#writes = writes;
    this.#creations = creations;
  }

  async update(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<Updated> {
    const resolved = resolveTarget(this.#options, target);
    return withLatest(
      this.#options.store,
      resolved,
      object,
      async (current) => {
        const value = await this.#updateOnce(context, resolved, object, current, updater, options);
        return { result: this.#results.of(value, target, resolved.storing), created: false };
      },
      () => this.#createOnUpdate(context, resolved, object, updater, options),
    );
  }

  async #createOnUpdate(
    context: RequestContext,
    { target, storing, resource }: ResolvedTarget,
    object: ObjectTarget,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<Updated> {
    const mayCreate =
      options.forceCreate === true ||
      (options.mayCreate === true && storing.behaviour.allowCreateOnUpdate === true);
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
    return { result: await this.#creations.create(context, target, object, created, options), created: true };
  }

  async #updateOnce(
    context: RequestContext,
    resolved: ResolvedTarget,
    object: ObjectTarget,
    current: StoredValue,
    updater: ObjectUpdater,
    options: UpdateOptions,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const { admission, clock } = this.#options;
    const subresource = options.subresource?.name ?? '';
    const old = decodeStored(current);
    const live = this.#results.of(current, resolved.target, storing).object;
    const written = await updater(live);
    const given = written.metadata?.managedFields;
    const changed = toStoredShape(resolved, { ...written, metadata: { ...written.metadata } });
    matchIdentity(changed, object);
    checkPreconditions(storing, changed, old);
    keepSystemFields(changed, old);
    dedupeOwnerReferences(changed, context.warnings);
    if (subresource === '') applyDefaults(storing, changed);
    trackWrite(resolved, { subresource, live, changed, given }, options, clock);
    const request = newAdmissionRequest(context, resolved, object, {
      operation: 'UPDATE',
      subresource,
      dryRun: options.dryRun,
      object: changed,
      oldObject: old,
    });
    const admitting = admission.admit(request);
    if (admitting !== undefined) await admitting;
    const { user, warnings } = context;
    const facts = { user, nowMs: clock.now(), warnings };
    const { managedFields } = changed.metadata;
    keepOtherParts(storing, subresource, changed, old, facts);
    setManagedFields(changed.metadata, managedFields);
    const hooks = subresource === '' ? hooksOf(this.#options.hooks, storing) : undefined;
    return whileAllocated(hooks?.allocate?.(changed, old, options.dryRun), (allocation) => {
      if (subresource === '') storing.behaviour.prepareForUpdate?.(changed, old, facts);
      else if (subresource === 'status') storing.behaviour.prepareForStatusUpdate?.(changed, old, facts);
      return this.#storeChange(context, resolved, request, current, changed, allocation);
    });
  }

  async #storeChange(
    context: RequestContext,
    resolved: ResolvedTarget,
    request: AdmissionRequest,
    current: StoredValue,
    changed: UnknownObject,
    allocation: Allocation | undefined,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const { subresource, dryRun } = request;
    const { store, admission, hooks } = this.#options;
    const old = decodeStored(current);
    const canonical = toCanonical(storing, changed, old);
    const isPart = storing.behaviour.parts?.[subresource] !== undefined;
    if (subresource === '' || isPart) countGeneration(storing, canonical, old);
    // What a write leaves as it was needs no new revision, and nobody is told.
    canonical.metadata.resourceVersion = old.metadata.resourceVersion;
    const isSame = isUnchanged(canonical, old);
    if (!isSame) {
      const faults = hooksOf(hooks, storing)?.validate?.(canonical, old, subresource);
      validateChange(storing, subresource, canonical, old, resolved.apiVersion, faults);
      context.warnings.push(...(storing.behaviour.warnings?.(canonical, old, subresource) ?? []));
    }
    const validating = admission.validate({ ...request, object: canonical });
    if (validating !== undefined) await validating;
    return settling(request, async () => {
      if (isReleased(storing, canonical)) {
        await this.#writes.remove(resolved, current, canonical, dryRun);
        return detached(current, canonical);
      }
      if (isSame) {
        await store.committed(current.key);
        return current;
      }
      const isLatest = store.latest(current.key)?.revision === current.revision;
      if (allocation !== undefined && isLatest) await allocation.prepare();
      return this.#writes.putChanged(current, canonical, dryRun);
    });
  }
}

/** A deleted object that nothing holds any more goes with the write that let go of it. */
function isReleased({ behaviour }: ResourceDefinition, object: UnknownObject): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return behaviour.isHeld?.(object) !== true;
}
