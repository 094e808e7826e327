/** What KubeSchedulerConfiguration and the arguments of plugins look like, for the strict decoder. Mirrors kube-scheduler/config/v1. */
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import type { FieldSchema, ScalarSchema, Schema, StructSchema } from '../../../api/machinery/schema.ts';
import { EXTENSION_POINTS } from '../plugin.ts';
import type { PluginArguments } from './types.ts';

/** `pointer`: a zero value is not the same as none. */
function field(name: string, schema: Schema, pointer = false): FieldSchema {
  return { name, schema, pointer, omit: 'empty', required: false, nullable: false, patchStrategy: [] };
}

function struct(name: string, ...fields: FieldSchema[]): StructSchema {
  return {
    kind: 'struct',
    name: `io.k8s.kube-scheduler.config.v1.${name}`,
    fields,
    byName: new Map(fields.map((each) => [each.name, each])),
    atomic: false,
    protobuf: [],
    preserveUnknown: false,
  };
}

const list = (items: Schema): Schema => ({ kind: 'list', items, listType: 'atomic', mapKeys: [] });
const scalar = (type: ScalarSchema['type']): Schema => ({ kind: 'scalar', type });
const STRING = scalar('string');
const BOOL = scalar('bool');
const INT32 = scalar('int32');
const INT64 = scalar('int64');
const BYTES = scalar('bytes');
const ANY: Schema = { kind: 'any' };
const DURATION: Schema = {
  kind: 'special',
  special: 'duration',
  name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration',
};

const TYPE_META = [field('kind', STRING), field('apiVersion', STRING)];

const PLUGINS = list(struct('Plugin', field('name', STRING), field('weight', INT32, true)));
const PLUGIN_SET = struct('PluginSet', field('enabled', PLUGINS), field('disabled', PLUGINS));

/** Alpha in 1.36, and off. */
const PLACEMENT_POINTS = ['placementGenerate', 'placementScore'];

const PROFILE = struct(
  'KubeSchedulerProfile',
  field('schedulerName', STRING, true),
  field('percentageOfNodesToScore', INT32, true),
  field(
    'plugins',
    struct(
      'Plugins',
      ...[...EXTENSION_POINTS, 'multiPoint', ...PLACEMENT_POINTS].map((name) => field(name, PLUGIN_SET)),
    ),
    true,
  ),
  field('pluginConfig', list(struct('PluginConfig', field('name', STRING), field('args', ANY)))),
);

const EXTENDER = struct(
  'Extender',
  field('urlPrefix', STRING),
  field('filterVerb', STRING),
  field('preemptVerb', STRING),
  field('prioritizeVerb', STRING),
  field('weight', INT64),
  field('bindVerb', STRING),
  field('enableHTTPS', BOOL),
  field(
    'tlsConfig',
    struct(
      'ExtenderTLSConfig',
      field('insecure', BOOL),
      ...['serverName', 'certFile', 'keyFile', 'caFile'].map((name) => field(name, STRING)),
      ...['certData', 'keyData', 'caData'].map((name) => field(name, BYTES)),
    ),
    true,
  ),
  field('httpTimeout', DURATION),
  field('nodeCacheCapable', BOOL),
  field(
    'managedResources',
    list(struct('ExtenderManagedResource', field('name', STRING), field('ignoredByScheduler', BOOL))),
  ),
  field('ignorable', BOOL),
);

export const CONFIGURATION_SCHEMA = struct(
  'KubeSchedulerConfiguration',
  ...TYPE_META,
  field('parallelism', INT32, true),
  field(
    'leaderElection',
    struct(
      'LeaderElectionConfiguration',
      field('leaderElect', BOOL, true),
      ...['leaseDuration', 'renewDeadline', 'retryPeriod'].map((name) => field(name, DURATION)),
      ...['resourceLock', 'resourceName', 'resourceNamespace'].map((name) => field(name, STRING)),
    ),
  ),
  field(
    'clientConnection',
    struct(
      'ClientConnectionConfiguration',
      ...['kubeconfig', 'acceptContentTypes', 'contentType'].map((name) => field(name, STRING)),
      field('qps', scalar('double')),
      field('burst', INT32),
    ),
  ),
  field('enableProfiling', BOOL, true),
  field('enableContentionProfiling', BOOL, true),
  field('percentageOfNodesToScore', INT32, true),
  field('podInitialBackoffSeconds', INT64, true),
  field('podMaxBackoffSeconds', INT64, true),
  field('profiles', list(PROFILE)),
  field('extenders', list(EXTENDER)),
  field('delayCacheUntilActive', BOOL),
);

const SHAPE = list(struct('UtilizationShapePoint', field('utilization', INT32), field('score', INT32)));
const RESOURCES = list(struct('ResourceSpec', field('name', STRING), field('weight', INT64)));

const argsOf = (name: keyof PluginArguments, ...fields: FieldSchema[]): [string, StructSchema] => [
  name,
  struct(`${name}Args`, ...TYPE_META, ...fields),
];

export const ARGUMENT_SCHEMAS: ReadonlyMap<string, StructSchema> = new Map([
  argsOf(
    'DefaultPreemption',
    field('minCandidateNodesPercentage', INT32, true),
    field('minCandidateNodesAbsolute', INT32, true),
  ),
  argsOf('DynamicResources', field('filterTimeout', DURATION, true), field('bindingTimeout', DURATION, true)),
  argsOf(
    'InterPodAffinity',
    field('hardPodAffinityWeight', INT32, true),
    field('ignorePreferredTermsOfExistingPods', BOOL),
  ),
  argsOf('NodeAffinity', field('addedAffinity', builtInSchema('io.k8s.api.core.v1.NodeAffinity'), true)),
  argsOf('NodeResourcesBalancedAllocation', field('resources', RESOURCES)),
  argsOf(
    'NodeResourcesFit',
    field('ignoredResources', list(STRING)),
    field('ignoredResourceGroups', list(STRING)),
    field(
      'scoringStrategy',
      struct(
        'ScoringStrategy',
        field('type', STRING),
        field('resources', RESOURCES),
        field(
          'requestedToCapacityRatio',
          struct('RequestedToCapacityRatioParam', field('shape', SHAPE)),
          true,
        ),
      ),
      true,
    ),
  ),
  argsOf(
    'PodTopologySpread',
    field('defaultConstraints', list(builtInSchema('io.k8s.api.core.v1.TopologySpreadConstraint'))),
    field('defaultingType', STRING),
  ),
  argsOf('VolumeBinding', field('bindTimeoutSeconds', INT64, true), field('shape', SHAPE)),
]);
