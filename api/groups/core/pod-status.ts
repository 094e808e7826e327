/** Statuses of pods. Mirrors ValidatePodStatusUpdate of pkg/apis/core/validation. */
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkUserID } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field-errors.ts';
import type {
  Container,
  ContainerStatus,
  Pod,
  PodSpec,
  PodStatus,
} from '../../../openapi/generated/core-v1.ts';
import { addDNSLabel, addEach, addImmutable, addQualifiedName, type Findings } from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { addIP, isDualStack, parseIP } from '../common/ip.ts';
import { addAnnotationChanges, addPodAnnotations } from './pod-annotations.ts';
import type { PodRules } from './pod-rules.ts';

const OBSERVED_TEXT = 'must be a non-negative integer';
const SYSTEM_CONDITIONS = ['PodScheduled', 'Ready', 'Initialized'];

/** What a writer of status left out of generations is what was there. */
export function keepObservedGenerations(status: PodStatus, old: PodStatus): void {
  if ((status.observedGeneration ?? 0) === 0 && old.observedGeneration !== undefined)
    status.observedGeneration = old.observedGeneration;
  const before = [...(old.conditions ?? [])];
  for (const condition of status.conditions ?? []) {
    const index = before.findIndex(({ type }) => type === condition.type);
    const [known] = index < 0 ? [] : before.splice(index, 1);
    if ((condition.observedGeneration ?? 0) === 0 && known?.observedGeneration !== undefined)
      condition.observedGeneration = known.observedGeneration;
  }
}

export function addPodStatusUpdate(errors: Findings, pod: Pod, old: Pod, rules: PodRules): void {
  const annotations = path('metadata', 'annotations');
  addAnnotationChanges(errors, annotations, pod.metadata.annotations, old.metadata.annotations);
  addPodAnnotations(errors, annotations, pod.metadata.annotations, pod.spec, rules);
  const at = path('status');
  const { status, spec } = pod;
  const before = old.status ?? {};
  addConditions(errors, at.child('conditions'), status);
  addNominatedNode(errors, at.child('nominatedNodeName'), pod, old);
  if ((status.observedGeneration ?? 0) < 0)
    errors.push(invalid(at.child('observedGeneration'), status.observedGeneration, OBSERVED_TEXT));
  addImmutable(errors, at.child('qosClass'), status.qosClass ?? '', before.qosClass ?? '');
  addTransitions(errors, at, status, before, old.spec);
  addClaimStatuses(errors, at.child('resourceClaimStatuses'), status, spec);
  addExtendedClaim(errors, at.child('extendedResourceClaimStatus'), status, spec);
  addAddresses(errors, at.child('podIPs'), status.podIPs, before.podIPs, 'PodIP');
  addHostAddresses(errors, at.child('hostIPs'), status, before);
  for (const list of STATUS_LISTS) addUsers(errors, at.child(list), status[list], spec.os?.name ?? 'linux');
  addAllocated(errors, at.child('containerStatuses'), status.containerStatuses, spec.containers);
  addAllocated(errors, at.child('initContainerStatuses'), status.initContainerStatuses, spec.initContainers);
  status.ephemeralContainerStatuses?.forEach(({ allocatedResourcesStatus = [] }, index) => {
    if (allocatedResourcesStatus.length === 0) return;
    const place = at.child('ephemeralContainerStatuses').index(index).child('allocatedResourcesStatus');
    errors.push(forbidden(place, 'must not be specified in container status'));
  });
}

const STATUS_LISTS = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;

function addConditions(errors: Findings, at: FieldPath, { conditions = [] }: PodStatus): void {
  conditions.forEach(({ type = '', observedGeneration = 0 }, index) => {
    if (observedGeneration < 0)
      errors.push(invalid(at.index(index).child('observedGeneration'), observedGeneration, OBSERVED_TEXT));
    if (!SYSTEM_CONDITIONS.includes(type)) addQualifiedName(errors, at.index(index).child('Type'), type);
  });
}

function addNominatedNode(errors: Findings, at: FieldPath, pod: Pod, old: Pod): void {
  const name = pod.status.nominatedNodeName ?? '';
  if (name === '' || name === (old.status?.nominatedNodeName ?? '')) return;
  addEach(errors, at, name, checkDNS1123Subdomain(name));
  if ((old.spec.nodeName ?? '') !== '')
    errors.push(forbidden(at, 'may not be set on pods that are already bound to a node'));
}

/** Whether a container may run again after it ended with `exitCode`. Mirrors ContainerShouldRestart. */
function mayRestart(container: Container | undefined, spec: PodSpec, exitCode: number): boolean {
  if (container === undefined) return false;
  if (container.restartPolicy !== undefined) {
    const matches = container.restartPolicyRules?.some(({ exitCodes }) => {
      const listed = exitCodes?.values?.includes(exitCode) === true;
      return exitCodes !== undefined && (exitCodes.operator === 'In' ? listed : !listed);
    });
    if (matches === true) return true;
    if (container.restartPolicy === 'Always') return true;
    if (container.restartPolicy === 'OnFailure') return exitCode !== 0;
    if (container.restartPolicy === 'Never') return false;
  }
  if (spec.restartPolicy === 'OnFailure') return exitCode !== 0;
  return spec.restartPolicy === 'Always';
}

function addTransitions(
  errors: Findings,
  at: FieldPath,
  status: PodStatus,
  old: PodStatus,
  spec: PodSpec,
): void {
  const restartsAll = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].some(
    ({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
  const containersOf = { containerStatuses: spec.containers, initContainerStatuses: spec.initContainers };
  for (const list of STATUS_LISTS) {
    const isEphemeral = list === 'ephemeralContainerStatuses';
    if (restartsAll && !isEphemeral) continue;
    old[list]?.forEach(({ name, state }, index) => {
      if (state?.terminated === undefined) return;
      const now = status[list]?.find((other) => other.name === name);
      if (now === undefined || now.state?.terminated !== undefined) return;
      const container = isEphemeral ? undefined : containersOf[list]?.find((other) => other.name === name);
      if (mayRestart(container, spec, state.terminated.exitCode ?? 0)) return;
      const place = at.child(list).index(index).child('state');
      errors.push(forbidden(place, 'may not be transitioned to non-terminated state'));
    });
  }
}

function addClaimStatuses(
  errors: Findings,
  at: FieldPath,
  { resourceClaimStatuses = [] }: PodStatus,
  { resourceClaims = [] }: PodSpec,
): void {
  const names = new Set<string>();
  resourceClaimStatuses.forEach(({ name = '', resourceClaimName }, index) => {
    const place = at.index(index);
    if (!resourceClaims.some((claim) => claim.name === name))
      errors.push(
        invalid(place.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`'),
      );
    if (names.has(name)) errors.push(duplicate(place.child('name'), name));
    names.add(name);
    if (resourceClaimName !== undefined)
      addEach(
        errors,
        place.child('resourceClaimName'),
        resourceClaimName,
        checkDNS1123Subdomain(resourceClaimName),
      );
  });
}

function addExtendedClaim(
  errors: Findings,
  at: FieldPath,
  { extendedResourceClaimStatus: status }: PodStatus,
  { containers, initContainers = [] }: PodSpec,
): void {
  if (status === undefined) return;
  const mappings = status.requestMappings ?? [];
  const list = at.child('requestMappings');
  if (mappings.length === 0) errors.push(required(list, 'at least one request mapping is required'));
  const seen = new Set<string>();
  mappings.forEach(({ containerName = '', resourceName = '', requestName = '' }, index) => {
    const place = list.index(index);
    const container = [...initContainers, ...(containers ?? [])].findLast(
      ({ name }) => name === containerName,
    );
    if (container === undefined) {
      const text = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      errors.push(invalid(place.child('containerName'), containerName, text));
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const text =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      errors.push(invalid(place.child('resourceName'), resourceName, text));
    }
    addDNSLabel(errors, at.child('requestName'), requestName);
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) {
      errors.push(duplicate(place.child('containerName'), containerName));
      errors.push(duplicate(place.child('resourceName'), resourceName));
      errors.push(duplicate(place.child('requestName'), requestName));
    }
    seen.add(key);
  });
  const claim = status.resourceClaimName ?? '';
  if (claim === '') errors.push(required(at.child('resourceClaimName')));
  else addEach(errors, at.child('resourceClaimName'), claim, checkDNS1123Subdomain(claim));
}

function addAddresses(
  errors: Findings,
  at: FieldPath,
  addresses: readonly { readonly ip?: string }[] = [],
  old: readonly { readonly ip?: string }[] = [],
  type: string,
): void {
  const known = old.map(({ ip }) => ip ?? '');
  addresses.forEach(({ ip = '' }, index) => addIP(errors, at.index(index), ip, known));
  if (addresses.length < 2) return;
  const texts = addresses.map(({ ip }) => ip ?? '');
  const isEachValid = texts.every((text) => parseIP(text) !== undefined);
  if (!isEachValid || !isDualStack(texts) || texts.length > 2) {
    const text = 'may specify no more than one IP for each IP family';
    errors.push(invalidInternal(at, `[]${type}`, addresses, text));
  }
}

function addHostAddresses(errors: Findings, at: FieldPath, status: PodStatus, old: PodStatus): void {
  const first = status.hostIPs?.[0];
  if (first === undefined) return;
  if ((status.hostIP ?? '') !== (first.ip ?? ''))
    errors.push(invalid(at.index(0).child('ip'), first.ip ?? '', 'must be equal to `hostIP`'));
  addAddresses(errors, at, status.hostIPs, old.hostIPs, 'HostIP');
}

function addUsers(
  errors: Findings,
  at: FieldPath,
  statuses: readonly ContainerStatus[] | undefined,
  os: string,
): void {
  statuses?.forEach(({ user }, index) => {
    const linux = user?.linux;
    if (linux === undefined) return;
    const place = at.index(index).child('user', 'linux');
    if (os === 'windows') errors.push(forbidden(place, 'cannot be set for a windows pod'));
    if (os !== 'linux') return;
    const { uid = 0, gid = 0, supplementalGroups = [] } = linux;
    addEach(errors, place.child('uid'), uid, checkUserID(uid));
    addEach(errors, place.child('gid'), gid, checkUserID(gid));
    supplementalGroups.forEach((id, group) =>
      addEach(errors, place.child('supplementalGroups').index(group), id, checkUserID(id)),
    );
  });
}

const HEALTH = ['Healthy', 'Unhealthy', 'Unknown'];
const HEALTH_MESSAGE_MAX = 1024;

function addAllocated(
  errors: Findings,
  at: FieldPath,
  statuses: readonly ContainerStatus[] | undefined,
  containers: readonly Container[] | undefined,
): void {
  statuses?.forEach(({ name, allocatedResourcesStatus = [] }, index) => {
    const container = containers?.find((other) => other.name === name);
    allocatedResourcesStatus.forEach((allocated, allocatedIndex) => {
      const place = at.index(index).child('allocatedResourcesStatus').index(allocatedIndex);
      const problem = container === undefined ? undefined : unknownResource(allocated.name ?? '', container);
      if (problem !== undefined) errors.push(invalid(place.child('name'), allocated.name ?? '', problem));
      addHealth(errors, place.child('resources'), allocated.resources ?? []);
    });
  });
}

function unknownResource(name: string, { resources }: Container): string | undefined {
  if (name.startsWith('claim:')) {
    const isKnown = resources?.claims?.some(
      (claim) => name === `claim:${claim.name}${(claim.request ?? '') === '' ? '' : `/${claim.request}`}`,
    );
    return isKnown === true
      ? undefined
      : "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
  }
  const isKnown = Object.hasOwn(resources?.requests ?? {}, name);
  return isKnown ? undefined : "must match one of the container's resource requests";
}

function addHealth(
  errors: Findings,
  at: FieldPath,
  resources: readonly { readonly resourceID?: string; readonly health?: string; readonly message?: string }[],
): void {
  const ids = new Set<string>();
  resources.forEach(({ resourceID = '', health = '', message }, index) => {
    const place = at.index(index);
    if (!HEALTH.includes(health)) errors.push(notSupported(place.child('health'), health, HEALTH));
    if (message === '') errors.push(required(place.child('message'), 'must be non-empty if specified'));
    else if (message !== undefined && byteLength(message) > HEALTH_MESSAGE_MAX)
      errors.push(tooLong(place.child('message'), message, HEALTH_MESSAGE_MAX));
    if (ids.has(resourceID)) errors.push(duplicate(place.child('resourceID'), resourceID));
    ids.add(resourceID);
  });
}
