/** What nodes and pods use: `metrics.k8s.io`, which metrics-server adds to a cluster. Read only, computed when asked for. */
import type { ResourceDefinition, TableDefinition } from '../../definition.ts';
import { builtInSchema } from '../../machinery/built-in-schemas.ts';
import type { UnknownObject } from '../../machinery/object-meta.ts';
import type { ResourceType } from '../../machinery/client.ts';
import type {
  ContainerMetrics,
  NodeMetrics,
  PodMetrics,
} from '../../../openapi/generated/metrics-v1beta1.ts';
import { addQuantity, formatQuantity, parseQuantity, ZERO_QUANTITY } from '../../machinery/quantity.ts';
import { defineTable, NAME, nameOf } from '../printing/columns.ts';

const METRICS_GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';
const TYPES = 'io.k8s.metrics.pkg.apis.metrics.v1beta1';

export const nodeMetrics: ResourceType<NodeMetrics> = {
  group: METRICS_GROUP,
  version: VERSION,
  resource: 'nodes',
  kind: 'NodeMetrics',
  namespaced: false,
};

export const podMetrics: ResourceType<PodMetrics> = {
  group: METRICS_GROUP,
  version: VERSION,
  resource: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
};

const COLUMNS = [
  NAME,
  ...['cpu', 'memory', 'window'].map((name) => ({
    name,
    type: 'string' as const,
    description: '',
    priority: 0,
  })),
];

function usageTable<T extends PodMetrics | NodeMetrics>(
  usageOf: (object: T) => readonly Usage[],
): TableDefinition {
  return defineTable<T>({
    columns: COLUMNS,
    cells: (object) => [
      nameOf(object),
      ...['cpu', 'memory'].map((resource) => formatSum(usageOf(object), resource)),
      object.window,
    ],
  });
}

type Usage = ContainerMetrics['usage'];

function formatSum(usages: readonly Usage[], resource: string): string {
  const amounts = usages.map((usage) => parseQuantity(usage[resource] ?? '0'));
  return formatQuantity(amounts.reduce(addQuantity, ZERO_QUANTITY));
}

function define(
  { resource, kind, namespaced }: ResourceType<UnknownObject>,
  table: TableDefinition,
): ResourceDefinition {
  const version = { name: VERSION, schema: builtInSchema(`${TYPES}.${kind}`) };
  return {
    group: METRICS_GROUP,
    names: {
      plural: resource,
      singular: '',
      kind,
      listKind: `${kind}List`,
      shortNames: [],
      categories: [],
    },
    namespaced,
    verbs: ['get', 'list'],
    versions: [version],
    storageVersion: version,
    subresources: [],
    storedAs: { group: METRICS_GROUP, resource },
    behaviour: { table },
  };
}

/** The resources of the group. Whoever serves them computes their objects. */
export function metricsDefinitions(): ResourceDefinition[] {
  return [
    define(
      nodeMetrics as unknown as ResourceType<UnknownObject>,
      usageTable<NodeMetrics>(({ usage }) => [usage]),
    ),
    define(
      podMetrics as unknown as ResourceType<UnknownObject>,
      usageTable<PodMetrics>(({ containers }) => containers.map(({ usage }) => usage)),
    ),
  ];
}
