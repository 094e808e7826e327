/** Controllers on a real registry in memory, on virtual time, with pods that do what the test tells them. */
import { DefinitionSet } from '../../api/definition-set.ts';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { metricsDefinitions } from '../../api/groups/metrics/index.ts';
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import { formatTime, VirtualClock, type Clock } from '../../api/machinery/clock.ts';
import { createLogger } from '../../api/machinery/logger.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import { SeededRandom } from '../../api/machinery/random.ts';
import { TaskTracker } from '../../api/machinery/tasks.ts';
import type { ControllerDefinition, ControllerOptions } from '../../controllers/runtime/controller.ts';
import { createControllerManager, type ControllerManager } from '../../controllers/runtime/manager.ts';
import { events, pods as podType, namespaces, type Pod } from '../../openapi/generated/core-v1.ts';
import { createAdmissionChain } from '../../server/admission/index.ts';
import { createObjectReader } from '../../server/admission/reader.ts';
import { parsePortRange } from '../../server/allocators/port-allocator.ts';
import { ServiceAllocator } from '../../server/allocators/service-allocator.ts';
import { parseServiceRanges, storedServiceRanges } from '../../server/allocators/service-ranges.ts';
import { keepServiceCIDR } from '../../server/bootstrap/service-cidr.ts';
import { createLoopbackClient } from '../../server/loopback-client.ts';
import { metricsSources } from '../../server/metrics-api.ts';
import { withComputed } from '../../server/registry/computed.ts';
import { deviceAdminAccess } from '../../server/registry/device-admin-access.ts';
import { createRegistry } from '../../server/registry/resource-registry.ts';
import { createSubresourceCreators } from '../../server/registry/subresources.ts';
import { openEngine } from '../../storage/engines/index.ts';
import { openStore } from '../../storage/store.ts';

export const NAMESPACE = 'default';

export interface Harness {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly logs: string[];
  /** Until no controller has anything to do. */
  settle(): Promise<void>;
  /** Moves time on, settling behind every timer. */
  advance(ms: number): Promise<void>;
  get<T extends KubeObject>(resource: ResourceType<T>, name: string): Promise<T>;
  list<T extends KubeObject>(resource: ResourceType<T>): Promise<readonly T[]>;
  /** Changes an object as it is now; a copy is passed. */
  change<T extends KubeObject>(
    resource: ResourceType<T>,
    name: string,
    change: (object: T) => void,
    subresource?: string,
  ): Promise<T>;
  pods(): Promise<readonly Pod[]>;
  /** Puts a pod on a node; from then on it is deleted in two steps. */
  bind(pod: Pod): Promise<void>;
  setReady(pod: Pod, ready?: boolean): Promise<void>;
  /** Ends a pod. */
  end(pod: Pod, phase: 'Succeeded' | 'Failed', exitCode?: number): Promise<void>;
  /** What a kubelet does at the end of termination. */
  remove(pod: Pod): Promise<void>;
  /** `Type Reason message` of every event, repeated ones once, in order. */
  events(): Promise<string[]>;
  /** Stops the controllers; `restart` brings new ones. */
  stopControllers(): Promise<void>;
  /** Stops the controllers and starts new ones on what is stored: nothing remembered survives. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Options of the controllers, and: */
export interface HarnessOptions extends Partial<Omit<ControllerOptions, 'nodePorts'>> {
  /** As --service-cluster-ip-range; with it there is a ServiceCIDR that addresses come from. */
  readonly serviceRanges?: string;
  readonly nodePorts?: string;
  /** Simulated nodes, when the kubelet is among the controllers. */
  readonly nodes?: number;
  /** Namespaces beside `default` that are there before the controllers. */
  readonly namespaces?: readonly string[];
  /** The client of the controllers, made anew at each start of them. */
  readonly clientFor?: (client: Client, clock: Clock) => Client;
}

/** Starts `controllers` in a cluster with nothing but the default namespace. */
export async function startHarness(
  controllers: readonly ControllerDefinition[],
  seed = 'test',
  {
    serviceRanges,
    nodePorts = '30000-32767',
    nodes = 0,
    namespaces: otherNamespaces = [],
    clientFor = (client) => client,
    ...more
  }: HarnessOptions = {},
): Promise<Harness> {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const tasks = new TaskTracker();
  const logs: string[] = [];
  const logger = createLogger({ level: 'warn', write: (line) => logs.push(line), now: () => clock.now() });
  const definitions = new DefinitionSet([...builtInDefinitions(), ...metricsDefinitions()]);
  const store = await openStore({ engine: openEngine({ type: 'memory' }), logger });
  const reader = createObjectReader(store, 'test');
  const ranges = parseServiceRanges(serviceRanges ?? '10.96.0.0/16');
  const network = {
    ipFamilies: ranges.map(({ family }) => family),
    serviceCIDRs: ranges.map(({ cidr }) => cidr),
    nodePorts: parsePortRange(nodePorts),
  };
  const services = new ServiceAllocator({
    families: network.ipFamilies,
    nodePorts: network.nodePorts,
    ranges: serviceRanges === undefined ? () => ranges : storedServiceRanges(reader),
    reader,
    random,
    client: () => client,
  });
  const admission = createAdmissionChain(
    { reader, random, client: () => client.as('kube-apiserver') },
    { disable: ['ServiceAccount'] },
  );
  const objects = createRegistry({
    store,
    cluster: 'test',
    definitions,
    admission,
    clock,
    random,
    hooks: { services, ...deviceAdminAccess(reader) },
    freeze: true,
  });
  const registry = withComputed(objects, metricsSources(reader, clock));
  const creators = createSubresourceCreators({ registry, definitions, clock });
  const client = createLoopbackClient({ registry, definitions, tasks, creators, clock }, 'test');
  for (const name of [NAMESPACE, ...otherNamespaces])
    await client.create(namespaces, { metadata: { name }, spec: {} });
  if (serviceRanges !== undefined) await keepServiceCIDR({ client, clock, serviceRanges: ranges });
  const options = {
    ...network,
    nodes,
    caCertificate: '',
    kubernetesVersion: 'v1.36.2',
    ...more,
  };
  const create = (): ControllerManager =>
    createControllerManager({
      client: clientFor(client, clock),
      clock,
      random,
      tasks,
      logger,
      options,
      controllers,
    });
  let manager = create();
  await manager.start();
  const settle = (): Promise<void> => tasks.idle();
  await settle();
  return {
    ...objectAccess(client),
    ...podAccess(client, clock),
    client,
    clock,
    logs,
    settle,
    advance: (ms) => clock.advance(ms, settle),
    stopControllers: () => manager.stop(),
    restart: async () => {
      await manager.stop();
      manager = create();
      await manager.start();
      await settle();
    },
    stop: async () => {
      await manager.stop();
      await store.close();
    },
  };
}

function objectAccess(client: Client): Pick<Harness, 'get' | 'list' | 'change' | 'events'> {
  return {
    get: (resource, name) => client.get(resource, { namespace: NAMESPACE, name }),
    list: async (resource) => (await client.list(resource, { namespace: NAMESPACE })).items,
    change: async (resource, name, change, subresource) => {
      const object = structuredClone(await client.get(resource, { namespace: NAMESPACE, name }));
      change(object);
      return client.update(resource, object, subresource === undefined ? {} : { subresource });
    },
    events: async () => {
      const { items } = await client.list(events, { namespace: NAMESPACE });
      const inOrder = [...items].sort(
        (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
      );
      return inOrder.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    },
  };
}

function podAccess(
  client: Client,
  clock: VirtualClock,
): Pick<Harness, 'pods' | 'bind' | 'setReady' | 'end' | 'remove'> {
  const target = ({ metadata }: Pod): { namespace: string; name: string } => ({
    namespace: NAMESPACE,
    name: metadata.name!,
  });
  const setStatus = async (pod: Pod, change: (status: Pod['status']) => Pod['status']): Promise<void> => {
    const current = await client.get(podType, target(pod));
    await client.update(podType, { ...current, status: change(current.status) }, { subresource: 'status' });
  };
  const ready = (status: 'True' | 'False'): NonNullable<Pod['status']['conditions']>[number] => ({
    type: 'Ready',
    status,
    lastTransitionTime: formatTime(clock.now()),
  });
  return {
    pods: async () => (await client.list(podType, { namespace: NAMESPACE })).items,
    bind: async (pod) => {
      await client.createSubresource(podType, target(pod), 'binding', {
        metadata: { name: pod.metadata.name },
        target: { kind: 'Node', name: 'node' },
      });
    },
    setReady: (pod, isReady = true) =>
      setStatus(pod, (status) => ({
        ...status,
        phase: 'Running',
        conditions: [
          ...(status.conditions ?? []).filter(({ type }) => type !== 'Ready'),
          ready(isReady ? 'True' : 'False'),
        ],
      })),
    end: (pod, phase, exitCode = phase === 'Failed' ? 1 : 0) =>
      setStatus(pod, (status) => ({
        ...status,
        phase,
        conditions: [...(status.conditions ?? []).filter(({ type }) => type !== 'Ready'), ready('False')],
        containerStatuses: pod.spec.containers.map(({ name, image }) => ({
          name,
          image: image ?? '',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode, finishedAt: formatTime(clock.now()) } },
        })),
      })),
    remove: (pod) => client.delete(podType, target(pod), { gracePeriodSeconds: 0 }),
  };
}
