/** Works out how many pods may be evicted. Mirrors pkg/controller/disruption. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { formatTime, parseTime } from '../../api/machinery/clock.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import { isBeingDeleted, keyOf } from '../../api/machinery/object-meta.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import {
  podDisruptionBudgets,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
} from '../../openapi/generated/policy-v1.ts';
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
import { formatSelectorObject } from '../runtime/selector-text.ts';
import { failedStatus, needOf, needsScale, newStatus, sortDisrupted } from './budget.ts';
import { ExpectedPods, type Expected } from './expected-pods.ts';

/** How long a pod may be said to be disrupted without going. */
const STALE_DISRUPTION_MS = 120_000;
/** Keys of pods; those of budgets have no colon. */
const POD_PREFIX = 'pod:';

/** Keeps the status of disruption budgets, by which evictions are allowed. */
export const disruptionController: ControllerDefinition = {
  name: 'disruption-controller',
  aliases: ['disruption'],
  description: {
    does:
      'Counts the healthy pods of disruption budgets against what their controllers ask for, notes evictions under way for ' +
      'two minutes, and takes back a DisruptionTarget condition whose pod did not go. The API server decides about evictions.',
    watches: [
      'deployments',
      'poddisruptionbudgets',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'statefulsets',
    ],
    writes: ['poddisruptionbudgets/status', 'pods/status'],
    events: [
      'CalculateExpectedPodCountFailed',
      'MultiplePodDisruptionBudgets',
      'NoPods',
      'NotDeleted',
      'UnmanagedPods',
    ],
  },
  setup: (context) => new DisruptionController(context).reconciler,
};

class DisruptionController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #expected: ExpectedPods;

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('disruption-controller') };
    this.#context = context;
    this.#recorder = context.recorder('controllermanager');
    this.#budgets = context.informer(podDisruptionBudgets);
    this.#pods = context.informer(pods);
    this.#expected = new ExpectedPods(context);
    indexByLabel(this.#pods);
    this.reconciler = createReconciler({
      name: 'disruption',
      context,
      workers: 1,
      reconcile: (key) =>
        key.startsWith(POD_PREFIX) ? this.#clearStale(key.slice(POD_PREFIX.length)) : this.#reconcile(key),
    });
    const enqueue = (budget: PodDisruptionBudget): void => this.reconciler.queue.add(keyOf(budget));
    this.#budgets.addHandler({ added: enqueue, updated: enqueue });
    this.#pods.addHandler({
      added: (pod) => this.#podChanged(pod, undefined),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#enqueueBudgets(pod),
    });
  }

  #podChanged(pod: Pod, old: Pod | undefined): void {
    if (old !== undefined && !equalJSON(old.metadata.labels, pod.metadata.labels)) this.#enqueueBudgets(old);
    this.#enqueueBudgets(pod);
    const wait = staleAfter(pod, this.#context.clock.now());
    if (wait !== undefined) this.reconciler.queue.addAfter(POD_PREFIX + keyOf(pod), wait);
  }

  #enqueueBudgets(pod: Pod): void {
    const { namespace, name, labels } = pod.metadata;
    const matching = this.#budgets
      .list(namespace)
      .filter(({ spec }) => selectorFromLabelSelector(spec.selector).matches(labels));
    if (matching.length > 1) {
      const first = JSON.stringify(matching[0]!.metadata.name);
      const message = `Pod ${JSON.stringify(namespace)}/${JSON.stringify(name)} matches multiple PodDisruptionBudgets.  Chose ${first} arbitrarily.`;
      this.#recorder.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', message);
    }
    for (const budget of matching) this.reconciler.queue.add(keyOf(budget));
  }

  async #reconcile(key: string): Promise<Result | void> {
    const budget = this.#budgets.get(key);
    if (budget === undefined) return;
    try {
      return await this.#sync(budget);
    } catch (error) {
      if (isConflict(error)) throw error;
      await this.#postStatus(budget, failedStatus(budget, error as Error, this.#context.clock.now()));
    }
  }

  async #sync(budget: PodDisruptionBudget): Promise<Result | void> {
    const { metadata, spec } = budget;
    const selected = selectedPods(this.#pods, metadata.namespace!, selectorFromLabelSelector(spec.selector));
    if (selected.length === 0) this.#recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const { count, unmanaged } = await this.#expectedOf(budget, selected);
    if (unmanaged.length > 0) this.#warnOfUnmanaged(budget);
    const nowMs = this.#context.clock.now();
    const { disrupted, late, recheckAfterMs } = sortDisrupted(budget, selected, nowMs);
    for (const pod of late) {
      const message = `Pod was expected by PDB ${metadata.namespace}/${metadata.namespace} to be deleted but it wasn't`;
      this.#recorder.event(pod, 'Warning', 'NotDeleted', message);
    }
    const need = needOf(spec, count, selected.length);
    await this.#postStatus(budget, newStatus(budget, selected, need, disrupted, nowMs));
    return recheckAfterMs === undefined ? undefined : { requeueAfterMs: recheckAfterMs };
  }

  async #expectedOf(budget: PodDisruptionBudget, selected: readonly Pod[]): Promise<Expected> {
    if (!needsScale(budget.spec)) return { count: 0, unmanaged: [] };
    try {
      return await this.#expected.of(selected);
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${(error as Error).message}`;
      this.#recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
      throw error;
    }
  }

  #warnOfUnmanaged(budget: PodDisruptionBudget): void {
    const message =
      `Pods selected by this PodDisruptionBudget (selector: ${formatSelectorObject(budget.spec.selector)}) were found ` +
      'to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
      'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';
    this.#recorder.event(budget, 'Warning', 'UnmanagedPods', message);
  }

  async #postStatus(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
    if (equalJSON(budget.status, status)) return;
    try {
      await this.#context.client.update(
        podDisruptionBudgets,
        { ...budget, status },
        { subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** A pod said to be disrupted that stays is no longer. */
  async #clearStale(key: string): Promise<Result | void> {
    const pod = this.#pods.get(key);
    const { client, clock } = this.#context;
    const wait = pod === undefined ? undefined : staleAfter(pod, clock.now());
    if (wait === undefined) return;
    if (wait > 0) return { requeueAfterMs: wait };
    const conditions = pod!.status.conditions!.map((condition) =>
      condition.type === 'DisruptionTarget'
        ? {
            type: condition.type,
            status: 'False',
            observedGeneration: pod!.metadata.generation,
            lastTransitionTime: formatTime(clock.now()),
          }
        : condition,
    );
    try {
      const changed = { ...pod!, status: { ...pod!.status, conditions } };
      await client.update(pods, changed, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Milliseconds until a DisruptionTarget condition is stale; undefined when it cannot become so. */
function staleAfter(pod: Pod, nowMs: number): number | undefined {
  if (isBeingDeleted(pod) || isPodTerminal(pod)) return undefined;
  const condition = pod.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, parseTime(condition.lastTransitionTime ?? '') + STALE_DISRUPTION_MS - nowMs);
}
