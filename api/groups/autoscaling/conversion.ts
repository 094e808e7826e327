/** Autoscalers between autoscaling/v1, which knows CPU only, and v2; annotations carry the rest. Mirrors pkg/apis/autoscaling/v1/conversion.go. */
import { isObject } from '../../machinery/patch/errors.ts';
import type {
  HorizontalPodAutoscaler as V2,
  MetricSpec,
  MetricStatus,
} from '../../../openapi/generated/autoscaling-v2.ts';
import type { HorizontalPodAutoscaler as V1 } from '../../../openapi/generated/autoscaling-v1.ts';
import type { KubeObject, UnknownObject } from '../../machinery/object-meta.ts';
import { convertMetrics } from './metrics.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
const CARRIED = [
  METRICS,
  CURRENT_METRICS,
  CONDITIONS,
  BEHAVIOR,
  `${PREFIX}scale-down-tolerance`,
  `${PREFIX}scale-up-tolerance`,
];
/** What v1 stands for when it names no metric, in percent. */
const CPU_UTILIZATION_DEFAULT = 80;

type Metrics = Parameters<typeof convertMetrics>[0];

export function convertAutoscaler(object: UnknownObject, _from: string, to: string): UnknownObject {
  const converted = to === 'autoscaling/v1' ? toV1(object as unknown as V2) : toV2(object as unknown as V1);
  return converted as unknown as UnknownObject;
}

function toV1({ metadata, spec, status }: V2): object {
  const metrics = spec.metrics ?? [];
  const current = status?.currentMetrics ?? [];
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const annotations: Record<string, string> = { ...withoutCarried(metadata.annotations) };
  if (others.length > 0)
    annotations[METRICS] = JSON.stringify(convertMetrics(others as unknown as Metrics, 'source', 'toV1'));
  if (current.length > 0)
    annotations[CURRENT_METRICS] = JSON.stringify(
      convertMetrics(current as unknown as Metrics, 'status', 'toV1'),
    );
  if (spec.behavior !== undefined) annotations[BEHAVIOR] = JSON.stringify(renamed(spec.behavior, upper));
  if ((status?.conditions ?? []).length > 0) annotations[CONDITIONS] = JSON.stringify(status!.conditions);
  const { metrics: _metrics, behavior: _behavior, ...rest } = spec;
  const { currentMetrics: _current, conditions: _conditions, ...counted } = status ?? {};
  const target = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const utilization = current.find(isCpu)?.resource?.current.averageUtilization;
  return {
    metadata: withAnnotations(metadata, annotations),
    spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...counted,
      ...(utilization === undefined ? {} : { currentCPUUtilizationPercentage: utilization }),
    },
  };
}

function toV2({ metadata, spec, status }: V1): object {
  const { targetCPUUtilizationPercentage: target, ...rest } = spec;
  const { currentCPUUtilizationPercentage: utilization, ...counted } = status ?? {};
  const carried = metadata.annotations ?? {};
  const others = readList(carried[METRICS]);
  const metrics = [
    ...convertMetrics(others ?? [], 'source', 'toV2'),
    ...(target === undefined ? [] : [cpuMetric(target)]),
  ];
  const current = readList(carried[CURRENT_METRICS]);
  const currentMetrics =
    current === undefined
      ? utilization === undefined
        ? undefined
        : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: utilization } } }]
      : convertMetrics(current, 'status', 'toV2');
  const behavior = readJSON(carried[BEHAVIOR]);
  const conditions = readList(carried[CONDITIONS]);
  return {
    metadata: withAnnotations(metadata, withoutCarried(metadata.annotations)),
    spec: {
      ...rest,
      metrics: metrics.length === 0 ? [cpuMetric(CPU_UTILIZATION_DEFAULT)] : metrics,
      ...(isObject(behavior) ? { behavior: renamed(behavior, lower) } : {}),
    },
    status: {
      ...counted,
      ...(currentMetrics === undefined ? {} : { currentMetrics }),
      ...(conditions === undefined ? {} : { conditions }),
    },
  };
}

function cpuMetric(averageUtilization: number): object {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function isCpu({ type, resource }: MetricStatus): boolean {
  return type === 'Resource' && resource?.name === 'cpu';
}

function isCpuUtilization({ type, resource }: MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

/** Removes the annotations that conversion owns. */
export function dropCarried({ metadata }: Pick<KubeObject, 'metadata'>): void {
  const { annotations } = metadata;
  if (annotations === undefined || !CARRIED.some((name) => Object.hasOwn(annotations, name))) return;
  const kept = withoutCarried(annotations);
  if (Object.keys(kept).length > 0) metadata.annotations = kept;
  else delete metadata.annotations;
}

function withoutCarried(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => !CARRIED.includes(name)));
}

function withAnnotations(metadata: V1['metadata'], annotations: Record<string, string>): object {
  const { annotations: _before, ...rest } = metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** What an annotation carries; undefined for one that is no JSON, as upstream leaves it out. */
function readJSON(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function readList(text: string | undefined): Metrics | undefined {
  const value = readJSON(text);
  return Array.isArray(value) && value.every(isObject) ? (value as Metrics) : undefined;
}

/** Upstream carries the behaviour under the names of its own structs: the same, beginning with a capital. */
function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [rename(name), renamed(member, rename)]));
}

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const lower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
