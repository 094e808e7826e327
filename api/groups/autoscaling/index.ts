import type { GroupBehaviours } from '../../definition.ts';
import { horizontalPodAutoscaler } from './autoscaler.ts';

/** Behaviours of the autoscaling group by plural name. */
export const autoscalingBehaviours: GroupBehaviours = {
  horizontalpodautoscalers: horizontalPodAutoscaler,
};
