/** What a plugin of the scheduler is: a question asked once per pod, answered with what to ask of each node. */
import type { Namespace, Pod } from '../../openapi/generated/core-v1.ts';
import type { PluginArguments } from './configuration/types.ts';
import type { Informer } from '../runtime/controller.ts';
import type { SchedulerCache } from './cache.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { VolumeCaches } from './plugins/volumes.ts';
import type { VolumeBinder } from './volume-binder.ts';
import type { DeviceCaches } from './devices/caches.ts';
import type { ClusterEvent } from './events.ts';
import type { WorkloadCaches } from './plugins/default-selector.ts';

/** Where plugins are asked, in order of a pod's way. Names are those of KubeSchedulerConfiguration. */
export const EXTENSION_POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof EXTENSION_POINTS)[number];

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
  readonly volumeBinder: Pick<VolumeBinder, 'assume' | 'bind'>;
  readonly workloads: WorkloadCaches;
  readonly namespaces: Informer<Namespace>;
  readonly devices: DeviceCaches;
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
  /** No node fits: what the plugin can do about it, in upstream's words; undefined when it has nothing to say. */
  postFilter?(rejections: ReadonlyMap<NodeInfo, Rejection>): PostFilterOutcome | undefined;
  /** Takes what the pod needs on its node, in memory, before the next pod is looked at. */
  reserve?(node: NodeInfo): Rejection | undefined;
  /** Gives all of it back: the pod does not get there. Called whether `reserve` came to take anything or not. */
  unreserve?(node: NodeInfo): void;
  /** Writes what must be there before the pod is bound, and waits for it; throws when it does not come. */
  preBind?(node: NodeInfo): Promise<Wait | void>;
  /** Whether `preBind` has anything to do on the node the pod was given; absent: it has. */
  needsPreBind?(): boolean;
}

/** Something of others that has to happen before the pod is bound, and that may take its time: nobody is busy meanwhile. */
export interface Wait {
  /** What is said of it, if anything. */
  readonly event?: { readonly reason: string; readonly message: string };
  /** `done` is called once, with an error when it is not going to happen. */
  begin(done: (error?: Error) => void): void;
}

/** Scheduling broke, in upstream's words: the pod is tried again behind its back-off. */
export class SchedulingError extends Error {}

export interface PostFilterOutcome {
  /** Becomes part of the FailedScheduling message. */
  readonly message: string;
  /** True when the plugin made room, or is about to: no further plugin is asked. */
  readonly isDone: boolean;
}

export interface Plugin {
  /** Upstream's name. */
  readonly name: string;
  /** What it says of a node rests on nothing but the node and on what `classOf` (verdicts.ts) reads of the pod. */
  readonly local?: {
    readonly filter?: true;
    /** Its scores are not scaled by those of other nodes either. */
    readonly score?: true;
  };
  /** Set by the plugin that evicts less important pods. */
  readonly preemption?: PluginArguments['DefaultPreemption'];
  /** Why the pod is not to be tried yet. It is asked again when the pod, or what `mayHelp` names, changes. */
  preEnqueue?(pod: Pod, around: Surroundings): string | undefined;
  /** Undefined: nothing to say about this pod. */
  prepare?(pod: PodInfo, around: Surroundings): PluginRun | undefined;
  /** Whether what happened may make room for a pod this plugin rejected. Default: it may not. */
  mayHelp?(pod: Pod, event: ClusterEvent): boolean;
}

export function unresolvable(plugin: string, ...reasons: string[]): Rejection {
  return { plugin, reasons, unresolvable: true };
}

export function resolvable(plugin: string, ...reasons: string[]): Rejection {
  return { plugin, reasons, unresolvable: false };
}
