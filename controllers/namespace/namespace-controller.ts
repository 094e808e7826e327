/** Empties namespaces that are being deleted, pods first, and releases them. Mirrors namespace/deletion. */
import type { ResourceType } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import {
  namespaces,
  pods,
  type Namespace,
  type NamespaceCondition,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const FINALIZER = 'kubernetes';
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
      const remaining = await empty(context, namespace);
      if (remaining.length === 0) return;
      const wait = nextWait(waits.get(name), remaining);
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

interface Remaining {
  readonly resource: ResourceType<KubeObject>;
  readonly count: number;
  readonly finalizers: readonly string[];
}

/** How long the last wait was, and what it was for. */
interface Wait {
  readonly ms: number;
  readonly remaining: string;
}

function nextWait(last: Wait | undefined, remaining: readonly Remaining[]): Wait {
  const text = remaining.map(({ resource, count }) => `${resource.resource} ${count}`).join();
  const ms = last?.remaining === text ? Math.min(2 * last.ms, RETRY_MS.max) : RETRY_MS.initial;
  return { ms, remaining: text };
}

/** Deletes what is in the namespace and returns what is still there; when nothing is, lets the namespace go. */
async function empty(context: ControllerContext, namespace: Namespace): Promise<readonly Remaining[]> {
  const finalizers = namespace.spec.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return [];
  const name = namespace.metadata.name!;
  const remaining = await deleteContent(context, name);
  await postConditions(context, namespace, remaining);
  if (remaining.length > 0) return remaining;
  try {
    const current = await context.client.get(namespaces, { name });
    const spec = {
      ...current.spec,
      finalizers: (current.spec.finalizers ?? []).filter((other) => other !== FINALIZER),
    };
    await context.client.update(namespaces, { ...current, spec }, { subresource: 'finalize' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return [];
}

/** Deletes everything in the namespace and says what is still there. While pods remain, nothing else is touched. */
async function deleteContent(context: ControllerContext, namespace: string): Promise<Remaining[]> {
  const podsLeft = await deleteResource(context, pods, namespace);
  if (podsLeft !== undefined) return [podsLeft];
  const remaining: Remaining[] = [];
  for (const resource of context.client.resources(['list', 'delete'])) {
    if (!resource.namespaced) continue;
    const left = await deleteResource(context, resource, namespace);
    if (left !== undefined) remaining.push(left);
  }
  return remaining;
}

async function deleteResource(
  context: ControllerContext,
  resource: ResourceType<KubeObject>,
  namespace: string,
): Promise<Remaining | undefined> {
  const before = await context.client.list(resource, { namespace });
  if (before.items.length === 0) return undefined;
  const waiting = before.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
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
  context: ControllerContext,
  namespace: Namespace,
  remaining: readonly Remaining[],
): Promise<void> {
  const now = formatTime(context.clock.now());
  const contents = remaining.map(({ resource, count }) => {
    // The core group has no name, but its dot.
    const name = `${resource.resource}.${resource.group}`;
    return `${name} has ${count} resource instances`;
  });
  const finalizerCounts = new Map<string, number>();
  for (const { finalizers } of remaining) {
    for (const finalizer of finalizers)
      finalizerCounts.set(finalizer, (finalizerCounts.get(finalizer) ?? 0) + 1);
  }
  const finalizerTexts = [...finalizerCounts]
    .map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
    .toSorted();
  const condition = (type: string, problem: boolean, reason: string, message: string): NamespaceCondition => {
    const status = problem ? 'True' : 'False';
    const before = namespace.status.conditions?.find((other) => other.type === type);
    return {
      type,
      status,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      reason,
      message,
    };
  };
  const conditions = [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      false,
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    condition(
      'NamespaceDeletionContentFailure',
      false,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ),
    contents.length > 0
      ? condition(
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${contents.toSorted().join(', ')}`,
        )
      : condition('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
    finalizerTexts.length > 0
      ? condition(
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${finalizerTexts.join(', ')}`,
        )
      : condition(
          'NamespaceFinalizersRemaining',
          false,
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        ),
  ];
  try {
    const current = await context.client.get(namespaces, { name: namespace.metadata.name! });
    await context.client.update(
      namespaces,
      { ...current, status: { ...current.status, conditions } },
      { subresource: 'status' },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
