/** Which plugins look after the pods of which scheduler name. */
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity, nodeName, nodePorts, nodeUnschedulable, taintToleration } from './plugins/node.ts';
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from './plugins/resources.ts';
import { podTopologySpread } from './plugins/topology-spread.ts';
import { nodeVolumeLimits, volumeBinding, volumeRestrictions, volumeZone } from './plugins/volumes.ts';
import type { Plugin } from './plugin.ts';

export interface Profile {
  /** `spec.schedulerName` of its pods. */
  readonly schedulerName: string;
  /** In the order they filter; a node is rejected by the first that objects. */
  readonly plugins: readonly Plugin[];
  /** Share of the nodes to look for fitting ones in, 1 to 100; absent: less the more nodes there are. */
  readonly percentageOfNodesToScore?: number;
}

/** Plugins whose word on a node rests on nothing but the node. They filter before all others, as they do upstream. */
export const LOCAL_FILTERS: ReadonlySet<Plugin> = new Set([
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
]);

/** Plugins whose scores do as well, and are not scaled by those of other nodes. */
export const LOCAL_SCORES: ReadonlySet<Plugin> = new Set([nodeResourcesFit, nodeResourcesBalancedAllocation]);

const DEFAULT_PLUGINS: readonly Plugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  nodeResourcesBalancedAllocation,
  imageLocality,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
];

export const DEFAULT_PROFILE: Profile = { schedulerName: 'default-scheduler', plugins: DEFAULT_PLUGINS };

/** Fewer nodes than this are all looked at. */
const FEASIBLE_NODES_MIN = 100;

/** How many fitting nodes are enough to choose from. Mirrors schedule_one.go numFeasibleNodesToFind. */
export function feasibleNodesToFind(nodes: number, percentage?: number): number {
  if (nodes < FEASIBLE_NODES_MIN) return nodes;
  const share = percentage ?? Math.max(5, Math.floor(50 - nodes / 125));
  if (share >= 100) return nodes;
  return Math.max(FEASIBLE_NODES_MIN, Math.floor((nodes * share) / 100));
}
