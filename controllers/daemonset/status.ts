/** Counters of a daemon set. Mirrors updateDaemonSetStatus. */
import { nonZero } from '../runtime/counts.ts';
import type { DaemonSet, DaemonSetStatus } from '../../openapi/generated/apps-v1.ts';
import type { Node } from '../../openapi/generated/core-v1.ts';
import { isPodReady } from '../runtime/pods.ts';
import { isAvailable, isUpdated, type View } from './daemon-pods.ts';
import type { Verdict } from './placement.ts';

/** `observes`: whether this look acted on the present generation. */
export function calculateStatus(
  view: View,
  nodes: readonly Node[],
  judge: (node: Node) => Verdict,
  collisionCount: number,
  observes: boolean,
): DaemonSetStatus {
  const { set, byNode } = view;
  const wanted = nodes.filter((node) => judge(node).shouldRun);
  const first = wanted.flatMap(({ metadata }) => byNode.get(metadata.name!)?.[0] ?? []);
  const ready = first.filter(isPodReady);
  const available = ready.filter((pod) => isAvailable(pod, view)).length;
  const placed = nodes.filter(({ metadata }) => byNode.has(metadata.name!)).length;
  return {
    currentNumberScheduled: first.length,
    numberMisscheduled: placed - first.length,
    desiredNumberScheduled: wanted.length,
    numberReady: ready.length,
    observedGeneration: observes ? set.metadata.generation : set.status.observedGeneration,
    updatedNumberScheduled: nonZero(first.filter((pod) => isUpdated(pod, view)).length),
    numberAvailable: nonZero(available),
    numberUnavailable: nonZero(wanted.length - available),
    collisionCount: nonZero(collisionCount),
    conditions: set.status.conditions,
  };
}

/** Whether the set has pods where it should not. */
export function hasMisplaced({ status }: DaemonSet): boolean {
  return status.numberMisscheduled > 0;
}
