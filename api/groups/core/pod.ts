/** Pods. Mirrors registry/core/pod strategy.go. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { parseQuantity } from '../../machinery/quantity.ts';
import { forbidden } from '../../machinery/validation.ts';
import type { Container, Pod, PodSpec } from '../../../openapi/generated/core-v1.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

export const pod = defineBehaviour<Pod>({
  setDefaults: ({ spec }) => setPodSpecDefaults(spec),
  prepareForCreate: (object) => {
    object.status = { phase: 'Pending', qosClass: qosClass(object.spec) };
  },
  prepareForStatusUpdate: (object, old) => {
    object.metadata = {
      ...object.metadata,
      ownerReferences: old.metadata.ownerReferences,
      deletionTimestamp: old.metadata.deletionTimestamp,
    };
    object.status.qosClass = old.status.qosClass;
  },
  validate: ({ spec }) => validatePodSpec(spec, path('spec')),
  validateUpdate: (object, old) => [
    ...validatePodSpec(object.spec, path('spec')),
    ...validateChange(object.spec, old.spec),
  ],
  gracePeriodSeconds: ({ metadata, spec, status }, requested) => {
    if ((spec.nodeName ?? '') === '' || status.phase === 'Succeeded' || status.phase === 'Failed') return 0;
    const wanted =
      requested ?? metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
    return wanted < 0 ? 1 : wanted;
  },
});

/** Guaranteed: every container limits what it requests. BestEffort: none asks for anything. Burstable: the rest. */
export function qosClass({ containers, initContainers = [] }: PodSpec): string {
  const all = [...containers, ...initContainers];
  const asks = ({ resources }: Container): boolean =>
    [...amounts(resources?.requests), ...amounts(resources?.limits)].some(
      ([, amount]) => parseQuantity(amount).nano > 0n,
    );
  if (!all.some(asks)) return 'BestEffort';
  const isGuaranteed = ({ resources }: Container): boolean =>
    ['cpu', 'memory'].every((name) => {
      const limit = resources?.limits?.[name];
      return (
        limit !== undefined &&
        parseQuantity(limit).nano > 0n &&
        (resources?.requests?.[name] ?? limit) === limit
      );
    });
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function amounts(list: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(list ?? {}).filter(([name]) => name === 'cpu' || name === 'memory');
}

const MUTABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function validateChange(spec: PodSpec, old: PodSpec): FieldError[] {
  if ((spec.containers ?? []).length !== (old.containers ?? []).length) {
    return [forbidden('spec.containers', 'pod updates may not add or remove containers')];
  }
  const addsOnly = (old.tolerations ?? []).every((toleration) =>
    (spec.tolerations ?? []).some((other) =>
      equalJSON({ ...other, tolerationSeconds: toleration.tolerationSeconds }, toleration),
    ),
  );
  const withOld = (
    containers: readonly Container[] | undefined,
    before: readonly Container[] | undefined,
  ): Container[] | undefined =>
    containers?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const gates = spec.schedulingGates ?? [];
  const gatesShrink = gates.every(({ name }) =>
    (old.schedulingGates ?? []).some((other) => other.name === name),
  );
  const comparable: PodSpec = {
    ...spec,
    containers: withOld(spec.containers, old.containers)!,
    initContainers: withOld(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: addsOnly ? old.tolerations : spec.tolerations,
    schedulingGates: gatesShrink ? old.schedulingGates : spec.schedulingGates,
    terminationGracePeriodSeconds:
      (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
        ? old.terminationGracePeriodSeconds
        : spec.terminationGracePeriodSeconds,
  };
  return equalJSON(comparable, old) ? [] : [forbidden('spec', MUTABLE)];
}
