/** Objects that every cluster has from its start. */
import type { Client, Draft, ResourceType } from '../../api/machinery/client.ts';
import { dateOf, type Timer } from '../../api/machinery/clock.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import type { TaskTracker } from '../../api/machinery/tasks.ts';
import { formatIP, isIPv6, parseIP } from '../../api/groups/common/ip.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { configMaps, endpoints, namespaces, services } from '../../openapi/generated/core-v1.ts';
import { endpointSlices } from '../../openapi/generated/discovery-v1.ts';
import { priorityClasses } from '../../openapi/generated/scheduling-v1.ts';
import { ensure } from './ensure.ts';
import { keepIdentity, takeIdentity } from './identity-lease.ts';
import { writePrepared, type PreparedTarget } from './prepared.ts';
import { keepServiceCIDR, type ServiceRange } from './service-cidr.ts';

export interface BootstrapOptions extends PreparedTarget {
  readonly client: Client;
  /** Where the API server listens. */
  readonly address: string;
  readonly port: number;
  /** Where addresses of services come from at first, the primary one before the other. */
  readonly serviceRanges: readonly [ServiceRange, ...ServiceRange[]];
  /** PEM of the authority that signs client certificates. */
  readonly clientAuthority: string;
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** How often what no cluster may be without is looked after. Mirrors controlplane/controller/kubernetesservice. */
const UPKEEP_MS = 10_000;

/**
 * Brings the namespaces of the system and the service `kubernetes` back when somebody deletes them, within ten seconds, and
 * renews the lease of the API server. Returns how to stop.
 */
export function keepSystemObjects(
  given: BootstrapOptions & { readonly tasks: TaskTracker; readonly logger: Logger },
): () => void {
  const { clock, tasks, logger } = given;
  const options = { ...given, client: given.client.as('kube-apiserver') };
  const work = async (): Promise<void> => {
    for (const name of NAMESPACES) await ensure(options.client, namespaces, { metadata: { name }, spec: {} });
    await keepServiceCIDR(options);
    await publishServer(options);
  };
  const round = (): void => {
    tasks.run('system objects', work, (error) => logger.warn('upkeep of system objects failed', { error }));
    timer = next();
  };
  const next = (): Timer => clock.schedule(UPKEEP_MS, round, { name: 'system objects', recurring: true });
  let timer = next();
  const dropIdentity = keepIdentity(options);
  return () => {
    timer.cancel();
    dropIdentity();
  };
}

/** Creates what is missing and brings the endpoints of the API server up to date. May be called on every start. */
export async function bootstrap(given: BootstrapOptions): Promise<void> {
  const options = { ...given, client: given.client.as('kube-apiserver') };
  const { client } = options;
  for (const name of NAMESPACES) await ensure(client, namespaces, { metadata: { name }, spec: {} });
  await writePrepared(options);
  await Promise.all([
    ...PRIORITY_CLASSES.map((priorityClass) => ensure(client, priorityClasses, priorityClass)),
    keepServiceCIDR(options),
    ensure(client, configMaps, {
      metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
      data: { 'client-ca-file': options.clientAuthority },
    }),
    ensure(client, configMaps, {
      metadata: { ...LEGACY_TOKEN_TRACKING },
      data: { since: dateOf(options.clock.now()) },
    }),
    takeIdentity(options),
  ]);
  await publishServer(options);
}

/** Says since when the use of tokens in secrets is noted. Mirrors controlplane/controller/legacytokentracking. */
const LEGACY_TOKEN_TRACKING = {
  name: 'kube-apiserver-legacy-service-account-token-tracking',
  namespace: 'kube-system',
};

const PRIORITY_CLASSES = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2000000000,
    description: 'For pods the cluster cannot do without, wherever they run.',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2000001000,
    description: 'For pods a node cannot do without.',
  },
];

/** Where the simulated network has its control plane: in front of the first node. */
const CONTROL_PLANE_ADDRESS = { IPv4: '192.168.0.10', IPv6: 'fd00:192:168::a' } as const;

/**
 * The address that endpoints may carry: never a loopback one, which validation refuses, nor one of another family than the
 * service's. Upstream takes the host's own address instead; here it stays the same on every machine.
 */
function advertised(host: string, family: 'IPv4' | 'IPv6'): string {
  const ip = parseIP(host);
  if (ip === undefined || isIPv6(ip) !== (family === 'IPv6')) return CONTROL_PLANE_ADDRESS[family];
  const isLoopback = formatIP(ip).startsWith('127.') || formatIP(ip) === '::1';
  const isUsable = !isLoopback && ip.bytes.some((byte) => byte !== 0);
  return isUsable ? formatIP(ip) : CONTROL_PLANE_ADDRESS[family];
}

/** The service `kubernetes` and its endpoints, by which pods find the API server. */
async function publishServer({
  client,
  address: host,
  port,
  serviceRanges: [range],
}: BootstrapOptions): Promise<void> {
  const address = advertised(host, range.family);
  const metadata = { name: 'kubernetes', namespace: 'default' };
  await ensure(client, services, {
    metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: range.first,
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  });
  await replace(
    client,
    endpoints,
    {
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    },
    'subsets',
  );
  await replace(
    client,
    endpointSlices,
    {
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: address.includes(':') ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    },
    'ports',
  );
}

/** Creates the object, or updates it when the member that names the port has changed since the last start. */
async function replace<T extends KubeObject>(
  client: Client,
  resource: ResourceType<T>,
  wanted: Draft<T>,
  member: keyof T & keyof Draft<T>,
): Promise<void> {
  const { name, namespace } = wanted.metadata;
  let current: T;
  try {
    current = await client.get(resource, { name: name!, namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(resource, wanted);
    return;
  }
  if (!equalJSON(current[member], wanted[member]))
    await client.update(resource, { ...current, ...wanted, metadata: current.metadata } as T);
}
