/**
 * Deletes what lost its owners, and carries out foreground and orphaning deletes. One graph over all resources, fed by
 * their events; work is queued by UID. Mirrors garbagecollector attemptToDeleteItem and attemptToOrphan.
 */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { parseGroupVersion } from '../../api/machinery/gvk.ts';
import type { KubeObject, OwnerReference } from '../../api/machinery/object-meta.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Reconciler,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { referenceTo } from '../runtime/reference.ts';
import { hasFinalizer, isBlocking, OwnerGraph, ownersOf, type GraphNode } from './graph.ts';

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
  setup: (context) => new GarbageCollector(context).reconciler,
};

type OwnerState = 'solid' | 'dangling' | 'waiting' | 'unknowable';

class GarbageCollector {
  readonly reconciler: Reconciler;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #graph = new OwnerGraph();

  constructor(context: ControllerContext) {
    this.#client = context.client.as('generic-garbage-collector');
    this.#recorder = context.recorder('garbage-collector-controller');
    const resources = this.#client
      .resources(['delete', 'list', 'watch'])
      .filter(({ resource }) => !IGNORED.has(resource));
    this.reconciler = createReconciler({
      name: 'garbage-collector',
      context,
      workers: 20,
      reconcile: (uid) => this.#reconcile(uid),
    });
    for (const resource of resources) {
      context.informer(resource).addHandler({
        added: (object) => this.#seen(resource, object),
        updated: (object, old) => this.#seen(resource, object, old),
        deleted: (object) => this.#gone(object),
      });
    }
  }

  /** Puts to work what an event calls for. Mirrors graph_builder.go processGraphChanges. */
  #seen(resource: ResourceType<KubeObject>, object: KubeObject, old?: KubeObject): void {
    const { node, isNew, added, unblocked } = this.#graph.put(resource, object);
    for (const uid of unblocked) this.#enqueue(uid);
    if (this.#areDoubtful(node, added)) this.#enqueue(node.uid);
    if (isNew) for (const { uid } of this.#mistaken(node)) this.#enqueue(uid);
    if (beginsToEnd(object, old, ORPHAN)) this.#enqueue(node.uid);
    else if (beginsToEnd(object, old, FOREGROUND)) {
      for (const { uid } of node.dependents) this.#enqueue(uid);
      this.#enqueue(node.uid);
    }
  }

  #enqueue(uid: string): void {
    if (this.#graph.get(uid) !== undefined) this.reconciler.queue.add(uid);
  }

  /** Whether an owner is not known, or not as it is named; one in another namespace is reported. */
  #areDoubtful(node: GraphNode, owners: readonly OwnerReference[]): boolean {
    const known = owners.flatMap((owner) => {
      const found = this.#graph.get(owner.uid);
      return found === undefined ? [] : [{ owner, found }];
    });
    const wrong = known.find(({ owner, found }) => isElsewhere(found, node) || !isNamed(found, owner));
    if (wrong !== undefined && isElsewhere(wrong.found, node)) this.#report(node, wrong.owner);
    return wrong !== undefined || known.length < owners.length;
  }

  /** Dependents that were there before their owner was seen, and have another idea of it than the first of them. */
  #mistaken(node: GraphNode): GraphNode[] {
    const dependents = [...node.dependents];
    const fits = (dependent: GraphNode): boolean =>
      !isElsewhere(node, dependent) &&
      ownersOf(dependent.object).every((owner) => owner.uid !== node.uid || isNamed(node, owner));
    if (dependents[0] === undefined || fits(dependents[0])) return [];
    const mistaken = dependents.filter((dependent) => !fits(dependent));
    for (const dependent of mistaken)
      if (isElsewhere(node, dependent))
        this.#report(
          dependent,
          ownersOf(dependent.object).find(({ uid }) => uid === node.uid)!,
        );
    return mistaken;
  }

  #gone(object: KubeObject): void {
    for (const { uid } of this.#graph.remove(object.metadata.uid!)) this.#enqueue(uid);
    for (const { uid } of ownersOf(object)) this.#wakeWaitingOwner(uid);
  }

  #wakeWaitingOwner(uid: string): void {
    const owner = this.#graph.get(uid);
    if (owner !== undefined && owner.object.metadata.deletionTimestamp !== undefined) this.#enqueue(uid);
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
    const waiting: OwnerReference[] = [];
    for (const owner of ownersOf(object)) {
      const state = await this.#ownerState(object, owner);
      // Nothing is known of such an owner, so nothing is done; upstream tries again in vain.
      if (state === 'unknowable') return;
      if (state === 'solid') solid.push(owner);
      else if (state === 'waiting') waiting.push(owner);
    }
    if (solid.length > 0) {
      if (solid.length < ownersOf(object).length) await this.#setOwners(node, object, solid);
      return;
    }
    if (waiting.length === 0 || node.dependents.size === 0) {
      await this.#delete(node, object, ownPolicy(object));
      return;
    }
    const current = isInCircle(node) ? await this.#unblockOwners(node, object) : object;
    if (current !== undefined) await this.#delete(node, current, 'Foreground');
  }

  /** Lets the owners go on without this object. Undefined when it has changed in between. */
  async #unblockOwners(node: GraphNode, object: KubeObject): Promise<KubeObject | undefined> {
    if (!ownersOf(object).some(isBlocking)) return object;
    const owners = ownersOf(object).map((owner) =>
      isBlocking(owner) ? { ...owner, blockOwnerDeletion: false } : owner,
    );
    await this.#setOwners(node, object, owners);
    return this.#live(node);
  }

  /**
   * `waiting`: the owner is being deleted and waits for this object to be gone. `unknowable`: its kind is not served, or
   * not in the scope of this object.
   */
  async #ownerState(object: KubeObject, owner: OwnerReference): Promise<OwnerState> {
    const { namespace } = object.metadata;
    const resource = this.#client.resourceOf(owner.apiVersion, owner.kind);
    if (resource === undefined || (resource.namespaced && namespace === undefined)) return 'unknowable';
    const known = this.#graph.get(owner.uid);
    if (known !== undefined && isNamed(known, owner)) {
      const isHere = !resource.namespaced || known.object.metadata.namespace === namespace;
      if (isHere) return stateOf(known.object);
    }
    try {
      const target = { namespace: resource.namespaced ? namespace : undefined, name: owner.name };
      const found = await this.#client.get(resource, target);
      return found.metadata.uid === owner.uid ? stateOf(found) : 'dangling';
    } catch (error) {
      if (isNotFound(error)) return 'dangling';
      throw error;
    }
  }

  #report({ object }: GraphNode, owner: OwnerReference): void {
    const { namespace = '' } = object.metadata;
    const text = `ownerRef ${describe(owner, namespace)} does not exist in namespace "${namespace}"`;
    this.#recorder.event(referenceTo(object), 'Warning', 'OwnerRefInvalidNamespace', text);
  }

  /** Foreground: dependents that block go first; the finalizer falls when none is left. */
  async #deleteDependents(node: GraphNode, object: KubeObject): Promise<void> {
    const blocking = [...node.dependents].filter(({ object: dependent }) =>
      ownersOf(dependent).some((owner) => owner.uid === node.uid && isBlocking(owner)),
    );
    for (const { uid, object: dependent } of blocking)
      if (dependent.metadata.deletionTimestamp === undefined) this.#enqueue(uid);
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
    propagationPolicy: 'Foreground' | 'Background' | 'Orphan',
  ): Promise<void> {
    // The resourceVersion too: whoever adopted the object in the meantime keeps it.
    const preconditions = { uid: node.uid, resourceVersion: object.metadata.resourceVersion };
    try {
      await this.#client.delete(node.resource, targetOf(object), {
        propagationPolicy,
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
      this.#enqueue(node.uid);
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
  const { group } = parseGroupVersion(apiVersion) ?? {};
  return object.metadata.name === name && resource.kind === kind && resource.group === group;
}

/** Whether an owner is in a namespace, and its dependent is not in that one. */
function isElsewhere(owner: GraphNode, dependent: GraphNode): boolean {
  return owner.resource.namespaced && owner.object.metadata.namespace !== dependent.object.metadata.namespace;
}

/** What finalizers of the object itself ask for. */
function ownPolicy(object: KubeObject): 'Foreground' | 'Background' | 'Orphan' {
  if (hasFinalizer(object, ORPHAN)) return 'Orphan';
  return hasFinalizer(object, FOREGROUND) ? 'Foreground' : 'Background';
}

/** Whether the object is from now on being deleted with this finalizer. */
function beginsToEnd(object: KubeObject, old: KubeObject | undefined, finalizer: string): boolean {
  const isEnding = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
  const does = (state: KubeObject): boolean => isEnding(state) && hasFinalizer(state, finalizer);
  return does(object) && (old === undefined || !does(old));
}
