/** The API server of a cluster without a port: registry, clients, tokens and control over one store. */
import { join } from 'node:path';
import { DefinitionSet } from '../../api/definition-set.ts';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { metricsDefinitions } from '../../api/groups/metrics/index.ts';
import type { Client } from '../../api/machinery/client.ts';
import type { Logger } from '../../api/machinery/logger.ts';
import { Metrics } from '../../api/machinery/metrics.ts';
import { randomSeed, SeededRandom } from '../../api/machinery/random.ts';
import { TaskTracker } from '../../api/machinery/tasks.ts';
import type { ControllerDefinition } from '../../controllers/runtime/controller.ts';
import { secrets } from '../../openapi/generated/core-v1.ts';
import type { Store } from '../../storage/interface.ts';
import { createAdmissionChain } from '../admission/index.ts';
import { createObjectReader, type ObjectReader } from '../admission/reader.ts';
import { ServiceAllocator } from '../allocators/service-allocator.ts';
import { storedServiceRanges } from '../allocators/service-ranges.ts';
import { LAST_USED_LABEL, ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import { keepSigningKey } from '../authn/signing-key.ts';
import { privilegedGroup, unionAuthorizer } from '../authz/authorizer.ts';
import { everybody } from '../authz/everybody.ts';
import { nodeRequests } from '../authz/node-requests.ts';
import { compactNow } from '../compaction.ts';
import { componentSources } from '../component-statuses.ts';
import { ClusterClock } from '../control/cluster-clock.ts';
import type { Control } from '../control/control-surface.ts';
import { waitUntilSettled } from '../control/settled.ts';
import { journalled, WriteJournal } from '../control/write-journal.ts';
import { CLUSTER_NAME } from '../data-directory.ts';
import { createLoopbackClient } from '../loopback-client.ts';
import { metricsSources } from '../metrics-api.ts';
import { watchStore } from '../metrics/store-metrics.ts';
import type { Network } from '../network.ts';
import { withComputed } from '../registry/computed.ts';
import { deviceAdminAccess } from '../registry/device-admin-access.ts';
import type { ResourceRegistry } from '../registry/interface.ts';
import { createRegistry } from '../registry/resource-registry.ts';
import { createSubresourceCreators } from '../registry/subresources.ts';
import type { ClusterOptions } from './options.ts';
import type { Time } from './time.ts';

/** Who may do what. */
export const AUTHORIZER = unionAuthorizer([privilegedGroup(), everybody, nodeRequests]);

/** What is made of the options before anything is opened, and the store that was opened then. */
export interface Groundwork {
  readonly options: ClusterOptions;
  readonly network: Network;
  readonly time: Time;
  readonly logger: Logger;
  readonly schedulers: readonly ControllerDefinition[];
  readonly store: Store;
}

export interface ApiServer {
  readonly groundwork: Groundwork;
  readonly definitions: DefinitionSet;
  readonly reader: ObjectReader;
  readonly registry: ResourceRegistry;
  readonly creators: ReturnType<typeof createSubresourceCreators>;
  readonly tokens: ServiceAccountTokens;
  /** With all rights. */
  readonly client: Client;
  /** The same, for one of those who share the rights: the journal tells them apart. */
  clientFor(writer: string): Client;
  /** Chance of what objects get: names, UIDs, addresses. */
  readonly random: SeededRandom;
  /** Chance of what requests get: their audit IDs are of a source of their own, so that reading does not change what is made next. */
  readonly requests: SeededRandom;
  readonly tasks: TaskTracker;
  readonly metrics: Metrics;
  readonly control: Control;
}

export function createApiServer(groundwork: Groundwork): ApiServer {
  const { options, time, store } = groundwork;
  const { clock } = time;
  const seed = options.seed ?? randomSeed();
  const random = new SeededRandom(seed);
  const requests = new SeededRandom(`${seed} requests`);
  const tasks = new TaskTracker();
  const metrics = new Metrics();
  const journal = new WriteJournal();
  const definitions = new DefinitionSet([...builtInDefinitions(), ...metricsDefinitions()]);
  const reader = createObjectReader(store, CLUSTER_NAME);
  watchStore(metrics, { store, cluster: CLUSTER_NAME, definitions });
  const objects = createObjects(groundwork, { definitions, reader, random, client: () => client });
  const registry = journalled(
    withComputed(objects, { ...metricsSources(reader, clock), ...componentSources }),
    journal,
  );
  const tokens = createTokens(groundwork, { reader, requests, client: () => client });
  const creators = createSubresourceCreators({ registry, definitions, clock, tokens });
  const loopback = { registry, definitions, tasks, creators, clock };
  const client = createLoopbackClient(loopback);
  return {
    groundwork,
    definitions,
    reader,
    registry,
    creators,
    tokens,
    client,
    clientFor: (writer) => createLoopbackClient({ ...loopback, writer }),
    random,
    requests,
    tasks,
    metrics,
    control: createControl(groundwork, tasks, journal),
  };
}

/** What the parts of the server are made of; the client is there once all are. */
interface Parts {
  readonly definitions: DefinitionSet;
  readonly reader: ObjectReader;
  readonly random: SeededRandom;
  readonly requests: SeededRandom;
  client(): Client;
}

/** The registry of what is stored. */
function createObjects(
  { options, network, time, store }: Groundwork,
  { definitions, reader, random, client }: Omit<Parts, 'requests'>,
): ResourceRegistry {
  const services = new ServiceAllocator({
    families: network.families,
    nodePorts: network.nodePorts,
    ranges: storedServiceRanges(reader),
    reader,
    random,
    client: () => client().as('system:apiserver'),
  });
  services.restore();
  return createRegistry({
    store,
    cluster: CLUSTER_NAME,
    definitions,
    admission: createAdmissionChain(
      { reader, random, client: () => client().as('kube-apiserver') },
      { enable: options.enableAdmissionPlugins, disable: options.disableAdmissionPlugins },
    ),
    clock: time.clock,
    wall: time.wall,
    random,
    hooks: { services, ...deviceAdminAccess(reader) },
    freeze: process.env['NODE_ENV'] === 'test',
  });
}

function createTokens(
  { options, time, logger }: Groundwork,
  { reader, requests, client }: Pick<Parts, 'reader' | 'requests' | 'client'>,
): ServiceAccountTokens {
  return new ServiceAccountTokens({
    key: keepSigningKey(certificatesFolder(options)),
    reader,
    clock: time.clock,
    random: requests,
    noteUse: async ({ namespace, name, uid }, day) => {
      const body = { metadata: { uid, labels: { [LAST_USED_LABEL]: day } } };
      try {
        await client()
          .as('kube-apiserver')
          .patch(secrets, { namespace, name: name! }, { type: 'merge', body });
      } catch (error) {
        logger.warn('use of a token not noted', { secret: `${namespace}/${name}`, error });
      }
    },
  });
}

function createControl({ time, store }: Groundwork, tasks: TaskTracker, journal: WriteJournal): Control {
  const { clock, wall } = time;
  const control = new ClusterClock({ ...time, settle: () => tasks.idle() });
  const revision = (): number => store.revision;
  return {
    clock: control,
    settled: (request) => waitUntilSettled({ clock, control, wall, tasks, journal, revision }, request),
    compact: () => compactNow(store),
  };
}

/** Where keys and certificates are kept; undefined when they are not. */
export function certificatesFolder({ dataDir }: ClusterOptions): string | undefined {
  return dataDir === undefined ? undefined : join(dataDir, 'pki');
}
