/** Keeps Endpoints of services with a selector. Mirrors pkg/controller/endpoint. */
import { formatAddress, parseAddress } from '../../api/groups/common/prefix.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNamespaceTerminating, isNotFound, StatusError } from '../../api/machinery/errors.ts';
import { keyOf, parseKey } from '../../api/machinery/object-meta.ts';
import {
  endpoints,
  pods,
  services,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
  type Pod,
  type Service,
} from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  RunningController,
} from '../runtime/controller.ts';
import { isPodReady } from '../runtime/pods.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import {
  findPort,
  HEADLESS_LABEL,
  hostnameIn,
  isEndpoint,
  isWithoutIP,
  selectedBy,
  TRIGGER_ANNOTATION,
  watchServicePods,
} from './service-pods.ts';
import { ADDRESSES_MAX, countAddresses, repackSubsets, truncateSubsets } from './subsets.ts';
import { TriggerTimes } from './trigger-times.ts';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGED_BY = 'endpoint-controller';
const OVER_CAPACITY_ANNOTATION = 'endpoints.kubernetes.io/over-capacity';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';

export const endpointsController: ControllerDefinition = {
  name: 'endpoints-controller',
  aliases: ['endpoint'],
  description: {
    does: 'Keeps the Endpoints of services with a selector: addresses of their pods in the first family of the service, ready or not, grouped by ports, at most 1,000.',
    watches: ['endpoints', 'pods', 'services'],
    writes: ['endpoints'],
    events: ['FailedToCreateEndpoint', 'FailedToUpdateEndpoint'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('endpoint-controller') };
  const recorder = context.recorder('endpoint-controller');
  const serviceInformer = context.informer(services);
  const podInformer = context.informer(pods);
  const endpointsInformer = context.informer(endpoints);
  const triggerTimes = new TriggerTimes();
  const reconciler = createReconciler({
    name: 'endpoints',
    context,
    workers: 5,
    reconcile: async (key) => {
      const service = serviceInformer.get(key);
      if (service === undefined) {
        triggerTimes.forget(key);
        // The cache is not asked: it may be behind a write of ours.
        return remove(context, key);
      }
      if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
      const selected = selectedBy(service, podInformer);
      const trigger = triggerTimes.next(service, selected);
      const existing = endpointsInformer.get(key);
      await write({ context, recorder, service }, subsetsOf(service, selected), existing, trigger);
    },
  });
  watchServicePods(reconciler.queue, serviceInformer, podInformer);
  endpointsInformer.addHandler({ deleted: (object) => reconciler.queue.add(keyOf(object)) });
  return {
    start: () => {
      // Those of services that went while nobody looked.
      for (const object of endpointsInformer.list())
        if (object.metadata.annotations?.[LEADER_ANNOTATION] === undefined)
          reconciler.queue.add(keyOf(object));
      reconciler.start?.();
    },
    stop: () => reconciler.stop?.(),
  };
}

async function remove({ client }: ControllerContext, key: string): Promise<void> {
  const { namespace, name } = parseKey(key);
  await client.delete(endpoints, { namespace, name }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

function subsetsOf(service: Service, selected: readonly Pod[]): EndpointSubset[] {
  const { ports = [], publishNotReadyAddresses = false } = service.spec;
  const single: EndpointSubset[] = [];
  for (const pod of selected) {
    const address = isEndpoint(pod, publishNotReadyAddresses) ? addressOf(service, pod) : undefined;
    if (address === undefined) continue;
    const isReady = publishNotReadyAddresses || isPodReady(pod);
    const subset = isReady ? { addresses: [address] } : { notReadyAddresses: [address] };
    if (ports.length === 0 && service.spec.clusterIP === 'None') single.push(subset);
    for (const port of ports) {
      const number = findPort(pod, port);
      if (number === undefined) continue;
      const { name, protocol = 'TCP', appProtocol } = port;
      single.push({
        ...subset,
        ports: [
          {
            ...(name === undefined ? {} : { name }),
            port: number,
            protocol,
            ...(appProtocol === undefined ? {} : { appProtocol }),
          },
        ],
      });
    }
  }
  return repackSubsets(single);
}

/** The pod's address in the first family of the service; undefined when it has none. */
function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const family = service.spec.ipFamilies?.[0] ?? parseAddress(pod.status.podIP ?? '')?.family;
  const found = (pod.status.podIPs ?? [])
    .map(({ ip }) => parseAddress(ip))
    .find((address) => address?.family === family);
  if (found === undefined) return undefined;
  const { name, namespace, uid } = pod.metadata;
  const hostname = hostnameIn(service, pod);
  return {
    ip: formatAddress(found),
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

interface Scope {
  readonly context: ControllerContext;
  readonly recorder: EventRecorder;
  readonly service: Service;
}

async function write(
  scope: Scope,
  subsets: readonly EndpointSubset[],
  existing: Endpoints | undefined,
  trigger: string | undefined,
): Promise<void> {
  if (existing !== undefined && isCurrent(existing, scope.service, subsets)) return;
  const kept = truncateSubsets(subsets);
  const { name, namespace, labels } = scope.service.metadata;
  const annotations: Record<string, string> = { ...existing?.metadata.annotations };
  setOrDrop(annotations, TRIGGER_ANNOTATION, trigger);
  setOrDrop(annotations, OVER_CAPACITY_ANNOTATION, kept === subsets ? undefined : 'truncated');
  const ownLabels: Record<string, string> = { ...labels, [MANAGED_BY_LABEL]: MANAGED_BY };
  setOrDrop(ownLabels, HEADLESS_LABEL, isWithoutIP(scope.service) ? '' : undefined);
  await put(scope, existing, {
    metadata: { name, namespace, ...existing?.metadata, labels: ownLabels, annotations },
    ...(kept.length === 0 ? {} : { subsets: [...kept] }),
  });
}

function setOrDrop(map: Record<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) delete map[key];
  else map[key] = value;
}

/** Of the labels, that of services without an address is not looked at; an annotation of too many always is to be checked. */
function isCurrent(existing: Endpoints, { metadata }: Service, subsets: readonly EndpointSubset[]): boolean {
  const {
    [HEADLESS_LABEL]: _headless,
    [MANAGED_BY_LABEL]: manager,
    ...rest
  } = existing.metadata.labels ?? {};
  const { ready, notReady } = countAddresses(existing.subsets ?? []);
  return (
    equalJSON(existing.subsets ?? [], subsets) &&
    manager === MANAGED_BY &&
    equalJSON(rest, metadata.labels ?? {}) &&
    ready + notReady <= ADDRESSES_MAX &&
    existing.metadata.annotations?.[OVER_CAPACITY_ANNOTATION] === undefined
  );
}

async function put(
  { context: { client }, recorder, service }: Scope,
  existing: Endpoints | undefined,
  wanted: Endpoints,
): Promise<void> {
  try {
    if (existing === undefined) await client.create(endpoints, wanted);
    else await client.update(endpoints, wanted);
  } catch (error) {
    if (existing === undefined && isNamespaceTerminating(error)) return;
    const { namespace, name } = service.metadata;
    const why = error instanceof StatusError ? error.message : String(error);
    const subject = { ...wanted, apiVersion: 'v1', kind: 'Endpoints' };
    if (existing === undefined) {
      const message = `Failed to create endpoint for service ${namespace}/${name}: ${why}`;
      recorder.event(subject, 'Warning', 'FailedToCreateEndpoint', message);
    } else {
      const message = `Failed to update endpoint ${namespace}/${name}: ${why}`;
      recorder.event(subject, 'Warning', 'FailedToUpdateEndpoint', message);
    }
    throw error;
  }
}
