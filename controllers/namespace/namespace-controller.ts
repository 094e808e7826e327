/** Empties namespaces that are being deleted, pods first, and releases them. Mirrors namespace/deletion. */
import type { ResourceType } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound, isStatusError } from '../../api/machinery/errors.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { namespaces, pods, type Namespace } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { deletionConditions, isPods, isWaitingForPods, type Outcome, type Remaining } from './conditions.ts';

const FINALIZER = 'kubernetes';
/** Those of the garbage collector, which a deletion in the background takes away again. */
const PROPAGATION = ['foregroundDeletion', 'orphan'];
/**
 * Waits before looking again at content that ends by itself (grace periods, finalizers of others). Doubles while nothing
 * changes, up to what upstream waits when finalizers are in the way.
 */
const RETRY_MS = { initial: 50, max: 8000 };
/** So many share what a commit of the store costs; everybody else gets a turn behind them. */
const DELETIONS_AT_A_TIME = 64;

export const namespaceController: ControllerDefinition = {
  name: 'namespace-controller',
  aliases: ['namespace'],
  description: {
    does: 'Empties namespaces that are being deleted, pods first, says in conditions what is left, and finalizes them.',
    watches: ['namespaces'],
    writes: ['*', 'namespaces/finalize', 'namespaces/status'],
    leavesOut: ['the five seconds it waits before it begins, for the sake of other API servers'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('namespace-controller') };
  const informer = context.informer(namespaces);
  const waits = new Map<string, Wait>();
  const reconciler = createReconciler({
    name: 'namespace',
    context,
    workers: 4,
    reconcile: async (name) => {
      const namespace = informer.get(name);
      if (namespace?.metadata.deletionTimestamp === undefined) return;
      const outcome = await empty(context, namespace);
      if (outcome === undefined) return;
      const wait = nextWait(waits.get(name), outcome);
      waits.set(name, wait);
      return { requeueAfterMs: wait.ms };
    },
  });
  const enqueue = ({ metadata }: Namespace): void => {
    if (metadata.deletionTimestamp !== undefined) reconciler.queue.add(metadata.name!);
  };
  const gone = ({ metadata }: Namespace): void => void waits.delete(metadata.name!);
  informer.addHandler({ added: enqueue, updated: enqueue, deleted: gone });
  return reconciler;
}

/** How long the last wait was, and what it was for. */
interface Wait {
  readonly ms: number;
  readonly remaining: string;
}

function nextWait(last: Wait | undefined, { remaining, failures }: Outcome): Wait {
  const counts = remaining.map(({ resource, count }) => `${resource.resource} ${count}`);
  const text = [...counts, ...failures].join();
  const ms = last?.remaining === text ? Math.min(2 * last.ms, RETRY_MS.max) : RETRY_MS.initial;
  return { ms, remaining: text };
}

/** Deletes what is in the namespace and returns what is still there; when nothing is, lets the namespace go. */
async function empty(context: ControllerContext, namespace: Namespace): Promise<Outcome | undefined> {
  if ((namespace.spec.finalizers ?? []).length === 0) return undefined;
  const name = namespace.metadata.name!;
  const outcome = await deleteContent(context, namespace);
  await postConditions(context, name, outcome);
  if (outcome.remaining.length + outcome.failures.length > 0) return outcome;
  await finalize(context, name);
  return undefined;
}

async function finalize(context: ControllerContext, name: string): Promise<void> {
  try {
    const current = await context.client.get(namespaces, { name });
    const finalizers = new Set(current.spec.finalizers);
    finalizers.delete(FINALIZER);
    const spec = { ...current.spec, finalizers: [...finalizers].toSorted() };
    await context.client.update(namespaces, { ...current, spec }, { subresource: 'finalize' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Deletes everything in the namespace and says what is still there. While pods remain, nothing else is touched. */
async function deleteContent(context: ControllerContext, { metadata }: Namespace): Promise<Outcome> {
  const namespace = metadata.name!;
  const outcome = { remaining: [] as Remaining[], failures: [] as string[] };
  const visit = async (resource: ResourceType<KubeObject>, estimateMs = 0): Promise<void> => {
    try {
      const left = await deleteResource(context, resource, namespace);
      if (left === undefined) return;
      outcome.remaining.push(left);
      if (estimateMs === 0 && left.finalizers.length === 0)
        outcome.failures.push(unexpectedText(resource, namespace));
    } catch (error) {
      // Told in a condition; what else there is goes all the same.
      if (!isStatusError(error)) throw error;
      outcome.failures.push(error.message);
    }
  };
  const graceMs = await longestGraceMs(context, namespace);
  const passedMs = context.clock.now() - Date.parse(metadata.deletionTimestamp!);
  await visit(pods, passedMs >= graceMs ? 0 : graceMs);
  if (isWaitingForPods(outcome)) return outcome;
  for (const resource of context.client.resources(['list', 'delete']))
    if (resource.namespaced && !isPods(resource)) await visit(resource);
  return outcome;
}

/** Counted from the deletion of the namespace: how long pods that run may take to end. */
async function longestGraceMs({ client }: ControllerContext, namespace: string): Promise<number> {
  const { items } = await client.list(pods, { namespace });
  const running = items.filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed');
  return 1000 * Math.max(0, ...running.map(({ spec }) => spec.terminationGracePeriodSeconds ?? 0));
}

function unexpectedText({ group, version, resource }: ResourceType<KubeObject>, namespace: string): string {
  return `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${resource}`;
}

async function deleteResource(
  context: ControllerContext,
  resource: ResourceType<KubeObject>,
  namespace: string,
): Promise<Remaining | undefined> {
  const before = await context.client.list(resource, { namespace });
  if (before.items.length === 0) return undefined;
  const waiting = before.items.filter(
    ({ metadata: { deletionTimestamp, finalizers = [] } }) =>
      deletionTimestamp === undefined || finalizers.some((finalizer) => PROPAGATION.includes(finalizer)),
  );
  for (let next = 0; next < waiting.length; next += DELETIONS_AT_A_TIME) {
    const some = waiting.slice(next, next + DELETIONS_AT_A_TIME);
    await Promise.all(some.map((object) => deleteObject(context, resource, object)));
  }
  const { items } = await context.client.list(resource, { namespace });
  if (items.length === 0) return undefined;
  return {
    resource,
    count: items.length,
    finalizers: items.flatMap(({ metadata }) => metadata.finalizers ?? []),
  };
}

async function deleteObject(
  { client }: ControllerContext,
  resource: ResourceType<KubeObject>,
  { metadata: { namespace, name, uid } }: KubeObject,
): Promise<void> {
  try {
    await client.delete(
      resource,
      { namespace, name: name! },
      { propagationPolicy: 'Background', preconditions: { uid } },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function postConditions(
  { client, clock }: ControllerContext,
  name: string,
  outcome: Outcome,
): Promise<void> {
  try {
    const current = await client.get(namespaces, { name });
    const before = current.status.conditions ?? [];
    const conditions = deletionConditions(before, outcome, formatTime(clock.now()));
    if (JSON.stringify(conditions) === JSON.stringify(before)) return;
    await client.update(
      namespaces,
      { ...current, status: { ...current.status, conditions } },
      { subresource: 'status' },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
