/** Annotations of pods that mean something. Mirrors ValidatePodSpecificAnnotations of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { parseJSON } from '../../machinery/json.ts';
import { forbidden, invalid } from '../../machinery/field-errors.ts';
import type {
  AppArmorProfile,
  PodSpec,
  SeccompProfile,
  Toleration,
} from '../../../openapi/generated/core-v1.ts';
import { addDescendingPath, type Findings, sortedEntries } from '../common/findings.ts';
import { addTolerations } from './pod-affinity.ts';
import { type PodRules, visitContainers } from './pod-rules.ts';

export type Annotations = Readonly<Record<string, string>> | undefined;

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const TOLERATIONS_ANNOTATION = 'scheduler.alpha.kubernetes.io/tolerations';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
export const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/';
export const APP_ARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';
const LOCALHOST = 'localhost/';

/** Why the cost of deleting a pod cannot be read; undefined when it can, or is not given. */
export function deletionCostProblem(annotations: Annotations): string | undefined {
  const value = annotations?.[DELETION_COST];
  if (value === undefined) return undefined;
  const isNumber = /^(-?\d+)$/.test(value) && (value === '0' || !value.startsWith('0'));
  const isInRange = isNumber && Number(value) >= -(2 ** 31) && Number(value) < 2 ** 31;
  return isInRange ? undefined : 'must be a 32bit integer';
}

export function addPodAnnotations(
  errors: Findings,
  at: FieldPath,
  annotations: Annotations,
  spec: PodSpec,
  rules: PodRules,
): void {
  if (annotations === undefined) return;
  const mirror = annotations[MIRROR_ANNOTATION];
  if (mirror !== undefined && (spec.nodeName ?? '') === '') {
    const text = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push(invalid(at.key(MIRROR_ANNOTATION), mirror, text));
  }
  if ((annotations[TOLERATIONS_ANNOTATION] ?? '') !== '')
    addAnnotatedTolerations(errors, at, annotations[TOLERATIONS_ANNOTATION]!);
  const cost = deletionCostProblem(annotations);
  if (cost !== undefined && rules.allowInvalidDeletionCost !== true)
    errors.push(invalid(at.key(DELETION_COST), annotations[DELETION_COST], cost));
  addSeccompAnnotations(errors, at, annotations);
  addAppArmorAnnotations(errors, at, annotations, spec);
}

function addAnnotatedTolerations(errors: Findings, at: FieldPath, text: string): void {
  try {
    const { value } = parseJSON(text);
    if (Array.isArray(value)) addTolerations(errors, at.child(TOLERATIONS_ANNOTATION), value as Toleration[]);
  } catch (error) {
    errors.push(invalid(at, TOLERATIONS_ANNOTATION, (error as Error).message));
  }
}

function addSeccompAnnotations(errors: Findings, at: FieldPath, annotations: Record<string, string>): void {
  const own = annotations[SECCOMP_POD_ANNOTATION];
  if (own !== undefined) addSeccompText(errors, at.child(SECCOMP_POD_ANNOTATION), own);
  for (const [key, value] of sortedEntries(annotations))
    if (key.startsWith(SECCOMP_CONTAINER_PREFIX)) addSeccompText(errors, at.child(key), value);
}

function addSeccompText(errors: Findings, at: FieldPath, value: string): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(value)) return;
  if (value.startsWith(LOCALHOST)) addDescendingPath(errors, at, value.slice(LOCALHOST.length));
  else errors.push(invalid(at, value, 'must be a valid seccomp profile'));
}

function addAppArmorAnnotations(
  errors: Findings,
  at: FieldPath,
  annotations: Record<string, string>,
  spec: PodSpec,
): void {
  const names = new Set<string>();
  for (const [key, value] of sortedEntries(annotations)) {
    if (!key.startsWith(APP_ARMOR_PREFIX)) continue;
    if (names.size === 0) visitContainers(spec, (container) => names.add(container.name));
    const name = key.slice(APP_ARMOR_PREFIX.length);
    if (!names.has(name)) errors.push(invalid(at.key(key), name, 'container not found'));
    const isKnown = ['', 'runtime/default', 'unconfined'].includes(value) || value.startsWith(LOCALHOST);
    if (!isKnown)
      errors.push(invalid(at.key(key), value, `invalid AppArmor profile name: ${goQuote(value)}`));
  }
}

/** What may not change with a pod. Mirrors ValidatePodSpecificAnnotationUpdates. */
export function addAnnotationChanges(
  errors: Findings,
  at: FieldPath,
  annotations: Annotations,
  old: Annotations,
): void {
  for (const [key, value] of sortedEntries(old)) {
    if (annotations?.[key] === value) continue;
    if (key.startsWith(APP_ARMOR_PREFIX))
      errors.push(forbidden(at.key(key), 'may not remove or update AppArmor annotations'));
    if (key === MIRROR_ANNOTATION)
      errors.push(forbidden(at.key(key), 'may not remove or update mirror pod annotation'));
  }
  for (const [key] of sortedEntries(annotations)) {
    if (old?.[key] !== undefined) continue;
    if (key.startsWith(APP_ARMOR_PREFIX))
      errors.push(forbidden(at.key(key), 'may not add AppArmor annotations'));
    if (key === MIRROR_ANNOTATION) errors.push(forbidden(at.key(key), 'may not add mirror pod annotation'));
  }
}

/** Profiles given twice, as a field and as the annotation it replaced, must agree. `at` is the path of the spec. */
export function addProfileConflicts(
  errors: Findings,
  at: FieldPath,
  annotations: Annotations,
  spec: PodSpec,
): void {
  if (annotations === undefined) return;
  addSeccompConflict(
    errors,
    at.child('securityContext', 'seccompProfile'),
    annotations[SECCOMP_POD_ANNOTATION],
    spec.securityContext?.seccompProfile,
  );
  visitContainers(spec, ({ name, securityContext }, list, index) =>
    addSeccompConflict(
      errors,
      at.child(list).index(index).child('securityContext', 'seccompProfile'),
      annotations[`${SECCOMP_CONTAINER_PREFIX}${name}`],
      securityContext?.seccompProfile,
    ),
  );
  if (spec.os?.name === 'windows') return;
  visitContainers(spec, ({ name, securityContext }, list, index) =>
    addAppArmorConflict(
      errors,
      at.child(list).index(index).child('securityContext', 'appArmorProfile'),
      annotations[`${APP_ARMOR_PREFIX}${name}`],
      securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile,
    ),
  );
}

function addSeccompConflict(
  errors: Findings,
  at: FieldPath,
  annotation: string | undefined,
  profile: SeccompProfile | undefined,
): void {
  if (annotation === undefined || profile === undefined) return;
  addConflict(errors, at, annotation, profile, 'seccomp', {
    Unconfined: ['unconfined'],
    RuntimeDefault: ['runtime/default', 'docker/default'],
  });
}

function addAppArmorConflict(
  errors: Findings,
  at: FieldPath,
  annotation: string | undefined,
  profile: AppArmorProfile | undefined,
): void {
  if (annotation === undefined || profile === undefined) return;
  addConflict(errors, at, annotation, profile, 'apparmor', {
    Unconfined: ['unconfined'],
    RuntimeDefault: ['runtime/default'],
  });
}

function addConflict(
  errors: Findings,
  at: FieldPath,
  annotation: string,
  profile: { readonly type: string; readonly localhostProfile?: string },
  what: string,
  same: Readonly<Record<string, readonly string[]>>,
): void {
  const typeText = `${what} type in annotation and field must match`;
  if (profile.type === 'Localhost') {
    if (!annotation.startsWith(LOCALHOST)) errors.push(forbidden(at.child('type'), typeText));
    else if (annotation.slice(LOCALHOST.length) !== profile.localhostProfile)
      errors.push(
        forbidden(at.child('localhostProfile'), `${what} profile in annotation and field must match`),
      );
    return;
  }
  const expected = Object.hasOwn(same, profile.type) ? same[profile.type] : undefined;
  if (expected !== undefined && !expected.includes(annotation))
    errors.push(forbidden(at.child('type'), typeText));
}

/** The profile an AppArmor annotation stands for; undefined when it stands for none that is valid. */
export function appArmorOfAnnotation(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (!annotation.startsWith(LOCALHOST)) return undefined;
  const localhostProfile = annotation.slice(LOCALHOST.length);
  const isValid = localhostProfile.trim() === localhostProfile && localhostProfile !== '';
  return isValid ? { type: 'Localhost', localhostProfile } : undefined;
}
