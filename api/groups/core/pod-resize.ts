/** Changing what the containers of a pod may use. Mirrors podResizeStrategy and ValidatePodResize. */
import { definePart } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid } from '../../machinery/validation.ts';
import type { Container, Pod, ResourceRequirements } from '../../../openapi/generated/core-v1.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { qosClass } from './pod.ts';
import { validatePodSpec } from './pod-validation.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const RESIZABLE = ['cpu', 'memory'];
const LISTS = ['containers', 'initContainers'] as const;
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
  },
  validateUpdate: (pod, old) => {
    if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
      return [forbidden('', 'static pods cannot be resized')];
    if (old.spec.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
    const errors = [...validatePodSpec(pod.spec, path('spec')), ...validateSupport(pod, old)];
    const order = LISTS.flatMap((list) => validateOrder(pod, old, list));
    if (order.length > 0) return [...errors, ...order];
    return [
      ...errors,
      ...validatePodLevel(pod.spec.resources, old.spec.resources),
      ...validateContainers(pod, old, 'initContainers'),
      ...validateContainers(pod, old, 'containers'),
    ];
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
  const { qosClass: before } = old.status;
  if (before !== undefined && before !== qosClass(pod.spec))
    errors.push(invalid('spec', before, 'Pod QOS Class may not change as a result of resizing'));
  const running = old.status.containerStatuses?.find(({ state }) => state?.running !== undefined);
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

function validatePodLevel(
  resources: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
): FieldError[] {
  if (old === undefined) return [];
  const at = path('spec', 'resources');
  if (resources === undefined) return [forbidden(at, 'pod-level resources cannot be removed')];
  const errors = removals(resources, old, at, 'pod-level resource');
  if (!equalJSON(withoutResizable(resources), withoutResizable(old)))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'));
  return errors;
}

function validateContainers(pod: Pod, old: Pod, list: ContainerList): FieldError[] {
  return containersOf(pod, list).flatMap((container, index) => {
    const before = containersOf(old, list)[index]!;
    const at = path('spec', list).index(index);
    const errors = removals(
      container.resources ?? {},
      before.resources ?? {},
      at.child('resources'),
      'resource',
    );
    const isSameOtherwise = equalJSON(
      { ...container, resources: withoutResizable(container.resources ?? {}) },
      { ...before, resources: withoutResizable(before.resources ?? {}) },
    );
    if (isSameOtherwise) return errors;
    const refusal =
      list === 'containers'
        ? forbidden('spec', 'only cpu and memory resources are mutable')
        : forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable');
    return [...errors, refusal];
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
  const rest = (list: Amounts | undefined): [string, string][] =>
    Object.entries(amounts(list)).filter(([name]) => !RESIZABLE.includes(name));
  return { ...resources, requests: rest(resources.requests), limits: rest(resources.limits) };
}

function amounts(list: Amounts | undefined): Amounts {
  return list ?? {};
}
