/** What is meant where a configuration says nothing. Mirrors apis/config/v1 defaults.go with the feature gates of 1.36. */
import { DEFAULT_PLUGINS } from './default-plugins.ts';
import { mergePluginSets, type PluginSets } from './plugin-sets.ts';
import type {
  LeaderElection,
  PluginArguments,
  ProfileConfiguration,
  ResourceWeight,
  SchedulerConfiguration,
} from './types.ts';

export const DEFAULT_SCHEDULER = 'default-scheduler';

/** A profile with everything said. */
export interface CompleteProfile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins: PluginSets;
  /** In the order given; arguments that nobody gave are the plugin's defaults, and are not here. */
  readonly pluginConfig: readonly { readonly name: string; readonly args: object }[];
}

export interface CompleteConfiguration {
  readonly parallelism: number;
  readonly leaderElection: Required<LeaderElection>;
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
  readonly profiles: readonly CompleteProfile[];
  /** As it was given. */
  readonly given: SchedulerConfiguration;
}

export function completeConfiguration(given: SchedulerConfiguration): CompleteConfiguration {
  const profiles = given.profiles ?? [{}];
  const { leaderElection } = given;
  return {
    parallelism: given.parallelism ?? 16,
    leaderElection: {
      leaderElect: leaderElection?.leaderElect ?? true,
      leaseDuration: orDefault(leaderElection?.leaseDuration, '15s'),
      renewDeadline: orDefault(leaderElection?.renewDeadline, '10s'),
      retryPeriod: orDefault(leaderElection?.retryPeriod, '2s'),
      resourceLock: leaderElection?.resourceLock ?? 'leases',
      resourceName: leaderElection?.resourceName ?? 'kube-scheduler',
      resourceNamespace: leaderElection?.resourceNamespace ?? 'kube-system',
    },
    percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: given.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: given.podMaxBackoffSeconds ?? 10,
    profiles: profiles.map((profile) => completeProfile(profile, profiles.length === 1)),
    given,
  };
}

function orDefault(duration: string | undefined, otherwise: string): string {
  return duration === undefined || duration === '0s' ? otherwise : duration;
}

/** Only a profile without others may leave its name out. */
function completeProfile(
  { schedulerName, plugins, pluginConfig = [], ...rest }: ProfileConfiguration,
  isOnly: boolean,
): CompleteProfile {
  return {
    schedulerName: schedulerName ?? (isOnly ? DEFAULT_SCHEDULER : ''),
    ...rest,
    plugins: plugins === undefined ? DEFAULT_PLUGINS : mergePluginSets(DEFAULT_PLUGINS, plugins),
    pluginConfig: pluginConfig.map(({ name, args = {} }) => ({ name, args: completeArguments(name, args) })),
  };
}

const CPU_AND_MEMORY: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

type Given<T> = { readonly [Key in keyof T]?: T[Key] };

/** Arguments of a plugin with its defaults. */
export const ARGUMENT_DEFAULTS: {
  readonly [Name in keyof PluginArguments]: (given: Given<PluginArguments[Name]>) => PluginArguments[Name];
} = {
  DefaultPreemption: ({ minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 }) => ({
    minCandidateNodesPercentage,
    minCandidateNodesAbsolute,
  }),
  DynamicResources: ({ filterTimeout = '10s', bindingTimeout = '10m0s' }) => ({
    filterTimeout,
    bindingTimeout,
  }),
  InterPodAffinity: (given) => ({ ...given, hardPodAffinityWeight: given.hardPodAffinityWeight ?? 1 }),
  NodeAffinity: (given) => given,
  NodeResourcesBalancedAllocation: ({ resources }) => ({ resources: withWeights(resources) }),
  NodeResourcesFit: (given) => {
    const { scoringStrategy } = given;
    // A strategy that is given says its type itself.
    const strategy = scoringStrategy ?? { type: 'LeastAllocated', resources: CPU_AND_MEMORY };
    return { ...given, scoringStrategy: { ...strategy, resources: withWeights(strategy.resources) } };
  },
  PodTopologySpread: (given) => ({ ...given, defaultingType: given.defaultingType ?? 'System' }),
  VolumeBinding: (given) => ({ ...given, bindTimeoutSeconds: given.bindTimeoutSeconds ?? 600 }),
};

function withWeights(resources: readonly Partial<ResourceWeight>[] | undefined): readonly ResourceWeight[] {
  if (resources === undefined || resources.length === 0) return CPU_AND_MEMORY;
  return resources.map(({ name = '', weight = 1 }) => ({ name, weight }));
}

function completeArguments(name: string, args: object): object {
  const complete = (ARGUMENT_DEFAULTS as Readonly<Record<string, ((given: object) => object) | undefined>>)[
    name
  ];
  return complete === undefined ? args : complete(args);
}
