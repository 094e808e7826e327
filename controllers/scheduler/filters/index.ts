import type { Filter } from './filter.ts';
import {
  nodeAffinity,
  nodeNameFilter,
  nodePorts,
  nodeResourcesFit,
  nodeUnschedulable,
  taintToleration,
} from './node-filters.ts';
import { interPodAffinity, podTopologySpread } from './pod-filters.ts';

/** The filters of the default profile, in the order they run; a node is rejected by the first that objects. */
export const FILTERS: readonly Filter[] = [
  nodeUnschedulable,
  nodeNameFilter,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  podTopologySpread,
  interPodAffinity,
];
