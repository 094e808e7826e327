/** Specs of pods and pod templates. Mirrors ValidatePodSpec of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, checkSubdomainWithUnderscore, rangeText } from '../../machinery/names.ts';
import { duplicate, forbidden, invalid, notFound, required, tooLong } from '../../machinery/field-errors.ts';
import { validateAnnotations } from '../../machinery/label-validation.ts';
import type {
  Container,
  EphemeralContainer,
  PodDNSConfig,
  PodResourceClaim,
  PodSpec,
  PodTemplateSpec,
} from '../../../openapi/generated/core-v1.ts';
import {
  addDNSLabel,
  addDNSSubdomain,
  addEach,
  addLabels,
  addQualifiedName,
  addRequiredSupported,
  type Findings,
} from '../common/findings.ts';
import { invalidInternal } from '../common/internal-json.ts';
import { addIP } from '../common/ip.ts';
import { addOverhead, addPodResources } from './container-resources.ts';
import { addContainer, addHostPortConflicts, addImageSpaces, type PodContext } from './containers.ts';
import { addLifecycle, addProbes, addRestartPolicy } from './handlers.ts';
import { addAffinity, addTolerations, addTopologySpread } from './pod-affinity.ts';
import { addPodAnnotations, addProfileConflicts, MIRROR_ANNOTATION } from './pod-annotations.ts';
import { isRestartable, type PodRules, visitContainers } from './pod-rules.ts';
import { addVolumes } from './pod-volumes.ts';
import { addHostProcess, addOS, addPodSecurityContext } from './security-context.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];
const SECONDS_MAX = 2 ** 31 - 1;
const HOSTNAME_OVERRIDE_MAX = 64;

export function addPodSpec(errors: Findings, at: FieldPath, spec: PodSpec, rules: PodRules): void {
  if (spec.terminationGracePeriodSeconds === undefined)
    errors.push(required(at.child('terminationGracePeriodSeconds')));
  const claims = spec.resourceClaims ?? [];
  const pod: PodContext = {
    volumes: addVolumes(errors, at.child('volumes'), spec.volumes ?? [], rules),
    claims: new Set(claims.map(({ name }) => name).filter(Boolean)),
    restartPolicy: spec.restartPolicy ?? '',
    hostUsers: spec.hostUsers !== false,
    graceSeconds: spec.terminationGracePeriodSeconds,
    os: spec.os?.name,
    rules,
  };
  addResourceClaims(errors, at.child('resourceClaims'), claims, rules);
  addContainers(errors, at.child('containers'), spec.containers ?? [], pod);
  addInitContainers(errors, at.child('initContainers'), spec, pod);
  addEphemeralContainers(errors, at.child('ephemeralContainers'), spec, pod);
  addPodResources(errors, at.child('resources'), spec, pod.claims, rules);
  addHostNetworkPorts(errors, at.child('containers'), spec, rules);
  addRequiredSupported(errors, at.child('restartPolicy'), spec.restartPolicy, RESTART_POLICIES);
  addRequiredSupported(errors, at.child('dnsPolicy'), spec.dnsPolicy, DNS_POLICIES);
  addLabels(errors, at.child('nodeSelector'), spec.nodeSelector);
  addPodSecurityContext(errors, at.child('securityContext'), spec, rules);
  addAffinity(errors, at.child('affinity'), spec.affinity, rules);
  addDNSConfig(errors, at.child('dnsConfig'), spec.dnsConfig, spec.dnsPolicy);
  spec.readinessGates?.forEach(({ conditionType = '' }, index) =>
    addQualifiedName(errors, at.child('readinessGates').index(index).child('conditionType'), conditionType),
  );
  addSchedulingGates(errors, at.child('schedulingGates'), spec.schedulingGates ?? []);
  addTopologySpread(
    errors,
    at.child('topologySpreadConstraints'),
    spec.topologySpreadConstraints ?? [],
    rules,
  );
  addHostProcess(errors, at, spec);
  addHostUsers(errors, at, spec, rules);
  addHostnameOverride(errors, at.child('hostnameOverride'), spec);
  addNames(errors, at, spec);
  addRest(errors, at, spec, rules);
}

function addNames(errors: Findings, at: FieldPath, spec: PodSpec): void {
  for (const member of ['serviceAccountName', 'nodeName'] as const) {
    const name = spec[member] ?? '';
    if (name !== '') addDNSSubdomain(errors, at.child(member), name);
  }
  const seconds = spec.activeDeadlineSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > SECONDS_MAX))
    errors.push(invalid(at.child('activeDeadlineSeconds'), seconds, rangeText(1, SECONDS_MAX)));
  for (const member of ['hostname', 'subdomain'] as const) {
    const name = spec[member] ?? '';
    if (name !== '') addDNSLabel(errors, at.child(member), name);
  }
}

function addRest(errors: Findings, at: FieldPath, spec: PodSpec, rules: PodRules): void {
  if (spec.tolerations !== undefined) addTolerations(errors, at.child('tolerations'), spec.tolerations);
  spec.hostAliases?.forEach(({ ip = '', hostnames = [] }, index) => {
    const place = at.child('hostAliases').index(index);
    addIP(errors, place.child('ip'), ip);
    hostnames.forEach((name, nameIndex) =>
      addDNSSubdomain(errors, place.child('hostnames').index(nameIndex), name),
    );
  });
  if ((spec.priorityClassName ?? '') !== '')
    addDNSSubdomain(errors, at.child('priorityClassName'), spec.priorityClassName!);
  if (spec.runtimeClassName !== undefined)
    addDNSSubdomain(errors, at.child('runtimeClassName'), spec.runtimeClassName);
  if (spec.preemptionPolicy !== undefined)
    addRequiredSupported(errors, at.child('preemptionPolicy'), spec.preemptionPolicy, PREEMPTION_POLICIES);
  if (spec.overhead !== undefined) addOverhead(errors, at.child('overhead'), spec.overhead, rules);
  if (spec.os !== undefined) addOS(errors, at, spec);
  addFileKeyVolumes(errors, at, spec);
}

function addResourceClaims(
  errors: Findings,
  at: FieldPath,
  claims: readonly PodResourceClaim[],
  { meta }: PodRules,
): void {
  const names = new Set<string>();
  claims.forEach((claim, index) => {
    const place = at.index(index);
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
    if (meta?.annotations?.[MIRROR_ANNOTATION] !== undefined) {
      errors.push(forbidden('', 'static pods do not support resource claims'));
      return;
    }
    if (name === '') errors.push(required(place.child('name')));
    else if (names.has(name)) errors.push(duplicate(place.child('name'), name));
    else addDNSLabel(errors, place.child('name'), name);
    names.add(name);
    const addClaim = (text: string): number =>
      errors.push(invalidInternal(place, 'PodResourceClaim', claim, text));
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      addClaim('at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      addClaim('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    for (const member of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[member];
      if (value !== undefined) addDNSSubdomain(errors, place.child(member), value);
    }
  });
}

function addContainers(
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

function addInitContainers(
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

function addEphemeralContainers(errors: Findings, at: FieldPath, spec: PodSpec, pod: PodContext): void {
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

function addHostNetworkPorts(errors: Findings, at: FieldPath, spec: PodSpec, { isPod }: PodRules): void {
  if (spec.hostNetwork !== true) return;
  spec.containers?.forEach(({ ports }, index) =>
    ports?.forEach(({ hostPort = 0, containerPort = 0 }, portIndex) => {
      if ((isPod !== true && hostPort === 0) || hostPort === containerPort) return;
      const place = at.index(index).child('ports').index(portIndex).child('hostPort');
      errors.push(invalid(place, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
    }),
  );
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;

function addDNSConfig(
  errors: Findings,
  at: FieldPath,
  config: PodDNSConfig | undefined,
  policy: string | undefined,
): void {
  const { nameservers = [], searches = [], options = [] } = config ?? {};
  if (policy === 'None') {
    if (config === undefined) {
      errors.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
      return;
    }
    if (nameservers.length === 0) {
      const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      errors.push(required(at.child('nameservers'), text));
      return;
    }
  }
  if (nameservers.length > NAMESERVERS_MAX)
    errors.push(
      invalid(at.child('nameservers'), nameservers, `must not have more than ${NAMESERVERS_MAX} nameservers`),
    );
  nameservers.forEach((address, index) => addIP(errors, at.child('nameservers').index(index), address));
  if (searches.length > SEARCHES_MAX)
    errors.push(
      invalid(at.child('searches'), searches, `must not have more than ${SEARCHES_MAX} search paths`),
    );
  if (byteLength(searches.join(' ')) > SEARCH_CHARACTERS_MAX) {
    const text = `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`;
    errors.push(invalid(at.child('searches'), searches, text));
  }
  searches.forEach((search, index) => {
    if (search === '.') return;
    const name = search.replace(/\.$/, '');
    addEach(errors, at.child('searches').index(index), name, checkSubdomainWithUnderscore(name));
  });
  options.forEach(({ name = '' }, index) => {
    if (name === '') errors.push(required(at.child('options').index(index), 'must not be empty'));
  });
}

function addSchedulingGates(
  errors: Findings,
  at: FieldPath,
  gates: NonNullable<PodSpec['schedulingGates']>,
): void {
  const names = new Set<string>();
  gates.forEach(({ name = '' }, index) => {
    addQualifiedName(errors, at.index(index), name);
    if (names.has(name)) errors.push(duplicate(at.index(index), name));
    names.add(name);
  });
}

function addHostUsers(errors: Findings, at: FieldPath, spec: PodSpec, rules: PodRules): void {
  if (spec.hostUsers !== false) return;
  const text = 'when `hostUsers` is false';
  if (spec.hostNetwork === true && rules.allowHostUsersWithHostNetwork !== true)
    errors.push(forbidden(at.child('hostNetwork'), text));
  if (spec.hostPID === true) errors.push(forbidden(at.child('HostPID'), text));
  if (spec.hostIPC === true) errors.push(forbidden(at.child('HostIPC'), text));
  if (rules.allowHostUsersWithDevices === true) return;
  visitContainers(spec, ({ volumeDevices = [] }, list, index) => {
    if (volumeDevices.length > 0)
      errors.push(forbidden(at.child(list).index(index).child('volumeDevices'), text));
  });
}

function addHostnameOverride(errors: Findings, at: FieldPath, spec: PodSpec): void {
  const { hostnameOverride } = spec;
  if (hostnameOverride === undefined) return;
  if (spec.setHostnameAsFQDN === true)
    errors.push(forbidden(at, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork === true) errors.push(forbidden(at, 'may not be specified when hostNetwork is true'));
  if (byteLength(hostnameOverride) > HOSTNAME_OVERRIDE_MAX)
    errors.push(tooLong(at, '', HOSTNAME_OVERRIDE_MAX));
  addEach(errors, at, hostnameOverride, checkDNS1123Subdomain(hostnameOverride));
}

function addFileKeyVolumes(errors: Findings, at: FieldPath, spec: PodSpec): void {
  visitContainers(spec, ({ env }, list, index) =>
    env?.forEach(({ valueFrom }, envIndex) => {
      const reference = valueFrom?.fileKeyRef;
      if (reference === undefined) return;
      const name = reference.volumeName ?? '';
      const place = at
        .child(list)
        .index(index)
        .child('env')
        .index(envIndex)
        .child('valueFrom', 'fileKeyRef', 'volumeName');
      const volume = spec.volumes?.findLast((other) => (other.name ?? '') === name);
      if (volume === undefined) errors.push(notFound(place, name));
      else if (volume.emptyDir === undefined)
        errors.push(invalid(place, name, 'referenced volume must be of type emptyDir'));
    }),
  );
}

/** A template of pods. Mirrors ValidatePodTemplateSpec. */
export function addPodTemplate(
  errors: Findings,
  at: FieldPath,
  template: PodTemplateSpec,
  rules: PodRules,
): void {
  const { metadata } = template;
  const spec = template.spec ?? ({} as PodSpec);
  addLabels(errors, at.child('labels'), metadata?.labels);
  errors.push(...validateAnnotations(metadata?.annotations, at.child('annotations')));
  addPodAnnotations(errors, at.child('annotations'), metadata?.annotations, spec, rules);
  addPodSpec(errors, at.child('spec'), spec, rules);
  addProfileConflicts(errors, at.child('spec'), metadata?.annotations, spec);
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.push(
      forbidden(at.child('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'),
    );
}
