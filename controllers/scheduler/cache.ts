/** The scheduler's picture of the cluster: nodes and the pods on them, those it has just placed included. */
import type { Node, Pod } from '../../openapi/generated/core-v1.ts';
import { NodeInfo } from './node-info.ts';
import { PodIndex } from './pod-index.ts';
import { claimNames, podInfoOf, withPod, type PodInfo } from './pod-info.ts';

interface Placed {
  readonly node: string;
  info: PodInfo;
}

export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placed = new Map<string, Placed>();
  /** Pods on nodes that are not known yet, or no longer. */
  readonly #homeless = new Map<string, Set<string>>();
  readonly #freeSlots: number[] = [];
  #slots = 0;
  #order: readonly NodeInfo[] | undefined;
  readonly index = new PodIndex((name) => this.#nodes.get(name));
  /** UIDs of the placed pods that use a claim, by its key. */
  readonly #users = new Map<string, Set<string>>();
  /** Nodes that have an image, by its name. */
  readonly imageNodes = new Map<string, number>();

  /** Nodes with any taint. */
  taintedNodes = 0;

  /** Nodes in turn from each zone, so that a part of the list covers all of them. */
  get nodes(): readonly NodeInfo[] {
    this.#order ??= interleave([...this.#nodes.values()]);
    return this.#order;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** Slots of nodes are below this. */
  get slots(): number {
    return this.#slots;
  }

  setNode(node: Node): void {
    const name = node.metadata.name!;
    const info = this.#nodes.get(name);
    if (info === undefined) {
      this.#addNode(node);
      return;
    }
    const labels = info.node.metadata.labels;
    this.#countNode(info, -1);
    info.setNode(node);
    this.#countNode(info, 1);
    if (sameLabels(labels, node.metadata.labels)) return;
    this.#order = undefined;
    this.index.nodesChanged();
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#nodes.delete(name);
    this.#freeSlots.push(info.slot);
    this.#countNode(info, -1);
    if (info.pods.size > 0) this.#homeless.set(name, new Set(info.pods.keys()));
    this.#order = undefined;
    this.index.nodesChanged();
  }

  /** Whether the pod counts on some node. */
  isPlaced(uid: string): boolean {
    return this.#placed.has(uid);
  }

  nodeOf(uid: string): string | undefined {
    return this.#placed.get(uid)?.node;
  }

  /** Counts a pod on a node, once; a newer version of it takes the place of the older. */
  place(pod: Pod, node: string): void {
    const uid = pod.metadata.uid!;
    const before = this.#placed.get(uid);
    if (before?.node === node && takesTheSame(before.info.pod, pod)) {
      before.info = withPod(before.info, pod);
      this.#nodes.get(node)?.renew(before.info);
      return;
    }
    if (before !== undefined) this.release(uid);
    const info = podInfoOf(pod);
    this.#placed.set(uid, { node, info });
    const nodeInfo = this.#nodes.get(node);
    if (nodeInfo !== undefined) nodeInfo.add(info);
    else this.#strand(node, uid);
    this.index.add(info, node);
    this.#countClaims(info, true);
  }

  release(uid: string): void {
    const placed = this.#placed.get(uid);
    if (placed === undefined) return;
    this.#placed.delete(uid);
    this.#nodes.get(placed.node)?.remove(uid);
    const stranded = this.#homeless.get(placed.node);
    stranded?.delete(uid);
    if (stranded?.size === 0) this.#homeless.delete(placed.node);
    this.index.remove(placed.info, placed.node);
    this.#countClaims(placed.info, false);
  }

  /** UIDs of placed pods that use one of the claims. */
  claimUsers(namespace: string, claims: readonly string[]): ReadonlySet<string> {
    const users = new Set<string>();
    for (const claim of claims)
      for (const uid of this.#users.get(`${namespace}/${claim}`) ?? []) users.add(uid);
    return users;
  }

  #countClaims({ pod }: PodInfo, isUsed: boolean): void {
    for (const claim of claimNames(pod)) {
      const key = `${pod.metadata.namespace}/${claim}`;
      let users = this.#users.get(key);
      if (users === undefined) this.#users.set(key, (users = new Set()));
      if (isUsed) users.add(pod.metadata.uid!);
      else users.delete(pod.metadata.uid!);
      if (users.size === 0) this.#users.delete(key);
    }
  }

  #addNode(node: Node): void {
    const name = node.metadata.name!;
    const info = new NodeInfo(node, this.#freeSlots.pop() ?? this.#slots++);
    this.#nodes.set(name, info);
    this.#countNode(info, 1);
    for (const uid of this.#homeless.get(name) ?? []) info.add(this.#placed.get(uid)!.info);
    if (this.#homeless.delete(name)) this.index.nodesChanged();
    this.#order = undefined;
  }

  #strand(node: string, uid: string): void {
    let stranded = this.#homeless.get(node);
    if (stranded === undefined) this.#homeless.set(node, (stranded = new Set()));
    stranded.add(uid);
  }

  #countNode({ images, node }: NodeInfo, difference: 1 | -1): void {
    if ((node.spec.taints ?? []).length > 0) this.taintedNodes += difference;
    for (const name of images.keys()) {
      const count = (this.imageNodes.get(name) ?? 0) + difference;
      if (count === 0) this.imageNodes.delete(name);
      else this.imageNodes.set(name, count);
    }
  }
}

/** Status moves all the time; what a pod takes changes with its spec, its labels or its end only. */
function takesTheSame(a: Pod, b: Pod): boolean {
  return (
    a.metadata.generation === b.metadata.generation &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    sameLabels(a.metadata.labels, b.metadata.labels)
  );
}

export function sameLabels(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  if (a === b) return true;
  const keys = Object.keys(a ?? {});
  return keys.length === Object.keys(b ?? {}).length && keys.every((key) => a![key] === b?.[key]);
}

function zoneOf({ node }: NodeInfo): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}/${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

/** Mirrors scheduler backend/cache/node_tree.go. */
function interleave(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zones.get(zoneOf(node));
    if (zone === undefined) zones.set(zoneOf(node), [node]);
    else zone.push(node);
  }
  if (zones.size <= 1) return nodes;
  const lists = [...zones.values()];
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
}
