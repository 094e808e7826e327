import type { Pod } from '../../openapi/generated/core-v1.ts';

/** Which pods use which volumes on which nodes. Keys are `<node>/<volume>`. */
export class VolumeUsers {
  readonly #users = new Map<string, Map<string, Pod>>();
  /** What each pod was found to use, by its UID. */
  readonly #uses = new Map<string, readonly string[]>();
  /** Nodes whose pods use a volume. */
  readonly #nodes = new Map<string, Set<string>>();
  readonly #changed: (key: string) => void;

  /** `changed` is told keys that a pod began or ceased to use. */
  constructor(changed: (key: string) => void) {
    this.#changed = changed;
  }

  /** Pods by UID; undefined when there are none. */
  of(key: string): ReadonlyMap<string, Pod> | undefined {
    return this.#users.get(key);
  }

  /** Keys of the volume on all nodes whose pods use it. */
  keysOf(volume: string): string[] {
    return [...(this.#nodes.get(volume) ?? [])].map((node) => `${node}/${volume}`);
  }

  set(pod: Pod, keys: readonly string[]): void {
    const uid = pod.metadata.uid!;
    const before = this.#uses.get(uid) ?? [];
    if (keys.length === 0 && before.length === 0) return;
    for (const key of before) if (!keys.includes(key)) this.#remove(key, uid);
    for (const key of keys) this.#add(key, uid, pod, before);
    if (keys.length === 0) this.#uses.delete(uid);
    else this.#uses.set(uid, keys);
  }

  #add(key: string, uid: string, pod: Pod, before: readonly string[]): void {
    let users = this.#users.get(key);
    if (users === undefined) {
      this.#users.set(key, (users = new Map()));
      const [node, volume] = key.split('/') as [string, string];
      const nodes = this.#nodes.get(volume);
      if (nodes === undefined) this.#nodes.set(volume, new Set([node]));
      else nodes.add(node);
    }
    users.set(uid, pod);
    if (!before.includes(key)) this.#changed(key);
  }

  #remove(key: string, uid: string): void {
    const users = this.#users.get(key);
    users?.delete(uid);
    if (users?.size === 0) {
      this.#users.delete(key);
      const [node, volume] = key.split('/') as [string, string];
      const nodes = this.#nodes.get(volume);
      nodes?.delete(node);
      if (nodes?.size === 0) this.#nodes.delete(volume);
    }
    this.#changed(key);
  }
}
