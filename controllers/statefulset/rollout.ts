/** One look at a stateful set: pods made, waited for and taken away in order. Mirrors statefulset/stateful_set_control.go. */
import type { StatefulSet } from '../../openapi/generated/apps-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodAvailable, slowStart } from '../runtime/pods.ts';
import { draftPod, isInRange, ordinalOf, ordinalRange, revisionOf } from './identity.ts';
import type { PodControl } from './pod-control.ts';
import { isRunningAndReady, type Revisions } from './status.ts';

interface Place {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** Told before pods are made and deleted, so that the next look waits until the cache shows it. */
export interface Intentions {
  creating(): void;
  deleting(pod: Pod): void;
  /** It did not happen. */
  notCreated(): void;
  notDeleted(pod: Pod): void;
}

export class Rollout {
  readonly #set: StatefulSet;
  readonly #revisions: Revisions;
  readonly #control: PodControl;
  readonly #intentions: Intentions;
  readonly #nowMs: number;
  /** Every ordinal wanted, in order. */
  readonly #places: readonly Place[];
  /** Pods of ordinals that are not wanted, highest first. */
  readonly #condemned: readonly (Place & { readonly pod: Pod })[];
  /** Pods of old revisions taken away so far. */
  deleted = 0;

  constructor(
    set: StatefulSet,
    pods: readonly Pod[],
    revisions: Revisions,
    control: PodControl,
    intentions: Intentions,
    nowMs: number,
  ) {
    this.#set = set;
    this.#revisions = revisions;
    this.#control = control;
    this.#intentions = intentions;
    this.#nowMs = nowMs;
    const byOrdinal = new Map<number, Pod>();
    for (const pod of pods) byOrdinal.set(ordinalOf(set, pod)!, pod);
    const { start, end } = ordinalRange(set);
    this.#places = Array.from({ length: end - start + 1 }, (_, index) => ({
      ordinal: start + index,
      pod: byOrdinal.get(start + index),
    }));
    this.#condemned = [...byOrdinal]
      .filter(([ordinal]) => !isInRange(set, ordinal))
      .sort(([a], [b]) => b - a)
      .map(([ordinal, pod]) => ({ ordinal, pod }));
  }

  /** Does what may be done now. Rejects with the first error; what was done before stands. */
  async run(): Promise<void> {
    if (await this.#forAll(this.#places, (place) => this.#keep(place))) return;
    const own = async ({ pod, ordinal }: Place & { readonly pod: Pod }): Promise<boolean> => {
      await this.#control.ownClaims(this.#set, pod, ordinal);
      return false;
    };
    if (await this.#forAll(this.#condemned, own)) return;
    if (await this.#forAll(this.#condemned, ({ pod }) => this.#remove(pod))) return;
    if (this.#set.spec.updateStrategy?.type !== 'OnDelete') await this.#update();
  }

  get #isOrdered(): boolean {
    return this.#set.spec.podManagementPolicy !== 'Parallel';
  }

  /** In order until one says stop; in growing batches where the set is parallel. */
  async #forAll<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<boolean> {
    if (this.#isOrdered) {
      for (const item of items) if (await work(item)) return true;
      return false;
    }
    const queue = [...items];
    const { error } = await slowStart(items.length, async () => void (await work(queue.shift()!)));
    if (error !== undefined) throw error;
    return false;
  }

  #isUnavailable(pod: Pod | undefined): boolean {
    return (
      pod === undefined ||
      pod.metadata.deletionTimestamp !== undefined ||
      !isPodAvailable(pod, this.#set.spec.minReadySeconds ?? 0, this.#nowMs)
    );
  }

  #isHealthy(pod: Pod): boolean {
    return isRunningAndReady(pod) && !this.#isUnavailable(pod);
  }

  /** Sees to one wanted pod. True when those after it have to wait. */
  async #keep({ ordinal, pod }: Place): Promise<boolean> {
    if (pod === undefined) return this.#create(ordinal);
    const { phase = 'Pending' } = pod.status;
    if (phase === 'Failed' || phase === 'Succeeded') {
      if (pod.metadata.deletionTimestamp === undefined) await this.#delete(pod);
      return true;
    }
    if (phase === 'Pending') {
      await this.#control.createClaims(this.#set, ordinal);
      await this.#control.ownClaims(this.#set, pod, ordinal);
    }
    if (this.#isOrdered && !this.#isHealthy(pod)) return true;
    await this.#control.repair(this.#set, pod, ordinal);
    return false;
  }

  async #create(ordinal: number): Promise<boolean> {
    const draft = draftPod(this.#set, this.#revisionOf(ordinal), ordinal);
    if (this.#control.hasStaleClaim(this.#set, draft, ordinal)) return true;
    this.#intentions.creating();
    try {
      await this.#control.create(this.#set, draft, ordinal);
    } catch (error) {
      this.#intentions.notCreated();
      throw error;
    }
    return this.#isOrdered;
  }

  /** Below the partition pods come back as they were. */
  #revisionOf(ordinal: number): Revisions['update'] {
    const { updateStrategy } = this.#set.spec;
    const { start } = ordinalRange(this.#set);
    const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
    return ordinal < start + partition ? this.#revisions.current : this.#revisions.update;
  }

  async #remove(pod: Pod): Promise<boolean> {
    if (pod.metadata.deletionTimestamp !== undefined) return this.#isOrdered;
    if (this.#isOrdered && !this.#isHealthy(pod) && pod !== this.#firstUnavailable()) return true;
    await this.#delete(pod);
    return true;
  }

  #firstUnavailable(): Pod | undefined {
    const inOrder = [...this.#places, ...this.#condemned.toReversed()];
    return inOrder.find(({ pod }) => this.#isUnavailable(pod))?.pod;
  }

  /** Takes pods of old revisions away from the highest ordinal down to the partition. */
  async #update(): Promise<void> {
    const { rollingUpdate } = this.#set.spec.updateStrategy ?? {};
    const candidates = this.#places.slice(rollingUpdate?.partition ?? 0).toReversed();
    if (rollingUpdate?.maxUnavailable !== undefined)
      return this.#updateMany(candidates, rollingUpdate.maxUnavailable);
    for (const { pod } of candidates) {
      if (this.#isOld(pod)) return this.#replace(pod);
      if (this.#isUnavailable(pod)) return;
    }
  }

  async #updateMany(candidates: readonly Place[], maxUnavailable: number | string): Promise<void> {
    const unavailable = this.#places.filter(({ pod }) => this.#isUnavailable(pod)).length;
    const limit =
      typeof maxUnavailable === 'number'
        ? maxUnavailable
        : Math.floor((parseInt(maxUnavailable, 10) * this.#places.length) / 100);
    const old = candidates.flatMap(({ pod }) => (this.#isOld(pod) ? [pod] : []));
    for (const pod of old.slice(0, Math.max(0, Math.max(1, limit) - unavailable))) await this.#replace(pod);
  }

  #isOld(pod: Pod | undefined): pod is Pod {
    return (
      pod !== undefined &&
      pod.metadata.deletionTimestamp === undefined &&
      revisionOf(pod) !== this.#revisions.update.metadata.name
    );
  }

  async #replace(pod: Pod): Promise<void> {
    await this.#delete(pod);
    this.deleted++;
  }

  async #delete(pod: Pod): Promise<void> {
    this.#intentions.deleting(pod);
    try {
      await this.#control.delete(this.#set, pod);
    } catch (error) {
      this.#intentions.notDeleted(pod);
      throw error;
    }
  }
}
