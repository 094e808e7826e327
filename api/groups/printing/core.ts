/** Tables of core kinds besides pods, events and volumes. Mirrors pkg/printers/internalversion/printers.go. */
import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../../../openapi/generated/core-v1.ts';
import { compareText } from '../../machinery/go-format.ts';
import { formatLabels } from '../../machinery/labels.ts';
import { AGE, ageOf, column, defineTable, NAME, nameOf, SELECTOR, wide } from './columns.ts';

interface Ingress {
  readonly ip?: string;
  readonly hostname?: string;
}

/** Addresses of a load balancer, sorted; '' without any. */
export function loadBalancerAddresses(ingress: readonly Ingress[] | undefined): string {
  const addresses = (ingress ?? []).map(({ ip, hostname }) => ((ip ?? '') === '' ? (hostname ?? '') : ip!));
  return [...new Set(addresses.filter((address) => address !== ''))].sort(compareText).join(',');
}

function externalIP({ spec, status }: Service): string {
  const externalIPs = (spec.externalIPs ?? []).join(',');
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs === '' ? '<none>' : externalIPs;
    case 'LoadBalancer': {
      const addresses = loadBalancerAddresses(status.loadBalancer?.ingress);
      const all = [addresses, externalIPs].filter((text) => text !== '').join(',');
      return all === '' ? '<pending>' : all;
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function servicePorts({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    (nodePort ?? 0) > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}

export const serviceTable = defineTable<Service>({
  columns: [
    NAME,
    column('Type', 'How the service is reached.'),
    column('Cluster-IP', 'Address inside the cluster.'),
    column('External-IP', 'Addresses from outside the cluster.'),
    column('Port(s)', 'Ports, with their node ports.'),
    AGE,
    SELECTOR,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.type ?? '',
    object.spec.clusterIPs?.[0] ?? '<none>',
    externalIP(object),
    servicePorts(object),
    ageOf(object, context),
    formatLabels(object.spec.selector),
  ],
});

const ENDPOINTS_SHOWN_MAX = 3;

function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpointsList({ subsets }: Endpoints): string {
  if (subsets === undefined || subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses, ports }) => {
    const list = addresses ?? [];
    if (ports === undefined || ports.length === 0) return list.map((address) => address.ip);
    return ports.flatMap(({ port }) => list.map((address) => joinHostPort(address.ip, port)));
  });
  const shown = all.slice(0, ENDPOINTS_SHOWN_MAX).join(',');
  return all.length > ENDPOINTS_SHOWN_MAX ? `${shown} + ${all.length - ENDPOINTS_SHOWN_MAX} more...` : shown;
}

export const endpointsTable = defineTable<Endpoints>({
  columns: [NAME, column('Endpoints', 'Addresses and ports.'), AGE],
  cells: (object, context) => [nameOf(object), endpointsList(object), ageOf(object, context)],
});

const ROLE_LABEL_PREFIX = 'node-role.kubernetes.io/';

function nodeStatus({ spec, status }: Node): string {
  const ready = status.conditions?.findLast((condition) => condition.type === 'Ready');
  const texts = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (spec.unschedulable === true) texts.push('SchedulingDisabled');
  return texts.join(',');
}

function nodeRoles({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) => {
    if (key.startsWith(ROLE_LABEL_PREFIX)) return key.slice(ROLE_LABEL_PREFIX.length);
    return key === 'kubernetes.io/role' ? value : '';
  });
  const named = [...new Set(roles.filter((role) => role !== ''))].sort(compareText);
  return named.length === 0 ? '<none>' : named.join(',');
}

function nodeAddress({ status }: Node, type: string): string {
  return status.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

const orUnknown = (text: string | undefined): string =>
  text === undefined || text === '' ? '<unknown>' : text;

export const nodeTable = defineTable<Node>({
  columns: [
    NAME,
    column('Status', 'Whether the node is ready, and takes pods.'),
    column('Roles', 'Roles of the node.'),
    AGE,
    column('Version', 'Version of the kubelet.'),
    wide('Internal-IP', 'Address inside the cluster.'),
    wide('External-IP', 'Address from outside the cluster.'),
    wide('OS-Image', 'Operating system.'),
    wide('Kernel-Version', 'Kernel and architecture.'),
    wide('Container-Runtime', 'Container runtime and its version.'),
  ],
  cells(object, context) {
    const info = object.status.nodeInfo;
    const architecture = (info?.architecture ?? '') === '' ? '' : ` (${info?.architecture})`;
    return [
      nameOf(object),
      nodeStatus(object),
      nodeRoles(object),
      ageOf(object, context),
      info?.kubeletVersion ?? '',
      nodeAddress(object, 'InternalIP'),
      nodeAddress(object, 'ExternalIP'),
      orUnknown(info?.osImage),
      `${orUnknown(info?.kernelVersion)}${architecture}`,
      orUnknown(info?.containerRuntimeVersion),
    ];
  },
});

export const namespaceTable = defineTable<Namespace>({
  columns: [NAME, column('Status', 'Whether the namespace lives or ends.'), AGE],
  cells: (object, context) => [nameOf(object), object.status.phase ?? '', ageOf(object, context)],
});

export const configMapTable = defineTable<ConfigMap>({
  columns: [NAME, column('Data', 'Number of keys.'), AGE],
  cells: (object, context) => [
    nameOf(object),
    Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    ageOf(object, context),
  ],
});

export const secretTable = defineTable<Secret>({
  columns: [NAME, column('Type', 'What the secret is for.'), column('Data', 'Number of keys.'), AGE],
  cells: (object, context) => [
    nameOf(object),
    object.type ?? '',
    Object.keys(object.data ?? {}).length,
    ageOf(object, context),
  ],
});

export const serviceAccountTable = defineTable<ServiceAccount>({
  columns: [NAME, AGE],
  cells: (object, context) => [nameOf(object), ageOf(object, context)],
});

export const resourceQuotaTable = defineTable<ResourceQuota>({
  columns: [
    NAME,
    column('Request', 'Used and allowed amounts of requests and counts.'),
    column('Limit', 'Used and allowed amounts of limits.'),
    AGE,
  ],
  cells(object, context) {
    const { hard, used } = object.status;
    const resources = Object.keys(hard ?? {}).sort(compareText);
    const show = (resource: string): string =>
      `${resource}: ${used?.[resource] ?? '0'}/${hard?.[resource] ?? '0'}`;
    const isLimit = (resource: string): boolean => resource.startsWith('limits.');
    return [
      nameOf(object),
      resources
        .filter((resource) => !isLimit(resource))
        .map(show)
        .join(', '),
      resources.filter(isLimit).map(show).join(', '),
      ageOf(object, context),
    ];
  },
});

export const componentStatusTable = defineTable<ComponentStatus>({
  columns: [
    NAME,
    column('Status', 'Whether the component is healthy.'),
    column('Message', 'What the component says.'),
    column('Error', 'What is wrong with the component.'),
  ],
  cells(object) {
    const healthy = object.conditions?.find((condition) => condition.type === 'Healthy');
    const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [nameOf(object), status, healthy?.message ?? '', healthy?.error ?? ''];
  },
});
