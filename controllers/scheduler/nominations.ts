/** Nodes that are kept free for pods whose victims are still leaving. */
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { podInfoOf, priorityOf, type PodInfo } from './pod-info.ts';

export class Nominations {
  readonly #nodes = new Map<string, Map<string, Pod>>();
  readonly #pods = new Map<string, string>();

  /** Keeps `node` for the pod, in place of the node before. */
  set(pod: Pod, node: string): void {
    const uid = pod.metadata.uid!;
    this.clear(uid);
    this.#pods.set(uid, node);
    let pods = this.#nodes.get(node);
    if (pods === undefined) this.#nodes.set(node, (pods = new Map()));
    pods.set(uid, pod);
  }

  clear(uid: string): void {
    const node = this.#pods.get(uid);
    if (node === undefined) return;
    this.#pods.delete(uid);
    const pods = this.#nodes.get(node);
    pods?.delete(uid);
    if (pods?.size === 0) this.#nodes.delete(node);
  }

  /** Whether any pod is to come to the node. */
  concern(node: string): boolean {
    return this.#nodes.size > 0 && this.#nodes.has(node);
  }

  /** Pods to come to the node that no less than `pod` must have room. */
  before(pod: Pod, node: string): readonly PodInfo[] {
    return [...(this.#nodes.get(node)?.values() ?? [])]
      .filter((other) => other.metadata.uid !== pod.metadata.uid && priorityOf(other) >= priorityOf(pod))
      .map(podInfoOf);
  }

  /** Pods to come to the node that must wait if `pod` goes there. */
  behind(pod: Pod, node: string): readonly Pod[] {
    return [...(this.#nodes.get(node)?.values() ?? [])].filter(
      (other) => other.metadata.uid !== pod.metadata.uid && priorityOf(other) < priorityOf(pod),
    );
  }
}
