/** Containers of pods. Mirrors validateContainerCommon and its neighbours of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain, checkEnvVarName, checkPortName } from '../../machinery/names.ts';
import {
  duplicate,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
} from '../../machinery/field-errors.ts';
import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  Volume,
  VolumeDevice,
  VolumeMount,
} from '../../../openapi/generated/core-v1.ts';
import {
  addConfigMapKey,
  addDescendingPath,
  addDNSLabel,
  addEach,
  addNoBacksteps,
  addPortNumber,
  addRequiredSupported,
  addSupported,
  type Findings,
  hasBackstep,
} from '../common/findings.ts';
import { addContainerResources } from './container-resources.ts';
import { addContainerSecurityContext } from './security-context.ts';
import { addFieldRef, addResourceFieldRef, ENV_FIELDS } from './field-refs.ts';
import type { PodRules } from './pod-rules.ts';
import { PULL_POLICIES } from './pod-volumes.ts';

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];

/** What containers of one pod see of it. */
export interface PodContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Names of the resource claims of the pod. */
  readonly claims: ReadonlySet<string>;
  readonly restartPolicy: string;
  readonly hostUsers: boolean;
  readonly graceSeconds: number | undefined;
  readonly os: string | undefined;
  readonly rules: PodRules;
}

export function addContainer(errors: Findings, at: FieldPath, container: Container, pod: PodContext): void {
  const { name = '', image = '' } = container;
  if (name === '') errors.push(required(at.child('name')));
  else addDNSLabel(errors, at.child('name'), name);
  if (image === '') errors.push(required(at.child('image')));
  addRequiredSupported(
    errors,
    at.child('terminationMessagePolicy'),
    container.terminationMessagePolicy,
    MESSAGE_POLICIES,
  );
  if (container.ports !== undefined) addPorts(errors, at.child('ports'), container.ports);
  if (container.env !== undefined) addEnv(errors, at.child('env'), container.env);
  if (container.envFrom !== undefined) addEnvFrom(errors, at.child('envFrom'), container.envFrom);
  if (container.volumeMounts !== undefined)
    addVolumeMounts(errors, at.child('volumeMounts'), container.volumeMounts, container, pod);
  if (container.volumeDevices !== undefined)
    addVolumeDevices(errors, at.child('volumeDevices'), container.volumeDevices, container, pod);
  addRequiredSupported(errors, at.child('imagePullPolicy'), container.imagePullPolicy, PULL_POLICIES);
  if (container.resources !== undefined)
    addContainerResources(errors, at.child('resources'), container.resources, pod.claims, pod.rules);
  if (container.resizePolicy !== undefined)
    addResizePolicy(errors, at.child('resizePolicy'), container.resizePolicy, pod.restartPolicy);
  if (container.securityContext !== undefined)
    addContainerSecurityContext(
      errors,
      at.child('securityContext'),
      container.securityContext,
      pod.hostUsers,
    );
}

function addPorts(errors: Findings, at: FieldPath, ports: readonly ContainerPort[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at.index(index);
    const { name = '', containerPort = 0, hostPort = 0 } = port;
    if (name !== '') {
      const texts = checkPortName(name);
      addEach(errors, place.child('name'), name, texts);
      if (texts.length === 0) {
        if (names.has(name)) errors.push(duplicate(place.child('name'), name));
        names.add(name);
      }
    }
    if (containerPort === 0) errors.push(required(place.child('containerPort')));
    else addPortNumber(errors, place.child('containerPort'), containerPort);
    if (hostPort !== 0) addPortNumber(errors, place.child('hostPort'), hostPort);
    addRequiredSupported(errors, place.child('protocol'), port.protocol, PROTOCOLS);
  });
}

/** Two containers of a pod cannot take one port of the node. */
export function addHostPortConflicts(
  errors: Findings,
  at: FieldPath,
  containers: readonly Container[],
): void {
  const taken = new Set<string>();
  containers.forEach(({ ports }, index) =>
    ports?.forEach(({ protocol = '', hostIP = '', hostPort = 0 }, portIndex) => {
      if (hostPort === 0) return;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key))
        errors.push(duplicate(at.index(index).child('ports').index(portIndex).child('hostPort'), key));
      taken.add(key);
    }),
  );
}

function addEnv(errors: Findings, at: FieldPath, variables: readonly EnvVar[]): void {
  variables.forEach((variable, index) => {
    const place = at.index(index);
    const { name = '', value = '', valueFrom } = variable;
    if (name === '') errors.push(required(place.child('name')));
    else addEach(errors, place.child('name'), name, checkEnvVarName(name));
    if (valueFrom !== undefined) addEnvSource(errors, place.child('valueFrom'), valueFrom, value);
  });
}

const ENV_SOURCES_TEXT =
  'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';

function addEnvSource(errors: Findings, at: FieldPath, source: EnvVarSource, value: string): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  if (fieldRef !== undefined) addFieldRef(errors, at.child('fieldRef'), fieldRef, ENV_FIELDS);
  if (resourceFieldRef !== undefined)
    addResourceFieldRef(errors, at.child('resourceFieldRef'), resourceFieldRef, false);
  if (configMapKeyRef !== undefined) addKeyRef(errors, at.child('configMapKeyRef'), configMapKeyRef);
  if (secretKeyRef !== undefined) addKeyRef(errors, at.child('secretKeyRef'), secretKeyRef);
  if (fileKeyRef !== undefined) addFileKeyRef(errors, at.child('fileKeyRef'), fileKeyRef);
  const count = Object.values(source).filter((member) => member !== undefined).length;
  if (count === 0) errors.push(invalid(at, '', ENV_SOURCES_TEXT));
  else if (value !== '') errors.push(invalid(at, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
}

function addKeyRef(
  errors: Findings,
  at: FieldPath,
  { name = '', key = '' }: { name?: string; key?: string },
): void {
  addEach(errors, at.child('name'), name, checkDNS1123Subdomain(name));
  if (key === '') errors.push(required(at.child('key')));
  else addConfigMapKey(errors, at.child('key'), key);
}

function addFileKeyRef(
  errors: Findings,
  at: FieldPath,
  { key = '', volumeName = '', path = '' }: NonNullable<EnvVarSource['fileKeyRef']>,
): void {
  if (key === '') errors.push(required(at.child('key')));
  else addEach(errors, at.child('key'), key, checkEnvVarName(key));
  if (volumeName === '') errors.push(required(at.child('volumeName')));
  else addDNSLabel(errors, at.child('volumeName'), volumeName);
  if (path === '') errors.push(required(at.child('path')));
  else addNoBacksteps(errors, at.child('path'), path);
}

/** As upstream checks names that may get a suffix: what a trailing dash would spoil is not looked at. */
function checkPrefix(name: string): string[] {
  return checkDNS1123Subdomain(name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
}

function addEnvFrom(errors: Findings, at: FieldPath, list: readonly EnvFromSource[]): void {
  list.forEach(({ prefix = '', configMapRef, secretRef }, index) => {
    const place = at.index(index);
    if (prefix !== '') addEach(errors, place.child('prefix'), prefix, checkEnvVarName(prefix));
    for (const [member, reference] of [
      ['configMapRef', configMapRef],
      ['secretRef', secretRef],
    ] as const) {
      if (reference === undefined) continue;
      const name = reference.name ?? '';
      const namePlace = place.child(member, 'name');
      if (name === '') errors.push(required(namePlace));
      else addEach(errors, namePlace, name, checkPrefix(name));
    }
    if (configMapRef === undefined && secretRef === undefined)
      errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef !== undefined && secretRef !== undefined)
      errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
  });
}

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE = ['Disabled', 'Enabled', 'IfPossible'];

/** Upstream names the list without an index where mounts are checked in detail. */
function addVolumeMounts(
  errors: Findings,
  at: FieldPath,
  mounts: readonly VolumeMount[],
  container: Container,
  { volumes }: PodContext,
): void {
  const devices = new Map((container.volumeDevices ?? []).map(({ name, devicePath }) => [name, devicePath]));
  const devicePaths = new Set(devices.values());
  const taken = new Set<string>();
  mounts.forEach((mount, index) => {
    const place = at.index(index);
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    if (name === '') errors.push(required(place.child('name')));
    if (!volumes.has(name)) errors.push(notFound(place.child('name'), name));
    if (mountPath === '') errors.push(required(place.child('mountPath')));
    if (taken.has(mountPath)) errors.push(invalid(place.child('mountPath'), mountPath, 'must be unique'));
    taken.add(mountPath);
    if (devices.has(name))
      errors.push(invalid(place.child('name'), name, 'must not already exist in volumeDevices'));
    if (devicePaths.has(mountPath)) {
      const text = 'must not already exist as a path in volumeDevices';
      errors.push(invalid(place.child('mountPath'), mountPath, text));
    }
    if (subPath !== '') addDescendingPath(errors, at.child('subPath'), subPath);
    if (subPathExpr !== '') {
      if (subPath !== '') {
        const text = 'subPathExpr and subPath are mutually exclusive';
        errors.push(invalid(place.child('subPathExpr'), subPathExpr, text));
      }
      addDescendingPath(errors, at.child('subPathExpr'), subPathExpr);
    }
    addMountPropagation(errors, at, mount, container);
  });
}

function addMountPropagation(
  errors: Findings,
  at: FieldPath,
  { mountPropagation, recursiveReadOnly, readOnly }: VolumeMount,
  { securityContext }: Container,
): void {
  if (mountPropagation !== undefined) {
    const place = at.child('mountPropagation');
    addSupported(errors, place, mountPropagation, PROPAGATIONS);
    if (mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
      const text = 'Bidirectional mount propagation is available only to privileged containers';
      errors.push(forbidden(place, text));
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  const place = at.child('recursiveReadOnly');
  if (!RECURSIVE.includes(recursiveReadOnly)) {
    errors.push(notSupported(place, recursiveReadOnly, RECURSIVE));
    return;
  }
  if (readOnly !== true) errors.push(forbidden(place, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    const text = 'may only be specified when mountPropagation is None or not specified';
    errors.push(forbidden(place, text));
  }
}

function addVolumeDevices(
  errors: Findings,
  at: FieldPath,
  devices: readonly VolumeDevice[],
  { volumeMounts = [] }: Container,
  { volumes }: PodContext,
): void {
  const mounts = new Map(volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  const mountPaths = new Set(mounts.values());
  const paths = new Set<string>();
  const names = new Set<string>();
  devices.forEach(({ name = '', devicePath = '' }, index) => {
    const place = at.index(index);
    const volume = volumes.get(name);
    const addName = (text: string): number => errors.push(invalid(place.child('name'), name, text));
    const addPath = (text: string): number =>
      errors.push(invalid(place.child('devicePath'), devicePath, text));
    if (name === '') errors.push(required(place.child('name')));
    if (names.has(name)) addName('must be unique');
    if (volume === undefined) errors.push(notFound(place.child('name'), name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
      addName('can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    if (devicePath === '') errors.push(required(place.child('devicePath')));
    if (paths.has(devicePath)) addPath('must be unique');
    if (hasBackstep(devicePath)) addPath("can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.has(name)) addName('must not already exist in volumeMounts');
    if (mountPaths.has(devicePath)) addPath('must not already exist as a path in volumeMounts');
    if (name !== '') names.add(name);
  });
}

const RESIZABLE = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];

function addResizePolicy(
  errors: Findings,
  at: FieldPath,
  policies: readonly ContainerResizePolicy[],
  podRestartPolicy: string,
): void {
  const seen = new Set<string>();
  policies.forEach(({ resourceName = '', restartPolicy = '' }, index) => {
    if (seen.has(resourceName)) errors.push(duplicate(at.index(index), resourceName));
    seen.add(resourceName);
    addRequiredSupported(errors, at, resourceName, RESIZABLE);
    addRequiredSupported(errors, at, restartPolicy, RESIZE_POLICIES);
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      errors.push(invalid(at, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
  });
}

/** Images of pods themselves; templates may have what a template engine fills in. */
export function addImageSpaces(errors: Findings, at: FieldPath, image = ''): void {
  if (image.trim() !== image)
    errors.push(invalid(at.child('image'), image, 'must not have leading or trailing whitespace'));
}
