/** What disruption budgets say about evicting a pod. Mirrors eviction.go checkAndDecrement. */
import {
  isConflict,
  newForbidden,
  newTimeout,
  newTooManyRequests,
  type StatusError,
} from '../../../api/machinery/errors.ts';
import { formatTime } from '../../../api/machinery/clock.ts';
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../openapi/generated/policy-v1.ts';
import type { ResourceTarget } from '../interface.ts';
import type { Creation } from './creator.ts';

const MESSAGE = "Cannot evict pod as it would violate the pod's disruption budget.";
/** Evictions that the controller has not confirmed; more are not taken on. */
const DISRUPTED_PODS_MAX = 2000;
const CONFLICT_RETRY_SECONDS = 10;

function budgetTarget({ options }: Creation): ResourceTarget {
  return { definition: options.definitions.find('policy', 'v1', 'poddisruptionbudgets')!, version: 'v1' };
}

/** The budgets that select the pod. */
export async function findBudgets(creation: Creation, pod: Pod): Promise<PodDisruptionBudget[]> {
  const namespace = pod.metadata.namespace!;
  const { items } = await creation.options.registry.list(
    creation.context,
    budgetTarget(creation),
    { namespace },
    {},
  );
  return items
    .map(({ object }) => object as unknown as PodDisruptionBudget)
    .filter(({ spec }) => selects(spec.selector, pod.metadata.labels ?? {}));
}

function selects(
  selector: PodDisruptionBudget['spec']['selector'],
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return false;
  try {
    return selectorFromLabelSelector(selector).matches(labels);
  } catch {
    // A selector that cannot be read selects nothing.
    return false;
  }
}

/** Takes one disruption out of the budget. Throws 429 when there is none left. */
export async function spendBudget(
  creation: Creation,
  pod: Pod,
  budget: PodDisruptionBudget,
  dryRun: boolean,
): Promise<void> {
  if (dryRun) {
    spend(budget, pod, '');
    return;
  }
  const { options, context, writeOptions } = creation;
  const target = budgetTarget(creation);
  const { namespace, name } = budget.metadata;
  const now = formatTime(options.clock.now());
  const updater = (current: UnknownObject | undefined): UnknownObject =>
    spend(current as unknown as PodDisruptionBudget, pod, now) as unknown as UnknownObject;
  const subresource = target.definition.subresources.find((candidate) => candidate.name === 'status');
  try {
    await options.registry.update(context, target, { namespace: namespace!, name: name! }, updater, {
      ...writeOptions,
      fieldManager: 'kube-apiserver',
      dryRun: false,
      subresource,
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const why = `couldn't update PodDisruptionBudget ${JSON.stringify(name)} due to conflicts`;
    throw newTimeout(why, CONFLICT_RETRY_SECONDS);
  }
}

/** The budget with one disruption less; the pod stands in it until the controller has seen it go. */
function spend(budget: PodDisruptionBudget, pod: Pod, now: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  const name = metadata.name!;
  const { disruptionsAllowed = 0, disruptedPods = {} } = status;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw newBudgetBusy(name);
  const refuse = (why: string): StatusError =>
    newForbidden({ group: 'policy', resource: 'poddisruptionbudget' }, name, why);
  if (disruptionsAllowed < 0) throw refuse('pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX)
    throw refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed === 0) throw newBudgetSpent(budget);
  const left = disruptionsAllowed - 1;
  const conditions = left > 0 ? status.conditions : withoutDisruptions(budget, now);
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: left,
      disruptedPods: { ...disruptedPods, [pod.metadata.name!]: now },
      ...(conditions === undefined ? {} : { conditions }),
    },
  };
}

/** Mirrors pdbhelper UpdateDisruptionAllowedCondition for a budget that allows nothing more. */
function withoutDisruptions({ metadata, status }: PodDisruptionBudget, now: string) {
  const type = 'DisruptionAllowed';
  const before = status.conditions?.find((condition) => condition.type === type);
  const condition = {
    type,
    status: 'False',
    observedGeneration: status.observedGeneration ?? metadata.generation ?? 0,
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : now,
    reason: 'InsufficientPods',
    message: '',
  };
  const others = status.conditions ?? [];
  return before === undefined
    ? [...others, condition]
    : others.map((other) => (other === before ? condition : other));
}

/** The controller has not looked at the budget yet. */
export function newBudgetBusy(name: string): StatusError {
  const message = `The disruption budget ${name} is still being processed by the server.`;
  return newTooManyRequests(MESSAGE, CONFLICT_RETRY_SECONDS, [{ reason: 'DisruptionBudget', message }]);
}

function newBudgetSpent({ metadata, status }: PodDisruptionBudget): StatusError {
  const { currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status;
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const why = condition?.status === 'False' && condition.message !== '' ? condition : undefined;
  const budget = `The disruption budget ${metadata.name}`;
  const denies = `${budget} does not allow evicting pods currently`;
  let message = denies;
  if (why?.reason === 'SyncFailed') message = `${denies} because it failed sync: ${why.message}`;
  else if (currentHealthy <= desiredHealthy)
    message = `${budget} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  else if (why !== undefined) message = `${denies} (${why.reason}): ${why.message}`;
  return newTooManyRequests(MESSAGE, undefined, [{ reason: 'DisruptionBudget', message }]);
}
