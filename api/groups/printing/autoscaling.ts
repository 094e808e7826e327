/** Tables of autoscaling. Mirrors pkg/printers/internalversion/printers.go. */
import type {
  HorizontalPodAutoscaler as AutoscalerV1,
  Scale,
} from '../../../openapi/generated/autoscaling-v1.ts';
import type {
  HorizontalPodAutoscaler as AutoscalerV2,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../../openapi/generated/autoscaling-v2.ts';
import { AGE, ageOf, column, defineTable, NAME, nameOf } from './columns.ts';

const METRICS_SHOWN_MAX = 2;

/** Current of a metric that counts a value, of all or by average. */
function valueMetric(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) {
    return `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`;
  }
  return `${current === undefined ? '<unknown>' : (current.value ?? '0')}/${target?.value ?? '0'}`;
}

/** Current of a metric of the use of a resource, absolute or in percent of requests. */
function resourceMetric(
  name: string,
  target: MetricTarget | undefined,
  current: MetricValueStatus | undefined,
): string {
  if (target?.averageValue !== undefined) {
    const value = current === undefined ? '<unknown>' : (current.averageValue ?? '0');
    return `${name}: ${value}/${target.averageValue}`;
  }
  const percent = (value: number | undefined, unset: string): string =>
    value === undefined ? unset : `${value}%`;
  return `${name}: ${percent(current?.averageUtilization, '<unknown>')}/${percent(target?.averageUtilization, '<auto>')}`;
}

function metric(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueMetric(spec.external?.target, status?.external?.current);
    case 'Object':
      return valueMetric(spec.object?.target, status?.object?.current);
    case 'Pods': {
      const current = status?.pods === undefined ? '<unknown>' : (status.pods.current.averageValue ?? '0');
      return `${current}/${spec.pods?.target.averageValue ?? '0'}`;
    }
    case 'Resource':
      return resourceMetric(spec.resource?.name ?? '', spec.resource?.target, status?.resource?.current);
    case 'ContainerResource':
      return resourceMetric(
        spec.containerResource?.name ?? '',
        spec.containerResource?.target,
        status?.containerResource?.current,
      );
    default:
      return '<unknown type>';
  }
}

/** What v1 says as its only metric, and v2 as one of many. */
function metricsV1({ spec, status }: AutoscalerV1): string | undefined {
  if (spec.targetCPUUtilizationPercentage === undefined) return undefined;
  const current = status.currentCPUUtilizationPercentage;
  return `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${spec.targetCPUUtilizationPercentage}%`;
}

function metrics(object: AutoscalerV1 | AutoscalerV2): string {
  const single = metricsV1(object as AutoscalerV1);
  if (single !== undefined) return single;
  const { spec, status } = object as AutoscalerV2;
  const specs = spec.metrics ?? [];
  if (specs.length === 0) return '<none>';
  const texts = specs.map((item, index) => metric(item, status.currentMetrics?.[index]));
  const shown = texts.slice(0, METRICS_SHOWN_MAX).join(', ');
  return texts.length > METRICS_SHOWN_MAX ? `${shown} + ${texts.length - METRICS_SHOWN_MAX} more...` : shown;
}

export const horizontalPodAutoscalerTable = defineTable<AutoscalerV1 | AutoscalerV2>({
  columns: [
    NAME,
    column('Reference', 'What is scaled.'),
    column('Targets', 'Metrics as they are, and as they should be.'),
    column('MinPods', 'Fewest pods.'),
    column('MaxPods', 'Most pods.'),
    column('Replicas', 'Pods that there are.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    `${object.spec.scaleTargetRef.kind}/${object.spec.scaleTargetRef.name}`,
    metrics(object),
    object.spec.minReplicas === undefined ? '<unset>' : String(object.spec.minReplicas),
    object.spec.maxReplicas,
    object.status.currentReplicas ?? 0,
    ageOf(object, context),
  ],
});

/** Table of the scale subresource. */
export const scaleTable = defineTable<Scale>({
  columns: [
    column('Name', NAME.description),
    column('Desired', 'Pods that there should be.', 'integer'),
    column('Available', 'Pods that there are.', 'integer'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.replicas ?? 0,
    object.status.replicas,
    ageOf(object, context),
  ],
});
