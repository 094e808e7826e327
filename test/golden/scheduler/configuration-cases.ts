/** Configurations for the scheduler, to be tried on the real one (record-configurations.ts) and on kubemu's. */

export interface ConfigurationCase {
  readonly name: string;
  /** What follows `apiVersion` and `kind`, as YAML; `whole` replaces those as well. */
  readonly body?: string;
  readonly whole?: string;
}

const profile = (body: string): string => `profiles: [{schedulerName: a, ${body}}]`;
const args = (plugin: string, values: string): string =>
  profile(`pluginConfig: [{name: ${plugin}, args: ${values}}]`);
const plugins = (sets: string): string => profile(`plugins: ${sets}`);

export const CONFIGURATION_CASES: readonly ConfigurationCase[] = [
  { name: 'nothing but the kind', body: '' },
  { name: 'text', whole: 'foo' },
  { name: 'another kind', whole: 'kind: Foo\napiVersion: v1' },
  {
    name: 'an older version',
    whole: 'apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration',
  },
  { name: 'a key given twice', body: 'parallelism: 3\nparallelism: 4' },
  { name: 'an unknown field', body: 'foo: 1' },
  {
    name: 'unknown fields at several places',
    body: 'profiles: [{schedulerName: a, foo: 1, bar: 2, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: X, foo: 2}}}]}]',
  },
  { name: 'text for a number', body: 'podMaxBackoffSeconds: "x"' },
  { name: 'a fraction for a whole number', body: 'podMaxBackoffSeconds: 1.5' },
  {
    name: 'numbers out of range, names missing and given twice',
    body: 'profiles: [{schedulerName: a}, {schedulerName: a}, {}]\nparallelism: 0\npodInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 3\npercentageOfNodesToScore: 101',
  },
  { name: 'an initial back-off of nothing', body: 'podInitialBackoffSeconds: 0' },
  { name: 'a share of nodes below zero, of a profile', body: profile('percentageOfNodesToScore: -1') },
  {
    name: 'an election that cannot work',
    body: 'leaderElection: {leaderElect: true, leaseDuration: 1s, renewDeadline: 2s, retryPeriod: -1s, resourceLock: endpoints}',
  },
  { name: 'a burst below zero', body: 'clientConnection: {burst: -1}' },
  { name: 'arguments of an unknown kind', body: args('NodeResourcesFit', '{kind: Foo}') },
  {
    name: 'arguments of another plugin',
    body: args('NodeResourcesFit', '{kind: NodeAffinityArgs, apiVersion: kubescheduler.config.k8s.io/v1}'),
  },
  { name: 'arguments of the wrong type', body: args('NodeResourcesFit', '{scoringStrategy: 3}') },
  { name: 'arguments of a plugin nobody knows', body: args('Nope', '{x: 1}') },
  { name: 'arguments given twice', body: profile('pluginConfig: [{name: InterPodAffinity}, {name: InterPodAffinity}]') },
  { name: 'arguments of a plugin there was once', body: args('EBSLimits', '{}') },
  { name: 'a weight of affinity out of range', body: args('InterPodAffinity', '{hardPodAffinityWeight: 200}') },
  {
    name: 'arguments of affinity',
    body: args('InterPodAffinity', '{hardPodAffinityWeight: 0, ignorePreferredTermsOfExistingPods: true}'),
  },
  {
    name: 'a time to bind below zero, and a shape that is not on',
    body: args('VolumeBinding', '{bindTimeoutSeconds: -1, shape: [{utilization: 3, score: 2}]}'),
  },
  {
    name: 'no candidates for preemption',
    body: args('DefaultPreemption', '{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}'),
  },
  {
    name: 'candidates for preemption out of range',
    body: args('DefaultPreemption', '{minCandidateNodesPercentage: 101, minCandidateNodesAbsolute: -1}'),
  },
  {
    name: 'default constraints that are wrong',
    body: args(
      'PodTopologySpread',
      '{defaultConstraints: [{maxSkew: 0}, {maxSkew: 1, topologyKey: a, whenUnsatisfiable: X, labelSelector: {}}, {maxSkew: 1, topologyKey: "a/b/c", whenUnsatisfiable: ScheduleAnyway}, {maxSkew: 1, topologyKey: "a/b/c", whenUnsatisfiable: ScheduleAnyway}]}',
    ),
  },
  { name: 'a defaulting that does not exist', body: args('PodTopologySpread', '{defaultingType: X}') },
  {
    name: 'default constraints',
    body: args(
      'PodTopologySpread',
      '{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}',
    ),
  },
  {
    name: 'added affinity that is wrong',
    body: args(
      'NodeAffinity',
      '{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}, {key: a, operator: Is}, {key: "!", operator: Exists, values: [a]}, {key: a, operator: Gt, values: [b]}], matchFields: [{key: metadata.name, operator: In, values: [a, b]}, {key: metadata.name, operator: Exists}]}]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: In}]}}, {weight: 0, preference: {matchExpressions: [{key: a, operator: In}]}}]}}',
    ),
  },
  {
    name: 'added affinity',
    body: args(
      'NodeAffinity',
      '{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}',
    ),
  },
  {
    name: 'weights of balance',
    body: args('NodeResourcesBalancedAllocation', '{resources: [{name: cpu, weight: 2}, {name: cpu}]}'),
  },
  {
    name: 'times for devices that are wrong',
    body: args('DynamicResources', '{filterTimeout: -1s, bindingTimeout: 1ms}'),
  },
  { name: 'a strategy that does not exist', body: args('NodeResourcesFit', '{scoringStrategy: {type: X}}') },
  { name: 'a strategy without a type', body: args('NodeResourcesFit', '{scoringStrategy: {}}') },
  {
    name: 'a strategy with weights out of range',
    body: args(
      'NodeResourcesFit',
      '{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 101}, {name: memory, weight: -1}]}, ignoredResources: ["!"], ignoredResourceGroups: ["a/b"]}',
    ),
  },
  {
    name: 'a strategy without its shape',
    body: args('NodeResourcesFit', '{scoringStrategy: {type: RequestedToCapacityRatio}}'),
  },
  {
    name: 'a strategy with an empty shape',
    body: args('NodeResourcesFit', '{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {}}}'),
  },
  {
    name: 'a strategy with a shape that is wrong',
    body: args(
      'NodeResourcesFit',
      '{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 50, score: 11}, {utilization: 40, score: -1}, {utilization: 101, score: 1}]}}}',
    ),
  },
  {
    name: 'a strategy with the shape of another',
    body: args(
      'NodeResourcesFit',
      '{scoringStrategy: {type: LeastAllocated, requestedToCapacityRatio: {shape: [{utilization: 0, score: 1}]}}}',
    ),
  },
  {
    name: 'a strategy by shape',
    body: args(
      'NodeResourcesFit',
      '{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}, ignoredResourceGroups: [example.com]}',
    ),
  },
  { name: 'a plugin nobody knows', body: plugins('{multiPoint: {enabled: [{name: Nope}]}}') },
  { name: 'a plugin nobody knows, at a point', body: plugins('{filter: {enabled: [{name: Nope}]}}') },
  { name: 'a plugin at a point it does not have', body: plugins('{filter: {enabled: [{name: ImageLocality}]}}') },
  { name: 'a plugin twice at a point', body: plugins('{filter: {enabled: [{name: NodeName}, {name: NodeName}]}}') },
  { name: 'a plugin there was once', body: plugins('{score: {enabled: [{name: EBSLimits}]}}') },
  { name: 'a weight of a plugin', body: plugins('{score: {enabled: [{name: ImageLocality, weight: 10}]}}') },
  { name: 'no scores at all', body: plugins('{score: {disabled: [{name: "*"}]}}') },
  { name: 'no queue sort', body: plugins('{queueSort: {disabled: [{name: "*"}]}}') },
  { name: 'two queue sorts', body: plugins('{queueSort: {enabled: [{name: PrioritySort}, {name: PrioritySort}]}}') },
  {
    name: 'queue sorts that differ',
    body: 'profiles: [{schedulerName: a, plugins: {queueSort: {enabled: [{name: PrioritySort}]}}}, {schedulerName: b}]',
  },
  { name: 'nothing that binds', body: plugins('{bind: {disabled: [{name: DefaultBinder}]}}') },
  {
    name: 'only what is named',
    body: plugins(
      '{multiPoint: {disabled: [{name: "*"}], enabled: [{name: PrioritySort}, {name: DefaultBinder}, {name: NodeResourcesFit, weight: 2}]}}',
    ),
  },
  { name: 'two profiles', body: 'profiles: [{schedulerName: default-scheduler}, {schedulerName: b, plugins: {score: {disabled: [{name: "*"}]}}}]' },
  {
    name: 'extenders that are wrong',
    body: 'extenders: [{urlPrefix: "http://127.0.0.1:9", prioritizeVerb: p, bindVerb: b}, {urlPrefix: "http://127.0.0.1:9", bindVerb: c, managedResources: [{name: cpu}, {name: "a/b"}, {name: "a/b"}, {name: "!"}]}]',
  },
];

export function configurationText({ body, whole }: ConfigurationCase): string {
  return whole ?? `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n${body}\n`;
}
