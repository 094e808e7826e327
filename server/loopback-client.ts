/** The client of everything that runs inside the server: through admission and validation, without a socket. */
import type { ResourceDefinition } from '../api/definition.ts';
import type { DefinitionSet } from '../api/definition-set.ts';
import {
  type Client,
  type DeleteOptions,
  type Draft,
  type List,
  type ListOptions,
  type PatchType,
  type ResourceType,
  type Target,
  type WatchHandler,
  type WatchOptions,
  type WriteOptions,
} from '../api/machinery/client.ts';
import type { Clock } from '../api/machinery/clock.ts';
import { canonicalize, decodeObject } from '../api/machinery/codec.ts';
import { newNotFound } from '../api/machinery/errors.ts';
import { formatGroupVersion, parseGroupVersion } from '../api/machinery/gvk.ts';
import { applyToObject } from '../api/machinery/managed-fields/field-manager.ts';
import type { KubeObject, UnknownObject } from '../api/machinery/object-meta.ts';
import type { TaskTracker } from '../api/machinery/tasks.ts';
import type { Scale } from '../openapi/generated/autoscaling-v1.ts';
import type { RequestContext, ResourceRegistry, ResourceTarget, UserInfo } from './registry/interface.ts';
import { fieldManagerScope } from './registry/field-management.ts';
import { applyPatch } from './registry/patching.ts';
import { changeScale, scaleOf, scaleSchema } from './registry/scale.ts';
import type { SubresourceCreators } from './registry/subresources.ts';

export interface LoopbackOptions {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  readonly tasks: TaskTracker;
  readonly creators: SubresourceCreators;
  readonly clock: Clock;
  /** Who of several with the same identity this is. */
  readonly writer?: string;
}

/** A client that acts as `component`, a member of system:masters. */
export function createLoopbackClient(
  options: LoopbackOptions,
  component = 'kube-controller-manager',
): Client {
  return new LoopbackClient(options, component);
}

class LoopbackClient implements Client {
  readonly #options: LoopbackOptions;
  readonly #registry: ResourceRegistry;
  /** What the binary is called that has the component in it. */
  readonly #manager: string;
  readonly #user: UserInfo;

  constructor(options: LoopbackOptions, component: string) {
    this.#options = options;
    this.#registry = options.registry;
    this.#manager = managerOf(component);
    this.#user = {
      name: component.startsWith('system:') ? component : `system:${component}`,
      groups: ['system:masters', 'system:authenticated'],
    };
  }

  as(component: string): Client {
    return new LoopbackClient(this.#options, component);
  }

  async get<T extends KubeObject>(resource: ResourceType<T>, target: Target): Promise<T> {
    const result = await this.#registry.get(this.#context(), this.#target(resource), keyOf(target), {});
    return result.object as unknown as T;
  }

  async getScale(resource: ResourceType<KubeObject>, target: Target): Promise<Scale> {
    const resolved = this.#target(resource);
    const { definition } = resolved;
    if (definition.behaviour.scale === undefined)
      throw newNotFound(
        { group: definition.group, resource: `${definition.names.plural}/scale` },
        target.name,
      );
    const { object } = await this.#registry.get(this.#context(), resolved, keyOf(target), {});
    return scaleOf(definition, object) as unknown as Scale;
  }

  async list<T extends KubeObject>(resource: ResourceType<T>, options: ListOptions = {}): Promise<List<T>> {
    const { namespace = '', ...rest } = options;
    const outcome = await this.#registry.list(this.#context(), this.#target(resource), { namespace }, rest);
    return {
      items: outcome.items.map(({ object }) => object as unknown as T),
      resourceVersion: outcome.resourceVersion,
      ...(outcome.continue === undefined ? {} : { continue: outcome.continue }),
    };
  }

  watch<T extends KubeObject>(
    resource: ResourceType<T>,
    options: WatchOptions,
    handler: WatchHandler<T>,
  ): () => void {
    const { namespace = '', ...rest } = options;
    let cancel: (() => void) | undefined;
    let stopped = false;
    const end = (error: Error | undefined): void => {
      if (stopped) return;
      stopped = true;
      handler.ended(error);
    };
    const open = async (): Promise<void> => {
      const watch = await this.#registry.watch(this.#context(), this.#target(resource), { namespace }, rest, {
        events: (events) => {
          for (const event of events) {
            if (stopped) return;
            if (event.type === 'BOOKMARK')
              handler.event({ type: 'BOOKMARK', resourceVersion: String(event.revision) });
            else handler.event({ type: event.type, object: event.result.object as unknown as T });
          }
        },
        ended: end,
      });
      cancel = () => watch.cancel();
      if (stopped) cancel();
    };
    const release = this.#options.tasks.hold(`watch ${resource.resource}`);
    open()
      .catch((error: unknown) => end(error as Error))
      .finally(release);
    return () => {
      stopped = true;
      cancel?.();
    };
  }

  async create<T extends KubeObject>(
    resource: ResourceType<T>,
    object: Draft<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const target = this.#target(resource);
    const draft = this.#decode(target, resource, object);
    const namespace = resource.namespaced ? (object.metadata.namespace ?? '') : '';
    const result = await this.#registry.create(
      this.#context(),
      target,
      { namespace },
      draft,
      this.#writeOptions(options),
    );
    return result.object as unknown as T;
  }

  async update<T extends KubeObject>(
    resource: ResourceType<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const target = this.#target(resource);
    const { namespace = '', name = '' } = object.metadata;
    // Through a subresource, what the writer left alone of the object it read is taken over as it is.
    const updater = (current: UnknownObject | undefined): UnknownObject =>
      this.#decode(target, resource, object, options.subresource === undefined ? undefined : current);
    return this.#write(target, { namespace, name }, updater, options) as Promise<T>;
  }

  async patch<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    patch: { readonly type: PatchType; readonly body: unknown },
    options: WriteOptions = {},
  ): Promise<T> {
    const resolved = this.#target(resource);
    const { schema } = versionOf(resolved);
    const { type } = patch;
    if (type === 'apply') return this.#apply(resolved, target, patch.body, options) as Promise<T>;
    const updater = (current: UnknownObject | undefined): UnknownObject => {
      if (current === undefined)
        throw newNotFound({ group: resource.group, resource: resource.resource }, target.name);
      if (options.subresource !== 'scale')
        return canonicalize(schema, applyPatch(type, schema, current, patch.body));
      return changeScale(
        resolved,
        current,
        (scale) => canonicalize(scaleSchema(), applyPatch(type, scaleSchema(), scale, patch.body)),
        { manager: this.#manager, nowMs: this.#options.clock.now() },
      );
    };
    return this.#write(resolved, keyOf(target), updater, options) as Promise<T>;
  }

  async #apply(
    resolved: ResourceTarget,
    { namespace = '', name }: Target,
    body: unknown,
    options: WriteOptions,
  ): Promise<KubeObject> {
    const { definition, version } = resolved;
    const scope = fieldManagerScope(
      resolved,
      this.#options.definitions.storing(definition),
      options.subresource ?? '',
    );
    const apiVersion = formatGroupVersion(definition.group, version);
    const metadata = { name, ...(namespace === '' ? {} : { namespace }) };
    const config = { apiVersion, kind: definition.names.kind, metadata, ...(body as object) };
    const { fieldManager: manager } = this.#writeOptions(options);
    const updater = (current: UnknownObject | undefined): UnknownObject => {
      if (current === undefined)
        throw newNotFound({ group: definition.group, resource: definition.names.plural }, name);
      const write = { manager, force: true, nowMs: this.#options.clock.now() };
      return canonicalize(versionOf(resolved).schema, applyToObject(scope, current, config, write));
    };
    return this.#write(resolved, { namespace, name }, updater, { ...options, tracked: false });
  }

  async delete<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#registry.delete(this.#context(), this.#target(resource), keyOf(target), {
      dryRun: false,
      ...options,
    });
  }

  async deleteCollection<T extends KubeObject>(
    resource: ResourceType<T>,
    options: ListOptions & DeleteOptions,
  ): Promise<void> {
    const {
      namespace = '',
      gracePeriodSeconds,
      propagationPolicy,
      preconditions,
      dryRun = false,
      ...list
    } = options;
    const deletion = { dryRun, gracePeriodSeconds, propagationPolicy, preconditions };
    await this.#registry.deleteCollection(
      this.#context(),
      this.#target(resource),
      { namespace },
      list,
      deletion,
    );
  }

  async createSubresource<T extends KubeObject>(
    resource: ResourceType<T>,
    target: Target,
    subresource: string,
    body: unknown,
  ): Promise<unknown> {
    return this.#options.creators.create(
      this.#context(),
      this.#target(resource),
      keyOf(target),
      subresource,
      body as UnknownObject,
      {
        dryRun: false,
        fieldManager: this.#manager,
      },
    );
  }

  resources(verbs: readonly string[]): readonly ResourceType<KubeObject>[] {
    return this.#options.definitions
      .all()
      .filter((definition) => verbs.every((verb) => definition.verbs.includes(verb)))
      .map((definition) => servedIn(definition, definition.versions[0]!.name));
  }

  resourceOf(apiVersion: string, kind: string): ResourceType<KubeObject> | undefined {
    const { group, version } = parseGroupVersion(apiVersion) ?? {};
    if (group === undefined || version === undefined) return undefined;
    const definition = this.#options.definitions.findByKind(group, version, kind);
    return definition && servedIn(definition, version);
  }

  async #write(
    target: ResourceTarget,
    key: { readonly namespace: string; readonly name: string },
    updater: (current: UnknownObject | undefined) => UnknownObject,
    options: WriteOptions & { readonly tracked?: false },
  ): Promise<KubeObject> {
    const subresource = this.#subresource(target, options.subresource);
    const { result } = await this.#registry.update(this.#context(), target, key, updater, {
      ...this.#writeOptions(options),
      ...(subresource?.name === 'scale' || options.tracked === false ? { tracked: false } : {}),
      ...(subresource === undefined || subresource.name === 'scale' ? {} : { subresource }),
      mayCreate: false,
    });
    return result.object;
  }

  #subresource(
    { definition }: ResourceTarget,
    name: string | undefined,
  ): ResourceTarget['definition']['subresources'][number] | undefined {
    if (name === undefined) return undefined;
    const found = definition.subresources.find((subresource) => subresource.name === name);
    if (found === undefined)
      throw newNotFound({ group: definition.group, resource: `${definition.names.plural}/${name}` }, '');
    return found;
  }

  /**
   * Checks the object against its type and makes a canonical copy that the registry may change, but for what it shares with
   * `base`.
   */
  #decode<T extends KubeObject>(
    target: ResourceTarget,
    resource: ResourceType<T>,
    object: object,
    base?: UnknownObject,
  ): UnknownObject {
    const { kind, group, version } = resource;
    const typed = { kind, apiVersion: formatGroupVersion(group, version), ...object };
    const { schema } = versionOf(target);
    const { object: decoded, unknownFields } = decodeObject(schema, typed, { base, isCopying: true });
    if (unknownFields.length > 0)
      throw new Error(`${resource.kind} has no field ${unknownFields.join(', ')}`);
    return decoded;
  }

  #target<T extends KubeObject>({ group, version, resource }: ResourceType<T>): ResourceTarget {
    const definition = this.#options.definitions.find(group, version, resource);
    if (definition === undefined) throw newNotFound({ group, resource }, '');
    return { definition, version };
  }

  #context(): RequestContext {
    return { user: this.#user, writer: this.#options.writer, warnings: [] };
  }

  #writeOptions({ dryRun = false, fieldManager = this.#manager }: WriteOptions): {
    dryRun: boolean;
    fieldManager: string;
  } {
    return { dryRun, fieldManager };
  }
}

/** Controllers write under the name of the manager that runs them, agents of nodes under that of the kubelet. */
function managerOf(component: string): string {
  if (component.startsWith('system:node:')) return 'kubelet';
  return component.startsWith('kube-') ? component : 'kube-controller-manager';
}

function servedIn(
  { group, names, namespaced }: ResourceDefinition,
  version: string,
): ResourceType<KubeObject> {
  return { group, version, resource: names.plural, kind: names.kind, namespaced };
}

function keyOf({ namespace = '', name }: Target): { namespace: string; name: string } {
  return { namespace, name };
}

function versionOf({
  definition,
  version,
}: ResourceTarget): ResourceTarget['definition']['versions'][number] {
  return definition.versions.find(({ name }) => name === version)!;
}
