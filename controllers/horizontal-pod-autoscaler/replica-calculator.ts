/** How many replicas a metric asks for. Mirrors podautoscaler/replica_calculator.go; amounts are in thousandths. */
import { parseTime } from '../../api/machinery/clock.ts';
import { milli, parseQuantity } from '../../api/machinery/quantity.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodReady } from '../runtime/pods.ts';

/** How long after its start a pod's CPU may be that of starting. */
const CPU_INITIALIZATION_MS = 300_000;
/** A pod that is not ready this long after its start has been ready before. */
const READINESS_DELAY_MS = 30_000;
const MAX_INT32 = 2 ** 31 - 1;

export interface Sample {
  readonly value: number;
  readonly timestampMs: number;
  readonly windowMs: number;
}

/** By pod name. */
export type Samples = Map<string, Sample | { readonly value: number }>;

export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

export interface Proposal {
  readonly replicas: number;
  /** Average value, in thousandths. */
  readonly value: number;
  /** Percent of requests. */
  readonly utilization?: number;
}

function isWithin(ratio: number, { down, up }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

interface Ratio {
  readonly ratio: number;
  readonly value: number;
  readonly utilization?: number;
}

/** A metric of each pod, against the average wanted. */
export interface PodMetricTarget {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly tolerances: Tolerances;
  readonly nowMs: number;
  /** CPU of pods that start is left out. */
  readonly resource?: string;
  /** Ratio of what is used to what is wanted. */
  ratioOf(samples: Samples): Ratio;
  /** What a pod without a sample counts as where pods would be taken away. */
  fallback(pod: string): number;
}

/** Mirrors GetResourceReplicas and calcPlainMetricReplicas, which differ in the ratio and the fallback only. */
export function replicasForPodMetric(target: PodMetricTarget, given: Samples): Proposal {
  const { current, pods, tolerances } = target;
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, ignored } = groupPods(target, given);
  const samples: Samples = new Map(given);
  for (const name of [...ignored, ...unready]) samples.delete(name);
  if (samples.size === 0)
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const first = target.ratioOf(samples);
  const answer = (replicas: number): Proposal => ({ ...first, replicas });
  const growsUnready = unready.length > 0 && first.ratio > 1;
  if (!growsUnready && missing.length === 0)
    return answer(isWithin(first.ratio, tolerances) ? current : Math.ceil(first.ratio * ready));
  if (first.ratio < 1) for (const name of missing) samples.set(name, { value: target.fallback(name) });
  if (first.ratio > 1) for (const name of missing) samples.set(name, { value: 0 });
  if (growsUnready) for (const name of unready) samples.set(name, { value: 0 });
  const { ratio } = target.ratioOf(samples);
  const turns = (first.ratio < 1 && ratio > 1) || (first.ratio > 1 && ratio < 1);
  if (isWithin(ratio, tolerances) || turns) return answer(current);
  const replicas = Math.ceil(ratio * samples.size);
  const isContrary = (ratio < 1 && replicas > current) || (ratio > 1 && replicas < current);
  return answer(isContrary ? current : replicas);
}

interface Groups {
  readonly ready: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
}

function groupPods({ pods, resource, nowMs }: PodMetricTarget, samples: Samples): Groups {
  const unready: string[] = [];
  const missing: string[] = [];
  const ignored: string[] = [];
  let ready = 0;
  for (const pod of pods) {
    const name = pod.metadata.name!;
    const sample = samples.get(name);
    if (pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Failed') ignored.push(name);
    else if ((pod.status.phase ?? 'Pending') === 'Pending') unready.push(name);
    else if (sample === undefined) missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, sample as Sample, nowMs)) unready.push(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };
}

function isStarting({ status }: Pod, sample: Sample, nowMs: number): boolean {
  const condition = status.conditions?.find(({ type }) => type === 'Ready');
  if (condition === undefined || status.startTime === undefined) return true;
  const startMs = parseTime(status.startTime);
  const changedMs = parseTime(condition.lastTransitionTime ?? '');
  if (startMs + CPU_INITIALIZATION_MS > nowMs)
    return condition.status === 'False' || sample.timestampMs < changedMs + sample.windowMs;
  return condition.status === 'False' && startMs + READINESS_DELAY_MS > changedMs;
}

/** Requests of each pod, in thousandths. Throws where one is missing. */
export function requestsOf(pods: readonly Pod[], resource: string, container: string): Map<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name!, requestOf(pod, resource, container)]));
}

function requestOf({ metadata, spec }: Pod, resource: string, container: string): number {
  const { name } = metadata;
  const amount = (text: string): number => Number(milli(parseQuantity(text)));
  const podLevel = spec.resources?.requests;
  if (container === '' && podLevel !== undefined && Object.keys(podLevel).length > 0) {
    if (podLevel[resource] === undefined)
      throw new Error(`missing pod-level request for ${resource} in Pod ${name}`);
    return amount(podLevel[resource]);
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const counted = [...spec.containers, ...sidecars].filter(
    (candidate) => container === '' || candidate.name === container,
  );
  if (counted.length === 0) throw new Error(`container ${container} not found in Pod ${name}`);
  return counted.reduce((sum, { name: counting, resources }) => {
    const request = resources?.requests?.[resource];
    if (request === undefined)
      throw new Error(`missing request for ${resource} in container ${counting} of Pod ${name}`);
    return sum + amount(request);
  }, 0);
}

/** Use in percent of requests against the percentage wanted. */
export function utilizationRatio(
  samples: Samples,
  requests: ReadonlyMap<string, number>,
  wanted: number,
): Ratio {
  const known = [...samples].filter(([name]) => requests.has(name));
  const total = known.reduce((sum, [, { value }]) => sum + value, 0);
  const requested = known.reduce((sum, [name]) => sum + requests.get(name)!, 0);
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const utilization = Math.trunc((total * 100) / requested);
  return { ratio: utilization / wanted, utilization, value: Math.trunc(total / known.length) };
}

/** Average use against the average wanted. */
export function usageRatio(samples: Samples, wanted: number): Ratio {
  const total = [...samples.values()].reduce((sum, { value }) => sum + value, 0);
  const value = Math.trunc(total / samples.size);
  return { ratio: value / wanted, value };
}

/** A value of all pods together: the ready ones are what it is spread over. */
export function replicasForValue(
  current: number,
  value: number,
  wanted: number,
  pods: readonly Pod[],
  tolerances: Tolerances,
): Proposal {
  const ratio = value / wanted;
  if (current === 0) return { replicas: Math.ceil(ratio), value };
  if (isWithin(ratio, tolerances)) return { replicas: current, value };
  if (pods.length === 0)
    throw new Error(
      'unable to calculate ready pods: no pods returned by selector while calculating replica count',
    );
  const ready = pods.filter((pod) => pod.status.phase === 'Running' && isPodReady(pod)).length;
  return { replicas: Math.min(MAX_INT32, Math.ceil(ratio * ready)), value };
}

/** A value of all pods together, of which each should have so much. */
export function replicasForAverage(
  statusReplicas: number,
  value: number,
  wanted: number,
  tolerances: Tolerances,
): Proposal {
  const isClose = isWithin(value / (wanted * statusReplicas), tolerances);
  return {
    replicas: isClose ? statusReplicas : Math.min(MAX_INT32, Math.ceil(value / wanted)),
    value: Math.ceil(value / statusReplicas),
  };
}
