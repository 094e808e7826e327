/** What can be done for a pod that no node fits, above all by preemption. Mirrors RunPostFilterPlugins and preemption/executor.go. */
import { keyOf } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import { podDisruptionBudgets, type PodDisruptionBudget } from '../../openapi/generated/policy-v1.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';
import type { SchedulerCache } from './cache.ts';
import type { PluginArguments } from './configuration/types.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominations } from './nominations.ts';
import type { Rejection } from './plugin.ts';
import { findPreemption, type Preemption } from './preemption.ts';
import type { Background, Profiles } from './profiles.ts';
import type { Attempt, Scheduling } from './scheduling.ts';

export interface PostFilterOptions {
  readonly context: ControllerContext;
  readonly profiles: Profiles;
  readonly background: Background;
  readonly cache: SchedulerCache;
  readonly nominations: Nominations;
  readonly scheduling: Scheduling;
  /** Lets a pod that lost the node it was promised be tried for others. */
  readonly enqueue: (pod: Pod) => void;
}

/** What is to be said of it. */
export interface Room {
  /** Goes behind the reasons of the nodes. */
  readonly message: string;
  /** The node kept free from now on; undefined leaves that as it is, '' gives it up. */
  readonly nominated?: string;
}

export class PostFilter {
  readonly #options: PostFilterOptions;
  readonly #pods: Informer<Pod>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  /** The last pod to leave, of those that are told to for a pod's sake; absent until it is its turn. By UID of that pod. */
  readonly #preempting = new Map<string, Pod | undefined>();

  constructor(options: PostFilterOptions) {
    this.#options = options;
    this.#pods = options.context.informer(pods);
    this.#budgets = options.context.informer(podDisruptionBudgets);
  }

  /** Whether pods are still being told to leave for this one's sake: to try it before would have others leave too. */
  isPreempting({ metadata }: Pod): boolean {
    if (!this.#preempting.has(metadata.uid!)) return false;
    const last = this.#preempting.get(metadata.uid!);
    if (last === undefined) return true;
    const current = this.#pods.get(keyOf(last));
    if (current === undefined || current.metadata.uid !== last.metadata.uid) return false;
    return current.metadata.deletionTimestamp === undefined;
  }

  /** Asks the plugins that may make room what they can do. Mirrors RunPostFilterPlugins. */
  makeRoom(pod: Pod, attempt: Attempt, rejections: ReadonlyMap<NodeInfo, Rejection>): Room {
    const { profile, runs } = attempt;
    const words: string[] = [];
    let nominated: string | undefined;
    if (profile.at.postFilter.length === 0) return { message: '', nominated: '' };
    for (const plugin of profile.at.postFilter) {
      if (plugin.preemption !== undefined) {
        const outcome = this.#findPreemption(attempt, rejections, plugin.preemption);
        if (typeof outcome !== 'string') {
          this.#preempt(pod, outcome);
          return { message: '', nominated: outcome.node.name };
        }
        // A promise is kept while its victims leave, and given up when nothing can be done.
        if (!outcome.startsWith('not eligible')) nominated = '';
        words.push(`preemption: ${outcome}`);
        continue;
      }
      const outcome = runs.get(plugin)?.postFilter?.(rejections);
      // It never came to look at the pod.
      if (outcome === undefined) return { message: ' not found' };
      if (outcome.isDone) return { message: '' };
      words.push(outcome.message);
    }
    return { message: ` ${words.join(', ')}`, ...(nominated === undefined ? {} : { nominated }) };
  }

  #findPreemption(
    attempt: Attempt,
    rejections: ReadonlyMap<NodeInfo, Rejection>,
    args: PluginArguments['DefaultPreemption'],
  ): Preemption | string {
    const { cache, scheduling, context } = this.#options;
    const options = {
      cache,
      scheduling,
      budgets: this.#budgets,
      random: context.random,
      args,
    };
    return findPreemption(options, attempt, rejections);
  }

  /** Pods that are leaving already need not be told, nor does anybody lose a promised node over them. */
  #preempt(pod: Pod, { node, victims }: Preemption): void {
    const { nominations, background } = this.#options;
    const displaced = nominations.behind(pod, node.name);
    nominations.set(pod, node.name);
    const staying = victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (staying.length === 0) return;
    this.#preempting.set(pod.metadata.uid!, undefined);
    background('scheduler preemption', () => this.#evict(pod, node.name, staying, displaced));
  }

  async #evict(pod: Pod, node: string, victims: readonly Pod[], displaced: readonly Pod[]): Promise<void> {
    const { nominations, profiles, enqueue } = this.#options;
    const { reporter } = profiles.of(pod);
    try {
      for (const other of displaced) {
        nominations.clear(other.metadata.uid!);
        await reporter.giveUpNode(other);
        enqueue(other);
      }
      for (const victim of victims.slice(0, -1)) await reporter.evict(victim, pod, node);
      const last = victims.at(-1)!;
      this.#preempting.set(pod.metadata.uid!, last);
      await reporter.evict(last, pod, node);
    } catch (error) {
      enqueue(pod);
      throw error;
    } finally {
      this.#preempting.delete(pod.metadata.uid!);
    }
  }
}
