import { formatTime } from '../../api/machinery/clock.ts';
import { isConflict, isNotFound } from '../../api/machinery/errors.ts';
import { pods, type Pod } from '../../openapi/generated/core-v1.ts';
import type { ControllerContext } from './controller.ts';

/**
 * Marks a pod with a DisruptionTarget condition and deletes it. A pod that is gone, or another of its name, is left alone: false.
 * `observedGeneration` is the condition's, of those who give one.
 */
export async function disruptPod(
  { client, clock }: Pick<ControllerContext, 'client' | 'clock'>,
  { metadata: { namespace, name, uid } }: Pod,
  reason: string,
  message: string,
  observedGeneration?: number,
): Promise<boolean> {
  const target = { namespace, name: name! };
  const lastTransitionTime = formatTime(clock.now());
  const condition = {
    type: 'DisruptionTarget',
    observedGeneration,
    status: 'True',
    lastTransitionTime,
    reason,
    message,
  };
  const body = { metadata: { uid }, status: { conditions: [condition] } };
  try {
    await client.patch(pods, target, { type: 'strategic', body }, { subresource: 'status' });
    await client.delete(pods, target, { preconditions: { uid } });
    return true;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
    return false;
  }
}
