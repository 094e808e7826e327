/** Specs of pods and pod templates. Mirrors ValidatePodSpec of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain, rangeText } from '../../machinery/names.ts';
import { duplicate, forbidden, invalid, notFound, required, tooLong } from '../../machinery/field-errors.ts';
import { validateAnnotations } from '../../machinery/label-validation.ts';
import type { PodResourceClaim, PodSpec, PodTemplateSpec } from '../../../openapi/generated/core-v1.ts';
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
import type { PodContext } from './containers.ts';
import { addAffinity, addTolerations, addTopologySpread } from './pod-affinity.ts';
import { addPodAnnotations, addProfileConflicts, MIRROR_ANNOTATION } from './pod-annotations.ts';
import { type PodRules, visitContainers } from './pod-rules.ts';
import { addVolumes } from './pod-volumes.ts';
import { addHostProcess, addOS, addPodSecurityContext } from './security-context.ts';
import {
  addContainers,
  addInitContainers,
  addEphemeralContainers,
  addHostNetworkPorts,
} from './pod-containers.ts';
import { addDNSConfig } from './pod-dns.ts';

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
