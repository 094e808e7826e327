/** Every plugin there is, by name: where it can be asked, and how it is made from its arguments. Mirrors plugins/registry.go. */
import type { ExtensionPoint, Plugin } from './plugin.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity, nodeName, nodePorts, nodeUnschedulable, taintToleration } from './plugins/node.ts';
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from './plugins/resources.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { podTopologySpread } from './plugins/topology-spread.ts';
import { nodeVolumeLimits, volumeBinding, volumeRestrictions, volumeZone } from './plugins/volumes.ts';

export interface RegisteredPlugin {
  readonly points: ReadonlySet<ExtensionPoint>;
  create(): Plugin;
}

function entry(plugin: Plugin, ...points: ExtensionPoint[]): readonly [string, RegisteredPlugin] {
  return [plugin.name, { points: new Set(points), create: () => plugin }];
}

const SCORED: readonly ExtensionPoint[] = ['preScore', 'score'];
const FILTERED: readonly ExtensionPoint[] = ['preFilter', 'filter'];

export const REGISTRY: ReadonlyMap<string, RegisteredPlugin> = new Map([
  entry(schedulingGates, 'preEnqueue'),
  entry({ name: 'PrioritySort' }, 'queueSort'),
  entry(nodeUnschedulable, 'filter'),
  entry(nodeName, 'filter'),
  entry(taintToleration, 'filter', ...SCORED),
  entry(nodeAffinity, ...FILTERED, ...SCORED),
  entry(nodePorts, ...FILTERED),
  entry(nodeResourcesFit, ...FILTERED, ...SCORED),
  entry(volumeRestrictions, ...FILTERED),
  entry(nodeVolumeLimits, ...FILTERED),
  entry(volumeBinding, ...FILTERED, ...SCORED, 'reserve', 'preBind'),
  entry(volumeZone, ...FILTERED),
  entry(podTopologySpread, ...FILTERED, ...SCORED),
  entry(interPodAffinity, ...FILTERED, ...SCORED),
  entry(dynamicResources, 'preEnqueue', ...FILTERED, 'postFilter', 'score', 'reserve', 'preBind'),
  entry(
    {
      name: 'DefaultPreemption',
      preemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
    },
    'preEnqueue',
    'postFilter',
  ),
  entry(nodeResourcesBalancedAllocation, ...SCORED),
  entry(imageLocality, 'score'),
  entry({ name: 'DefaultBinder' }, 'bind'),
]);
