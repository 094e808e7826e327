/** Metrics of autoscalers. Mirrors validateMetrics of pkg/apis/autoscaling/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkPathSegmentName } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../../openapi/generated/autoscaling-v2.ts';
import { addDNSLabel, addEach, type Findings } from '../common/findings.ts';
import { addContainerResourceName, quantityOf } from '../common/resources.ts';
import { addReference, type ReferenceRules } from './references.ts';

type Source = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';

const SOURCES: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource'];
const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const SOURCE_OF: Readonly<Record<string, Source>> = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};

export function addMetrics(
  errors: Findings,
  at: FieldPath,
  metrics: readonly MetricSpec[],
  rules: ReferenceRules,
): void {
  metrics.forEach((metric, index) => addMetric(errors, at.index(index), metric, rules));
}

function addMetric(errors: Findings, at: FieldPath, metric: MetricSpec, rules: ReferenceRules): void {
  const { type = '' } = metric;
  if (type === '') errors.push(required(at.child('type'), 'must specify a metric source type'));
  if (!TYPES.includes(type)) errors.push(notSupported(at.child('type'), type, TYPES));
  const present = SOURCES.filter((name) => metric[name] !== undefined);
  if (present[0] !== undefined) addSource(errors, at.child(present[0]), metric, present[0], rules);
  const expected = Object.hasOwn(SOURCE_OF, type) ? SOURCE_OF[type] : undefined;
  if (expected === undefined) errors.push(notSupported(at.child('type'), type, TYPES));
  else if (metric[expected] === undefined)
    errors.push(required(at.child(expected), 'must populate information for the given metric source'));
  if (present.length === 1) return;
  for (const name of present)
    if (name !== expected)
      errors.push(forbidden(at.child(name), 'must populate the given metric source only'));
}

function addSource(
  errors: Findings,
  at: FieldPath,
  metric: MetricSpec,
  name: Source,
  rules: ReferenceRules,
): void {
  switch (name) {
    case 'object': {
      const { describedObject, metric: identifier, target } = metric.object!;
      const reference = describedObject ?? ({} as CrossVersionObjectReference);
      addReference(errors, at.child('describedObject'), reference, rules);
      addIdentified(errors, at, identifier, target);
      needValue(errors, at, target, 'must set either a target value or averageValue');
      break;
    }
    case 'external': {
      const { metric: identifier, target } = metric.external!;
      addIdentified(errors, at, identifier, target);
      needValue(errors, at, target, 'must set either a target value for metric or a per-pod target');
      if (target?.value !== undefined && target.averageValue !== undefined)
        errors.push(
          forbidden(
            at.child('target', 'value'),
            'may not set both a target value for metric and a per-pod target',
          ),
        );
      break;
    }
    case 'pods': {
      const { metric: identifier, target } = metric.pods!;
      addIdentified(errors, at, identifier, target);
      if (target?.averageValue === undefined)
        errors.push(
          required(at.child('target', 'averageValue'), 'must specify a positive target averageValue'),
        );
      break;
    }
    case 'resource': {
      const resource = metric.resource!.name ?? '';
      if (resource === '') errors.push(required(at.child('name'), 'must specify a resource name'));
      addUtilization(errors, at, metric.resource!.target);
      break;
    }
    case 'containerResource': {
      const { name: resource = '', container = '', target } = metric.containerResource!;
      if (resource === '') errors.push(required(at.child('name'), 'must specify a resource name'));
      else addContainerResourceName(errors, at.child('name'), resource);
      if (container === '') errors.push(required(at.child('container'), 'must specify a container'));
      else addDNSLabel(errors, at.child('container'), container);
      addUtilization(errors, at, target);
    }
  }
}

function addIdentified(
  errors: Findings,
  at: FieldPath,
  identifier: MetricIdentifier | undefined,
  target: MetricTarget | undefined,
): void {
  const name = identifier?.name ?? '';
  const place = at.child('metric', 'name');
  if (name === '') errors.push(required(place, 'must specify a metric name'));
  else addEach(errors, place, name, checkPathSegmentName(name));
  addTarget(errors, at.child('target'), target);
}

function needValue(errors: Findings, at: FieldPath, target: MetricTarget | undefined, text: string): void {
  if (target?.value === undefined && target?.averageValue === undefined)
    errors.push(required(at.child('target', 'averageValue'), text));
}

function addUtilization(errors: Findings, at: FieldPath, target: MetricTarget | undefined): void {
  const place = at.child('target');
  addTarget(errors, place, target);
  const hasUtilization = target?.averageUtilization !== undefined;
  const hasValue = target?.averageValue !== undefined;
  if (!hasUtilization && !hasValue) {
    const text = 'must set either a target raw value or a target utilization';
    errors.push(required(place.child('averageUtilization'), text));
  }
  if (hasUtilization && hasValue) {
    const text = 'may not set both a target raw value and a target utilization';
    errors.push(forbidden(place.child('averageValue'), text));
  }
}

function addTarget(errors: Findings, at: FieldPath, target: MetricTarget | undefined): void {
  const { type = '', value, averageValue, averageUtilization } = target ?? ({} as Partial<MetricTarget>);
  if (type === '') errors.push(required(at.child('type'), 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type))
    errors.push(invalid(at.child('type'), type, 'must be either Utilization, Value, or AverageValue'));
  for (const [name, amount] of [
    ['value', value],
    ['averageValue', averageValue],
  ] as const)
    if (amount !== undefined && quantityOf(amount).nano <= 0n)
      errors.push(invalid(at.child(name), amount, 'must be positive'));
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(invalid(at.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
}
