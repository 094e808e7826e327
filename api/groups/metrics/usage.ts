/** Usage of simulated pods: declared by annotation, little where it is not. See docs/reference/nodes.md. */
import { formatTime } from '../../machinery/clock.ts';
import {
  addQuantity,
  formatQuantity,
  parseQuantity,
  tryParseQuantity,
  type Quantity,
} from '../../machinery/quantity.ts';
import type { Container, Node, Pod } from '../../../openapi/generated/core-v1.ts';
import type { NodeMetrics, PodMetrics } from '../../../openapi/generated/metrics-v1beta1.ts';

/** Annotation of a pod: `kubemu.io/usage-cpu`, for one container `kubemu.io/usage-cpu.<container>`. */
const USAGE_ANNOTATION = 'kubemu.io/usage-';
/** Of a container that declares nothing. */
const IDLE = { cpu: '1m', memory: '16Mi' } as const;
/** Of a node beside its pods. */
const NODE_OWN = { cpu: '100m', memory: '512Mi' } as const;
/** Over what time usage was measured. */
const WINDOW = '15s';

type Resource = keyof typeof IDLE;
const RESOURCES = Object.keys(IDLE) as Resource[];

/** Undefined for a pod that does not run. */
export function podMetricsOf(pod: Pod, nowMs: number): PodMetrics | undefined {
  const { name, namespace, labels } = pod.metadata;
  const running = runningContainers(pod);
  if (pod.status.phase !== 'Running' || running.length === 0) return undefined;
  const now = formatTime(nowMs);
  return {
    kind: 'PodMetrics',
    apiVersion: 'metrics.k8s.io/v1beta1',
    metadata: { name, namespace, creationTimestamp: now, ...(labels === undefined ? {} : { labels }) },
    timestamp: now,
    window: WINDOW,
    containers: running.map((container) => ({
      name: container.name,
      usage: usageTexts((resource) => usageOf(pod, container, resource)),
    })),
  };
}

/** Undefined for a node that is not ready. `pods` are those on it. */
export function nodeMetricsOf(node: Node, pods: readonly Pod[], nowMs: number): NodeMetrics | undefined {
  const { name, labels } = node.metadata;
  const isReady = node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (isReady !== true) return undefined;
  const now = formatTime(nowMs);
  const usageOfNode = (resource: Resource): Quantity =>
    pods
      .filter(({ status }) => status.phase === 'Running')
      .flatMap((pod) => runningContainers(pod).map((container) => usageOf(pod, container, resource)))
      .reduce(addQuantity, parseQuantity(NODE_OWN[resource]));
  return {
    kind: 'NodeMetrics',
    apiVersion: 'metrics.k8s.io/v1beta1',
    metadata: { name, creationTimestamp: now, ...(labels === undefined ? {} : { labels }) },
    timestamp: now,
    window: WINDOW,
    usage: usageTexts(usageOfNode),
  };
}

function usageTexts(usage: (resource: Resource) => Quantity): Record<string, string> {
  return Object.fromEntries(RESOURCES.map((resource) => [resource, formatQuantity(usage(resource))]));
}

/** Sidecars included. A container without a status counts as running in a pod that does. */
function runningContainers({ spec, status }: Pod): Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return [...spec.containers, ...sidecars].filter((container) => {
    const known = statuses.find(({ name }) => name === container.name);
    return known === undefined || known.state?.running !== undefined;
  });
}

/** A quantity, or a share of what the container requests. */
function usageOf({ metadata }: Pod, { name, resources }: Container, resource: Resource): Quantity {
  const annotation = USAGE_ANNOTATION + resource;
  const text = metadata.annotations?.[`${annotation}.${name}`] ?? metadata.annotations?.[annotation];
  if (text === undefined) return parseQuantity(IDLE[resource]);
  const percent = /^([0-9]+)%$/.exec(text);
  if (percent === null) return tryParseQuantity(text) ?? parseQuantity(IDLE[resource]);
  const { nano, format } = parseQuantity(resources?.requests?.[resource] ?? '0');
  return { nano: (nano * BigInt(percent[1]!)) / 100n, format };
}
