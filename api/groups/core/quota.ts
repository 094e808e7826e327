/** What an object takes of the quotas of its namespace. Pure. Mirrors pkg/quota/v1/evaluator. */
import { isPodTerminal } from './pod-phase.ts';
import { qosClass } from './qos.ts';
import type { UnknownObject } from '../../machinery/object-meta.ts';
import {
  addQuantity,
  compareQuantity,
  parseQuantity,
  ZERO_QUANTITY,
  type Quantity,
} from '../../machinery/quantity.ts';
import type {
  Container,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
  Service,
} from '../../../openapi/generated/core-v1.ts';
import type { ResourceClaim } from '../../../openapi/generated/resource-v1.ts';

/** Amounts by the names quotas give them: `pods`, `requests.cpu`, `count/deployments.apps`. */
export type Usage = ReadonlyMap<string, Quantity>;

export interface QuotaResource {
  readonly group: string;
  /** Plural name. */
  readonly resource: string;
}

const ONE = parseQuantity('1');
/** Core resources that quotas also count by their plain name. */
const COUNTED_BY_NAME = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);
const STORAGE_CLASS_INFIX = '.storageclass.storage.k8s.io/';
const CLAIM_NAMES = ['persistentvolumeclaims', 'requests.storage'];
/** An older way for a claim to say its class, which goes before the field. */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
/** Before the name of a device class, in place of an extended resource. */
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/';
const DEVICE_CLASS_SUFFIX = '.deviceclass.resource.k8s.io/devices';
/** What a claim for all devices counts as: the most that a claim gets. */
const ALL_DEVICES = 32;
/** Resources of pods that a quota may name without `requests.` before them. */
const PLAIN_REQUESTS = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Usage of one object that is not on its way out for good; terminal pods only count as objects. */
export function quotaUsage({ group, resource }: QuotaResource, object: UnknownObject): Usage {
  const usage = new Map<string, Quantity>([[countName({ group, resource }), ONE]]);
  if (isDeviceClaim({ group, resource })) addDevices(usage, object as unknown as ResourceClaim);
  if (group !== '') return usage;
  if (COUNTED_BY_NAME.has(resource)) usage.set(resource, ONE);
  if (resource === 'pods') addPod(usage, object as unknown as Pod);
  else if (resource === 'services') addService(usage, object as unknown as Service);
  else if (resource === 'persistentvolumeclaims') addClaim(usage, object as unknown as PersistentVolumeClaim);
  return usage;
}

function countName({ group, resource }: QuotaResource): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`;
}

function isDeviceClaim({ group, resource }: QuotaResource): boolean {
  return group === 'resource.k8s.io' && resource === 'resourceclaims';
}

const POD_NAMES = new Set([
  'count/pods',
  'pods',
  ...['', 'requests.', 'limits.'].flatMap((prefix) =>
    ['cpu', 'memory', 'ephemeral-storage'].map((name) => `${prefix}${name}`),
  ),
]);

/** Whether a quota's name counts objects of the resource. */
export function isQuotaNameOf({ group, resource }: QuotaResource, name: string): boolean {
  if (name === countName({ group, resource })) return true;
  if (isDeviceClaim({ group, resource })) return name.endsWith(DEVICE_CLASS_SUFFIX);
  if (group !== '') return false;
  switch (resource) {
    case 'pods':
      return (
        POD_NAMES.has(name) ||
        /^(requests\.)?hugepages-/.test(name) ||
        (name.startsWith('requests.') && isExtended(name.slice('requests.'.length)))
      );
    case 'services':
      return ['services', 'services.nodeports', 'services.loadbalancers'].includes(name);
    case 'persistentvolumeclaims':
      return CLAIM_NAMES.some((each) => name === each || name.endsWith(STORAGE_CLASS_INFIX + each));
    default:
      return COUNTED_BY_NAME.has(resource) && name === resource;
  }
}

/** Whether a pod's resource is one of devices: a name with a domain that is not Kubernetes' own. */
function isExtended(name: string): boolean {
  return name.startsWith(DEVICE_CLASS_PREFIX) || (name.includes('/') && !name.includes('kubernetes.io/'));
}

/** Names that every container must say once a quota counts them, with the member and name they are said by. */
const DEMANDED: Readonly<Record<string, readonly ['requests' | 'limits', string]>> = {
  cpu: ['requests', 'cpu'],
  'limits.cpu': ['limits', 'cpu'],
  'limits.memory': ['limits', 'memory'],
  memory: ['requests', 'memory'],
  'requests.cpu': ['requests', 'cpu'],
  'requests.memory': ['requests', 'memory'],
};

/** Which containers of a pod do not say what the quota's names demand, in upstream's words; undefined when all do. */
export function missingResources(
  { group, resource }: QuotaResource,
  object: UnknownObject,
  names: readonly string[],
): string | undefined {
  if (group !== '' || resource !== 'pods') return undefined;
  const { spec } = object as unknown as Pod;
  const whole = { ...spec.resources?.requests, ...spec.resources?.limits };
  if (Object.keys(whole).length > 0) return undefined;
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const missing = Object.entries(DEMANDED).flatMap(([name, [member, of]]) => {
    if (!names.includes(name)) return [];
    const silent = containers.filter(({ resources }) => resources?.[member]?.[of] === undefined);
    const distinct = [...new Set(silent.map((container) => container.name))].sort();
    return distinct.length === 0 ? [] : [`${name} for: ${distinct.join(',')}`];
  });
  return missing.length === 0 ? undefined : missing.join('; ');
}

function addPod(usage: Map<string, Quantity>, pod: Pod): void {
  if (isPodTerminal(pod)) return;
  usage.set('pods', ONE);
  for (const [name, amount] of withOverhead(containerTotals(pod, 'requests'), pod, false)) {
    const isPlain = PLAIN_REQUESTS.has(name) || name.startsWith('hugepages-');
    if (isPlain) usage.set(name, amount);
    if (isPlain || isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of withOverhead(containerTotals(pod, 'limits'), pod, true))
    if (PLAIN_REQUESTS.has(name)) usage.set(`limits.${name}`, amount);
}

/** What running a pod takes comes on top; of limits only where there is one. */
function withOverhead(total: Map<string, Quantity>, { spec }: Pod, isLimit: boolean): Map<string, Quantity> {
  const extra = Object.entries(spec.overhead ?? {}).filter(
    ([name]) => !isLimit || (total.get(name)?.nano ?? 0n) !== 0n,
  );
  addAll(total, Object.fromEntries(extra));
  return total;
}

/** What the containers of a pod ask for together, init containers before them, unless the pod says it as a whole. */
export function containerTotals({ spec }: Pod, kind: 'requests' | 'limits'): Map<string, Quantity> {
  const of = ({ resources }: Container): Record<string, string> => resources?.[kind] ?? {};
  const total = new Map<string, Quantity>();
  for (const container of spec.containers) addAll(total, of(container));
  const sidecars = new Map<string, Quantity>();
  const peaks = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      addAll(total, of(container));
      addAll(sidecars, of(container));
      raise(peaks, sidecars);
    } else {
      const peak = new Map(sidecars);
      addAll(peak, of(container));
      raise(peaks, peak);
    }
  }
  raise(total, peaks);
  for (const [name, amount] of Object.entries(spec.resources?.[kind] ?? {}))
    total.set(name, parseQuantity(amount));
  return total;
}

function addAll(total: Map<string, Quantity>, more: Readonly<Record<string, string>>): void {
  for (const [name, amount] of Object.entries(more))
    total.set(name, addUsage(total.get(name) ?? ZERO_QUANTITY, parseQuantity(amount)));
}

function raise(total: Map<string, Quantity>, floor: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of floor) {
    const before = total.get(name);
    if (before === undefined || compareQuantity(before, amount) < 0) total.set(name, amount);
  }
}

/** A sum in the notation of what is not zero. */
export function addUsage(a: Quantity, b: Quantity): Quantity {
  return a.nano === 0n ? b : addQuantity(a, b);
}

function addService(usage: Map<string, Quantity>, { spec }: Service): void {
  const { type, ports = [], allocateLoadBalancerNodePorts } = spec;
  if (type === 'LoadBalancer') usage.set('services.loadbalancers', ONE);
  if (type !== 'NodePort' && type !== 'LoadBalancer') return;
  const getsAll = type === 'NodePort' || allocateLoadBalancerNodePorts !== false;
  const count = getsAll ? ports.length : ports.filter(({ nodePort = 0 }) => nodePort !== 0).length;
  usage.set('services.nodeports', { nano: BigInt(count) * ONE.nano, format: 'DecimalSI' });
}

function addClaim(usage: Map<string, Quantity>, claim: PersistentVolumeClaim): void {
  const className = claim.metadata.annotations?.[CLASS_ANNOTATION] ?? claim.spec.storageClassName ?? '';
  const prefix = `${className}${STORAGE_CLASS_INFIX}`;
  if (className !== '') usage.set(`${prefix}persistentvolumeclaims`, ONE);
  const requested = storageOf(claim);
  if (requested === undefined) return;
  usage.set('requests.storage', requested);
  if (className !== '') usage.set(`${prefix}requests.storage`, requested);
}

/** In whole bytes: what a claim asks for, or has been given of an expansion if that is more. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = spec.resources?.requests?.['storage'];
  if (requested === undefined) return undefined;
  const asked = parseQuantity(requested);
  const given = status?.allocatedResources?.['storage'];
  const { nano, format } =
    given === undefined || compareQuantity(parseQuantity(given), asked) <= 0 ? asked : parseQuantity(given);
  return { nano: ((nano + ONE.nano - 1n) / ONE.nano) * ONE.nano, format };
}

/** Devices by class; of alternatives the largest number of each class. Mirrors evaluator/core resource_claims.go. */
function addDevices(usage: Map<string, Quantity>, { spec }: ResourceClaim): void {
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const largest = new Map<string, number>();
    for (const { deviceClassName, allocationMode, count = 1 } of exactly === undefined
      ? firstAvailable
      : [exactly]) {
      const devices = allocationMode === 'All' ? ALL_DEVICES : count;
      largest.set(deviceClassName, Math.max(largest.get(deviceClassName) ?? 0, devices));
    }
    for (const [deviceClass, devices] of largest) {
      const name = `${deviceClass}${DEVICE_CLASS_SUFFIX}`;
      const amount: Quantity = { nano: BigInt(devices) * ONE.nano, format: 'DecimalSI' };
      usage.set(name, addUsage(usage.get(name) ?? ZERO_QUANTITY, amount));
    }
  }
}

/** Whether the quota's scopes take the object in; quotas with scopes are about pods, or claims by their attributes class. */
export function isInScope(
  { spec }: ResourceQuota,
  { group, resource }: QuotaResource,
  object: UnknownObject,
): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  if (group !== '') return false;
  if (resource === 'pods')
    return requirements.every((requirement) => isInPodScope(requirement, object as unknown as Pod));
  if (resource !== 'persistentvolumeclaims') return false;
  const classes = attributesClasses(object as unknown as PersistentVolumeClaim);
  return requirements.every(
    ({ scopeName, operator, values = [] }) =>
      scopeName === 'VolumeAttributesClass' &&
      (classes.length === 0
        ? matchesClass(operator, values, undefined)
        : classes.some((name) => matchesClass(operator, values, name))),
  );
}

/** The class a claim asks for, the one it has, and the one it is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.filter((name): name is string => (name ?? '') !== '');
}

function isInPodScope(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  pod: Pod,
): boolean {
  switch (scopeName) {
    case 'Terminating':
      return pod.spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return pod.spec.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    case 'PriorityClass':
      return matchesClass(operator, values, pod.spec.priorityClassName);
    default:
      return false;
  }
}

function isBestEffort({ spec, status }: Pod): boolean {
  return (status?.qosClass || qosClass(spec)) === 'BestEffort';
}

function matchesClass(operator: string, values: readonly string[], name: string | undefined): boolean {
  const has = (name ?? '') !== '';
  switch (operator) {
    case 'In':
      return has && values.includes(name!);
    case 'NotIn':
      return !has || !values.includes(name!);
    case 'Exists':
      return has;
    default:
      return !has;
  }
}

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ].some(
      ({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined,
    ),
  );
}
