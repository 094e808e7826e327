/** Creation of any object. Mirrors apiserver registry/generic/registry store.go Create. */
import { structuredCopy } from '../../api/machinery/client.ts';
import { newGenerateNameConflict } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { isKeyExists } from '../../storage/errors.ts';
import type { StoredValue } from '../../storage/interface.ts';
import type { AdmissionRequest } from '../admission/plugin.ts';
import { newAdmissionRequest, settling } from './admission-request.ts';
import {
  applyDefaults,
  checkNewObject,
  fillSystemFields,
  generateName,
  prepareForCreate,
  validateNewObject,
} from './before-create.ts';
import { trackWrite } from './field-management.ts';
import type { RequestContext, ResourceTarget, ResultObject, Scope, WriteOptions } from './interface.ts';
import { interpretError } from './interpret-errors.ts';
import type { RegistryOptions } from './registry-options.ts';
import {
  keyOfTarget,
  resolveTarget,
  toCanonical,
  toStoredShape,
  type ResolvedTarget,
} from './resolved-target.ts';
import { hooksOf, whileAllocated } from './resource-hooks.ts';
import type { Results } from './results.ts';
import type { StoredWrites } from './stored-writes.ts';

/** Tries of a generated name. */
const GENERATE_NAME_TRIES = 8;

/** Creates objects; what is refused is refused with a StatusError. */
export class Creations {
  readonly #options: RegistryOptions;
  readonly #results: Results;
  readonly #writes: StoredWrites;

  constructor(options: RegistryOptions, results: Results, writes: StoredWrites) {
    this.#options = options;
    this.#results = results;
    this.#writes = writes;
  }

  async create(
    context: RequestContext,
    target: ResourceTarget,
    { namespace }: Scope,
    object: UnknownObject,
    options: WriteOptions,
  ): Promise<ResultObject> {
    const { admission, clock, random } = this.#options;
    const resolved = resolveTarget(this.#options, target);
    const { storing } = resolved;
    const created = toStoredShape(resolved, object);
    const { metadata } = created;
    checkNewObject(created, namespace);
    fillSystemFields(created, clock, random, context.warnings);
    applyDefaults(storing, created);
    trackWrite(
      resolved,
      { subresource: '', changed: created, given: metadata.managedFields },
      options,
      clock,
    );
    const request = newAdmissionRequest(
      context,
      resolved,
      { namespace, name: metadata.name ?? '' },
      { operation: 'CREATE', subresource: '', dryRun: options.dryRun, object: created },
    );
    const admitting = admission.admit(request);
    if (admitting !== undefined) await admitting;
    const { user, warnings } = context;
    prepareForCreate(storing, created, { user, nowMs: clock.now(), warnings });
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
    resolved: ResolvedTarget,
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
    resolved: ResolvedTarget,
    request: AdmissionRequest,
    draft: UnknownObject,
    options: WriteOptions,
    warns: boolean,
  ): Promise<StoredValue> {
    const { storing } = resolved;
    const { store, admission } = this.#options;
    const hooks = hooksOf(this.#options.hooks, storing);
    const object = hooks?.allocate === undefined ? draft : structuredCopy(draft);
    return whileAllocated(hooks?.allocate?.(object, undefined, options.dryRun), async (allocation) => {
      const canonical = toCanonical(storing, object);
      const faults = hooks?.validate?.(canonical, undefined, '');
      validateNewObject(storing, canonical, resolved.apiVersion, faults);
      if (warns) context.warnings.push(...(storing.behaviour.warnings?.(canonical, undefined, '') ?? []));
      if (options.authorizeCreate !== undefined) await options.authorizeCreate();
      const name = canonical.metadata.name!;
      const validating = admission.validate({ ...request, name, object: canonical });
      if (validating !== undefined) await validating;
      return settling(request, async () => {
        const key = keyOfTarget(resolved, { namespace: request.namespace, name })!;
        if (allocation !== undefined && store.latest(key) === undefined) await allocation.prepare();
        return this.#writes.putNew(resolved, key, canonical, options.dryRun);
      });
    });
  }
}
