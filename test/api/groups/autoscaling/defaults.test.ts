import { describe, expect, it } from 'vitest';
import { autoscalingBehaviours } from '../../../../api/groups/autoscaling/index.ts';
import type { UnknownObject } from '../../../../api/machinery/object-meta.ts';

const behaviour = autoscalingBehaviours['horizontalpodautoscalers']!;
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
describe('defaults', () => {
  it('are one replica and 80 % of the requested CPU', () => {
    const object = { metadata: {}, spec: { scaleTargetRef, maxReplicas: 5 } } as unknown as UnknownObject;
    behaviour.setDefaults!(object);
    expect(object['spec']).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    });
  });

  it('fill in rules that are begun', () => {
    const behavior = { scaleUp: { stabilizationWindowSeconds: 30 } };
    const object = {
      metadata: {},
      spec: { scaleTargetRef, maxReplicas: 5, behavior },
    } as unknown as UnknownObject;
    behaviour.setDefaults!(object);
    expect(object['spec']).toMatchObject({
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 30,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    });
  });
});
