/** Deletes a pod unless a disruption budget forbids it. Mirrors registry/core/pod/storage eviction.go. */
import { isPodTerminal } from '../../../api/groups/core/pod-phase.ts';
import {
  isConflict,
  newBadRequest,
  newInvalid,
  StatusError,
  type Status,
} from '../../../api/machinery/errors.ts';
import { formatTime } from '../../../api/machinery/clock.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { invalid } from '../../../api/machinery/field-errors.ts';
import type { Pod, PodCondition } from '../../../openapi/generated/core-v1.ts';
import type { Eviction } from '../../../openapi/generated/policy-v1.ts';
import { checkDeletePreconditions } from '../before-delete.ts';
import type { DeleteOptions } from '../interface.ts';
import { findBudgets, newBudgetBusy, spendBudget } from './disruption-budgets.ts';
import { SUCCESS, type Creation, type Creator } from './creator.ts';

const CONFLICT_TRIES = 20;
/** Upstream answers so with 201. */
const TOO_MANY_BUDGETS: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  code: 500,
};

export const evict: Creator = async (creation) => {
  const { object } = creation;
  const eviction = creation.body as unknown as Eviction;
  if ((eviction.metadata?.name ?? '') !== object.name)
    throw newBadRequest('name in URL does not match name in Eviction object');
  const asked = deleteOptionsOf(creation, eviction);
  const pod = await evictUnguarded(creation, asked);
  if (pod === undefined) return SUCCESS;
  const budgets = await findBudgets(creation, pod);
  if (budgets.length > 1) return TOO_MANY_BUDGETS;
  const budget = budgets[0];
  if (budget === undefined || isReady(pod)) {
    if (budget !== undefined) await spendBudget(creation, pod, budget, asked.dryRun);
    await removePod(creation, asked);
    return SUCCESS;
  }
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status;
  const isFree =
    budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' ||
    (currentHealthy >= desiredHealthy && desiredHealthy > 0);
  if (!isFree) {
    await spendBudget(creation, pod, budget, asked.dryRun);
    await removePod(creation, asked);
    return SUCCESS;
  }
  try {
    await removePod(creation, atVersionOf(pod, asked));
  } catch (error) {
    // It may have become ready meanwhile: the client is to ask again.
    if (isConflict(error) && asked.preconditions?.resourceVersion === undefined)
      throw newBudgetBusy(budget.metadata.name!);
    throw error;
  }
  return SUCCESS;
};

function deleteOptionsOf(
  { object, writeOptions }: Creation,
  { deleteOptions = {} }: Eviction,
): DeleteOptions {
  if (deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential === true) {
    throw newInvalid('policy', 'Eviction', object.name, [
      invalid(
        'deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential',
        true,
        'can not be set for pod eviction, try after removing the option',
      ),
    ]);
  }
  const {
    gracePeriodSeconds,
    preconditions,
    propagationPolicy,
    orphanDependents,
    dryRun = [],
  } = deleteOptions;
  checkDryRun(writeOptions.dryRun, dryRun);
  const legacy = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  const policy = (propagationPolicy as DeleteOptions['propagationPolicy']) ?? legacy;
  return {
    dryRun: dryRun.length > 0 || writeOptions.dryRun,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
  };
}

/** Both the request and its body may ask for a dry run, but not for different ones. */
function checkDryRun(isAsked: boolean, inBody: readonly string[]): void {
  if (!isAsked || inBody.length === 0 || inBody.join(' ') === 'All') return;
  const texts = `[All] and [${inBody.join(' ')}]`;
  throw new StatusError('', `Non-matching dry-run options in request and content: ${texts}`);
}

/** Removes a pod whose disruption no budget counts; answers with the pod when budgets have a say. */
async function evictUnguarded(creation: Creation, asked: DeleteOptions): Promise<Pod | undefined> {
  const { options, context, target, object } = creation;
  for (let tries = 1; ; tries++) {
    const { object: found } = await options.registry.get(context, target, object, {});
    const pod = found as unknown as Pod;
    const { phase } = pod.status;
    const isOver = isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined;
    if (!isOver && phase !== 'Pending') return pod;
    try {
      await removePod(creation, isOver ? asked : atVersionOf(pod, asked));
      return undefined;
    } catch (error) {
      const mayRetry = isConflict(error) && asked.preconditions?.resourceVersion === undefined;
      if (!mayRetry || tries >= CONFLICT_TRIES) throw error;
    }
  }
}

function atVersionOf({ metadata }: Pod, options: DeleteOptions): DeleteOptions {
  if (options.preconditions?.resourceVersion !== undefined) return options;
  return {
    ...options,
    preconditions: { ...options.preconditions, resourceVersion: metadata.resourceVersion },
  };
}

/** Says in the pod's status why it goes, then deletes it. */
async function removePod({ options, context, target, object, writeOptions }: Creation, asked: DeleteOptions) {
  const { registry, clock } = options;
  let { preconditions } = asked;
  if (!asked.dryRun) {
    const updater = (current: UnknownObject | undefined): UnknownObject => {
      checkDeletePreconditions(target.definition, current!, asked);
      const pod = current as unknown as Pod;
      const conditions = withDisruption(pod, formatTime(clock.now()));
      return { ...current!, status: { ...pod.status, conditions } };
    };
    const status = target.definition.subresources.find(({ name }) => name === 'status')!;
    const { result } = await registry.update(context, target, object, updater, {
      ...writeOptions,
      tracked: false,
      subresource: status,
    });
    if (preconditions?.resourceVersion !== undefined)
      preconditions = { ...preconditions, resourceVersion: result.object.metadata.resourceVersion };
  }
  await registry.delete(context, target, object, {
    ...asked,
    ...(preconditions === undefined ? {} : { preconditions }),
  });
}

function withDisruption({ status }: Pod, now: string): PodCondition[] {
  const conditions = status.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'DisruptionTarget');
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  if (before === undefined) return [...conditions, condition];
  return conditions.map((other) => (other === before ? condition : other));
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}
