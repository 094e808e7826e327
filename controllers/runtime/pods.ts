/** Questions controllers ask about pods. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { parseTime } from '../../api/machinery/clock.ts';
import type { Pod, PodTemplateSpec } from '../../openapi/generated/core-v1.ts';
import type { OwnerReference } from '../../api/machinery/object-meta.ts';
import type { Informer } from './controller.ts';

/** What owner references to a pod say it is. */
export const POD_GVK = { apiVersion: 'v1', kind: 'Pod' };

/** Neither ended nor on its way out. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted, its containers perhaps still running. */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** When the pod became ready, epoch milliseconds; undefined when it is not. */
export function podReadySince({ status }: Pod): number | undefined {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? parseTime(ready.lastTransitionTime ?? '') : undefined;
}

export function isPodReady(pod: Pod): boolean {
  return pod.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  if (minReadySeconds === 0) return isPodReady(pod);
  const since = podReadySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= nowMs;
}

/** A pod to be created. */
export interface PodDraft {
  metadata: Pod['metadata'];
  spec: Pod['spec'];
}

/** A pod from a template, owned by its controller. */
export function podFromTemplate(
  template: PodTemplateSpec,
  prefix: string,
  namespace: string,
  owner: OwnerReference,
): PodDraft {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${prefix}-`,
      namespace,
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [owner],
    },
    spec: template.spec!,
  };
}

/** Does `work` up to `count` times in batches of 1, 2, 4, ..., stopping at the first batch with a failure. */
export async function slowStart(
  count: number,
  work: () => Promise<void>,
): Promise<{ readonly done: number; readonly error: unknown }> {
  let done = 0;
  for (let size = 1; done < count; size *= 2) {
    const batch = Math.min(size, count - done);
    const outcomes = await Promise.allSettled(Array.from({ length: batch }, work));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    done += outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
    if (failed !== undefined) return { done, error: failed.reason };
  }
  return { done, error: undefined };
}

const NODE_INDEX = 'pods of a node';

/** Lets `podsOnNode` find pods without looking at all. Call before informers start; more than once is fine. */
export function indexByNode(informer: Informer<Pod>): void {
  informer.addIndex(NODE_INDEX, ({ spec }) => ((spec.nodeName ?? '') === '' ? [] : [spec.nodeName!]));
}

export function podsOnNode(informer: Informer<Pod>, node: string): readonly Pod[] {
  return informer.byIndex(NODE_INDEX, node);
}
