/** One look of an autoscaler at its target. Mirrors reconcileAutoscaler of horizontal.go. */
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { parseGroupVersion } from '../../api/machinery/gvk.ts';
import { parseLabelSelector, type LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { Scale } from '../../openapi/generated/autoscaling-v1.ts';
import {
  horizontalPodAutoscalers,
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  type HorizontalPodAutoscalerStatus,
  type MetricStatus,
} from '../../openapi/generated/autoscaling-v2.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import type { EventRecorder } from '../runtime/controller.ts';
import type { History } from './history.ts';
import { limit, longestPeriodMs } from './limits.ts';
import type { MetricsSource } from './metrics-source.ts';
import { MetricError, propose, type MetricContext, type MetricProposal } from './proposals.ts';

export interface Selected {
  readonly pods: readonly Pod[];
  /** Names of all autoscalers that select one of the pods, this one included. */
  readonly autoscalers: readonly string[];
}

export interface LookOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly source: MetricsSource;
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly history: History;
  readonly select: (selector: LabelSelectorMatcher) => Selected;
  readonly nowMs: number;
}

interface Target {
  readonly resource: ResourceType<KubeObject>;
  readonly scale: Scale;
}

interface Decision {
  readonly replicas: number;
  readonly reason: string;
}

type Condition = 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';

export class Look {
  readonly #options: LookOptions;
  readonly #before: HorizontalPodAutoscaler;
  #status: HorizontalPodAutoscalerStatus;
  #metrics: MetricStatus[] = [];

  constructor(options: LookOptions) {
    this.#options = options;
    this.#before = options.autoscaler;
    this.#status = options.autoscaler.status;
  }

  /** Rejects when nothing could be decided; what was found is in the status either way. */
  async run(): Promise<void> {
    const { history, nowMs } = this.#options;
    const target = await this.#getScale();
    const current = target.scale.spec?.replicas ?? 0;
    history.begin(current, nowMs);
    const decision = await this.#decide(target.scale, current);
    if (decision === undefined || decision.replicas === current) {
      this.#setCounts(current, decision?.replicas ?? current);
      return;
    }
    await this.#rescale(target, current, decision);
  }

  async postStatus(): Promise<void> {
    const { client, recorder } = this.#options;
    if (equalJSON(this.#before.status, this.#status)) return;
    try {
      const changed = { ...this.#before, status: this.#status };
      await client.update(horizontalPodAutoscalers, changed, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      recorder.event(this.#before, 'Warning', 'FailedUpdateStatus', (error as Error).message);
    }
  }

  async #getScale(): Promise<Target> {
    const { client, recorder } = this.#options;
    const { kind, name, apiVersion = '' } = this.#before.spec.scaleTargetRef;
    try {
      const group = parseGroupVersion(apiVersion)?.group ?? '';
      const resource = client
        .resources(['get'])
        .find((candidate) => candidate.group === group && candidate.kind === kind);
      if (resource === undefined)
        throw new Error(`no matches for kind ${goQuote(kind)} in group ${goQuote(group)}`);
      const scale = await client.getScale(resource, { namespace: this.#before.metadata.namespace, name });
      const message = "the HPA controller was able to get the target's current scale";
      this.#set('AbleToScale', 'True', 'SucceededGetScale', message);
      return { resource, scale };
    } catch (error) {
      const { message } = error as Error;
      recorder.event(this.#before, 'Warning', 'FailedGetScale', message);
      const text = `the HPA controller was unable to get the target's current scale: ${message}`;
      this.#set('AbleToScale', 'False', 'FailedGetScale', text);
      throw error;
    }
  }

  /** Undefined when the target was switched off. */
  async #decide(scale: Scale, current: number): Promise<Decision | undefined> {
    const { spec } = this.#before;
    const min = spec.minReplicas ?? 1;
    if (current === 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      this.#set('ScalingActive', 'False', 'ScalingDisabled', message);
      return undefined;
    }
    if (current > spec.maxReplicas)
      return {
        replicas: spec.maxReplicas,
        reason: 'Current number of replicas above Spec.MaxReplicas',
      };
    if (current < min) return { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' };
    const proposal = await this.#proposal(scale, current);
    return this.#limited(proposal, current, min);
  }

  #limited({ replicas: desired, name }: MetricProposal, current: number, min: number): Decision {
    const { history, nowMs } = this.#options;
    const {
      replicas,
      ability,
      limit: limited,
    } = limit({
      autoscaler: this.#before,
      history,
      current,
      desired,
      min,
      nowMs,
    });
    this.#set('AbleToScale', 'True', ability.reason, ability.message);
    this.#set('ScalingLimited', limited.isLimited ? 'True' : 'False', limited.reason, limited.message);
    const reason =
      desired > current ? `${name} above target` : desired < current ? 'All metrics below target' : '';
    return { replicas, reason };
  }

  /** The largest proposal of all metrics. Mirrors computeReplicasForMetrics. */
  async #proposal(scale: Scale, current: number): Promise<MetricProposal> {
    const { spec } = this.#before;
    const metrics = spec.metrics ?? [];
    const context = this.#metricContext(scale, current);
    let best: MetricProposal | undefined;
    const failures: MetricError[] = [];
    for (const metric of metrics) {
      try {
        const proposal = await propose(metric, context);
        this.#metrics.push(proposal.status);
        if (best === undefined || proposal.replicas > best.replicas) best = proposal;
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        this.#options.recorder.event(this.#before, 'Warning', error.reason, error.detail);
        this.#metrics.push({ type: '' });
        failures.push(error);
      }
    }
    // Without all metrics none may be taken away: the one that is missing may need them.
    if (best === undefined || (failures.length > 0 && best.replicas < current))
      throw this.#metricsFailed(failures, metrics.length, current);
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    this.#set('ScalingActive', 'True', 'ValidMetricFound', message);
    return best;
  }

  #metricsFailed([first, ...more]: readonly MetricError[], total: number, current: number): Error {
    const { reason, detail, message } = first!;
    const text = `the HPA was unable to compute the replica count: ${detail}`;
    this.#set('ScalingActive', 'False', reason, text);
    const summary = `invalid metrics (${1 + more.length} invalid out of ${total}), first error is: ${message}`;
    return this.#cannotCompute(summary, current);
  }

  #cannotCompute(message: string, current: number): Error {
    this.#setCounts(current, this.#status.desiredReplicas);
    this.#options.recorder.event(this.#before, 'Warning', 'FailedComputeMetricsReplicas', message);
    return new Error(message);
  }

  #metricContext({ status }: Scale, current: number): MetricContext {
    const { select, source, nowMs } = this.#options;
    const text = status?.selector ?? '';
    if (text === '') {
      const condition = "the HPA target's scale is missing a selector";
      throw this.#badSelector(
        'SelectorRequired',
        'InvalidSelector',
        'selector is required',
        condition,
        current,
      );
    }
    let selector: LabelSelectorMatcher;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      const problem = `couldn't convert selector into a corresponding internal selector object: ${(error as Error).message}`;
      throw this.#badSelector('InvalidSelector', 'InvalidSelector', problem, problem, current);
    }
    const { pods, autoscalers } = select(selector);
    if (autoscalers.length > 1) {
      const { namespace } = this.#before.metadata;
      const keys = autoscalers.map((name) => `${namespace}/${name}`).join(' ');
      const problem = `pods by selector ${text} are controlled by multiple HPAs: [${keys}]`;
      throw this.#badSelector('AmbiguousSelector', 'AmbiguousSelector', problem, problem, current);
    }
    return {
      autoscaler: this.#before,
      pods,
      specReplicas: current,
      statusReplicas: status?.replicas ?? 0,
      source,
      nowMs,
    };
  }

  #badSelector(event: string, reason: string, problem: string, condition: string, current: number): Error {
    this.#options.recorder.event(this.#before, 'Warning', event, problem);
    this.#set('ScalingActive', 'False', reason, condition);
    return this.#cannotCompute(problem, current);
  }

  async #rescale({ resource }: Target, current: number, { replicas, reason }: Decision): Promise<void> {
    const { client, recorder, history, nowMs } = this.#options;
    const target = {
      namespace: this.#before.metadata.namespace,
      name: this.#before.spec.scaleTargetRef.name,
    };
    try {
      const body = { spec: { replicas } };
      await client.patch(resource, target, { type: 'merge', body }, { subresource: 'scale' });
    } catch (error) {
      const { message } = error as Error;
      recorder.event(
        this.#before,
        'Warning',
        'FailedRescale',
        `New size: ${replicas}; reason: ${reason}; error: ${message}`,
      );
      const text = `the HPA controller was unable to update the target scale: ${message}`;
      this.#set('AbleToScale', 'False', 'FailedUpdateScale', text);
      this.#setCounts(current, this.#status.desiredReplicas);
      throw error;
    }
    const text = `the HPA controller was able to update the target scale to ${replicas}`;
    this.#set('AbleToScale', 'True', 'SucceededRescale', text);
    recorder.event(this.#before, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
    if (this.#before.spec.behavior !== undefined)
      history.scaled(current, replicas, longestPeriodMs(this.#before, replicas > current), nowMs);
    this.#setCounts(current, replicas);
    this.#status = { ...this.#status, lastScaleTime: formatTime(nowMs) };
  }

  #setCounts(currentReplicas: number, desiredReplicas: number): void {
    const { lastScaleTime, conditions } = this.#status;
    this.#status = {
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(currentReplicas === 0 ? {} : { currentReplicas }),
      desiredReplicas,
      // Go writes an empty list here as null.
      currentMetrics: this.#metrics.length === 0 ? (null as never) : this.#metrics,
      conditions,
    };
  }

  #set(type: Condition, status: 'True' | 'False', reason: string, message: string): void {
    const conditions = this.#status.conditions ?? [];
    const before = conditions.find((condition) => condition.type === type);
    const lastTransitionTime =
      before?.status === status ? before.lastTransitionTime : formatTime(this.#options.nowMs);
    const condition: HorizontalPodAutoscalerCondition = { type, status, lastTransitionTime, reason, message };
    this.#status = {
      ...this.#status,
      conditions:
        before === undefined
          ? [...conditions, condition]
          : conditions.map((other) => (other === before ? condition : other)),
    };
  }
}
