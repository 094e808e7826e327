/** Revisions of stateful and daemon sets. Mirrors ValidateControllerRevisionCreate of pkg/apis/apps/validation. */
import { defineBehaviour } from '../../definition.ts';
import { path } from '../../machinery/field-path.ts';
import { required } from '../../machinery/field-errors.ts';
import type { ControllerRevision } from '../../../openapi/generated/apps-v1.ts';
import { addImmutable, addNonnegative, type Findings } from '../common/findings.ts';

export const controllerRevision = defineBehaviour<ControllerRevision>({
  validate: ({ revision, data }) => {
    const errors: Findings = [];
    addNonnegative(errors, path('revision'), revision);
    if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'));
    else if (typeof data !== 'object' || Array.isArray(data))
      errors.push(required('data', 'data must be a valid JSON object'));
    return errors;
  },
  validateUpdate: ({ revision, data }, old) => {
    const errors: Findings = [];
    addNonnegative(errors, path('revision'), revision);
    addImmutable(errors, path('data'), data, old.data);
    return errors;
  },
});
