/** Which owners are to be looked at when pods come, change and go. */
import type { LabelSelectorMatcher } from '../../api/machinery/labels.ts';
import { isBeingDeleted, keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { adoptersOf, isNewlyFree, resolveController } from './claims.ts';
import type { Informer, InformerHandler, Workqueue } from './controller.ts';
import type { Expectations } from './expectations.ts';

interface OwnedPodsOptions<Owner extends KubeObject> {
  readonly owners: Informer<Owner>;
  readonly kind: string;
  readonly selectorOf: (owner: Owner) => LabelSelectorMatcher;
  /** Gets the keys of owners. */
  readonly queue: Workqueue;
  /** Told of what was expected of an owner and is seen. */
  readonly expectations: Expectations;
}

/** Puts the owner a pod has, the one it had, and those that may adopt it into the queue. */
export function ownedPodsHandler<Owner extends KubeObject>({
  owners,
  kind,
  selectorOf,
  queue,
  expectations,
}: OwnedPodsOptions<Owner>): Required<InformerHandler<Pod>> {
  const changed = (pod: Pod, old?: Pod): void => {
    const owner = resolveController(pod, kind, owners);
    const before = old === undefined ? undefined : resolveController(old, kind, owners);
    if (before !== undefined && before !== owner) queue.add(keyOf(before));
    if (owner === undefined) {
      if (old === undefined || isNewlyFree(pod, old))
        for (const key of adoptersOf(pod, owners, selectorOf)) queue.add(key);
      return;
    }
    const key = keyOf(owner);
    if (old === undefined) expectations.creationObserved(key);
    if (isBeingDeleted(pod)) expectations.deletionObserved(key, pod.metadata.uid!);
    queue.add(key);
  };
  return {
    added: (pod) => changed(pod),
    updated: changed,
    deleted: (pod) => {
      const owner = resolveController(pod, kind, owners);
      if (owner === undefined) return;
      expectations.deletionObserved(keyOf(owner), pod.metadata.uid!);
      queue.add(keyOf(owner));
    },
  };
}
