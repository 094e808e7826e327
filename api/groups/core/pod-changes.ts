/** How pods may change. Mirrors ValidatePodUpdate of pkg/apis/core/validation. */
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { rangeText } from '../../machinery/names.ts';
import { forbidden, invalid, required } from '../../machinery/field-errors.ts';
import type {
  Container,
  NodeAffinity,
  Pod,
  PodSpec,
  Toleration,
} from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { internalDiff, invalidInternal } from '../common/internal-json.ts';
import type { NodeSelectorTerm } from '../common/node-selectors.ts';
import { addImageSpaces } from './containers.ts';
import { addTolerations } from './pod-affinity.ts';
import { addAnnotationChanges, addPodAnnotations } from './pod-annotations.ts';
import type { PodRules } from './pod-rules.ts';

const SECONDS_MAX = 2 ** 31 - 1;
const CHANGEABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** The changes alone; what holds for every pod was checked before. */
export function addPodUpdate(errors: Findings, pod: Pod, old: Pod, rules: PodRules): void {
  const annotations = path('metadata', 'annotations');
  addAnnotationChanges(errors, annotations, pod.metadata.annotations, old.metadata.annotations);
  addPodAnnotations(errors, annotations, pod.metadata.annotations, pod.spec, rules);
  const at = path('spec');
  const { spec } = pod;
  for (const list of ['containers', 'initContainers'] as const)
    if (!addContainerChanges(errors, at.child(list), spec[list] ?? [], old.spec[list] ?? [])) return;
  if (!addDeadlineChange(errors, at.child('activeDeadlineSeconds'), spec, old.spec)) return;
  addTolerationChanges(errors, at.child('tolerations'), spec.tolerations ?? [], old.spec.tolerations ?? []);
  addGateChanges(errors, at.child('schedulingGates'), spec, old.spec);
  if (equalJSON(spec, old.spec)) return;
  const comparable = withoutAllowedChanges(spec, old.spec);
  if ((old.spec.schedulingGates ?? []).length > 0) allowGatedChanges(errors, at, comparable, old.spec);
  if (equalJSON(comparable, old.spec)) return;
  const diff = internalDiff('PodSpec', old.spec, comparable);
  errors.push(forbidden(at, `pod updates may not change fields other than ${CHANGEABLE}\n${diff}`));
}

/** False when the lists cannot be compared. */
function addContainerChanges(
  errors: Findings,
  at: FieldPath,
  containers: readonly Container[],
  old: readonly Container[],
): boolean {
  if (containers.length !== old.length) {
    errors.push(forbidden(at, 'pod updates may not add or remove containers'));
    return false;
  }
  containers.forEach(({ image = '' }, index) => {
    if (image === '') errors.push(required(at.index(index).child('image')));
    addImageSpaces(errors, at.index(index), image);
  });
  return true;
}

function addDeadlineChange(errors: Findings, at: FieldPath, spec: PodSpec, old: PodSpec): boolean {
  const { activeDeadlineSeconds: seconds } = spec;
  const before = old.activeDeadlineSeconds;
  if (seconds === undefined) {
    if (before !== undefined)
      errors.push(invalid(at, undefined, 'must not update from a positive integer to nil value'));
    return true;
  }
  if (seconds < 0 || seconds > SECONDS_MAX) errors.push(invalid(at, seconds, rangeText(0, SECONDS_MAX)));
  else if (before !== undefined && before < seconds)
    errors.push(invalid(at, seconds, 'must be less than or equal to previous value'));
  else return true;
  return false;
}

function addTolerationChanges(
  errors: Findings,
  at: FieldPath,
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
): void {
  const isKept = old.every((before) =>
    tolerations.some((now) => equalJSON({ ...before, tolerationSeconds: now.tolerationSeconds }, now)),
  );
  if (isKept) addTolerations(errors, at, tolerations);
  else errors.push(forbidden(at, 'existing toleration can not be modified except its tolerationSeconds'));
}

function addGateChanges(errors: Findings, at: FieldPath, spec: PodSpec, old: PodSpec): void {
  const known = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  const added = new Map<string, number>();
  spec.schedulingGates?.forEach(({ name }, index) => {
    if (!known.has(name)) added.set(name, index);
  });
  for (const [name, index] of added) {
    const text = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.push(forbidden(at.index(index).child('name'), text));
  }
}

/** `spec` with everything that may change as it was. */
function withoutAllowedChanges(spec: PodSpec, old: PodSpec): PodSpec {
  const withOldImages = (
    containers: Container[] | undefined,
    before: readonly Container[] | undefined,
  ): Container[] | undefined =>
    containers?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const wasNegative = (old.terminationGracePeriodSeconds ?? 0) < 0;
  return {
    ...spec,
    containers: withOldImages(spec.containers, old.containers)!,
    initContainers: withOldImages(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
    terminationGracePeriodSeconds:
      wasNegative && spec.terminationGracePeriodSeconds === 1
        ? old.terminationGracePeriodSeconds
        : spec.terminationGracePeriodSeconds,
  };
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

/** A pod behind gates may be told more exactly where to go; `spec` gets back what may change. */
function allowGatedChanges(errors: Findings, at: FieldPath, spec: PodSpec, old: PodSpec): void {
  if (!equalJSON(spec.nodeSelector, old.nodeSelector)) {
    const isNarrower = Object.entries(old.nodeSelector ?? {}).every(
      ([key, value]) => spec.nodeSelector?.[key] === value,
    );
    if (!isNarrower) {
      const text = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
      errors.push(invalid(at.child('nodeSelector'), spec.nodeSelector, text));
    }
    spec.nodeSelector = old.nodeSelector;
  }
  const before = old.affinity?.nodeAffinity;
  if (equalJSON(spec.affinity?.nodeAffinity, before)) return;
  addNodeAffinityChange(errors, at.child('affinity', 'nodeAffinity'), spec.affinity?.nodeAffinity, before);
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const hasRest = podAffinity !== undefined || podAntiAffinity !== undefined;
  if (spec.affinity !== undefined && old.affinity === undefined && !hasRest) spec.affinity = undefined;
  else spec.affinity = { ...spec.affinity, nodeAffinity: before };
}

function addNodeAffinityChange(
  errors: Findings,
  at: FieldPath,
  affinity: NodeAffinity | undefined,
  old: NodeAffinity | undefined,
): void {
  if (old?.[REQUIRED] === undefined) return;
  const before = old[REQUIRED].nodeSelectorTerms ?? [];
  const terms = affinity?.[REQUIRED]?.nodeSelectorTerms;
  const place = at.child(REQUIRED, 'nodeSelectorTerms');
  if (before.length > 0 && before.length !== (terms?.length ?? 0)) {
    const text = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    errors.push(invalidInternal(place, '[]NodeSelectorTerm', terms, text));
    return;
  }
  before.forEach((term, index) => {
    if (onlyAdds(terms![index]!, term)) return;
    const text = 'only additions are allowed (no mutations or deletions)';
    errors.push(invalidInternal(place.index(index), 'NodeSelectorTerm', terms![index], text));
  });
}

function onlyAdds(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const isEmpty = (own: NodeSelectorTerm): boolean => lists.every((list) => (own[list] ?? []).length === 0);
  if (isEmpty(old)) return isEmpty(term);
  return lists.every((list) => {
    const before = old[list] ?? [];
    return equalJSON((term[list] ?? []).slice(0, before.length), before);
  });
}
