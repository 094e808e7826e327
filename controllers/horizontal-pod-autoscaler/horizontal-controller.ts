/** Changes the size of workloads by metrics. Mirrors pkg/controller/podautoscaler. */
import { keyOf } from '../../api/machinery/object-meta.ts';
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import {
  horizontalPodAutoscalers,
  type HorizontalPodAutoscaler,
} from '../../openapi/generated/autoscaling-v2.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  Result,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { indexByLabel, selectedPods } from '../runtime/selected-pods.ts';
import { History } from './history.ts';
import { Look, type Selected } from './look.ts';
import { MetricsSource } from './metrics-source.ts';

/** How often each autoscaler looks. */
const SYNC_PERIOD_MS = 15_000;

/** Sizes workloads as autoscalers say. */
export const horizontalPodAutoscalerController: ControllerDefinition = {
  name: 'horizontal-pod-autoscaler-controller',
  aliases: ['horizontalpodautoscaling'],
  description: {
    does:
      'Looks at each autoscaler every 15 s and sizes its target, whatever has a scale, by resource, container, pods, object ' +
      'and external metrics; behaviors, stabilization windows and tolerances. Resource metrics come from `metrics.k8s.io`, ' +
      'the others are declared by annotation: see [reference/nodes.md](reference/nodes.md).',
    watches: ['horizontalpodautoscalers', 'pods'],
    writes: ['*/scale', 'horizontalpodautoscalers/status'],
    events: [
      'AmbiguousSelector',
      'FailedComputeMetricsReplicas',
      'FailedGetContainerResourceMetric',
      'FailedGetExternalMetric',
      'FailedGetObjectMetric',
      'FailedGetPodsMetric',
      'FailedGetResourceMetric',
      'FailedGetScale',
      'FailedRescale',
      'FailedUpdateStatus',
      'InvalidSelector',
      'SelectorRequired',
      'SuccessfulRescale',
    ],
    leavesOut: ['scaling to zero, an alpha feature that is off by default'],
  },
  setup: (context) => new HorizontalController(context).reconciler,
};

class HorizontalController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;
  readonly #pods: Informer<Pod>;
  readonly #source: MetricsSource;
  readonly #histories = new Map<string, History>();
  /** Selector of the target of each autoscaler that was looked at. */
  readonly #selectors = new Map<string, LabelSelectorMatcher>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('horizontal-pod-autoscaler') };
    this.#context = context;
    this.#recorder = context.recorder('horizontal-pod-autoscaler');
    this.#autoscalers = context.informer(horizontalPodAutoscalers);
    this.#pods = context.informer(pods);
    this.#source = new MetricsSource(context.client);
    indexByLabel(this.#pods);
    this.reconciler = createReconciler({
      name: 'horizontal-pod-autoscaler',
      context,
      workers: 5,
      reconcile: (key) => this.#reconcile(key),
    });
    const enqueue = (autoscaler: HorizontalPodAutoscaler): void =>
      this.reconciler.queue.addAfter(keyOf(autoscaler), SYNC_PERIOD_MS, { recurring: true });
    this.#autoscalers.addHandler({
      added: enqueue,
      updated: enqueue,
      deleted: (autoscaler) => {
        this.#histories.delete(keyOf(autoscaler));
        this.#selectors.delete(keyOf(autoscaler));
      },
    });
  }

  async #reconcile(key: string): Promise<Result | void> {
    const autoscaler = this.#autoscalers.get(key);
    if (autoscaler === undefined) return;
    let history = this.#histories.get(key);
    if (history === undefined) this.#histories.set(key, (history = new History()));
    const look = new Look({
      client: this.#context.client,
      recorder: this.#recorder,
      source: this.#source,
      autoscaler,
      history,
      select: (selector) => this.#select(key, autoscaler, selector),
      nowMs: this.#context.clock.now(),
    });
    try {
      await look.run();
    } catch (error) {
      this.#context.logger.debug('autoscaler failed', { key, error });
    }
    await look.postStatus();
    return { requeueAfterMs: SYNC_PERIOD_MS, recurring: true };
  }

  /** The pods of a target, and every autoscaler that selects one of them. */
  #select(key: string, { metadata }: HorizontalPodAutoscaler, selector: LabelSelectorMatcher): Selected {
    this.#selectors.set(key, selector);
    const selected = selectedPods(this.#pods, metadata.namespace!, selector);
    const rivals = this.#autoscalers
      .list(metadata.namespace)
      .filter((other) => {
        const theirs = this.#selectors.get(keyOf(other));
        return theirs !== undefined && selected.some((pod) => theirs.matches(pod.metadata.labels));
      })
      .map((other) => other.metadata.name!)
      .sort();
    return { pods: selected, autoscalers: rivals };
  }
}
