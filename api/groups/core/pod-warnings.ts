/** What clients are told about pods that are taken as they are. Mirrors pkg/api/pod/warnings.go. */
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type {
  Container,
  ContainerPort,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../../openapi/generated/core-v1.ts';
import { sortedEntries } from '../common/findings.ts';
import { ipWarnings } from '../common/ip.ts';
import { deprecatedNodeLabel, nodeSelectorTermWarnings } from '../common/node-selectors.ts';
import { isFractional } from '../common/resources.ts';
import { claimSpecWarnings } from './claim-spec.ts';
import {
  type Annotations,
  APP_ARMOR_PREFIX,
  appArmorOfAnnotation,
  SECCOMP_CONTAINER_PREFIX,
  SECCOMP_POD_ANNOTATION,
} from './pod-annotations.ts';
import { visitContainers } from './pod-rules.ts';
import { pathOverlapWarnings } from './path-overlaps.ts';

const DEPRECATED_ANNOTATIONS: readonly (readonly [string, string])[] = [
  [
    'scheduler.alpha.kubernetes.io/critical-pod',
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  ],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  [
    'security.alpha.kubernetes.io/unsafe-sysctls',
    'non-functional in v1.11+; use the "sysctls" field instead',
  ],
];

/** Volumes that are no more: member, name shown, text. */
const DEPRECATED_VOLUMES: readonly (readonly [keyof Volume, string, string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/** Warnings about a template; `at` is its path. */
export function podTemplateWarnings(at: FieldPath, template: PodTemplateSpec | undefined): string[] {
  if (template?.spec === undefined) return [];
  return podWarnings(at, template.spec, template.metadata ?? {});
}

/** Warnings about a pod (without `template`) or about the template at that path. */
export function podWarnings(
  template: FieldPath | undefined,
  spec: PodSpec,
  { annotations }: { readonly annotations?: Annotations },
): string[] {
  const root = template ?? path();
  const at = root.child('spec');
  const notes = root.child('metadata', 'annotations');
  const warnings: string[] = [];
  addPlacement(warnings, at, spec);
  for (const [key, text] of DEPRECATED_ANNOTATIONS)
    if (annotations?.[key] !== undefined) warnings.push(`${String(notes.key(key))}: ${text}`);
  spec.volumes?.forEach((volume, index) => addVolume(warnings, at.child('volumes').index(index), volume));
  warnings.push(...pathOverlapWarnings(spec.volumes ?? []));
  addDuplicates(warnings, at, spec);
  addOverhead(warnings, at.child('overhead'), spec);
  const hasSeccomp = spec.securityContext?.seccompProfile !== undefined;
  if (!hasSeccomp && annotations?.[SECCOMP_POD_ANNOTATION] !== undefined)
    warnings.push(seccompWarning(notes, SECCOMP_POD_ANNOTATION));
  visitContainers(spec, (container, list, index) => {
    addProfiles(warnings, notes, annotations, spec, container, template !== undefined);
    addContainer(warnings, at.child(list).index(index), container);
  });
  addPorts(warnings, at, spec);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const place = at.child('terminationGracePeriodSeconds');
    warnings.push(`${String(place)}: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  addAffinity(warnings, at.child('affinity'), spec);
  spec.dnsConfig?.nameservers?.forEach((address, index) =>
    warnings.push(...ipWarnings(at.child('dnsConfig', 'nameservers').index(index), address)),
  );
  spec.hostAliases?.forEach(({ ip = '' }, index) =>
    warnings.push(...ipWarnings(at.child('hostAliases').index(index).child('ip'), ip)),
  );
  return warnings;
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const NO_SELECTOR = 'a null labelSelector results in matching no pod';

function addPlacement(warnings: string[], at: FieldPath, spec: PodSpec): void {
  for (const [key] of sortedEntries(spec.nodeSelector)) {
    const text = deprecatedNodeLabel(key);
    if (text !== undefined) warnings.push(`${String(at.child('nodeSelector').key(key))}: ${text}`);
  }
  const affinity = spec.affinity?.nodeAffinity;
  const place = at.child('affinity', 'nodeAffinity');
  affinity?.[REQUIRED]?.nodeSelectorTerms?.forEach((term, index) =>
    warnings.push(
      ...nodeSelectorTermWarnings(place.child(REQUIRED, 'nodeSelectorTerms').index(index), term, false),
    ),
  );
  affinity?.[PREFERRED]?.forEach(({ preference }, index) =>
    warnings.push(
      ...nodeSelectorTermWarnings(place.child(PREFERRED).index(index).child('preference'), preference, true),
    ),
  );
  spec.topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, index) => {
    const constraint = at.child('topologySpreadConstraints').index(index);
    const text = deprecatedNodeLabel(topologyKey);
    if (text !== undefined)
      warnings.push(`${String(constraint.child('topologyKey'))}: ${topologyKey} is ${text}`);
    if (labelSelector === undefined)
      warnings.push(`${String(constraint.child('labelSelector'))}: ${NO_SELECTOR}`);
  });
}

function addVolume(warnings: string[], at: FieldPath, volume: Volume): void {
  for (const [member, shown, text] of DEPRECATED_VOLUMES) {
    if (member === 'cephfs' && volume.ephemeral?.volumeClaimTemplate !== undefined) {
      const place = at.child('ephemeral', 'volumeClaimTemplate', 'spec');
      warnings.push(...claimSpecWarnings(place, volume.ephemeral.volumeClaimTemplate.spec));
    }
    if (volume[member] !== undefined) warnings.push(`${String(at.child(shown))}: ${text}`);
  }
}

function addDuplicates(warnings: string[], at: FieldPath, spec: PodSpec): void {
  const addTwice = (list: string, member: string, values: readonly string[]): void => {
    const seen = new Set<string>();
    values.forEach((value, index) => {
      const place = at.child(list).index(index).child(member);
      if (seen.has(value)) warnings.push(`${String(place)}: duplicate ${member} ${goQuote(value)}`);
      seen.add(value);
    });
  };
  const secrets = (spec.imagePullSecrets ?? []).map(({ name }) => name ?? '');
  addTwice(
    'hostAliases',
    'ip',
    (spec.hostAliases ?? []).map(({ ip }) => ip ?? ''),
  );
  addTwice('imagePullSecrets', 'name', secrets);
  secrets.forEach((name, index) => {
    if (name === '')
      warnings.push(
        `${String(at.child('imagePullSecrets').index(index).child('name'))}: invalid empty name ""`,
      );
  });
}

function fractionWarning(at: FieldPath, name: string, value: string | undefined): string[] {
  if (value === undefined || !isFractional(value)) return [];
  return [`${String(at.key(name))}: fractional byte value ${goQuote(value)} is invalid, must be an integer`];
}

const BYTES = ['memory', 'ephemeral-storage'];

function addOverhead(warnings: string[], at: FieldPath, { overhead }: PodSpec): void {
  for (const name of BYTES) warnings.push(...fractionWarning(at, name, overhead?.[name]));
}

function seccompWarning(notes: FieldPath, key: string): string {
  return `${String(notes.key(key))}: non-functional in v1.27+; use the "seccompProfile" field instead`;
}

function addProfiles(
  warnings: string[],
  notes: FieldPath,
  annotations: Annotations,
  spec: PodSpec,
  { name, securityContext }: Container,
  isTemplate: boolean,
): void {
  if (annotations === undefined) return;
  const seccomp = `${SECCOMP_CONTAINER_PREFIX}${name}`;
  if (securityContext?.seccompProfile === undefined && annotations[seccomp] !== undefined)
    warnings.push(seccompWarning(notes, seccomp));
  const appArmor = `${APP_ARMOR_PREFIX}${name}`;
  const annotation = annotations[appArmor];
  // Those of pods were told when they became fields.
  if (!isTemplate || annotation === undefined || securityContext?.appArmorProfile !== undefined) return;
  const own = spec.securityContext?.appArmorProfile;
  if (own === undefined || !equalJSON(own, appArmorOfAnnotation(annotation)))
    warnings.push(
      `${String(notes.key(appArmor))}: deprecated since v1.30; use the "appArmorProfile" field instead`,
    );
}

function addContainer(warnings: string[], at: FieldPath, { resources, env = [] }: Container): void {
  if (resources !== undefined)
    for (const name of BYTES)
      for (const member of ['limits', 'requests'] as const)
        warnings.push(...fractionWarning(at.child('resources', member), name, resources[member]?.[name]));
  if (env.length < 2) return;
  const names = new Set<string>();
  env.forEach(({ name = '', value = '', valueFrom }, index) => {
    const reference = `$(${name})`;
    const isExtension = valueFrom === undefined && value !== reference && value.includes(reference);
    if (names.has(name) && !isExtension) {
      const text = `hides previous definition of ${goQuote(name)}, which may be dropped when using apply`;
      warnings.push(`${String(at.child('env').index(index))}: ${text}`);
    }
    names.add(name);
  });
}

interface PlacedPort extends ContainerPort {
  readonly at: FieldPath;
}

/** A port as Go prints the struct. */
function goPort({
  name = '',
  hostPort = 0,
  containerPort,
  protocol = '',
  hostIP = '',
}: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}

function addPorts(warnings: string[], at: FieldPath, spec: PodSpec): void {
  const all: PlacedPort[] = [];
  visitContainers(spec, ({ ports }, list, index) =>
    ports?.forEach((port, portIndex) =>
      all.push({ ...port, at: at.child(list).index(index).child('ports').index(portIndex) }),
    ),
  );
  const known = new Map<string, PlacedPort[]>();
  for (const port of all) {
    const { hostIP = '', hostPort = 0 } = port;
    if (hostIP !== '' && hostPort === 0)
      warnings.push(`${String(port.at)}: hostIP set without hostPort: ${goPort(port)}`);
    const key = `${port.containerPort}/${port.protocol ?? ''}`;
    const others = known.get(key) ?? [];
    for (const other of others) {
      const text = portConflict(port, other);
      if (text !== undefined)
        warnings.push(`${String(port.at)}: ${text} port definition with ${String(other.at)}`);
    }
    known.set(key, [...others, port]);
  }
  const names = new Map<string, FieldPath>();
  for (const { name = '', at: place } of all) {
    if (name === '') continue;
    const other = names.get(name);
    if (other === undefined) names.set(name, place);
    else
      warnings.push(
        `${String(place)}: duplicate port name ${goQuote(name)} with ${String(other)}, services and probes that select ports by name will use ${String(other)}`,
      );
  }
}

function portConflict(port: ContainerPort, other: ContainerPort): string | undefined {
  const [ip, otherIP] = [port.hostIP ?? '', other.hostIP ?? ''];
  const [number, otherNumber] = [port.hostPort ?? 0, other.hostPort ?? 0];
  if (ip === otherIP && number === otherNumber) return 'duplicate';
  if (number === 0 || otherNumber === 0) return 'overlapping';
  const isAmbiguous = number === otherNumber && (ip === '') !== (otherIP === '');
  return isAmbiguous ? 'dangerously ambiguous' : undefined;
}

function addAffinity(warnings: string[], at: FieldPath, { affinity }: PodSpec): void {
  for (const member of ['podAffinity', 'podAntiAffinity'] as const) {
    const place = at.child(member);
    affinity?.[member]?.[REQUIRED]?.forEach(({ labelSelector }, index) => {
      if (labelSelector === undefined)
        warnings.push(`${String(place.child(REQUIRED).index(index).child('labelSelector'))}: ${NO_SELECTOR}`);
    });
    affinity?.[member]?.[PREFERRED]?.forEach(({ podAffinityTerm }, index) => {
      const term = place.child(PREFERRED).index(index).child('podAffinityTerm');
      if (podAffinityTerm.labelSelector === undefined)
        warnings.push(`${String(term.child('labelSelector'))}: ${NO_SELECTOR}`);
    });
  }
}
