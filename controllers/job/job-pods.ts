/** How the pods of a job are made and told apart. */
import { controllerReference } from '../../api/machinery/object-meta.ts';
import type { Job } from '../../openapi/generated/batch-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { podFromTemplate, type PodDraft } from '../runtime/pods.ts';
import { deletionOrder } from '../replicaset/ranking.ts';
import { FAILURE_COUNT, INDEX_KEY, indexOf, isIndexed } from './indexes.ts';

export const JOB_GVK = { apiVersion: 'batch/v1', kind: 'Job' };
/** Keeps an ended pod until it is counted. */
export const FINALIZER = 'batch.kubernetes.io/job-tracking';

export function hasFinalizer({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

/** A failed pod is replaced only when it has ended, not when its deletion begins. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

/** Counts as failed: ended so, or deleted before its end. */
export function isPodFailed(job: Job, pod: Pod): boolean {
  const { metadata, status } = pod;
  if (status.phase === 'Failed') return true;
  if (metadata.deletionTimestamp === undefined || status.phase === 'Succeeded') return false;
  return !replacesOnlyFailed(job) || isGoneForGood(pod);
}

/** Deleted without a node that could end it, or by force: it will never get to phase Failed. */
function isGoneForGood({ metadata, spec }: Pod): boolean {
  return (spec.nodeName ?? '') === '' || (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** A pod of the job, for the index if it has indexes, after that many failures of the index. */
export function draftPod(job: Job, index: number | undefined, failures: number): PodDraft {
  const { name, namespace } = job.metadata;
  const prefix = index === undefined ? name! : `${name}-${index}`;
  const draft = podFromTemplate(job.spec.template, prefix, namespace!, controllerReference(job, JOB_GVK));
  draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), FINALIZER])];
  if (index !== undefined) markIndex(draft, job, index);
  if (job.spec.backoffLimitPerIndex !== undefined) {
    draft.metadata.annotations = { ...draft.metadata.annotations, [FAILURE_COUNT]: String(failures) };
  }
  return draft;
}

/** Marks a pod with its index by label, annotation, host name and environment. */
function markIndex(draft: PodDraft, job: Job, index: number): void {
  const text = String(index);
  draft.metadata.labels = { ...draft.metadata.labels, [INDEX_KEY]: text };
  draft.metadata.annotations = { ...draft.metadata.annotations, [INDEX_KEY]: text };
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${INDEX_KEY}']` } },
  };
  const withIndex = <T extends { env?: { name: string }[] }>(container: T): T =>
    container.env?.some(({ name }) => name === variable.name) === true
      ? container
      : { ...container, env: [...(container.env ?? []), variable] };
  draft.spec = {
    ...draft.spec,
    hostname: `${job.metadata.name}-${index}`,
    containers: draft.spec.containers.map(withIndex),
    ...(draft.spec.initContainers === undefined
      ? {}
      : { initContainers: draft.spec.initContainers.map(withIndex) }),
  };
}

/** At least `count` pods to stop: first those whose index is not wanted or taken twice, then as a replica set would. */
export function surplusPods(job: Job, active: readonly Pod[], count: number, nowMs: number): Pod[] {
  const surplus: Pod[] = [];
  let rest = deletionOrder(active, [], nowMs);
  if (isIndexed(job)) {
    const seen = new Set<number>();
    const kept: Pod[] = [];
    // The one that would be kept longest holds the index.
    for (const pod of rest.toReversed()) {
      const index = indexOf(pod, job.spec.completions ?? 0);
      if (index === undefined || seen.has(index)) surplus.push(pod);
      else {
        seen.add(index);
        kept.unshift(pod);
      }
    }
    rest = kept;
  }
  return [...surplus, ...rest.slice(0, Math.max(0, count - surplus.length))];
}

/** Failures of pods that restart in place count by restarts. Mirrors pastBackoffLimitOnFailure. */
export function hasRestartedTooOften({ spec }: Job, owned: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const limit = spec.backoffLimit ?? 6;
  const restarts = owned
    .filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
    .flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
