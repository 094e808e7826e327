/** The containers of a pod, each sort by its own rules. Mirrors validateContainers, validateInitContainers and validateEphemeralContainers. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { duplicate, forbidden, invalid, notFound, required } from '../../machinery/field-errors.ts';
import type { Container, EphemeralContainer, PodSpec } from '../../../openapi/generated/core-v1.ts';
import type { Findings } from '../common/findings.ts';
import { addContainer, addHostPortConflicts, addImageSpaces, type PodContext } from './containers.ts';
import { addLifecycle, addProbes, addRestartPolicy } from './handlers.ts';
import { isRestartable, type PodRules } from './pod-rules.ts';

export function addContainers(
  errors: Findings,
  at: FieldPath,
  containers: readonly Container[],
  pod: PodContext,
): void {
  if (containers.length === 0) {
    errors.push(required(at));
    return;
  }
  const names = new Set<string>();
  containers.forEach((container, index) => {
    const place = at.index(index);
    addContainer(errors, place, container, pod);
    if (names.has(container.name)) errors.push(duplicate(place.child('name'), container.name ?? ''));
    names.add(container.name);
    addHooks(errors, place, container, pod);
    addRestartPolicy(errors, place, container, false);
  });
  addHostPortConflicts(errors, at, containers);
}

function addHooks(errors: Findings, at: FieldPath, container: Container, { graceSeconds }: PodContext): void {
  if (container.lifecycle !== undefined)
    addLifecycle(errors, at.child('lifecycle'), container.lifecycle, graceSeconds);
  addProbes(errors, at, container, graceSeconds);
}

const RESTARTABLE_ONLY = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function addInitContainers(
  errors: Findings,
  at: FieldPath,
  { initContainers = [], containers }: PodSpec,
  pod: PodContext,
): void {
  const names = new Set((containers ?? []).map(({ name }) => name));
  initContainers.forEach((container, index) => {
    const place = at.index(index);
    const { name = '', resizePolicy = [] } = container;
    addContainer(errors, place, container, pod);
    addRestartPolicy(errors, place, container, true);
    if (names.has(name)) errors.push(duplicate(place.child('name'), name));
    else if (name !== '') names.add(name);
    addHostPortConflicts(errors, at, [container]);
    if (isRestartable(container)) {
      addHooks(errors, place, container, pod);
      return;
    }
    for (const member of RESTARTABLE_ONLY) {
      if (container[member] === undefined) continue;
      const text = 'may not be set for init containers without restartPolicy=Always';
      errors.push(forbidden(place.child(member), text));
    }
    if (pod.rules.allowRestartOfInitContainers === true) return;
    resizePolicy.forEach(({ restartPolicy }, policyIndex) => {
      if (restartPolicy !== 'RestartContainer') return;
      const policyPlace = place.child('resizePolicy').index(policyIndex).child('restartPolicy');
      const text = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      errors.push(invalid(policyPlace, restartPolicy, text));
    });
  });
}

/** What debugging containers cannot have, in the order of the Go struct. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export function addEphemeralContainers(
  errors: Findings,
  at: FieldPath,
  spec: PodSpec,
  pod: PodContext,
): void {
  const { ephemeralContainers = [], containers, initContainers = [] } = spec;
  if (ephemeralContainers.length === 0) return;
  const others = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  const text = 'cannot be set for an Ephemeral Container';
  ephemeralContainers.forEach((container: EphemeralContainer, index) => {
    const place = at.index(index);
    const { name = '', targetContainerName = '' } = container;
    addContainer(errors, place, container as Container, pod);
    addImageSpaces(errors, place, container.image);
    if (names.has(name)) errors.push(duplicate(place.child('name'), name));
    names.add(name);
    if (targetContainerName !== '' && !others.has(targetContainerName))
      errors.push(notFound(place.child('targetContainerName'), targetContainerName));
    for (const member of NOT_EPHEMERAL) {
      const value = container[member];
      const isEmpty = value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
      if (!isEmpty) errors.push(forbidden(place.child(member), text));
    }
    container.volumeMounts?.forEach(({ subPath, subPathExpr }, mountIndex) => {
      const mount = place.child('volumeMounts').index(mountIndex);
      if ((subPath ?? '') !== '') errors.push(forbidden(mount.child('subPath'), text));
      if ((subPathExpr ?? '') !== '') errors.push(forbidden(mount.child('subPathExpr'), text));
    });
  });
}

export function addHostNetworkPorts(
  errors: Findings,
  at: FieldPath,
  spec: PodSpec,
  { isPod }: PodRules,
): void {
  if (spec.hostNetwork !== true) return;
  spec.containers?.forEach(({ ports }, index) =>
    ports?.forEach(({ hostPort = 0, containerPort = 0 }, portIndex) => {
      if ((isPod !== true && hostPort === 0) || hostPort === containerPort) return;
      const place = at.index(index).child('ports').index(portIndex).child('hostPort');
      errors.push(invalid(place, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
    }),
  );
}
