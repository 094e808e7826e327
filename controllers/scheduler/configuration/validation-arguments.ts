/** Rules of the arguments of plugins, in upstream's words. Mirrors apis/config/validation/validation_pluginargs.go. */
import { parseDurationMs } from '../../../api/machinery/duration.ts';
import type { FieldError } from '../../../api/machinery/errors.ts';
import type { FieldPath } from '../../../api/machinery/field-path.ts';
import { checkRequirement, type LabelOperator } from '../../../api/machinery/label-requirement.ts';
import { checkQualifiedName } from '../../../api/machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
} from '../../../api/machinery/field-errors.ts';
import type { NodeSelectorTerm, TopologySpreadConstraint } from '../../../openapi/generated/core-v1.ts';
import type { PluginArguments, ShapePoint } from './types.ts';

type Rules<Name extends keyof PluginArguments> = (
  args: PluginArguments[Name],
  at: FieldPath,
) => readonly FieldError[];

const RULES: { readonly [Name in keyof PluginArguments]?: Rules<Name> } = {
  DefaultPreemption: validatePreemption,
  DynamicResources: validateDynamicResources,
  InterPodAffinity: ({ hardPodAffinityWeight: weight }, at) =>
    weight >= 0 && weight <= 100
      ? []
      : [invalid(at.child('hardPodAffinityWeight'), weight, 'not in valid range [0, 100]')],
  NodeAffinity: validateAddedAffinity,
  NodeResourcesBalancedAllocation: validateBalancedResources,
  PodTopologySpread: validateSpread,
  VolumeBinding: validateVolumeBinding,
};

/** Those of NodeResourcesFit are checked by the plugin itself, as it is made: upstream looks for them under another name. */
export function validateArguments(name: string, args: object, at: FieldPath): readonly FieldError[] {
  const rules = RULES as Readonly<
    Record<string, ((args: object, at: FieldPath) => readonly FieldError[]) | undefined>
  >;
  return rules[name]?.(args, at) ?? [];
}

function validatePreemption(
  {
    minCandidateNodesPercentage: share,
    minCandidateNodesAbsolute: number,
  }: PluginArguments['DefaultPreemption'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const shareAt = at.child('minCandidateNodesPercentage');
  const numberAt = at.child('minCandidateNodesAbsolute');
  if (share < 0 || share > 100) errors.push(invalid(shareAt, share, 'not in valid range [0, 100]'));
  if (number < 0) errors.push(invalid(numberAt, number, 'not in valid range [0, inf)'));
  if (share === 0 && number === 0) {
    errors.push(
      invalid(shareAt, share, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
      invalid(numberAt, number, 'cannot be zero at the same time as minCandidateNodesPercentage'),
    );
  }
  return errors;
}

function validateDynamicResources(
  { filterTimeout, bindingTimeout }: PluginArguments['DynamicResources'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (parseDurationMs(filterTimeout)! < 0)
    errors.push(invalid(at.child('filterTimeout'), filterTimeout, 'must be zero or positive'));
  if (parseDurationMs(bindingTimeout)! < 1000)
    errors.push(invalid(at.child('bindingTimeout'), bindingTimeout, 'must be at least 1 second'));
  return errors;
}

const OPERATORS: Readonly<Record<string, LabelOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

function validateAddedAffinity(
  { addedAffinity }: PluginArguments['NodeAffinity'],
  at: FieldPath,
): FieldError[] {
  const place = at.child('addedAffinity');
  const requiredAt = place.child('requiredDuringSchedulingIgnoredDuringExecution');
  const preferredAt = place.child('preferredDuringSchedulingIgnoredDuringExecution');
  const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...required.flatMap((term, i) => validateTerm(term, requiredAt.child('nodeSelectorTerms').index(i))),
    ...preferred.flatMap(({ weight, preference }, i) =>
      weight === 0 ? [] : validateTerm(preference, preferredAt.index(i)),
    ),
  ];
}

/** Mirrors component-helpers nodeaffinity newNodeSelectorTerm. */
function validateTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { key, operator, values }] of matchExpressions.entries()) {
    const place = at.child('matchExpressions').index(i);
    const known = OPERATORS[operator];
    if (known === undefined)
      errors.push(notSupported(place.child('operator'), operator, Object.keys(OPERATORS)));
    else errors.push(...checkRequirement(place, key, known, values));
  }
  for (const [i, { operator, values }] of matchFields.entries()) {
    const place = at.child('matchFields').index(i);
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(notSupported(place.child('operator'), operator, ['In', 'NotIn']));
    else if (values?.length !== 1)
      errors.push(invalid(place.child('values'), values, 'must have one element'));
  }
  return errors;
}

function validateBalancedResources(
  { resources }: PluginArguments['NodeResourcesBalancedAllocation'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { name, weight }] of resources.entries()) {
    const place = at.child('resources').index(i);
    if (seen.has(name)) errors.push(duplicate(place.child('name'), name));
    seen.add(name);
    if (weight !== 1) errors.push(invalid(place.child('weight'), weight, 'must be 1'));
  }
  return errors;
}

function validateSpread(
  { defaultingType, defaultConstraints = [] }: PluginArguments['PodTopologySpread'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const typeAt = at.child('defaultingType');
  if (defaultingType !== 'System' && defaultingType !== 'List')
    errors.push(notSupported(typeAt, defaultingType, ['System', 'List']));
  else if (defaultingType === 'System' && defaultConstraints.length > 0)
    errors.push(invalid(typeAt, defaultingType, 'when .defaultConstraints are not empty'));
  for (const [i, constraint] of defaultConstraints.entries()) {
    const place = at.child('defaultConstraints').index(i);
    errors.push(...validateConstraint(constraint, place));
    const { topologyKey, whenUnsatisfiable } = constraint;
    const isRepeated = defaultConstraints
      .slice(0, i)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (isRepeated) errors.push(duplicate(place, `{${topologyKey}, ${whenUnsatisfiable}}`));
  }
  return errors;
}

function validateConstraint(
  { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector }: Partial<TopologySpreadConstraint>,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const actionAt = at.child('whenUnsatisfiable');
  if (maxSkew <= 0) errors.push(invalid(at.child('maxSkew'), maxSkew, 'not in valid range (0, inf)'));
  if (topologyKey === '') errors.push(required(at.child('topologyKey'), 'can not be empty'));
  else errors.push(...invalidEach(at.child('topologyKey'), topologyKey, checkQualifiedName(topologyKey)));
  if (whenUnsatisfiable === '') errors.push(required(actionAt, 'can not be empty'));
  else if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway')
    errors.push(notSupported(actionAt, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
  if (labelSelector !== undefined) {
    const detail = 'constraint must not define a selector, as they deduced for each pod';
    errors.push(forbidden(at.child('labelSelector'), detail));
  }
  return errors;
}

/** Scoring by capacity is alpha, and off. */
function validateVolumeBinding(
  { bindTimeoutSeconds, shape }: PluginArguments['VolumeBinding'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (bindTimeoutSeconds < 0) {
    const detail = 'invalid BindTimeoutSeconds, should not be a negative value';
    errors.push(invalid(at.child('bindTimeoutSeconds'), bindTimeoutSeconds, detail));
  }
  if (shape !== undefined) {
    const shown = shape.map(({ utilization = 0, score = 0 }) => ({ Utilization: utilization, Score: score }));
    const detail = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
    errors.push(invalid(at.child('shape'), shown, detail));
  }
  return errors;
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

export function validateFit(
  { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }: PluginArguments['NodeResourcesFit'],
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, name] of ignoredResources.entries())
    errors.push(...invalidEach(at.child('ignoredResources').index(i), name, checkQualifiedName(name)));
  for (const [i, group] of ignoredResourceGroups.entries()) {
    const place = at.child('ignoredResourceGroups').index(i);
    if (group.includes('/')) errors.push(invalid(place, group, "resource group name can't contain '/'"));
    errors.push(...invalidEach(place, group, checkQualifiedName(group)));
  }
  const place = at.child('scoringStrategy');
  const { type = '', resources, requestedToCapacityRatio: ratio } = scoringStrategy;
  if (!STRATEGIES.includes(type)) errors.push(notSupported(place.child('type'), type, STRATEGIES));
  for (const [i, { name, weight }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue;
    const detail = `resource weight of ${name} not in valid range (0, 100]`;
    errors.push(invalid(place.child('resources').index(i).child('weight'), weight, detail));
  }
  const ratioAt = place.child('requestedToCapacityRatio');
  if (type === 'RequestedToCapacityRatio') {
    if (ratio === undefined)
      errors.push(required(ratioAt, 'must be specified when type is RequestedToCapacityRatio'));
    else errors.push(...validateShape(ratio.shape ?? [], ratioAt.child('shape')));
  } else if (ratio !== undefined)
    errors.push(forbidden(ratioAt, 'must be nil when type is not RequestedToCapacityRatio'));
  return errors;
}

function validateShape(shape: readonly ShapePoint[], at: FieldPath): FieldError[] {
  if (shape.length === 0) return [required(at, 'at least one point must be specified')];
  const errors: FieldError[] = [];
  const utilizations = shape.map(({ utilization = 0 }) => utilization);
  const unsorted = utilizations.findIndex((value, i) => i > 0 && utilizations[i - 1]! >= value);
  if (unsorted !== -1) {
    const place = at.index(unsorted).child('utilization');
    errors.push(invalid(place, utilizations[unsorted], 'values must be sorted in increasing order'));
  }
  for (const [i, { utilization = 0, score = 0 }] of shape.entries()) {
    if (utilization < 0 || utilization > 100)
      errors.push(invalid(at.index(i).child('utilization'), utilization, 'not in valid range [0, 100]'));
    if (score < 0 || score > 10)
      errors.push(invalid(at.index(i).child('score'), score, 'not in valid range [0, 10]'));
  }
  return errors;
}
