/** Takes a pod to the node it was given, while the next pods are scheduled. Mirrors schedule_one.go bindingCycle. */
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';
import type { SchedulerCache } from './cache.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { NodeInfo } from './node-info.ts';
import type { Plugin, Rejection } from './plugin.ts';
import type { Background, Profiles } from './profiles.ts';
import type { SchedulingQueue } from './queue.ts';
import type { Attempt } from './scheduling.ts';

export interface BindingCycleOptions {
  readonly context: ControllerContext;
  readonly profiles: Profiles;
  readonly background: Background;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly watch: ClusterWatch;
}

export class BindingCycle {
  readonly #context: ControllerContext;
  readonly #profiles: Profiles;
  readonly #background: Background;
  readonly #pods: Informer<Pod>;
  readonly #cache: SchedulerCache;
  readonly #queue: SchedulingQueue;
  readonly #watch: ClusterWatch;
  #stopped = false;

  constructor({ context, profiles, background, cache, queue, watch }: BindingCycleOptions) {
    this.#context = context;
    this.#profiles = profiles;
    this.#background = background;
    this.#pods = context.informer(pods);
    this.#cache = cache;
    this.#queue = queue;
    this.#watch = watch;
  }

  /** What fails from now on is nobody's business. */
  stop(): void {
    this.#stopped = true;
  }

  /** Binding does not hold up the next pod: the node's room is taken already. Returns why it could not be taken. */
  begin(key: string, pod: Pod, node: NodeInfo, attempt: Attempt): Rejection | undefined {
    this.#cache.place(pod, node.name);
    const rejection = reserve(attempt, node);
    if (rejection !== undefined) {
      unreserve(attempt, node);
      this.#cache.release(pod.metadata.uid!);
      return rejection;
    }
    this.#queue.happened({ kind: 'pod-placed', pod });
    const preparing = attempt.profile.at.preBind.filter((plugin) => {
      const run = attempt.runs.get(plugin);
      return run?.preBind !== undefined && run.needsPreBind?.() !== false;
    });
    const way = { key, pod, node, attempt, preparing };
    const bind = preparing.length === 0 ? () => this.#bind(way) : () => this.#announce(way);
    this.#background('scheduler bind', bind);
    return undefined;
  }

  /** It may take a while until the pod is bound: others are told where it is going. Mirrors NominatedNodeNameForExpectation. */
  async #announce(way: WayToNode): Promise<void> {
    try {
      await this.#profiles.of(way.pod).reporter.expect(way.pod, way.node.name);
    } catch (error) {
      // The pod gets there all the same.
      this.#context.logger.warn('scheduler could not announce a node', { error });
    }
    await this.#bind(way);
  }

  async #bind(way: WayToNode, problem?: Error): Promise<void> {
    const { key, pod, node, attempt, preparing } = way;
    const { namespace, name, uid } = pod.metadata;
    try {
      if (problem !== undefined) throw problem;
      for (let plugin = preparing.shift(); plugin !== undefined; plugin = preparing.shift()) {
        const { name: of } = plugin;
        const wait = await attempt.runs
          .get(plugin)
          ?.preBind?.(node)
          .catch((error: Error) => Promise.reject(preBindError(of, error)));
        if (wait === undefined) continue;
        this.#profiles.of(pod).reporter.waiting(pod, wait);
        wait.begin((error) => {
          const failure = error && preBindError(of, error);
          this.#background('scheduler bind', () => this.#bind(way, failure));
        });
        return;
      }
      await this.#context.client.createSubresource(pods, { namespace, name: name! }, 'binding', {
        kind: 'Binding',
        apiVersion: 'v1',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: node.name },
      });
      this.#profiles.of(pod).reporter.scheduled(pod, node.name);
    } catch (error) {
      if (this.#stopped) return;
      unreserve(attempt, node);
      this.#watch.release(pod);
      const current = this.#pods.get(key);
      if (isNotFound(error) || current?.metadata.uid !== uid) {
        this.#queue.remove(key);
        return;
      }
      this.#queue.retry(key);
      if (isConflict((error as Error).cause ?? error)) return;
      await this.#profiles.of(pod).reporter.failed(current!, 'SchedulerError', (error as Error).message, '');
    }
  }
}

/** A pod that has been given a node, and the plugins that have something to write before it is bound. */
interface WayToNode {
  readonly key: string;
  readonly pod: Pod;
  readonly node: NodeInfo;
  readonly attempt: Attempt;
  readonly preparing: Plugin[];
}

/** In upstream's words. */
function preBindError(plugin: string, cause: Error): Error {
  return new Error(`running PreBind plugin "${plugin}": ${cause.message}`, { cause });
}

function reserve({ profile, runs }: Attempt, node: NodeInfo): Rejection | undefined {
  for (const plugin of profile.at.reserve) {
    const rejection = runs.get(plugin)?.reserve?.(node);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

/** In the other direction. */
function unreserve({ profile, runs }: Attempt, node: NodeInfo): void {
  for (const plugin of profile.at.reserve.toReversed()) runs.get(plugin)?.unreserve?.(node);
}
