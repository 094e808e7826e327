/**
 * A controller that acts on a cache older than its own last write may do the same thing twice. So it is noted what was
 * written for which owner, and an owner is not looked at until the caches have seen it. Mirrors
 * pkg/controller/util/consistency, which Kubernetes has for four controllers.
 */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { controllerOf, keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import type { ControllerContext, Informer } from './controller.ts';

/** Newest resource version written, by resource. */
type Written = Map<Informer<KubeObject>, string>;

export class OwnWrites {
  /** The controller's client, whose creates, updates and patches are noted. */
  readonly client: Client;
  readonly #owner: ResourceType<KubeObject>;
  readonly #caches = new Map<string, Informer<KubeObject>>();
  readonly #written = new Map<string, Written>();

  /** `dependents` are what the controller writes beside its owners. */
  constructor(
    context: Pick<ControllerContext, 'client' | 'informer'>,
    owner: ResourceType<KubeObject>,
    dependents: readonly ResourceType<KubeObject>[],
  ) {
    this.#owner = owner;
    for (const type of [owner, ...dependents]) this.#caches.set(type.resource, context.informer(type));
    this.client = this.#noting(context.client);
  }

  /** Whether a cache has yet to see what was written for the owner with this key. */
  isUnseen(key: string): boolean {
    const written = this.#written.get(key);
    if (written === undefined) return false;
    for (const [informer, resourceVersion] of written) if (!informer.hasSeen(resourceVersion)) return true;
    this.#written.delete(key);
    return false;
  }

  #noting(client: Client): Client {
    const note = <T extends KubeObject>(resource: ResourceType<T>, object: T): T => {
      this.#note(resource, object);
      return object;
    };
    return {
      get: (resource, target) => client.get(resource, target),
      getScale: (resource, target) => client.getScale(resource, target),
      list: (resource, options) => client.list(resource, options),
      watch: (resource, options, handler) => client.watch(resource, options, handler),
      create: async (resource, object, options) =>
        note(resource, await client.create(resource, object, options)),
      update: async (resource, object, options) =>
        note(resource, await client.update(resource, object, options)),
      patch: async (resource, target, patch, options) =>
        note(resource, await client.patch(resource, target, patch, options)),
      delete: (resource, target, options) => client.delete(resource, target, options),
      deleteCollection: (resource, options) => client.deleteCollection(resource, options),
      createSubresource: (resource, target, subresource, body) =>
        client.createSubresource(resource, target, subresource, body),
      resources: (verbs) => client.resources(verbs),
      resourceOf: (apiVersion, kind) => client.resourceOf(apiVersion, kind),
      as: (component) => this.#noting(client.as(component)),
    };
  }

  #note(resource: ResourceType<KubeObject>, object: KubeObject): void {
    const informer = this.#caches.get(resource.resource);
    const { resourceVersion } = object.metadata;
    if (informer === undefined || resourceVersion === undefined || informer.hasSeen(resourceVersion)) return;
    const key = this.#ownerKey(resource, object);
    if (key === undefined) return;
    let written = this.#written.get(key);
    if (written === undefined) this.#written.set(key, (written = new Map()));
    const before = written.get(informer);
    if (before === undefined || Number(before) < Number(resourceVersion))
      written.set(informer, resourceVersion);
  }

  #ownerKey(resource: ResourceType<KubeObject>, object: KubeObject): string | undefined {
    if (resource.resource === this.#owner.resource) return keyOf(object);
    const owner = controllerOf(object);
    return owner?.kind === this.#owner.kind ? `${object.metadata.namespace}/${owner.name}` : undefined;
  }
}
