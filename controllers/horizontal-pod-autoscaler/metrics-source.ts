/** Where autoscalers read metrics: metrics.k8s.io, and annotations for what custom metrics APIs would tell. */
import { podMetrics } from '../../api/groups/metrics/index.ts';
import type { Client } from '../../api/machinery/client.ts';
import { parseTime } from '../../api/machinery/clock.ts';
import { parseDurationMs } from '../../api/machinery/duration.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { parseGroupVersion } from '../../api/machinery/gvk.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { milli, parseQuantity, tryParseQuantity } from '../../api/machinery/quantity.ts';
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
} from '../../openapi/generated/autoscaling-v2.ts';
import { namespaces, type Pod } from '../../openapi/generated/core-v1.ts';
import type { PodMetrics } from '../../openapi/generated/metrics-v1beta1.ts';
import { formatSelectorObject } from '../runtime/selector-text.ts';
import type { Sample, Samples } from './replica-calculator.ts';

/** Annotation that declares a metric: of a pod, of an object, and of a namespace for external ones. */
const METRIC_ANNOTATION = 'metrics.kubemu.io/';
/** Over what time a declared metric was measured. */
const DECLARED_WINDOW_MS = 60_000;

export class MetricsSource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Use of a resource by each pod, or by one container of each. Pod by pod, so that others cost nothing. */
  async resource(pods: readonly Pod[], resource: string, container: string): Promise<Samples> {
    const found: PodMetrics[] = [];
    for (const { metadata } of pods) {
      try {
        const target = { namespace: metadata.namespace, name: metadata.name! };
        found.push(await this.#client.get(podMetrics, target));
      } catch (error) {
        if (!isNotFound(error))
          throw new Error(`unable to fetch metrics from resource metrics API: ${(error as Error).message}`);
      }
    }
    if (found.length === 0) throw new Error('no metrics returned from resource metrics API');
    return new Map(
      found.flatMap((metrics) => {
        const sample = sampleOf(metrics, resource, container);
        return sample === undefined ? [] : [[metrics.metadata.name!, sample]];
      }),
    );
  }

  /** A declared metric of each pod. */
  pods(pods: readonly Pod[], metric: MetricIdentifier, nowMs: number): Samples {
    const samples: Samples = new Map();
    for (const pod of pods) {
      const value = declared(pod, metric);
      if (value !== undefined)
        samples.set(pod.metadata.name!, { value, timestampMs: nowMs, windowMs: DECLARED_WINDOW_MS });
    }
    if (samples.size === 0) throw new Error('no metrics returned from custom metrics API');
    return samples;
  }

  /** A declared metric of one object. */
  async object(
    namespace: string,
    reference: CrossVersionObjectReference,
    metric: MetricIdentifier,
  ): Promise<number> {
    const problem = (why: string): Error =>
      new Error(
        `unable to get metric ${metric.name}: ${reference.kind} on ${namespace} ${reference.name}/unable to fetch metrics from custom metrics API: ${why}`,
      );
    const group = parseGroupVersion(reference.apiVersion ?? '')?.group ?? '';
    const resource = this.#client
      .resources(['get'])
      .find((candidate) => candidate.group === group && candidate.kind === reference.kind);
    if (resource === undefined)
      throw problem(
        `no matches for kind ${JSON.stringify(reference.kind)} in group ${JSON.stringify(group)}`,
      );
    try {
      // A namespace that is described is the one the autoscaler is in.
      const name = resource.resource === namespaces.resource && group === '' ? namespace : reference.name;
      const target = resource.namespaced ? { namespace, name } : { name };
      const value = declared(await this.#client.get(resource, target), metric);
      if (value === undefined) throw new Error(notFoundText(metric.name, 'custom.metrics.k8s.io'));
      return value;
    } catch (error) {
      throw problem((error as Error).message);
    }
  }

  /** A declared metric of no object of the cluster. */
  async external(namespace: string, metric: MetricIdentifier): Promise<number> {
    const value = declared(await this.#client.get(namespaces, { name: namespace }), metric);
    if (value !== undefined) return value;
    const what = `${namespace}/${metric.name}/${formatSelectorObject(metric.selector)}`;
    const why = notFoundText(metric.name, 'external.metrics.k8s.io');
    throw new Error(
      `unable to get external metric ${what}: unable to fetch metrics from external metrics API: ${why}`,
    );
  }
}

function notFoundText(metric: string, group: string): string {
  return `the server could not find the requested resource (get ${metric}.${group})`;
}

/** Declared metrics have no labels, so a selector that asks for some finds none. */
function declared({ metadata }: KubeObject, { name, selector }: MetricIdentifier): number | undefined {
  if (selector !== undefined && !selectorFromLabelSelector(selector).matches({})) return undefined;
  const quantity = tryParseQuantity(metadata.annotations?.[METRIC_ANNOTATION + name] ?? '');
  return quantity === undefined ? undefined : Number(milli(quantity));
}

/** Undefined where a container that counts has no value. */
function sampleOf(
  { containers, timestamp, window }: PodMetrics,
  resource: string,
  container: string,
): Sample | undefined {
  const counted = containers.filter(({ name }) => container === '' || name === container);
  if (counted.length === 0) return undefined;
  let value = 0;
  for (const { usage } of counted) {
    if (usage[resource] === undefined) return undefined;
    value += Number(milli(parseQuantity(usage[resource])));
  }
  return { value, timestampMs: parseTime(timestamp), windowMs: parseDurationMs(window) ?? 0 };
}
