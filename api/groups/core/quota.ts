/** What an object takes of the quotas of its namespace. Pure. Mirrors pkg/quota/v1/evaluator. */
import { isPodTerminal } from './pod-phase.ts';
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

export function countName({ group, resource }: QuotaResource): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`;
}

/** Whether a quota's name is one that some object may use. */
export function isQuotaName(name: string, isCounted: (name: string) => boolean): boolean {
  return (
    isCounted(name) ||
    COUNTED_BY_NAME.has(name) ||
    PLAIN_REQUESTS.has(name) ||
    ['pods', 'services.nodeports', 'services.loadbalancers'].includes(name) ||
    /^(requests|limits|hugepages-)/.test(name) ||
    name.includes(STORAGE_CLASS_INFIX) ||
    name.endsWith(DEVICE_CLASS_SUFFIX)
  );
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
        (name.startsWith('requests.') && name.includes('/') && !name.includes('kubernetes.io/'))
      );
    case 'services':
      return ['services', 'services.nodeports', 'services.loadbalancers'].includes(name);
    case 'persistentvolumeclaims':
      return (
        ['persistentvolumeclaims', 'requests.storage'].includes(name) || name.includes(STORAGE_CLASS_INFIX)
      );
    default:
      return COUNTED_BY_NAME.has(resource) && name === resource;
  }
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
  for (const [name, amount] of podTotals(pod, 'requests')) {
    usage.set(`requests.${name}`, amount);
    if (PLAIN_REQUESTS.has(name) || name.startsWith('hugepages-')) usage.set(name, amount);
  }
  for (const [name, amount] of podTotals(pod, 'limits')) usage.set(`limits.${name}`, amount);
}

function podTotals(pod: Pod, kind: 'requests' | 'limits'): Map<string, Quantity> {
  const total = containerTotals(pod, kind);
  if (pod.spec.overhead !== undefined) addAll(total, pod.spec.overhead);
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
  const ports = BigInt(spec.ports?.length ?? 0);
  const count = (number: bigint): Quantity => ({ nano: number * ONE.nano, format: 'DecimalSI' });
  if (spec.type === 'LoadBalancer') usage.set('services.loadbalancers', ONE);
  const hasNodePorts =
    spec.type === 'NodePort' ||
    (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  if (hasNodePorts) usage.set('services.nodeports', count(ports));
}

function addClaim(usage: Map<string, Quantity>, { spec }: PersistentVolumeClaim): void {
  const className = spec.storageClassName ?? '';
  const prefix = `${className}${STORAGE_CLASS_INFIX}`;
  if (className !== '') usage.set(`${prefix}persistentvolumeclaims`, ONE);
  const requested = spec.resources?.requests?.['storage'];
  if (requested === undefined) return;
  usage.set('requests.storage', parseQuantity(requested));
  if (className !== '') usage.set(`${prefix}requests.storage`, parseQuantity(requested));
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

/** Whether the quota's scopes take the object in; quotas with scopes are about pods. */
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
  if (group !== '' || resource !== 'pods') return false;
  const pod = object as unknown as Pod;
  return requirements.every((requirement) => isInPodScope(requirement, pod));
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

function isBestEffort(pod: Pod): boolean {
  const named = (kind: 'requests' | 'limits'): boolean =>
    [...podTotals(pod, kind)].some(([name, { nano }]) => (name === 'cpu' || name === 'memory') && nano > 0n);
  return !named('requests') && !named('limits');
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
