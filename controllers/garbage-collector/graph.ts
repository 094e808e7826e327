/** Who owns whom, by UID, kept from the events of every resource. */
import type { ResourceType } from '../../api/machinery/client.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import type { KubeObject, OwnerReference } from '../../api/machinery/object-meta.ts';

export interface GraphNode {
  readonly uid: string;
  readonly resource: ResourceType<KubeObject>;
  /** The newest state seen. */
  object: KubeObject;
  readonly dependents: Set<GraphNode>;
}

/** What an event changed. */
export interface Change {
  readonly node: GraphNode;
  readonly isNew: boolean;
  /** References to owners that were not named before; others that changed are not among them. */
  readonly added: readonly OwnerReference[];
  /** UIDs of owners whose deletion the object no longer blocks. */
  readonly unblocked: readonly string[];
}

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  /** Dependents of owners that were not seen (yet). */
  readonly #waiting = new Map<string, Set<GraphNode>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** Takes in an object's newest state. */
  put(resource: ResourceType<KubeObject>, object: KubeObject): Change {
    const uid = object.metadata.uid!;
    let node = this.#nodes.get(uid);
    const isNew = node === undefined;
    if (node !== undefined && equalJSON(ownersOf(object), ownersOf(node.object))) {
      // Most updates leave owners alone.
      node.object = object;
      return { node, isNew, added: [], unblocked: [] };
    }
    const before = new Map(node && ownersOf(node.object).map((owner) => [owner.uid, owner]));
    if (node === undefined) {
      node = { uid, resource, object, dependents: this.#waiting.get(uid) ?? new Set() };
      this.#waiting.delete(uid);
      this.#nodes.set(uid, node);
    } else {
      this.#unlink(node);
      node.object = object;
    }
    for (const owner of ownersOf(object)) this.#dependentsOf(owner.uid).add(node);
    const after = new Map(ownersOf(object).map((owner) => [owner.uid, owner]));
    const unblocked = [...before.values()].filter((owner) => {
      const now = after.get(owner.uid);
      return isBlocking(owner) && (now === undefined || !isBlocking(now));
    });
    return {
      node,
      isNew,
      added: [...after.values()].filter((owner) => !before.has(owner.uid)),
      unblocked: unblocked.map((owner) => owner.uid),
    };
  }

  /** Removes an object that is gone; returns those that named it as an owner. */
  remove(uid: string): readonly GraphNode[] {
    const node = this.#nodes.get(uid);
    if (node === undefined) return [];
    this.#unlink(node);
    this.#nodes.delete(uid);
    if (node.dependents.size > 0) this.#waiting.set(uid, node.dependents);
    return [...node.dependents];
  }

  #dependentsOf(uid: string): Set<GraphNode> {
    const known = this.#nodes.get(uid)?.dependents ?? this.#waiting.get(uid);
    if (known !== undefined) return known;
    const created = new Set<GraphNode>();
    this.#waiting.set(uid, created);
    return created;
  }

  #unlink(node: GraphNode): void {
    for (const { uid } of ownersOf(node.object)) {
      const dependents = this.#nodes.get(uid)?.dependents ?? this.#waiting.get(uid);
      dependents?.delete(node);
      if (dependents?.size === 0) this.#waiting.delete(uid);
    }
  }
}

export function ownersOf(object: KubeObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? [];
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

export function isBlocking({ blockOwnerDeletion }: OwnerReference): boolean {
  return blockOwnerDeletion === true;
}
