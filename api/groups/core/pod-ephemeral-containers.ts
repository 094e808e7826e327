/** Adding ephemeral containers to a pod. Mirrors podEphemeralContainersStrategy. */
import { definePart } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { forbidden } from '../../machinery/field-errors.ts';
import type { EphemeralContainer, Pod } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { internalDiff } from '../common/internal-json.ts';
import { addAnnotationChanges, addPodAnnotations, MIRROR_ANNOTATION } from './pod-annotations.ts';
import { setPodSpecDefaults } from './pod-defaults.ts';
import { addPod } from './pod-parts.ts';
import { dropDisabledPodFields } from './pod-preparation.ts';
import { podRules } from './pod-tolerances.ts';

const AT = path('spec', 'ephemeralContainers');

export const podEphemeralContainers = definePart<Pod>({
  prepareForUpdate: (pod, old) => {
    const { ephemeralContainers } = pod.spec;
    pod.metadata = { ...old.metadata };
    pod.spec = { ...old.spec, ephemeralContainers };
    pod.status = old.status;
    setPodSpecDefaults(pod.spec);
    dropDisabledPodFields(pod.spec, old.spec);
  },
  validateUpdate: (pod, old) => {
    if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
      return [forbidden('', 'static pods do not support ephemeral containers')];
    const errors: Findings = [];
    const rules = { ...podRules(old.spec, old.metadata), isPod: true };
    const annotations = path('metadata', 'annotations');
    addPod(errors, pod, rules);
    addAnnotationChanges(errors, annotations, pod.metadata.annotations, old.metadata.annotations);
    addPodAnnotations(errors, annotations, pod.metadata.annotations, pod.spec, rules);
    errors.push(...validateChanges(pod.spec.ephemeralContainers ?? [], old.spec.ephemeralContainers ?? []));
    return errors;
  },
});

/** Those that are there stay as they are; a patch may order them differently. */
function validateChanges(
  containers: readonly EphemeralContainer[],
  old: readonly EphemeralContainer[],
): FieldError[] {
  return old.flatMap((before) => {
    const after = containers.findLast(({ name }) => name === before.name);
    const which = `existing ephemeral containers ${goQuote(before.name)}`;
    if (after === undefined) return [forbidden(AT, `${which} may not be removed\n`)];
    if (equalJSON(after, before)) return [];
    return [
      forbidden(AT, `${which} may not be changed\n${internalDiff('EphemeralContainer', before, after)}`),
    ];
  });
}
