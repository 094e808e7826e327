/** Metrics of autoscalers as autoscaling/v1 has them in annotations, and as v2 has them. Mirrors pkg/apis/autoscaling/v1. */

/** Any part of a metric: JSON. */
type Part = Readonly<Record<string, unknown>>;
type Convert = (part: Part) => Part;

/** A v2 part made from one of v1, and back. */
interface Pair {
  readonly toV2: Convert;
  readonly toV1: Convert;
}

/** Sources and values of one metric type. */
interface MetricType {
  readonly member: string;
  readonly source: Pair;
  readonly status: Pair;
}

const ZERO = '0';
const part = (value: unknown): Part => (value ?? {}) as Part;
/** Without the members that are not set, as Go leaves them out. */
const only = (members: Record<string, unknown>): Part =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));
const identifier = (name: unknown, selector: unknown): Part => only({ name, selector });
const targetType = (isAverage: boolean, other: string): string => (isAverage ? 'AverageValue' : other);

/** `resource` and `containerResource` differ in the container alone. */
const resourceSource: Pair = {
  toV2: ({ name, container, targetAverageUtilization: utilization, targetAverageValue: value }) =>
    only({
      name,
      container,
      target: only({
        type: targetType(utilization === undefined, 'Utilization'),
        averageValue: value,
        averageUtilization: utilization,
      }),
    }),
  toV1: ({ name, container, target }) => {
    const { averageUtilization, averageValue } = part(target);
    return only({
      name,
      targetAverageUtilization: averageUtilization,
      targetAverageValue: averageValue,
      container,
    });
  },
};
const resourceStatus: Pair = {
  toV2: ({ name, container, currentAverageUtilization: utilization, currentAverageValue: value }) =>
    only({ name, container, current: only({ averageValue: value, averageUtilization: utilization }) }),
  toV1: ({ name, container, current }) => {
    const { averageUtilization, averageValue = ZERO } = part(current);
    return only({
      name,
      currentAverageUtilization: averageUtilization,
      currentAverageValue: averageValue,
      container,
    });
  },
};

const TYPES: Readonly<Record<string, MetricType>> = {
  Resource: { member: 'resource', source: resourceSource, status: resourceStatus },
  ContainerResource: { member: 'containerResource', source: resourceSource, status: resourceStatus },
  Pods: {
    member: 'pods',
    source: {
      toV2: ({ metricName, selector, targetAverageValue: averageValue }) => ({
        metric: identifier(metricName, selector),
        target: only({ type: 'AverageValue', averageValue }),
      }),
      toV1: ({ metric, target }) =>
        only({
          metricName: part(metric)['name'],
          targetAverageValue: part(target)['averageValue'] ?? ZERO,
          selector: part(metric)['selector'],
        }),
    },
    status: {
      toV2: ({ metricName, selector, currentAverageValue: averageValue }) => ({
        metric: identifier(metricName, selector),
        current: only({ averageValue }),
      }),
      toV1: ({ metric, current }) =>
        only({
          metricName: part(metric)['name'],
          currentAverageValue: part(current)['averageValue'] ?? ZERO,
          selector: part(metric)['selector'],
        }),
    },
  },
  Object: {
    member: 'object',
    source: {
      toV2: ({ target, metricName, targetValue, selector, averageValue }) => ({
        describedObject: target,
        target: only({
          type: targetType(averageValue !== undefined, 'Value'),
          value: averageValue !== undefined && targetValue === ZERO ? undefined : targetValue,
          averageValue,
        }),
        metric: identifier(metricName, selector),
      }),
      toV1: ({ describedObject, target, metric }) =>
        only({
          target: describedObject,
          metricName: part(metric)['name'],
          targetValue: part(target)['value'] ?? ZERO,
          selector: part(metric)['selector'],
          averageValue: part(target)['averageValue'],
        }),
    },
    status: {
      toV2: ({ target, metricName, currentValue: value, selector, averageValue }) => ({
        metric: identifier(metricName, selector),
        current: only({ value, averageValue }),
        describedObject: target,
      }),
      toV1: ({ describedObject, current, metric }) =>
        only({
          target: describedObject,
          metricName: part(metric)['name'],
          currentValue: part(current)['value'] ?? ZERO,
          selector: part(metric)['selector'],
          averageValue: part(current)['averageValue'],
        }),
    },
  },
  External: {
    member: 'external',
    source: {
      toV2: ({ metricName, metricSelector, targetValue: value, targetAverageValue: averageValue }) => ({
        metric: identifier(metricName, metricSelector),
        target: only({ type: targetType(value === undefined, 'Value'), value, averageValue }),
      }),
      toV1: ({ metric, target }) =>
        only({
          metricName: part(metric)['name'],
          metricSelector: part(metric)['selector'],
          targetValue: part(target)['value'],
          targetAverageValue: part(target)['averageValue'],
        }),
    },
    status: {
      toV2: ({ metricName, metricSelector, currentValue: value, currentAverageValue: averageValue }) => ({
        metric: identifier(metricName, metricSelector),
        current: only({ value, averageValue }),
      }),
      toV1: ({ metric, current }) =>
        only({
          metricName: part(metric)['name'],
          metricSelector: part(metric)['selector'],
          currentValue: part(current)['value'] ?? ZERO,
          currentAverageValue: part(current)['averageValue'],
        }),
    },
  },
};

/** Converts metrics; one of an unknown type keeps its type and loses the rest. */
export function convertMetrics(
  metrics: readonly Part[],
  what: 'source' | 'status',
  direction: keyof Pair,
): Part[] {
  return metrics.map(({ type, ...members }) => {
    const known = typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (known === undefined) return { type };
    const value = members[known.member];
    return { type, ...(value === undefined ? {} : { [known.member]: known[what][direction](part(value)) }) };
  });
}
