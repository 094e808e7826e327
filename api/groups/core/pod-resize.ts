/** Changing what the containers of a pod may use. Mirrors podResizeStrategy and ValidatePodResize. */
import { definePart } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid } from '../../machinery/field-errors.ts';
import type { Container, Pod, ResourceRequirements } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { MIRROR_ANNOTATION } from './pod-annotations.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { addPod } from './pod-parts.ts';
import { dropDisabledPodFields } from './pod-preparation.ts';
import { isRestartable } from './pod-rules.ts';
import { podRules } from './pod-tolerances.ts';
import { qosClass } from './qos.ts';

const RESIZABLE = ['cpu', 'memory'];
const LISTS = ['initContainers', 'containers'] as const;
type ContainerList = (typeof LISTS)[number];
type Amounts = Readonly<Record<string, string>>;

export const podResize = definePart<Pod>({
  prepareForUpdate: (pod, old) => {
    // Containers that were added, renamed or moved are for validation to refuse.
    if (LISTS.some((list) => containersOf(pod, list).length !== containersOf(old, list).length)) return;
    const { resources } = pod.spec;
    const initContainers = resized(containersOf(pod, 'initContainers'), containersOf(old, 'initContainers'));
    pod.spec = {
      ...old.spec,
      resources,
      containers: resized(containersOf(pod, 'containers'), containersOf(old, 'containers')),
      ...(initContainers.length === 0 ? {} : { initContainers }),
    };
    pod.metadata = { ...old.metadata };
    pod.status = old.status;
    setPodSpecDefaults(pod.spec);
    dropDisabledPodFields(pod.spec, old.spec);
  },
  validateUpdate: (pod, old) => {
    if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
      return [forbidden('', 'static pods cannot be resized')];
    if (old.spec.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
    const errors: Findings = [];
    addPod(errors, pod, { ...podRules(old.spec, old.metadata), isPod: true });
    errors.push(...validateSupport(pod, old), ...validatePodLevel(pod, old));
    const order = [...validateOrder(pod, old, 'containers'), ...validateOrder(pod, old, 'initContainers')];
    if (order.length > 0) return [...errors, ...order];
    errors.push(...LISTS.flatMap((list) => validateRemovals(pod, old, list)));
    errors.push(...validateContainers(pod, old), ...validateInitContainers(pod, old));
    return errors;
  },
});

function containersOf({ spec }: Pod, list: ContainerList): readonly Container[] {
  return spec[list] ?? [];
}

/** The old containers with the new resources; the new ones as they are when names do not line up. */
function resized(containers: readonly Container[], old: readonly Container[]): Container[] {
  if (containers.some(({ name }, index) => name !== old[index]!.name)) return [...containers];
  return containers.map(({ resources, resizePolicy }, index) => ({
    ...old[index]!,
    resources,
    resizePolicy,
  }));
}

function validateSupport(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const before = old.status?.qosClass || qosClass(old.spec);
  if (before !== qosClass(pod.spec)) {
    const text = 'Pod QOS Class may not change as a result of resizing';
    errors.push(invalid('spec', pod.status?.qosClass ?? '', text));
  }
  const running = old.status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  if (running !== undefined && running.resources === undefined)
    errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  return errors;
}

function validateOrder(pod: Pod, old: Pod, list: ContainerList): FieldError[] {
  const at = path('spec', list);
  const containers = containersOf(pod, list);
  const before = containersOf(old, list);
  if (containers.length !== before.length)
    return [forbidden(at, `${list} may not be added or removed on resize`)];
  return before.flatMap(({ name }, index) =>
    containers[index]!.name === name
      ? []
      : [forbidden(at.index(index).child('name'), `${list} may not be renamed or reordered on resize`)],
  );
}

function hasAmounts({ spec }: Pod): boolean {
  const { requests, limits } = spec.resources ?? {};
  return Object.keys(requests ?? {}).length + Object.keys(limits ?? {}).length > 0;
}

function validatePodLevel(pod: Pod, old: Pod): FieldError[] {
  if (!hasAmounts(pod) && !hasAmounts(old)) return [];
  const { resources } = pod.spec;
  const before = old.spec.resources;
  const at = path('spec', 'resources');
  if (before !== undefined && resources === undefined)
    return [forbidden(at, 'pod-level resources cannot be removed')];
  const errors = before === undefined ? [] : removals(resources ?? {}, before, at, 'pod-level resource');
  if (!equalJSON(withoutResizable(resources ?? {}), withoutResizable(before ?? {})))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'));
  return errors;
}

function validateRemovals(pod: Pod, old: Pod, list: ContainerList): FieldError[] {
  return containersOf(old, list).flatMap(({ resources }, index) => {
    const after = containersOf(pod, list)[index]!.resources;
    return removals(
      after ?? {},
      resources ?? {},
      path('spec', list).index(index).child('resources'),
      'resource',
    );
  });
}

/** The same container, but for what may be resized. */
function isSameOtherwise(container: Container, old: Container): boolean {
  return equalJSON(
    { ...container, resources: withoutResizable(container.resources ?? {}) },
    { ...old, resources: withoutResizable({ ...old.resources, claims: undefined }) },
  );
}

function validateContainers(pod: Pod, old: Pod): FieldError[] {
  return containersOf(pod, 'containers').flatMap((container, index) =>
    isSameOtherwise(container, containersOf(old, 'containers')[index]!)
      ? []
      : [forbidden('spec', 'only cpu and memory resources are mutable')],
  );
}

function validateInitContainers(pod: Pod, old: Pod): FieldError[] {
  return containersOf(pod, 'initContainers').flatMap((container, index) => {
    const before = containersOf(old, 'initContainers')[index]!;
    const at = path('spec', 'initContainers').index(index);
    const errors: FieldError[] = [];
    if (!isSameOtherwise(container, before)) {
      const text = 'only cpu and memory resources for init or sidecar containers are mutable';
      errors.push(forbidden(at, text));
    }
    if (isRestartable(container) || equalJSON(container, before)) return errors;
    for (const { restartPolicy } of container.resizePolicy ?? []) {
      if (restartPolicy !== 'RestartContainer') continue;
      const text = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
      errors.push(forbidden(at, text));
    }
    return errors;
  });
}

/** What is asked for may change and not go away. */
function removals(
  resources: ResourceRequirements,
  old: ResourceRequirements,
  at: FieldPath,
  what: string,
): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const after = amounts(resources[list]);
    const isRemoved = Object.keys(amounts(old[list])).some((name) => after[name] === undefined);
    return isRemoved ? [forbidden(at.child(list), `${what} ${list} cannot be removed`)] : [];
  });
}

function withoutResizable(resources: ResourceRequirements): object {
  const rest = (list: Amounts | undefined): Amounts =>
    Object.fromEntries(Object.entries(amounts(list)).filter(([name]) => !RESIZABLE.includes(name)));
  return { claims: undefined, requests: rest(resources.requests), limits: rest(resources.limits) };
}

function amounts(list: Amounts | undefined): Amounts {
  return list ?? {};
}
