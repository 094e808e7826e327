/** Every plugin there is, by name: where it can be asked, and how it is made from its arguments. Mirrors plugins/registry.go. */
import type { ExtensionPoint, Plugin } from './plugin.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeDeclaredFeatures } from './plugins/node-declared-features.ts';
import { nodeAffinity, nodeName, nodePorts, nodeUnschedulable, taintToleration } from './plugins/node.ts';
import { nodeResourcesBalancedAllocation } from './plugins/balanced-allocation.ts';
import { nodeResourcesFit } from './plugins/resources.ts';
import { ARGUMENT_DEFAULTS } from './configuration/defaults.ts';
import type { PluginArguments } from './configuration/types.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { podTopologySpread } from './plugins/topology-spread.ts';
import { nodeVolumeLimits, volumeBinding, volumeRestrictions, volumeZone } from './plugins/volumes.ts';

export interface RegisteredPlugin {
  readonly points: ReadonlySet<ExtensionPoint>;
  /** `args` are those of the plugin of that name, with its defaults. Throws when they are wrong. */
  create(args: object): Plugin;
}

function plain(plugin: Plugin, ...points: ExtensionPoint[]): readonly [string, RegisteredPlugin] {
  return [plugin.name, { points: new Set(points), create: () => plugin }];
}

function configured<Name extends keyof PluginArguments>(
  name: Name,
  create: (args: PluginArguments[Name]) => Plugin,
  ...points: ExtensionPoint[]
): readonly [string, RegisteredPlugin] {
  const defaults = ARGUMENT_DEFAULTS[name];
  return [name, { points: new Set(points), create: (args) => create(defaults(args)) }];
}

const SCORED: readonly ExtensionPoint[] = ['preScore', 'score'];
const FILTERED: readonly ExtensionPoint[] = ['preFilter', 'filter'];

export const REGISTRY: ReadonlyMap<string, RegisteredPlugin> = new Map([
  plain(schedulingGates, 'preEnqueue'),
  plain({ name: 'PrioritySort' }, 'queueSort'),
  plain(nodeUnschedulable, 'filter'),
  plain(nodeName, 'filter'),
  plain(taintToleration, 'filter', ...SCORED),
  configured('NodeAffinity', nodeAffinity, ...FILTERED, ...SCORED),
  plain(nodePorts, ...FILTERED),
  configured('NodeResourcesFit', nodeResourcesFit, ...FILTERED, ...SCORED),
  plain(volumeRestrictions, ...FILTERED),
  plain(nodeVolumeLimits, ...FILTERED),
  configured('VolumeBinding', volumeBinding, ...FILTERED, ...SCORED, 'reserve', 'preBind'),
  plain(volumeZone, ...FILTERED),
  configured('PodTopologySpread', podTopologySpread, ...FILTERED, ...SCORED),
  configured('InterPodAffinity', interPodAffinity, ...FILTERED, ...SCORED),
  configured(
    'DynamicResources',
    () => dynamicResources,
    'preEnqueue',
    ...FILTERED,
    'postFilter',
    'score',
    'reserve',
    'preBind',
  ),
  configured(
    'DefaultPreemption',
    (preemption) => ({ name: 'DefaultPreemption', preemption }),
    'preEnqueue',
    'postFilter',
  ),
  configured('NodeResourcesBalancedAllocation', nodeResourcesBalancedAllocation, ...SCORED),
  plain(imageLocality, 'score'),
  plain({ name: 'DefaultBinder' }, 'bind'),
  plain(nodeDeclaredFeatures, ...FILTERED),
]);
