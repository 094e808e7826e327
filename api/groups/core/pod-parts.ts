/** What holds for pods in every write, of the whole or of a part. */
import { path } from '../../machinery/field-path.ts';
import { forbidden } from '../../machinery/field-errors.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { addImageSpaces } from './containers.ts';
import { addPodAnnotations } from './pod-annotations.ts';
import type { PodRules } from './pod-rules.ts';
import { addPodSpec } from './pod-spec.ts';

/** Mirrors validatePodMetadataAndSpec, behind the metadata. */
export function addPod(errors: Findings, { metadata, spec }: Pod, rules: PodRules): void {
  addPodAnnotations(errors, path('metadata', 'annotations'), metadata.annotations, spec, rules);
  const at = path('spec');
  addPodSpec(errors, at, spec, { ...rules, meta: metadata });
  if ((spec.serviceAccountName ?? '') === '')
    spec.volumes?.forEach(({ projected }, index) =>
      projected?.sources?.forEach(({ serviceAccountToken }, sourceIndex) => {
        if (serviceAccountToken === undefined) return;
        const place = at.child('volumes').index(index).child('projected', 'sources').index(sourceIndex);
        const text = 'must not be specified when serviceAccountName is not set';
        errors.push(forbidden(place.child('serviceAccountToken'), text));
      }),
    );
  for (const list of ['containers', 'initContainers'] as const)
    spec[list]?.forEach(({ image }, index) => addImageSpaces(errors, at.child(list).index(index), image));
}
