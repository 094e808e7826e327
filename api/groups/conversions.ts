/** How kinds that are served in several shapes change from one to another, by `plural.group`. */
import type { ResourceBehaviour } from '../definition.ts';
import { convertAutoscaler } from './autoscaling/conversion.ts';
import { convertEvent } from './events/conversion.ts';

export const conversions: Readonly<Record<string, NonNullable<ResourceBehaviour['convert']>>> = {
  'events.events.k8s.io': convertEvent,
  'horizontalpodautoscalers.autoscaling': convertAutoscaler,
};
