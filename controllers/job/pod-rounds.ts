/** Creates and stops the pods of a job, as a look at it asks for. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { Expectations } from '../runtime/expectations.ts';
import type { PodControl } from '../runtime/pod-control.ts';
import { isPodReady, slowStart } from '../runtime/pods.ts';
import { delayLeft, type Failures } from './backoff.ts';
import { firstFreeIndexes, indexOf, isIndexed } from './indexes.ts';
import { draftPod, replacesOnlyFailed, surplusPods } from './job-pods.ts';
import { indexDelay, wantedActive, type Round } from './round.ts';
import type { Outcome } from './status.ts';
import type { TrackedPods } from './tracked-pods.ts';

/** Most pods created or deleted in one go. */
const BURST = 500;

export class PodRounds {
  readonly #podControl: PodControl;
  readonly #expectations: Expectations;
  readonly #tracked: TrackedPods;

  constructor(podControl: PodControl, expectations: Expectations, tracked: TrackedPods) {
    this.#podControl = podControl;
    this.#expectations = expectations;
    this.#tracked = tracked;
  }

  /** Creates the pods that are missing and stops those that are too many. */
  async manage(key: string, round: Round, failures: Failures): Promise<Outcome> {
    const { job, active, nowMs, terminating } = round;
    if (job.spec.suspend === true) return this.#removePods(key, round, active);
    const wanted = wantedActive(round);
    const surplus = surplusPods(job, active, Math.max(0, active.length - wanted), nowMs);
    if (surplus.length > 0) return this.#removePods(key, round, surplus.slice(0, BURST));
    const missing = Math.min(wanted - active.length - (replacesOnlyFailed(job) ? terminating : 0), BURST);
    if (missing <= 0) return unchanged(round);
    const isPerIndex = job.spec.backoffLimitPerIndex !== undefined;
    const waitMs = isPerIndex ? 0 : delayLeft(failures, nowMs);
    if (waitMs > 0) return waiting(round, waitMs);
    return isIndexed(job)
      ? this.#createIndexed(key, round, missing)
      : this.#createPods(key, round, Array<undefined>(missing).fill(undefined));
  }

  async #createIndexed(key: string, round: Round, missing: number): Promise<Outcome> {
    const { job, pods: owned, active, succeededIndexes, failedIndexes } = round;
    const { completions = 0 } = job.spec;
    const busy = replacesOnlyFailed(job) ? owned.filter((pod) => !isPodTerminal(pod)) : active;
    const held = new Set(busy.map((pod) => indexOf(pod, completions)));
    const free = firstFreeIndexes(
      missing,
      completions,
      (index) => succeededIndexes.has(index) || failedIndexes.has(index) || held.has(index),
    );
    // An index that waits for its next try keeps its place among those that run at once.
    const delays = free.map((index) => indexDelay(round, index)).filter((delay) => delay > 0);
    const due = free.filter((index) => indexDelay(round, index) === 0);
    if (due.length === 0 && delays.length > 0) return waiting(round, Math.min(...delays));
    const outcome = await this.#createPods(key, round, due);
    return delays.length === 0 ? outcome : { ...outcome, waitMs: Math.min(...delays) };
  }

  async #createPods(key: string, round: Round, indexes: readonly (number | undefined)[]): Promise<Outcome> {
    const queue = [...indexes];
    this.#expectations.expectCreations(key, queue.length);
    const { done, error } = await slowStart(indexes.length, () => this.#createPod(round, queue.shift()));
    for (let i = done; i < indexes.length; i++) this.#expectations.creationObserved(key);
    return { ...unchanged(round), active: round.active.length + done, error: error as Error | undefined };
  }

  #createPod({ job, indexFailures }: Round, index: number | undefined): Promise<void> {
    const failures = index === undefined ? 0 : (indexFailures.get(index)?.count ?? 0);
    return this.#podControl.create(job, draftPod(job, index, failures));
  }

  /** Stops pods that are too many: they do not count as failed. */
  async #removePods(key: string, round: Round, victims: readonly Pod[]): Promise<Outcome> {
    return this.#deletePods(key, round, victims, true);
  }

  /** Stops the pods of a job that ends: these count. */
  async stop(key: string, round: Round): Promise<Outcome> {
    return this.#deletePods(key, round, round.active, false);
  }

  async #deletePods(
    key: string,
    round: Round,
    victims: readonly Pod[],
    isUncounted: boolean,
  ): Promise<Outcome> {
    let error: Error | undefined;
    this.#expectations.expectDeletions(
      key,
      victims.map(({ metadata }) => metadata.uid!),
    );
    const deleted: Pod[] = [];
    const deleteOne = async (pod: Pod): Promise<void> => {
      try {
        if (isUncounted) await this.#tracked.release(pod);
        const wasThere = await this.#podControl.delete(round.job, pod);
        if (!wasThere) this.#expectations.deletionObserved(key, pod.metadata.uid!);
        deleted.push(pod);
      } catch (failure) {
        this.#expectations.deletionObserved(key, pod.metadata.uid!);
        error = failure as Error;
      }
    };
    await Promise.all(victims.map(deleteOne));
    return {
      active: round.active.length - deleted.length,
      ready: round.ready - deleted.filter(isPodReady).length,
      terminating: round.terminating + deleted.length,
      error,
    };
  }
}

/** The next try comes later. Upstream calls no pod active meanwhile, not even those that run. */
function waiting(round: Round, waitMs: number): Outcome {
  return { ...unchanged(round), active: 0, waitMs };
}

/** Nothing was done. */
export function unchanged({ active, ready, terminating }: Round): Outcome {
  return { active: active.length, ready, terminating };
}
