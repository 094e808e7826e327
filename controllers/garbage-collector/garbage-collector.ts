/**
 * Deletes what lost its owners, and carries out foreground and orphaning deletes. One graph over all resources, fed by
 * their events; work is queued by UID. Mirrors garbagecollector attemptToDeleteItem and attemptToOrphan.
 */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import type { KubeObject, OwnerReference } from '../../api/machinery/object-meta.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { hasFinalizer, OwnerGraph, ownersOf, type GraphNode } from './graph.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
/** Events go by their time to live; nothing owns them. */
const IGNORED = new Set(['events']);

export const garbageCollectorController: ControllerDefinition = {
  name: 'garbage-collector-controller',
  aliases: ['garbagecollector'],
  description: {
    does: 'Deletes objects whose owners are gone, and sees to foreground deletion and orphaning.',
    watches: ['*'],
    writes: ['*'],
    events: ['OwnerRefInvalidNamespace'],
  },
  setup: (context) => new GarbageCollector(context),
};

class GarbageCollector implements RunningController {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #graph = new OwnerGraph();
  readonly #resources: readonly ResourceType<KubeObject>[];
  readonly #reconciler: Reconciler;

  constructor(context: ControllerContext) {
    this.#client = context.client.as('generic-garbage-collector');
    this.#recorder = context.recorder('garbage-collector-controller');
    this.#resources = this.#client
      .resources(['delete', 'list', 'watch'])
      .filter(({ resource }) => !IGNORED.has(resource));
    this.#reconciler = createReconciler({
      name: 'garbage-collector',
      context,
      workers: 20,
      reconcile: (uid) => this.#reconcile(uid),
    });
    for (const resource of this.#resources) {
      context.informer(resource).addHandler({
        added: (object) => this.#seen(resource, object),
        updated: (object, old) => this.#seen(resource, object, old),
        deleted: (object) => this.#gone(object),
      });
    }
  }

  start(): void {
    this.#reconciler.start?.();
  }

  async stop(): Promise<void> {
    await this.#reconciler.stop?.();
  }

  #seen(resource: ResourceType<KubeObject>, object: KubeObject, old?: KubeObject): void {
    const node = this.#graph.put(resource, object);
    const isEnding = object.metadata.deletionTimestamp !== undefined;
    if (ownersOf(object).length > 0 || (isEnding && (object.metadata.finalizers?.length ?? 0) > 0)) {
      if (old === undefined || mattersToOwners(object, old)) this.#reconciler.queue.add(node.uid);
    }
    // A dependent that no longer blocks lets its owners go on.
    if (old !== undefined) for (const { uid } of ownersOf(old)) this.#wakeWaitingOwner(uid);
  }

  #gone(object: KubeObject): void {
    for (const dependent of this.#graph.remove(object.metadata.uid!))
      this.#reconciler.queue.add(dependent.uid);
    for (const { uid } of ownersOf(object)) this.#wakeWaitingOwner(uid);
  }

  #wakeWaitingOwner(uid: string): void {
    const owner = this.#graph.get(uid);
    if (owner !== undefined && owner.object.metadata.deletionTimestamp !== undefined)
      this.#reconciler.queue.add(uid);
  }

  async #reconcile(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    const object = await this.#live(node);
    if (object === undefined) return;
    if (object.metadata.deletionTimestamp !== undefined) {
      if (hasFinalizer(object, ORPHAN)) await this.#orphanDependents(node, object);
      else if (hasFinalizer(object, FOREGROUND)) await this.#deleteDependents(node, object);
      return;
    }
    if (ownersOf(object).length > 0) await this.#judge(node, object);
  }

  /** Deletes an object none of whose owners is left; drops references to owners that are gone while others remain. */
  async #judge(node: GraphNode, object: KubeObject): Promise<void> {
    const solid: OwnerReference[] = [];
    const dangling: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    for (const owner of ownersOf(object)) {
      const state = await this.#ownerState(object, owner);
      (state === 'solid' ? solid : state === 'waiting' ? waiting : dangling).push(owner);
    }
    if (solid.length > 0) {
      if (dangling.length + waiting.length > 0) await this.#setOwners(node, object, solid);
      return;
    }
    const foreground = waiting.length > 0 && node.dependents.size > 0;
    const current = foreground && isInCircle(node) ? await this.#unblockOwners(node, object) : object;
    if (current !== undefined) await this.#delete(node, current, foreground ? 'Foreground' : 'Background');
  }

  /** Lets the owners go on without this object. Undefined when it has changed in between. */
  async #unblockOwners(node: GraphNode, object: KubeObject): Promise<KubeObject | undefined> {
    if (!ownersOf(object).some(({ blockOwnerDeletion }) => blockOwnerDeletion === true)) return object;
    const owners = ownersOf(object).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
    await this.#setOwners(node, object, owners);
    return this.#live(node);
  }

  /** `waiting`: the owner is being deleted and waits for this object to be gone. */
  async #ownerState(object: KubeObject, owner: OwnerReference): Promise<'solid' | 'dangling' | 'waiting'> {
    const known = this.#graph.get(owner.uid);
    const isMisplaced =
      known !== undefined &&
      known.resource.namespaced &&
      known.object.metadata.namespace !== object.metadata.namespace;
    if (known !== undefined && !isMisplaced && isNamed(known, owner)) return stateOf(known.object);
    const resource = this.#resources.find(
      ({ group, version, kind }) =>
        kind === owner.kind && formatGroupVersion(group, version) === owner.apiVersion,
    );
    // An owner of a kind that is not served: upstream keeps the object and tries again; nothing can have it here either.
    if (resource === undefined) return known === undefined ? 'solid' : 'dangling';
    if (resource.namespaced && object.metadata.namespace === undefined) return this.#misplaced(object, owner);
    if (isMisplaced) return this.#misplaced(object, owner);
    const namespace = resource.namespaced ? object.metadata.namespace : undefined;
    try {
      const found = await this.#client.get(resource, { namespace, name: owner.name });
      return found.metadata.uid === owner.uid ? stateOf(found) : 'dangling';
    } catch (error) {
      if (isNotFound(error)) return 'dangling';
      throw error;
    }
  }

  #misplaced(object: KubeObject, owner: OwnerReference): 'dangling' | 'solid' {
    const { namespace = '' } = object.metadata;
    const text = `ownerRef ${describe(owner, namespace)} does not exist in namespace "${namespace}"`;
    this.#recorder.event(object, 'Warning', 'OwnerRefInvalidNamespace', text);
    return namespace === '' ? 'solid' : 'dangling';
  }

  /** Foreground: dependents that block go first; the finalizer falls when none is left. */
  async #deleteDependents(node: GraphNode, object: KubeObject): Promise<void> {
    const blocking = [...node.dependents].filter(({ object: dependent }) =>
      ownersOf(dependent).some(
        ({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion === true,
      ),
    );
    for (const dependent of node.dependents) {
      if (dependent.object.metadata.deletionTimestamp === undefined)
        this.#reconciler.queue.add(dependent.uid);
    }
    if (blocking.length === 0) await this.#dropFinalizer(node, object, FOREGROUND);
  }

  async #orphanDependents(node: GraphNode, object: KubeObject): Promise<void> {
    for (const dependent of Array.from(node.dependents)) {
      const live = await this.#live(dependent);
      if (live === undefined) continue;
      await this.#setOwners(
        dependent,
        live,
        ownersOf(live).filter(({ uid }) => uid !== node.uid),
      );
    }
    await this.#dropFinalizer(node, object, ORPHAN);
  }

  async #live(node: GraphNode): Promise<KubeObject | undefined> {
    try {
      const object = await this.#client.get(node.resource, targetOf(node.object));
      return object.metadata.uid === node.uid ? object : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #delete(
    node: GraphNode,
    object: KubeObject,
    propagationPolicy: 'Foreground' | 'Background',
  ): Promise<void> {
    const policy = hasFinalizer(object, ORPHAN)
      ? 'Orphan'
      : hasFinalizer(object, FOREGROUND)
        ? 'Foreground'
        : propagationPolicy;
    // The resourceVersion too: whoever adopted the object in the meantime keeps it.
    const preconditions = { uid: node.uid, resourceVersion: object.metadata.resourceVersion };
    try {
      await this.#client.delete(node.resource, targetOf(object), {
        propagationPolicy: policy,
        preconditions,
      });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
  }

  async #setOwners(node: GraphNode, object: KubeObject, owners: readonly OwnerReference[]): Promise<void> {
    const metadata = { ...object.metadata, ownerReferences: owners.length === 0 ? undefined : [...owners] };
    await this.#update(node, { ...object, metadata });
  }

  async #dropFinalizer(node: GraphNode, object: KubeObject, finalizer: string): Promise<void> {
    const left = (object.metadata.finalizers ?? []).filter((other) => other !== finalizer);
    await this.#update(node, {
      ...object,
      metadata: { ...object.metadata, finalizers: left.length === 0 ? undefined : left },
    });
  }

  async #update(node: GraphNode, object: KubeObject): Promise<void> {
    try {
      await this.#client.update(node.resource, object);
    } catch (error) {
      if (isNotFound(error)) return;
      // Behind a conflict the object has changed: look at it anew, at once.
      if (!isConflict(error)) throw error;
      this.#reconciler.queue.add(node.uid);
    }
  }
}

/** A dependent waits for its own dependents, and may wait for this one. Mirrors attemptToDeleteItem's circle detection. */
function isInCircle({ dependents }: GraphNode): boolean {
  return [...dependents].some(({ object }) => stateOf(object) === 'waiting');
}

function stateOf(owner: KubeObject): 'solid' | 'waiting' {
  const isWaiting = owner.metadata.deletionTimestamp !== undefined && hasFinalizer(owner, FOREGROUND);
  return isWaiting ? 'waiting' : 'solid';
}

function targetOf({ metadata }: KubeObject): { namespace?: string; name: string } {
  return { namespace: metadata.namespace, name: metadata.name! };
}

function describe({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): string {
  return `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
}

/** Whether the reference has the object's name, kind and group, and not its UID alone. */
function isNamed({ resource, object }: GraphNode, { apiVersion, kind, name }: OwnerReference): boolean {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return object.metadata.name === name && resource.kind === kind && resource.group === group;
}

function mattersToOwners(object: KubeObject, old: KubeObject): boolean {
  const view = ({ metadata }: KubeObject): string =>
    JSON.stringify([metadata.ownerReferences, metadata.deletionTimestamp !== undefined, metadata.finalizers]);
  return view(object) !== view(old);
}
