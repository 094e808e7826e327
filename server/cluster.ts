/** The composition root: store, registry, app, controllers and nodes made into one cluster. The only file that knows all. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DefinitionSet } from '../api/definition-set.ts';
import { builtInDefinitions } from '../api/groups/index.ts';
import { metricsDefinitions } from '../api/groups/metrics/index.ts';
import type { Client } from '../api/machinery/client.ts';
import { RealClock, VirtualClock, type Clock, type WatchableClock } from '../api/machinery/clock.ts';
import { createLogger, type Logger, type LogLevel } from '../api/machinery/logger.ts';
import { Metrics } from '../api/machinery/metrics.ts';
import { randomSeed, SeededRandom } from '../api/machinery/random.ts';
import { TaskTracker } from '../api/machinery/tasks.ts';
import {
  ABSENT_CONTROLLERS,
  CONTROLLERS,
  kubeletController,
  newSchedulerController,
  schedulerController,
  schedulerSettings,
  SERVER_CONTROLLERS,
  type SchedulerConfiguration,
  type SchedulerSettings,
} from '../controllers/index.ts';
import {
  createControllerManager,
  selectControllers,
  type ControllerManager,
} from '../controllers/runtime/manager.ts';
import type { ControllerDefinition, ControllerOptions } from '../controllers/runtime/controller.ts';
import { loadDocuments } from '../openapi/documents.ts';
import { namespaces, secrets } from '../openapi/generated/core-v1.ts';
import { openEngine } from '../storage/engines/index.ts';
import type { Store } from '../storage/interface.ts';
import { openStore } from '../storage/store.ts';
import { COMPACTION_INTERVAL_MS, compactNow, compactRegularly } from './compaction.ts';
import { createAdmissionChain } from './admission/index.ts';
import { createObjectReader } from './admission/reader.ts';
import { ServiceAllocator } from './allocators/service-allocator.ts';
import { storedServiceRanges } from './allocators/service-ranges.ts';
import { bootstrap, keepSystemObjects } from './bootstrap/index.ts';
import { listen, type Listener } from './adapter/node-server.ts';
import { createApp } from './app.ts';
import { adviseOn, CLUSTER_NAME, objectsFolder } from './data-directory.ts';
import { KeptTime } from './control/kept-time.ts';
import { ClusterClock } from './control/cluster-clock.ts';
import { createControlSurface, type Control } from './control/control-surface.ts';
import { waitUntilSettled, type Settled, type SettledOptions } from './control/settled.ts';
import { journalled, WriteJournal } from './control/write-journal.ts';
import { createAuthenticator } from './authn/authenticator.ts';
import { LAST_USED_LABEL, ServiceAccountTokens } from './authn/service-account-tokens.ts';
import { keepSigningKey } from './authn/signing-key.ts';
import { everybody } from './authz/everybody.ts';
import { privilegedGroup, unionAuthorizer } from './authz/authorizer.ts';
import { nodeRequests } from './authz/node-requests.ts';
import type { HealthCheck } from './health/health.ts';
import { MUTATING_REQUESTS_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_MAX } from './filters/max-in-flight.ts';
import { watchStore } from './metrics/store-metrics.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import { createLoopbackClient } from './loopback-client.ts';
import { createSigner } from './pki/signer.ts';
import { openCertificates, type CertificateKeeper } from './pki/keep.ts';
import { componentSources } from './component-statuses.ts';
import { metricsSources } from './metrics-api.ts';
import { withComputed } from './registry/computed.ts';
import type { ResourceRegistry } from './registry/interface.ts';
import { deviceAdminAccess } from './registry/device-admin-access.ts';
import { createRegistry } from './registry/resource-registry.ts';
import { createSubresourceCreators } from './registry/subresources.ts';
import { networkOf, type Network } from './network.ts';
import { parseYAML } from './negotiation/yaml.ts';
import { KUBERNETES_VERSION } from './version.ts';

export interface ClusterOptions {
  /** Port to serve on; 0, the default, takes any free one. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Folder that keeps objects and certificates. Without one everything is in memory. */
  readonly dataDir?: string;
  /**
   * What an acknowledged write in `dataDir` survives: `process` the death of the process, `power` also loss of power, at the
   * price of waiting for the disk. Default process.
   */
  readonly durability?: 'process' | 'power';
  /** How often old history is forgotten, in milliseconds; 0 for never by age. Default 5 minutes. */
  readonly compactionIntervalMs?: number;
  /** Bound of the memory history takes, in bytes; the oldest of it is forgotten beyond that. Default 128 MiB. */
  readonly historyBytesMax?: number;
  /** Simulated nodes. Default 1. */
  readonly nodes?: number;
  /**
   * False for none; otherwise how it is configured: what kube-scheduler's --config takes, as an object or as YAML or JSON
   * text. Default true, with upstream's defaults.
   */
  readonly scheduler?: boolean | SchedulerConfiguration | string;
  /** As kube-controller-manager's --controllers: `*`, `name`, `-name`. Default all. */
  readonly controllers?: readonly string[];
  /** Addresses of services: a CIDR, or two of different IP families, the default one first. Default 10.96.0.0/16. */
  readonly serviceClusterIPRange?: string;
  /** Node ports of services. Default 30000-32767. */
  readonly serviceNodePortRange?: string;
  /**
   * Addresses of pods on simulated nodes: a CIDR, or two of different IP families; a node gets a /24 or /64 of each. Default
   * 10.244.0.0/16 and what follows it, fd00:10:244::/48, of the families services have.
   */
  readonly clusterCIDR?: string;
  /** Reading requests worked on at a time; 0 for no limit. Default 400. */
  readonly maxRequestsInFlight?: number;
  /** Changing requests worked on at a time; 0 for no limit. Default 200. */
  readonly maxMutatingRequestsInFlight?: number;
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  /** Makes UIDs, name suffixes, addresses and ports repeatable. */
  readonly seed?: string;
  /** Lines go to standard error. Default warn. */
  readonly logLevel?: LogLevel;
  /**
   * Time of the cluster. `real`, the default, is the machine's; `virtual` stands still until it is moved through
   * `Cluster.clock`; it starts at the machine's time, or goes on where it was in a data directory that had one. A VirtualClock of yours starts where you like.
   */
  readonly clock?: 'real' | 'virtual' | VirtualClock;
}

export type { SchedulerConfiguration };

export interface Cluster {
  /** For example `https://127.0.0.1:41234`. */
  readonly url: string;
  /** Kubeconfig of the administrator, as YAML. */
  readonly kubeconfig: string;
  /** An in-process client with all rights. */
  readonly client: Client;
  /** Reads and, when it is virtual, moves the cluster's time. */
  readonly clock: ClusterClock;
  /** Resolves when no controller has anything to do at this moment. */
  idle(): Promise<void>;
  /**
   * Resolves when nothing is left to do and no timer is due within the horizon; a virtual clock that stands still is
   * moved on to such timers. Rejects with a NotSettledError that names who is busy, or who fights.
   */
  settled(options?: SettledOptions): Promise<Settled>;
  /** Ends watches, stops controllers, flushes and closes. Idempotent. */
  stop(): Promise<void>;
}

const AUTHORIZER = unionAuthorizer([privilegedGroup(), everybody, nodeRequests]);

/** Asks as a SubjectAccessReview would. */
const mayRequest: ControllerOptions['mayRequest'] = async (requester, subresource) => {
  const { username: name = '', uid, groups = [], extra } = requester;
  const { decision } = await AUTHORIZER.authorize({
    user: { name, uid, groups, extra },
    verb: 'create',
    isResourceRequest: true,
    apiGroup: 'certificates.k8s.io',
    apiVersion: '*',
    namespace: '',
    resource: 'certificatesigningrequests',
    subresource,
    name: '',
    path: '',
  });
  return decision === 'allow';
};

const ADMIN = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };

/**
 * Starts a cluster and serves it. A new one is resolved once its controllers have made what every cluster has, such as service
 * accounts and nodes; one from a data directory once it serves and controllers are at work.
 * Rejects when the port or the data directory is in use, and when the scheduler's configuration is wrong.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const network = networkOf(options);
  if (options.dataDir !== undefined) await mkdir(options.dataDir, { recursive: true });
  const kept = options.dataDir === undefined ? undefined : new KeptTime(options.dataDir);
  const time = timeOf(options, kept);
  const schedulers = schedulersOf(options.scheduler);
  const logger = createLogger({
    level: options.logLevel ?? 'warn',
    write: (line) => process.stderr.write(`${line}\n`),
    now: () => time.clock.now(),
  });
  const { dataDir, durability = 'process', historyBytesMax } = options;
  const engine =
    dataDir === undefined
      ? openEngine({ type: 'memory' })
      : openEngine({ type: 'level', directory: objectsFolder(dataDir), durability });
  const store = await openStore({ engine, logger, historyBytesMax }).catch((error: unknown) => {
    throw dataDir === undefined ? error : adviseOn(error, dataDir);
  });
  try {
    return await startOn(store, options, { network, time, logger, schedulers });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What is made of the options before anything is opened. */
interface Groundwork {
  readonly network: Network;
  readonly time: Time;
  readonly logger: Logger;
  readonly schedulers: readonly ControllerDefinition[];
}

/** The cluster's time, and that of the machine, in which clients wait and certificates expire. */
interface Time {
  readonly clock: WatchableClock;
  /** The same as `clock`, when it is virtual. */
  readonly virtual?: VirtualClock;
  readonly wall: Clock;
  /** Told how far a virtual clock is about to be moved, epoch milliseconds. */
  readonly reaching?: (ms: number) => void;
}

function timeOf({ clock = 'real' }: ClusterOptions, kept: KeptTime | undefined): Time {
  const wall = new RealClock();
  if (clock === 'real') {
    kept?.forget();
    return { clock: new RealClock(), wall };
  }
  const virtual = clock === 'virtual' ? new VirtualClock(kept?.ms ?? wall.now()) : clock;
  kept?.keep(virtual.now());
  return { clock: virtual, virtual, wall, reaching: (ms) => kept?.keep(ms) };
}

async function startOn(
  store: Store,
  options: ClusterOptions,
  { network, time, logger, schedulers }: Groundwork,
): Promise<Cluster> {
  const { clock, wall } = time;
  const { host = '127.0.0.1' } = options;
  const seed = options.seed ?? randomSeed();
  const random = new SeededRandom(seed);
  const tasks = new TaskTracker();
  const metrics = new Metrics();
  const journal = new WriteJournal();
  const definitions = new DefinitionSet([...builtInDefinitions(), ...metricsDefinitions()]);
  const reader = createObjectReader(store, CLUSTER_NAME);
  const isNew = reader.list(namespaces).length === 0;
  const services = new ServiceAllocator({
    families: network.families,
    nodePorts: network.nodePorts,
    ranges: storedServiceRanges(reader),
    reader,
    random,
    client: () => client.as('system:apiserver'),
  });
  services.restore();
  watchStore(metrics, { store, cluster: CLUSTER_NAME, definitions });
  const objects = createRegistry({
    store,
    cluster: CLUSTER_NAME,
    definitions,
    admission: createAdmissionChain(
      { reader, random, client: () => client.as('kube-apiserver') },
      { enable: options.enableAdmissionPlugins, disable: options.disableAdmissionPlugins },
    ),
    clock,
    wall,
    random,
    hooks: { services, ...deviceAdminAccess(reader) },
    freeze: process.env['NODE_ENV'] === 'test',
  });
  const registry = journalled(
    withComputed(objects, { ...metricsSources(reader, clock), ...componentSources }),
    journal,
  );
  // Requests take their audit IDs from a source of their own, so that reading does not change what is made next.
  const requests = new SeededRandom(`${seed} requests`);
  const tokens = new ServiceAccountTokens({
    key: keepSigningKey(options.dataDir === undefined ? undefined : join(options.dataDir, 'pki')),
    reader,
    clock,
    random: requests,
    noteUse: ({ namespace, name, uid }, day) =>
      client
        .as('kube-apiserver')
        .patch(
          secrets,
          { namespace, name: name! },
          { type: 'merge', body: { metadata: { uid, labels: { [LAST_USED_LABEL]: day } } } },
        )
        .then(
          () => undefined,
          (error: unknown) =>
            logger.warn('use of a token not noted', { secret: `${namespace}/${name}`, error }),
        ),
  });
  const creators = createSubresourceCreators({ registry, definitions, clock, tokens });
  const loopback = { registry, definitions, tasks, creators, clock };
  const client = createLoopbackClient(loopback);
  const clusterClock = new ClusterClock({ ...time, settle: () => tasks.idle() });
  const control: Control = {
    clock: clusterClock,
    settled: (request) =>
      waitUntilSettled(
        { clock, control: clusterClock, wall, tasks, journal, revision: () => store.revision },
        request,
      ),
    compact: () => compactNow(store),
  };
  const certificates = await openCertificates(
    options.dataDir === undefined ? undefined : join(options.dataDir, 'pki'),
    wall.now(),
  );
  const ready = { value: false };
  const shared = {
    time,
    random: requests,
    logger,
    definitions,
    registry,
    creators,
    tokens,
    tasks,
    control,
    metrics,
  };
  const listener = await serve(shared, options, certificates, () => ready.value);
  const clientFor = (writer: string): Client => createLoopbackClient({ ...loopback, writer });
  const manager = createManager(
    {
      client,
      clientFor,
      clock,
      wall,
      random,
      tasks,
      logger,
      metrics,
      issueToken: (account, secret) => tokens.issueForSecret(account, secret),
      schedulers,
    },
    options,
    network,
    certificates,
  );
  const system = {
    client,
    address: host,
    port: listener.port,
    serviceRanges: network.serviceRanges,
    clientAuthority: certificates.authority.certificate,
    store,
    cluster: CLUSTER_NAME,
    random,
    clock,
  };
  try {
    await bootstrap(system);
    await manager.start();
  } catch (error) {
    await listener.close();
    throw error;
  }
  ready.value = true;
  // What a stored cluster has left to do may take minutes, and it serves meanwhile.
  if (isNew) await tasks.idle();
  const stopUpkeep = keepSystemObjects({ ...system, tasks, logger });
  const stopCompaction = compactRegularly(
    store,
    options.compactionIntervalMs ?? COMPACTION_INTERVAL_MS,
    wall,
    logger,
  );
  const admin = await certificates.certificate('admin', { ...ADMIN, usage: 'client' });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    ready.value = false;
    stopUpkeep();
    stopCompaction();
    clusterClock.stop();
    await manager.stop();
    await listener.close();
    await store.close();
  };
  return {
    url: listener.url,
    kubeconfig: formatKubeconfig({
      url: listener.url,
      authorityCertificate: certificates.authority.certificate,
      clientCertificate: admin.certificate,
      clientKey: admin.key,
    }),
    client,
    clock: clusterClock,
    idle: () => tasks.idle(),
    settled: control.settled,
    stop: () => (stopped ??= stop()),
  };
}

interface Shared {
  readonly time: Time;
  readonly random: SeededRandom;
  readonly tasks: TaskTracker;
  readonly control: Control;
  readonly logger: Logger;
  readonly definitions: DefinitionSet;
  readonly registry: ResourceRegistry;
  readonly creators: ReturnType<typeof createSubresourceCreators>;
  readonly tokens: ServiceAccountTokens;
  readonly metrics: Metrics;
}

async function serve(
  shared: Shared,
  options: ClusterOptions,
  certificates: CertificateKeeper,
  isReady: () => boolean,
): Promise<Listener> {
  const { host = '127.0.0.1', port = 0 } = options;
  const { time, random, tasks, logger, definitions, registry, creators, tokens, metrics } = shared;
  const bound = { port };
  const app = createApp({
    registry,
    definitions,
    creators,
    authenticator: createAuthenticator({ tokenAuthenticators: [tokens] }),
    tokens,
    metrics,
    inFlightLimits: {
      readOnly: options.maxRequestsInFlight ?? REQUESTS_IN_FLIGHT_MAX,
      mutating: options.maxMutatingRequestsInFlight ?? MUTATING_REQUESTS_IN_FLIGHT_MAX,
    },
    authorizer: AUTHORIZER,
    clock: time.clock,
    wall: time.wall,
    tasks,
    control: createControlSurface(shared.control),
    random,
    logger,
    version: { gitVersion: KUBERNETES_VERSION, buildDate: '2026-01-01T00:00:00Z' },
    healthChecks: healthChecks(isReady),
    openAPI: loadDocuments(definitions),
    serverAddress: () => `${host}:${bound.port}`,
  });
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'localhost',
    '127.0.0.1',
  ];
  const hosts = [...new Set([...names, host])];
  const server = await certificates.certificate('apiserver', {
    commonName: 'kube-apiserver',
    usage: 'server',
    hosts,
  });
  const listener = await listen({
    fetch: app.fetch,
    host,
    port,
    tls: {
      key: server.key,
      certificate: server.certificate,
      clientAuthority: certificates.authority.certificate,
    },
    clock: time.wall,
    logger,
  });
  bound.port = listener.port;
  return listener;
}

function healthChecks(isReady: () => boolean): HealthCheck[] {
  const everywhere = ['healthz', 'livez', 'readyz'] as const;
  const always = (): boolean => true;
  return [
    { name: 'ping', endpoints: everywhere, isHealthy: always },
    { name: 'log', endpoints: everywhere, isHealthy: always },
    { name: 'etcd', endpoints: everywhere, isHealthy: always },
    { name: 'etcd-readiness', endpoints: ['readyz'], isHealthy: always },
    { name: 'informer-sync', endpoints: ['readyz'], isHealthy: isReady },
    { name: 'poststarthook/start-kubemu-controllers', endpoints: everywhere, isHealthy: isReady },
    { name: 'shutdown', endpoints: ['readyz'], isHealthy: always },
  ];
}

function createManager(
  base: {
    readonly client: Client;
    readonly clientFor: (controller: string) => Client;
    readonly clock: Clock;
    readonly random: SeededRandom;
    readonly tasks: TaskTracker;
    readonly logger: Logger;
    readonly metrics: Metrics;
    readonly wall: Clock;
    readonly issueToken: ControllerOptions['issueToken'];
    readonly schedulers: readonly ControllerDefinition[];
  },
  options: ClusterOptions,
  network: Network,
  certificates: CertificateKeeper,
): ControllerManager {
  const nodes = options.nodes ?? 1;
  const controllers = selectControllers(CONTROLLERS, options.controllers ?? ['*'], ABSENT_CONTROLLERS);
  return createControllerManager({
    ...base,
    controllers: [
      ...SERVER_CONTROLLERS,
      ...controllers,
      ...base.schedulers,
      ...(nodes === 0 ? [] : [kubeletController]),
    ],
    options: {
      ipFamilies: network.families,
      serviceCIDRs: network.serviceRanges.map(({ cidr }) => cidr),
      clusterCIDRs: network.clusterCIDRs,
      nodePorts: network.nodePorts,
      nodes,
      caCertificate: certificates.authority.certificate,
      signer: createSigner(certificates.authority, base.wall),
      mayRequest,
      issueToken: base.issueToken,
      kubernetesVersion: KUBERNETES_VERSION,
    },
  });
}

function schedulersOf(scheduler: ClusterOptions['scheduler']): readonly ControllerDefinition[] {
  if (scheduler === false) return [];
  if (scheduler === undefined || scheduler === true) return [schedulerController];
  return [newSchedulerController(readSettings(scheduler))];
}

function readSettings(given: SchedulerConfiguration | string): SchedulerSettings {
  if (typeof given !== 'string') return schedulerSettings(given);
  const { value, duplicates } = parseYAML(given);
  return schedulerSettings(value, duplicates);
}
