/** What each metric of an autoscaler proposes, and its status. Mirrors computeReplicasForMetric of horizontal.go. */
import { formatQuantity, milli, parseQuantity } from '../../api/machinery/quantity.ts';
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
} from '../../openapi/generated/autoscaling-v2.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { formatSelectorObject } from '../runtime/selector-text.ts';
import type { MetricsSource } from './metrics-source.ts';
import {
  replicasForAverage,
  replicasForPodMetric,
  replicasForValue,
  requestsOf,
  usageRatio,
  utilizationRatio,
  type Proposal,
  type Tolerances,
} from './replica-calculator.ts';

const TOLERANCE = 0.1;

export interface MetricContext {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly pods: readonly Pod[];
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly source: MetricsSource;
  readonly nowMs: number;
}

export interface MetricProposal {
  readonly replicas: number;
  /** What it is called in reasons. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** A metric that cannot be read: `reason` goes into the event and the condition. */
export class MetricError extends Error {
  readonly reason: string;
  /** What is said in the condition and the event; `message` adds which metric it was. */
  readonly detail: string;

  /** `prefix` stands before `detail` in the message only. */
  constructor(reason: string, subject: string, detail: string, prefix: string) {
    super(`failed to get ${subject}: ${prefix}${detail}`);
    this.reason = reason;
    this.detail = detail;
  }
}

export function propose(spec: MetricSpec, context: MetricContext): Promise<MetricProposal> {
  switch (spec.type) {
    case 'Resource':
      return proposeForResource(spec, context);
    case 'ContainerResource':
      return proposeForContainer(spec, context);
    case 'Pods':
      return proposeForPods(spec, context);
    case 'Object':
      return proposeForObject(spec, context);
    default:
      return proposeForExternal(spec, context);
  }
}

async function named<T>(reason: string, subject: string, work: () => Promise<T>, prefix = ''): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new MetricError(reason, subject, (error as Error).message, prefix);
  }
}

function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const tolerance = (text: string | undefined): number =>
    text === undefined ? TOLERANCE : Number(milli(parseQuantity(text))) / 1000;
  return {
    down: tolerance(spec.behavior?.scaleDown?.tolerance),
    up: tolerance(spec.behavior?.scaleUp?.tolerance),
  };
}

const amount = (text: string): number => Number(milli(parseQuantity(text)));

function quantity(value: number, resource = ''): string {
  const format = resource === 'memory' ? 'BinarySI' : 'DecimalSI';
  return formatQuantity({ nano: BigInt(Math.trunc(value)) * 1_000_000n, format });
}

function proposeForResource({ resource }: MetricSpec, context: MetricContext): Promise<MetricProposal> {
  const { name, target } = resource!;
  return named('FailedGetResourceMetric', `${name} resource metric value`, async () => {
    const { proposal, current } = await useOf(name, '', target, context);
    return {
      replicas: proposal.replicas,
      name: `${name} resource${target.averageValue === undefined ? ' utilization (percentage of request)' : ''}`,
      status: { type: 'Resource', resource: { name, current } },
    };
  });
}

function proposeForContainer(
  { containerResource }: MetricSpec,
  context: MetricContext,
): Promise<MetricProposal> {
  const { name, container, target } = containerResource!;
  return named('FailedGetContainerResourceMetric', `${container} container metric value`, async () => {
    const { proposal, current } = await useOf(name, container, target, context);
    const kind =
      target.averageValue === undefined
        ? 'container resource utilization (percentage of request)'
        : 'resource';
    return {
      replicas: proposal.replicas,
      name: `${name} ${kind}`,
      status: { type: 'ContainerResource', containerResource: { name, container, current } },
    };
  });
}

/** Use of a resource against an average value or a percentage of requests. */
async function useOf(
  resource: string,
  container: string,
  target: MetricTarget,
  { pods, specReplicas, autoscaler, source, nowMs }: MetricContext,
): Promise<{ proposal: Proposal; current: { averageValue: string; averageUtilization?: number } }> {
  const { averageValue, averageUtilization } = target;
  const isValue = averageValue !== undefined;
  if (!isValue && averageUtilization === undefined) {
    throw new Error(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  }
  try {
    const samples = await source.resource(pods, resource, container).catch((error: unknown) => {
      throw new Error(`unable to get metrics for resource ${resource}: ${(error as Error).message}`);
    });
    const common = { current: specReplicas, pods, tolerances: tolerancesOf(autoscaler), nowMs, resource };
    if (isValue) {
      const wanted = amount(averageValue);
      const proposal = replicasForPodMetric(
        { ...common, ratioOf: (all) => usageRatio(all, wanted), fallback: () => wanted },
        samples,
      );
      return { proposal, current: { averageValue: quantity(proposal.value, resource) } };
    }
    let requests: ReadonlyMap<string, number> | undefined;
    const requested = (): ReadonlyMap<string, number> => (requests ??= requestsOf(pods, resource, container));
    const proposal = replicasForPodMetric(
      {
        ...common,
        ratioOf: (all) => utilizationRatio(all, requested(), averageUtilization!),
        fallback: (pod) => Math.trunc((requested().get(pod)! * Math.max(100, averageUtilization!)) / 100),
      },
      samples,
    );
    return {
      proposal,
      current: {
        averageValue: quantity(proposal.value, resource),
        averageUtilization: proposal.utilization,
      },
    };
  } catch (error) {
    throw new Error(
      `failed to get ${resource} ${isValue ? 'usage' : 'utilization'}: ${(error as Error).message}`,
    );
  }
}

function proposeForPods(
  { pods: metricSource }: MetricSpec,
  { pods, specReplicas, autoscaler, source, nowMs }: MetricContext,
): Promise<MetricProposal> {
  const { metric, target } = metricSource!;
  return named('FailedGetPodsMetric', 'pods metric value', async () => {
    const wanted = amount(target.averageValue ?? '0');
    let samples;
    try {
      samples = source.pods(pods, metric, nowMs);
    } catch (error) {
      throw new Error(`unable to get metric ${metric.name}: ${(error as Error).message}`);
    }
    const proposal = replicasForPodMetric(
      {
        current: specReplicas,
        pods,
        tolerances: tolerancesOf(autoscaler),
        nowMs,
        ratioOf: (all) => usageRatio(all, wanted),
        fallback: () => wanted,
      },
      samples,
    );
    const current = { averageValue: quantity(proposal.value) };
    return {
      replicas: proposal.replicas,
      name: `pods metric ${metric.name}`,
      status: { type: 'Pods', pods: { metric, current } },
    };
  });
}

function proposeForObject({ object }: MetricSpec, context: MetricContext): Promise<MetricProposal> {
  const { autoscaler, pods, specReplicas, statusReplicas, source } = context;
  const { describedObject, metric, target } = object!;
  const prefix =
    target.type === 'AverageValue' && target.averageValue !== undefined
      ? `failed to get ${metric.name} object metric: `
      : '';
  return named(
    'FailedGetObjectMetric',
    'object metric value',
    async () => {
      const tolerances = tolerancesOf(autoscaler);
      const isValue = target.type === 'Value' && target.value !== undefined;
      if (!isValue && target.averageValue === undefined) {
        throw new Error(
          'invalid object metric source: neither a value target nor an average value target was set',
        );
      }
      const value = await source.object(autoscaler.metadata.namespace!, describedObject, metric);
      const { proposal, current } = isValue
        ? ofValue(replicasForValue(specReplicas, value, amount(target.value!), pods, tolerances))
        : ofAverage(replicasForAverage(statusReplicas, value, amount(target.averageValue!), tolerances));
      return {
        replicas: proposal.replicas,
        name: isValue
          ? `${describedObject.kind} metric ${metric.name}`
          : `external metric ${metric.name}(${formatSelectorObject(metric.selector)})`,
        status: { type: 'Object', object: { metric, current, describedObject } },
      };
    },
    prefix,
  );
}

function proposeForExternal({ external }: MetricSpec, context: MetricContext): Promise<MetricProposal> {
  const { autoscaler, pods, specReplicas, statusReplicas, source } = context;
  const { metric, target } = external!;
  const prefixes = {
    average: `failed to get ${metric.name} external metric: `,
    value: `failed to get external metric ${metric.name}: `,
  };
  const byValue = target.value === undefined ? '' : prefixes.value;
  const prefix = target.averageValue === undefined ? byValue : prefixes.average;
  return named(
    'FailedGetExternalMetric',
    `${metric.name} external metric value`,
    async () => {
      const tolerances = tolerancesOf(autoscaler);
      if (target.averageValue === undefined && target.value === undefined) {
        throw new Error(
          'invalid external metric source: neither a value target nor an average value target was set',
        );
      }
      const value = await source.external(autoscaler.metadata.namespace!, metric);
      const { proposal, current } =
        target.averageValue === undefined
          ? ofValue(replicasForValue(specReplicas, value, amount(target.value!), pods, tolerances))
          : ofAverage(replicasForAverage(statusReplicas, value, amount(target.averageValue), tolerances));
      return {
        replicas: proposal.replicas,
        name: `external metric ${metric.name}(${formatSelectorObject(metric.selector)})`,
        status: { type: 'External', external: { metric, current } },
      };
    },
    prefix,
  );
}

interface Shown {
  readonly proposal: Proposal;
  readonly current: { readonly value?: string; readonly averageValue?: string };
}

function ofValue(proposal: Proposal): Shown {
  return { proposal, current: { value: quantity(proposal.value) } };
}

function ofAverage(proposal: Proposal): Shown {
  return { proposal, current: { averageValue: quantity(proposal.value) } };
}
