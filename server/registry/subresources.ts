/** Subresources that are created: binding and eviction of pods. Others are refused by name. */
import {
  isNotFound,
  newBadRequest,
  newConflict,
  newNotFound,
  newTooManyRequests,
  StatusError,
  type Status,
} from '../../api/machinery/errors.ts';
import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { selectorFromLabelSelector } from '../../api/machinery/labels.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { DefinitionSet } from '../../api/definition-set.ts';
import type { Binding, Pod, PodCondition } from '../../openapi/generated/core-v1.ts';
import type { Eviction, PodDisruptionBudget } from '../../openapi/generated/policy-v1.ts';
import type {
  ObjectTarget,
  RequestContext,
  ResourceRegistry,
  ResourceTarget,
  WriteOptions,
} from './interface.ts';

export interface SubresourceCreators {
  /** POST of `body` to a subresource; answers with what the client gets. */
  create(
    context: RequestContext,
    target: ResourceTarget,
    object: ObjectTarget,
    subresource: string,
    body: UnknownObject,
    options: WriteOptions,
  ): Promise<UnknownObject | Status>;
}

const PODS = { group: '', resource: 'pods' };
const SUCCESS: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

export interface CreatorOptions {
  readonly registry: ResourceRegistry;
  readonly definitions: DefinitionSet;
  readonly clock: Clock;
}

export function createSubresourceCreators(options: CreatorOptions): SubresourceCreators {
  return {
    create: async (context, target, object, subresource, body, writeOptions) => {
      const name = `${target.definition.names.plural}/${subresource}`;
      if (name === 'pods/binding')
        return bind(options, context, target, object, body as unknown as Binding, writeOptions);
      if (name === 'pods/eviction')
        return evict(options, context, target, object, body as unknown as Eviction, writeOptions);
      throw new StatusError('MethodNotAllowed', `${name} is not implemented by kubemu`);
    },
  };
}

/** Sets the node of a pod, once. Mirrors registry/core/pod/storage assignPod. */
async function bind(
  { registry, clock }: CreatorOptions,
  context: RequestContext,
  target: ResourceTarget,
  object: ObjectTarget,
  binding: Binding,
  options: WriteOptions,
): Promise<Status> {
  const node = binding.target?.name ?? '';
  if (node === '') throw newBadRequest('binding.target.name: Required value');
  if (
    (binding.target.kind ?? '') !== '' &&
    binding.target.kind !== 'Node' &&
    binding.target.kind !== 'Minion'
  ) {
    throw newBadRequest(
      `binding.target.kind: Unsupported value: "${binding.target.kind}": supported values: "Node", "<empty>"`,
    );
  }
  const conflict = (why: string): StatusError =>
    newConflict({ group: '', resource: 'pods/binding' }, object.name, why);
  const updater = (current: UnknownObject | undefined): UnknownObject => {
    if (current === undefined) throw newNotFound(PODS, object.name);
    const pod = current as unknown as Pod;
    const { uid } = binding.metadata;
    if ((uid ?? '') !== '' && uid !== pod.metadata.uid) {
      throw conflict(
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
      );
    }
    if (pod.metadata.deletionTimestamp !== undefined)
      throw conflict(`pod ${object.name} is being deleted, cannot be assigned to a host`);
    if ((pod.spec.nodeName ?? '') !== '')
      throw conflict(`pod ${object.name} is already assigned to node "${pod.spec.nodeName}"`);
    if ((pod.spec.schedulingGates ?? []).length > 0)
      throw conflict(`pod ${object.name} has non-empty .spec.schedulingGates`);
    pod.spec.nodeName = node;
    if (binding.metadata.annotations !== undefined)
      pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
    pod.status.conditions = withScheduled(pod, formatTime(clock.now()));
    return current;
  };
  await registry.update(context, target, object, updater, {
    ...options,
    subresource: { name: 'binding', verbs: ['create'] },
  });
  return SUCCESS;
}

function withScheduled(pod: Pod, now: string): PodCondition[] {
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const generation = pod.metadata.generation;
  return [
    ...others,
    {
      type: 'PodScheduled',
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status: 'True',
      lastTransitionTime: now,
    },
  ];
}

/** Deletes a pod unless a disruption budget forbids it. Mirrors registry/core/pod/storage eviction.go. */
async function evict(
  options: CreatorOptions,
  context: RequestContext,
  target: ResourceTarget,
  object: ObjectTarget,
  eviction: Eviction,
  writeOptions: WriteOptions,
): Promise<Status> {
  const { registry } = options;
  if ((eviction.metadata?.name ?? object.name) !== object.name)
    throw newBadRequest('name in URL does not match name in Eviction object');
  const result = await registry.get(context, target, object, {});
  const pod = result.object as unknown as Pod;
  const phase = pod.status.phase;
  const needsBudget = phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
  if (needsBudget) await spendBudget(options, context, pod, writeOptions);
  const { gracePeriodSeconds, preconditions } = eviction.deleteOptions ?? {};
  try {
    await registry.delete(context, target, object, {
      dryRun: writeOptions.dryRun,
      gracePeriodSeconds,
      preconditions,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return SUCCESS;
}

async function spendBudget(
  { registry, definitions }: CreatorOptions,
  context: RequestContext,
  pod: Pod,
  options: WriteOptions,
): Promise<void> {
  const definition = definitions.find('policy', 'v1', 'poddisruptionbudgets');
  if (definition === undefined) return;
  const target = { definition, version: 'v1' };
  const namespace = pod.metadata.namespace!;
  const { items } = await registry.list(context, target, { namespace }, {});
  const budgets = items
    .map(({ object }) => object as unknown as PodDisruptionBudget)
    .filter(
      ({ spec }) =>
        spec.selector !== undefined &&
        selectorFromLabelSelector(spec.selector).matches(pod.metadata.labels ?? {}),
    );
  const budget = budgets[0];
  if (budget === undefined) return;
  if (budgets.length > 1) {
    throw new StatusError(
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const { name, generation } = budget.metadata;
  if ((budget.status.observedGeneration ?? 0) < (generation ?? 0)) {
    throw newTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10, [
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget ${name} is still being processed by the server.`,
      },
    ]);
  }
  if ((budget.status.disruptionsAllowed ?? 0) <= 0) {
    const { desiredHealthy, currentHealthy } = budget.status;
    throw newTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", undefined, [
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
      },
    ]);
  }
  await registry.update(context, target, { namespace, name: name! }, (current) => spent(current!), {
    ...options,
    subresource: definition.subresources.find((subresource) => subresource.name === 'status'),
  });
}

function spent(object: UnknownObject): UnknownObject {
  const budget = object as unknown as PodDisruptionBudget;
  budget.status.disruptionsAllowed = (budget.status.disruptionsAllowed ?? 0) - 1;
  return object;
}
