import { formatTime, type Clock } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { pods, type Pod, type PodCondition } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext } from './controller.ts';

/** Why a pod is taken away. `observedGeneration` is the pod's, of those who give one. */
export type Disruption = Pick<PodCondition, 'reason' | 'message' | 'observedGeneration'>;

/**
 * The DisruptionTarget condition of a pod; undefined when it says the same already. Another one that the pod has is
 * replaced, but for its time. Mirrors api/v1/pod UpdatePodCondition.
 */
export function disruptionTarget(
  { status }: Pod,
  { reason, message, observedGeneration }: Disruption,
  clock: Clock,
): PodCondition | undefined {
  const before = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  const isSet = before?.status === 'True';
  if (isSet && before.reason === reason && before.message === message) return undefined;
  const lastTransitionTime = isSet ? before.lastTransitionTime : formatTime(clock.now());
  return {
    type: 'DisruptionTarget',
    observedGeneration,
    status: 'True',
    lastTransitionTime,
    reason,
    message,
  };
}

/**
 * Marks a pod with a DisruptionTarget condition and deletes it. A pod that is gone, or another of its name, is left alone: false.
 */
export async function disruptPod(
  { client, clock }: Pick<ControllerContext, 'client' | 'clock'>,
  pod: Pod,
  disruption: Disruption,
): Promise<boolean> {
  const { namespace, name, uid } = pod.metadata;
  const target = { namespace, name: name! };
  const condition = disruptionTarget(pod, disruption, clock);
  try {
    if (condition !== undefined) {
      const body = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch(pods, target, { type: 'strategic', body }, { subresource: 'status' });
    }
    await client.delete(pods, target, { preconditions: { uid } });
    return true;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
    return false;
  }
}
