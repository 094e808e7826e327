/** Role bindings and cluster role bindings. Mirrors pkg/apis/rbac/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain, checkPathSegmentName } from '../../machinery/names.ts';
import { invalid, invalidEach, notSupported, required } from '../../machinery/field-errors.ts';
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../../openapi/generated/rbac-v1.ts';
import { validateEach, validateRequiredText } from '../common/text.ts';

type Binding = RoleBinding | ClusterRoleBinding;

const GROUP = 'rbac.authorization.k8s.io';
const ROLE = path('roleRef');
const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

export const roleBinding = defineBinding(true, ['Role', 'ClusterRole']);
export const clusterRoleBinding = defineBinding(false, ['ClusterRole']);

function defineBinding(
  isNamespaced: boolean,
  roleKinds: readonly string[],
): ReturnType<typeof defineBehaviour> {
  const validate = ({ roleRef, subjects }: Binding): FieldError[] => [
    ...validateRole(roleRef ?? {}, roleKinds),
    ...validateEach(subjects, path('subjects'), (subject, at) => validateSubject(subject, isNamespaced, at)),
  ];
  return defineBehaviour<Binding>({
    setDefaults,
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...(equalJSON(object.roleRef, old.roleRef)
        ? []
        : [invalid(ROLE, object.roleRef, 'cannot change roleRef')]),
    ],
  });
}

function setDefaults({ roleRef, subjects }: Binding): void {
  if (roleRef !== undefined && (roleRef.apiGroup ?? '') === '') roleRef.apiGroup = GROUP;
  for (const subject of subjects ?? []) {
    if ((subject.apiGroup ?? '') === '' && (subject.kind === 'User' || subject.kind === 'Group'))
      subject.apiGroup = GROUP;
  }
}

function validateRole(
  { apiGroup = '', kind = '', name }: Partial<Binding['roleRef']>,
  kinds: readonly string[],
): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== GROUP) errors.push(notSupported(ROLE.child('apiGroup'), apiGroup, [GROUP]));
  if (!kinds.includes(kind)) errors.push(notSupported(ROLE.child('kind'), kind, kinds));
  return [...errors, ...validateRequiredText(ROLE.child('name'), name, checkPathSegmentName)];
}

function validateSubject(subject: Subject, isNamespaced: boolean, at: FieldPath): FieldError[] {
  const { kind = '', name = '', apiGroup = '', namespace = '' } = subject;
  const errors = name === '' ? [required(at.child('name'))] : [];
  const wantGroup = (group: string): void => {
    if (apiGroup !== group) errors.push(notSupported(at.child('apiGroup'), apiGroup, [group]));
  };
  if (kind === 'User' || kind === 'Group') wantGroup(GROUP);
  else if (kind === 'ServiceAccount') {
    if (name !== '') errors.push(...invalidEach(at.child('name'), name, checkDNS1123Subdomain(name)));
    wantGroup('');
    if (!isNamespaced && namespace === '') errors.push(required(at.child('namespace')));
  } else errors.push(notSupported(at.child('kind'), kind, SUBJECT_KINDS));
  return errors;
}
