/** Namespaces. Mirrors registry/core/namespace and ValidateNamespace of pkg/apis/core/validation. */
import { defineBehaviour, definePart } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkQualifiedName } from '../../machinery/names.ts';
import { invalid } from '../../machinery/field-errors.ts';
import type { Namespace } from '../../../openapi/generated/core-v1.ts';
import { addEach, type Findings } from '../common/findings.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';
const FINALIZER = 'kubernetes';
const STANDARD_FINALIZERS = [FINALIZER, 'orphan', 'foregroundDeletion'];

export const namespace = defineBehaviour<Namespace>({
  setDefaults: (object) => {
    const { name = '' } = object.metadata;
    if (name !== '') object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: name };
    object.spec ??= {};
    object.status ??= {};
    object.status.phase ||= 'Active';
  },
  prepareForCreate: (object) => {
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      ...object.spec,
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
    };
  },
  prepareForUpdate: (object, old) => {
    object.spec = { ...object.spec, finalizers: old.spec.finalizers };
  },
  validate: validateSpecFinalizers,
  validateUpdate: validateSpecFinalizers,
  validateStatusUpdate: ({ metadata, status }) => {
    const phase = status?.phase ?? '';
    if (metadata.deletionTimestamp === undefined)
      return phase === 'Active'
        ? []
        : [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    return phase === 'Terminating'
      ? []
      : [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  },
  isHeld: ({ spec }) => (spec.finalizers?.length ?? 0) > 0,
  prepareForDeletion: (object) => {
    object.status = { ...object.status, phase: 'Terminating' };
  },
});

/** Finalizers of the spec, which the `finalize` subresource alone changes. */
export const namespaceFinalizers = definePart<Namespace>({
  prepareForUpdate: (object, old) => {
    object.metadata = { ...old.metadata };
    object.spec = { ...old.spec, finalizers: object.spec?.finalizers };
    object.status = old.status;
  },
  validateUpdate: ({ spec }) =>
    (spec?.finalizers ?? []).flatMap((name, index) =>
      finalizerErrors(path('spec', 'finalizers').index(index), name),
    ),
});

/** Of whole namespaces upstream names the list, not the place in it. */
function validateSpecFinalizers({ spec }: Namespace): FieldError[] {
  return (spec?.finalizers ?? []).flatMap((name) => finalizerErrors(path('spec', 'finalizers'), name));
}

function finalizerErrors(at: FieldPath, name: string): FieldError[] {
  const errors: Findings = [];
  addEach(errors, at, name, checkQualifiedName(name));
  if (!name.includes('/') && !STANDARD_FINALIZERS.includes(name))
    errors.push(invalid(at, name, 'name is neither a standard finalizer name nor is it fully qualified'));
  return errors;
}
