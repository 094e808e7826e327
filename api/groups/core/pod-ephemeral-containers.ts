/** Adding ephemeral containers to a pod. Mirrors podEphemeralContainersStrategy. */
import { definePart } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { duplicate, forbidden, notFound, required } from '../../machinery/validation.ts';
import type { EphemeralContainer, Pod } from '../../../openapi/generated/core-v1.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const AT = path('spec', 'ephemeralContainers');
/** What serves a pod's purpose is not for a container that comes and goes. */
const REFUSED = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export const podEphemeralContainers = definePart<Pod>({
  prepareForUpdate: (pod, old) => {
    const { ephemeralContainers } = pod.spec;
    pod.metadata = { ...old.metadata };
    pod.spec = { ...old.spec, ephemeralContainers };
    pod.status = old.status;
    setPodSpecDefaults(pod.spec);
  },
  validateUpdate: (pod, old) => {
    if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
      return [forbidden('', 'static pods do not support ephemeral containers')];
    return [
      ...validatePodSpec(pod.spec, path('spec')),
      ...validateEphemeralContainers(pod),
      ...validateChanges(pod.spec.ephemeralContainers ?? [], old.spec.ephemeralContainers ?? []),
    ];
  },
});

function validateEphemeralContainers({ spec }: Pod): FieldError[] {
  const others = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, index) => {
    const at = AT.index(index);
    const { name, targetContainerName: target = '' } = container;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(at.child('name')));
    if ((container.image ?? '') === '') errors.push(required(at.child('image')));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (target !== '' && !others.has(target)) errors.push(notFound(at.child('targetContainerName'), target));
    return [...errors, ...validateAllowed(container, at)];
  });
}

function validateAllowed(container: EphemeralContainer, at: FieldPath): FieldError[] {
  const why = 'cannot be set for an Ephemeral Container';
  const isSet = (value: unknown): boolean =>
    value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  const refused = REFUSED.filter((name) => isSet((container as unknown as Record<string, unknown>)[name]));
  const mounts = (container.volumeMounts ?? []).flatMap((mount, index) =>
    (['subPath', 'subPathExpr'] as const)
      .filter((name) => (mount[name] ?? '') !== '')
      .map((name) => forbidden(at.child('volumeMounts').index(index).child(name), why)),
  );
  return [...refused.map((name) => forbidden(at.child(name), why)), ...mounts];
}

/** Those that are there stay as they are; a patch may order them differently. */
function validateChanges(
  containers: readonly EphemeralContainer[],
  old: readonly EphemeralContainer[],
): FieldError[] {
  return old.flatMap((before) => {
    const after = containers.find(({ name }) => name === before.name);
    const which = `existing ephemeral containers ${goQuote(before.name)}`;
    if (after === undefined) return [forbidden(AT, `${which} may not be removed\n`)];
    return equalJSON(after, before) ? [] : [forbidden(AT, `${which} may not be changed\n`)];
  });
}
