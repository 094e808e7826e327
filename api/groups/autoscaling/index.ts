/** Horizontal pod autoscalers. Mirrors pkg/apis/autoscaling. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../../openapi/generated/autoscaling-v2.ts';

const CPU_UTILIZATION = 80;

const SCALE_UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

/** The window is the controller's unless it is said. */
const SCALE_DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

const horizontalPodAutoscaler = defineBehaviour<HorizontalPodAutoscaler>({
  setDefaults: ({ spec }) => {
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0) {
      const target = { type: 'Utilization', averageUtilization: CPU_UTILIZATION };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
    if (spec.behavior !== undefined) {
      spec.behavior.scaleUp = { ...SCALE_UP, ...spec.behavior.scaleUp };
      spec.behavior.scaleDown = { ...SCALE_DOWN, ...spec.behavior.scaleDown };
    }
  },
});

/** Behaviours of the autoscaling group by plural name. */
export const autoscalingBehaviours: GroupBehaviours = { horizontalpodautoscalers: horizontalPodAutoscaler };
