/** What a plugin of the scheduler is: a question asked once per pod, answered with what to ask of each node. */
import type { Namespace, Pod } from '../../openapi/generated/core-v1.ts';
import type { Informer } from '../runtime/controller.ts';
import type { SchedulerCache } from './cache.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { VolumeCaches } from './plugins/volumes.ts';
import type { ClusterEvent } from './events.ts';
import type { WorkloadCaches } from './plugins/default-selector.ts';

export interface Rejection {
  readonly plugin: string;
  /** Upstream's texts, for example `Insufficient cpu`; several for one node are counted each. */
  readonly reasons: readonly string[];
  /** True when evicting pods from the node could not help. */
  readonly unresolvable: boolean;
}

/** What plugins look at besides the pod and the node. */
export interface Surroundings {
  readonly cache: SchedulerCache;
  readonly volumes: VolumeCaches;
  readonly workloads: WorkloadCaches;
  readonly namespaces: Informer<Namespace>;
}

/** A plugin at work on one pod. Whatever is left out has nothing to say about this pod. */
export interface PluginRun {
  /** The pod fits nowhere, for this reason; nothing else is asked. */
  readonly rejection?: Rejection;
  /** The only nodes worth looking at. */
  readonly nodes?: ReadonlySet<string>;
  /**
   * Why the pod cannot run on the node, or undefined. `removed` are pods that are still counted elsewhere but are to be
   * taken as gone from this node; `node` is without them already.
   */
  filter?(node: NodeInfo, removed: readonly PodInfo[]): Rejection | undefined;
  /** Scores from 0 to 100 of the nodes that fit, in their order. */
  score?(nodes: readonly NodeInfo[]): ArrayLike<number>;
}

export interface Plugin {
  /** Upstream's name. */
  readonly name: string;
  /** Weight of its scores. Default 0. */
  readonly weight?: number;
  /** Undefined: nothing to say about this pod. */
  prepare(pod: PodInfo, around: Surroundings): PluginRun | undefined;
  /** Whether what happened may make room for a pod this plugin rejected. Default: it may not. */
  mayHelp?(pod: Pod, event: ClusterEvent): boolean;
}

export function unresolvable(plugin: string, ...reasons: string[]): Rejection {
  return { plugin, reasons, unresolvable: true };
}

export function resolvable(plugin: string, ...reasons: string[]): Rejection {
  return { plugin, reasons, unresolvable: false };
}
