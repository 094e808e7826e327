/** Which plugins look after the pods of which scheduler name. */
import { DEFAULT_SCHEDULER } from './configuration/defaults.ts';
import { DEFAULT_PLUGINS } from './configuration/default-plugins.ts';
import { expandPluginSets, type ExpandedPlugins, type PluginSets } from './configuration/plugin-sets.ts';
import { EXTENSION_POINTS, type ExtensionPoint, type Plugin } from './plugin.ts';
import { REGISTRY } from './registry.ts';

export interface Profile {
  /** `spec.schedulerName` of its pods. */
  readonly schedulerName: string;
  /** All of them, in the order they are asked to prepare. */
  readonly plugins: readonly Plugin[];
  /** In the order they are asked; a node is rejected by the first that objects. */
  readonly at: Readonly<Record<ExtensionPoint, readonly Plugin[]>>;
  /** Of the scores, by plugin. */
  readonly weights: ReadonlyMap<Plugin, number>;
  /** Those that may say that the pod fits nowhere, or where alone. */
  readonly preFilters: ReadonlySet<Plugin>;
  /** Those that filter before any other and look at nothing but the node. */
  readonly localFilters: ReadonlySet<Plugin>;
  /** Share of the nodes to look for fitting ones in, 1 to 100; absent: less the more nodes there are. */
  readonly percentageOfNodesToScore?: number;
}

export interface ProfileOptions {
  readonly schedulerName: string;
  /** Complete: with the defaults. */
  readonly plugins: PluginSets;
  /** Arguments of plugins by name; those of the others are their defaults. */
  readonly pluginConfig?: readonly { readonly name: string; readonly args: object }[];
  readonly percentageOfNodesToScore?: number;
}

const POINTS = new Map([...REGISTRY].map(([name, { points }]) => [name, points]));

export const DEFAULT_PROFILE: ProfileOptions = { schedulerName: DEFAULT_SCHEDULER, plugins: DEFAULT_PLUGINS };

/** Throws upstream's error when the plugins do not go together. */
export function newProfile({
  schedulerName,
  plugins: sets,
  pluginConfig = [],
  percentageOfNodesToScore = 0,
}: ProfileOptions): Profile {
  const expanded = expandPluginSets(schedulerName, sets, POINTS);
  refuseHalves(expanded);
  const made = new Map<string, Plugin>();
  for (const name of preparationOrder(expanded)) made.set(name, newPlugin(name, pluginConfig));
  const at = Object.fromEntries(
    EXTENSION_POINTS.map((point) => [point, expanded[point].map((name) => made.get(name)!)]),
  ) as unknown as Profile['at'];
  const firstOther = at.filter.findIndex(({ local }) => local?.filter !== true);
  return {
    schedulerName,
    plugins: [...made.values()],
    at,
    weights: new Map(at.score.map((plugin) => [plugin, expanded.weights.get(plugin.name)!])),
    preFilters: new Set(at.preFilter),
    localFilters: new Set(firstOther === -1 ? at.filter : at.filter.slice(0, firstOther)),
    ...(percentageOfNodesToScore === 0 ? {} : { percentageOfNodesToScore }),
  };
}

function newPlugin(name: string, configurations: NonNullable<ProfileOptions['pluginConfig']>): Plugin {
  const args = configurations.find((each) => each.name === name)?.args ?? {};
  try {
    return REGISTRY.get(name)!.create(args);
  } catch (error) {
    throw new Error(`initializing plugin "${name}": ${(error as Error).message}`, { cause: error });
  }
}

/** Points that need another: there, upstream would fail on every pod, or look at each anew. */
const NEEDED = [
  ['filter', 'preFilter'],
  ['score', 'preScore'],
  ['preBind', 'reserve'],
] as const;

function refuseHalves(expanded: ExpandedPlugins): void {
  for (const [point, before] of NEEDED) {
    for (const name of expanded[point]) {
      if (POINTS.get(name)!.has(before) && !expanded[before].includes(name))
        throw new Error(`kubemu does not run plugin "${name}" at ${point} while it is disabled at ${before}`);
    }
  }
}

/** As they are asked before nodes are filtered, then the others. */
function preparationOrder(expanded: ExpandedPlugins): ReadonlySet<string> {
  const points = new Set<ExtensionPoint>(['preFilter', 'filter', 'preScore', 'score', ...EXTENSION_POINTS]);
  return new Set([...points].flatMap((point) => expanded[point]));
}

/** Fewer nodes than this are all looked at. */
const FEASIBLE_NODES_MIN = 100;

/** How many fitting nodes are enough to choose from. Mirrors schedule_one.go numFeasibleNodesToFind. */
export function feasibleNodesToFind(nodes: number, percentage?: number): number {
  if (nodes < FEASIBLE_NODES_MIN) return nodes;
  const share = percentage ?? Math.max(5, Math.floor(50 - nodes / 125));
  if (share >= 100) return nodes;
  return Math.max(FEASIBLE_NODES_MIN, Math.floor((nodes * share) / 100));
}
