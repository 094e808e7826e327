/** Questions about what somebody may do. Mirrors pkg/apis/authorization/validation. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkLabelValue, checkQualifiedName } from '../../machinery/names.ts';
import type { KubeObject } from '../../machinery/object-meta.ts';
import { forbidden, invalid, invalidEach, required } from '../../machinery/field-errors.ts';
import type {
  LocalSubjectAccessReview,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SubjectAccessReview,
} from '../../../openapi/generated/authorization-v1.ts';
import { validateEach } from '../common/text.ts';

const SPEC = path('spec');
const RESOURCE = SPEC.child('resourceAttributes');
const NON_RESOURCE = SPEC.child('nonResourceAttributes');

type Spec = SelfSubjectAccessReview['spec'];

interface Requirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: readonly string[];
}

interface Selector {
  readonly rawSelector?: string;
  readonly requirements?: readonly Requirement[];
}

const selfSubjectAccessReview = defineBehaviour<SelfSubjectAccessReview>({
  validate: (review) => [
    ...validateAttributes(review.spec),
    ...validateSelectors(review.spec.resourceAttributes),
    ...validateMetadata(review, 'must be empty'),
  ],
});

const subjectAccessReview = defineBehaviour<SubjectAccessReview>({
  validate: (review) => [...validateSubject(review.spec), ...validateMetadata(review, 'must be empty')],
});

const localSubjectAccessReview = defineBehaviour<LocalSubjectAccessReview>({
  validate: (review) => {
    const { metadata, spec } = review;
    const { namespace: own = '', ...rest } = metadata;
    const namespace = spec.resourceAttributes?.namespace ?? '';
    const errors = [
      ...validateSubject(spec),
      ...validateMetadata({ metadata: rest }, 'must be empty except for namespace'),
    ];
    if (spec.resourceAttributes !== undefined && namespace !== own)
      errors.push(invalid(RESOURCE.child('namespace'), namespace, 'must match metadata.namespace'));
    if (spec.nonResourceAttributes !== undefined)
      errors.push(invalid(NON_RESOURCE, spec.nonResourceAttributes, 'disallowed on this kind of request'));
    return errors;
  },
});

function validateSubject(spec: SubjectAccessReview['spec']): FieldError[] {
  const { user = '', groups = [] } = spec;
  const errors = validateAttributes(spec);
  if (user === '' && groups.length === 0)
    errors.push(invalid(SPEC.child('user'), '', 'at least one of user or group must be specified'));
  return [...errors, ...validateSelectors(spec.resourceAttributes)];
}

function validateAttributes({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const why = 'cannot be specified in combination with resourceAttributes';
    return [invalid(NON_RESOURCE, nonResourceAttributes, why)];
  }
  if (resourceAttributes !== undefined || nonResourceAttributes !== undefined) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalid(RESOURCE, null, why)];
}

/** A review is asked, not kept: it has no metadata but what servers add. */
function validateMetadata({ metadata }: KubeObject, why: string): FieldError[] {
  const { managedFields: _managed, ...rest } = metadata;
  const isEmpty = Object.values(rest).every((value) => value === undefined || value === null);
  return isEmpty ? [] : [invalid('metadata', metadata, why)];
}

function validateSelectors(attributes: ResourceAttributes | undefined): FieldError[] {
  return [
    ...validateSelector(attributes?.fieldSelector as Selector | undefined, 'fieldSelector'),
    ...validateSelector(attributes?.labelSelector as Selector | undefined, 'labelSelector'),
  ];
}

function validateSelector(
  selector: Selector | undefined,
  name: 'fieldSelector' | 'labelSelector',
): FieldError[] {
  if (selector === undefined) return [];
  const { rawSelector = '', requirements = [] } = selector;
  const at = RESOURCE.child(name);
  const errors: FieldError[] = [];
  if (rawSelector !== '' && requirements.length > 0) {
    const why = 'may not specified at the same time as requirements';
    errors.push(invalid(at.child('rawSelector'), rawSelector, why));
  }
  if (rawSelector === '' && requirements.length === 0) {
    const why = `when ${String(at)} is specified, requirements or rawSelector is required`;
    errors.push(required(at.child('requirements'), why));
  }
  return [
    ...errors,
    ...validateEach(requirements, at.child('requirements'), (requirement, place) =>
      validateRequirement(requirement, name === 'labelSelector', place),
    ),
  ];
}

function validateRequirement(requirement: Requirement, isLabel: boolean, at: FieldPath): FieldError[] {
  const { key = '', operator = '', values = [] } = requirement;
  const errors: FieldError[] = [];
  if (!isLabel && key === '') errors.push(required(at.child('key'), 'must be specified'));
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
    errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    errors.push(forbidden(at.child('values'), why));
  }
  if (!isLabel) return errors;
  return [
    ...errors,
    ...invalidEach(at.child('key'), key, checkQualifiedName(key)),
    ...validateEach(values, at.child('values'), (value, place) =>
      invalidEach(place, value, checkLabelValue(value)),
    ),
  ];
}

/** Behaviours of the group authorization.k8s.io by plural name. */
export const authorizationBehaviours: GroupBehaviours = {
  localsubjectaccessreviews: localSubjectAccessReview,
  selfsubjectaccessreviews: selfSubjectAccessReview,
  subjectaccessreviews: subjectAccessReview,
};
