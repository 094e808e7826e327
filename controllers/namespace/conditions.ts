/** What the conditions of a namespace say about its deletion. Mirrors namespace/deletion status_condition_utils.go. */
import type { ResourceType } from '../../api/machinery/client.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { NamespaceCondition } from '../../openapi/generated/core-v1.ts';

export interface Remaining {
  readonly resource: ResourceType<KubeObject>;
  readonly count: number;
  readonly finalizers: readonly string[];
}

/** What a round of deleting left: objects, and what went wrong. */
export interface Outcome {
  readonly remaining: readonly Remaining[];
  /** One message for each resource that failed. */
  readonly failures: readonly string[];
}

type Verdict = Pick<NamespaceCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Pods go first, and while some are left upstream tells of no remains. */
export function isWaitingForPods({ remaining }: Outcome): boolean {
  return remaining.some(({ resource }) => isPods(resource));
}

export function isPods({ group, resource }: Pick<ResourceType<KubeObject>, 'group' | 'resource'>): boolean {
  return group === '' && resource === 'pods';
}

/** The five conditions after `outcome`, in place of those of their types among `before`; others stay. `now` is RFC 3339. */
export function deletionConditions(
  before: readonly NamespaceCondition[],
  outcome: Outcome,
  now: string,
): NamespaceCondition[] {
  const conditions = [...before];
  for (const verdict of verdictsOf(outcome)) {
    const index = conditions.findIndex(({ type }) => type === verdict.type);
    const old = conditions[index];
    const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : now;
    conditions.splice(index < 0 ? conditions.length : index, 1, { ...verdict, lastTransitionTime });
  }
  return conditions;
}

function verdictsOf(outcome: Outcome): Verdict[] {
  const { failures } = outcome;
  const remaining = isWaitingForPods(outcome) ? [] : outcome.remaining;
  const finalizers = new Map<string, number>();
  for (const finalizer of remaining.flatMap((left) => left.finalizers))
    finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  return [
    verdict(
      'NamespaceDeletionDiscoveryFailure',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ),
    verdict(
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    verdict(
      'NamespaceDeletionContentFailure',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
      failures.length > 0 && {
        reason: 'ContentDeletionFailed',
        message: `Failed to delete all resource types, ${failures.length} remaining: ${listed(failures)}`,
      },
    ),
    verdict(
      'NamespaceContentRemaining',
      'ContentRemoved',
      'All content successfully removed',
      remaining.length > 0 && {
        reason: 'SomeResourcesRemain',
        message: `Some resources are remaining: ${listed(remaining.map(countText))}`,
      },
    ),
    verdict(
      'NamespaceFinalizersRemaining',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
      finalizers.size > 0 && {
        reason: 'SomeFinalizersRemain',
        message: `Some content in the namespace has finalizers remaining: ${listed(
          [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`),
        )}`,
      },
    ),
  ];
}

function verdict(
  type: string,
  reason: string,
  message: string,
  problem: Pick<Verdict, 'reason' | 'message'> | false = false,
): Verdict {
  return problem === false
    ? { type, status: 'False', reason, message }
    : { type, status: 'True', ...problem };
}

/** The core group has no name, but its dot. */
function countText({ resource, count }: Remaining): string {
  return `${resource.resource}.${resource.group} has ${count} resource instances`;
}

function listed(texts: readonly string[]): string {
  return texts.toSorted().join(', ');
}
