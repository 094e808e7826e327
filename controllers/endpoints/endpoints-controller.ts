/** Keeps Endpoints of services with a selector: their ready and not ready pods, grouped by ports. */
import { isPodReady } from '../runtime/pods.ts';
import {
  isConflict,
  isNamespaceTerminating,
  isNotFound,
  isAlreadyExists,
} from '../../api/machinery/errors.ts';
import { keyOf, parseKey } from '../../api/machinery/object-meta.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import {
  endpoints,
  pods,
  services,
  type EndpointAddress,
  type EndpointPort,
  type Endpoints,
  type EndpointSubset,
  type Pod,
  type Service,
} from '../../openapi/generated/core-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import {
  HEADLESS_LABEL,
  TRIGGER_ANNOTATION,
  findPort,
  podsOfService,
  triggerTime,
  watchServicePods,
} from './service-pods.ts';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGED_BY = 'endpoint-controller';
const OVER_CAPACITY_ANNOTATION = 'endpoints.kubernetes.io/over-capacity';
/** More addresses than this are cut off, and an annotation says so. */
const ADDRESSES_MAX = 1000;

export const endpointsController: ControllerDefinition = {
  name: 'endpoints-controller',
  aliases: ['endpoint'],
  description: {
    does: 'Keeps the Endpoints of services with a selector: addresses of their pods, ready or not, grouped by ports.',
    watches: ['endpoints', 'pods', 'services'],
    writes: ['endpoints'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('endpoint-controller') };
  const serviceInformer = context.informer(services);
  const podInformer = context.informer(pods);
  const endpointsInformer = context.informer(endpoints);
  const reconciler = createReconciler({
    name: 'endpoints',
    context,
    workers: 5,
    reconcile: async (key) => {
      const service = serviceInformer.get(key);
      if (service === undefined) return removeEndpoints(context, key, endpointsInformer.get(key));
      if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return;
      await writeEndpoints(context, service, podsOfService(service, podInformer), endpointsInformer.get(key));
    },
  });
  watchServicePods(reconciler.queue, serviceInformer, podInformer);
  endpointsInformer.addHandler({ deleted: (object) => reconciler.queue.add(keyOf(object)) });
  return reconciler;
}

async function removeEndpoints(
  context: ControllerContext,
  key: string,
  existing: Endpoints | undefined,
): Promise<void> {
  if (existing?.metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) return;
  const { namespace, name } = parseKey(key);
  await context.client
    .delete(endpoints, { namespace, name }, { preconditions: { uid: existing.metadata.uid } })
    .catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
}

async function writeEndpoints(
  context: ControllerContext,
  service: Service,
  selected: readonly Pod[],
  existing: Endpoints | undefined,
): Promise<void> {
  const counted = selected.slice(0, ADDRESSES_MAX);
  const subsets = groupByPorts(service, counted);
  const headless = service.spec.clusterIP === 'None';
  const labels: Record<string, string> = { ...service.metadata.labels, [MANAGED_BY_LABEL]: MANAGED_BY };
  if (headless) labels[HEADLESS_LABEL] = '';
  const trigger = triggerTime(service, counted);
  const annotations: Record<string, string> = {};
  if (trigger !== undefined) annotations[TRIGGER_ANNOTATION] = trigger;
  if (selected.length > counted.length) annotations[OVER_CAPACITY_ANNOTATION] = 'truncated';
  const { name, namespace } = service.metadata;
  if (existing === undefined) {
    await context.client
      .create(endpoints, {
        metadata: { name, namespace, labels, ...(trigger === undefined ? {} : { annotations }) },
        ...(subsets.length === 0 ? {} : { subsets }),
      })
      .catch((error: unknown) => {
        if (!isNamespaceTerminating(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
      });
    return;
  }
  const sameSubsets = equalJSON(existing.subsets ?? [], subsets);
  if (sameSubsets && equalJSON(existing.metadata.labels ?? {}, labels)) return;
  await context.client.update(endpoints, {
    ...existing,
    metadata: {
      ...existing.metadata,
      labels,
      annotations: { ...existing.metadata.annotations, ...annotations },
    },
    subsets: subsets.length === 0 ? undefined : subsets,
  });
}

/** One subset for every set of ports the pods resolve to; addresses sorted by IP. */
function groupByPorts(service: Service, selected: readonly Pod[]): EndpointSubset[] {
  const subsets = new Map<
    string,
    { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }
  >();
  for (const pod of selected) {
    const ports = (service.spec.ports ?? []).flatMap((port): EndpointPort[] => {
      const number = findPort(pod, port);
      if (number === undefined) return [];
      return [
        {
          ...(port.name === undefined ? {} : { name: port.name }),
          port: number,
          protocol: port.protocol ?? 'TCP',
          ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
        },
      ];
    });
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const subset = subsets.get(key) ?? { ports, ready: [], notReady: [] };
    subsets.set(key, subset);
    const isReady = service.spec.publishNotReadyAddresses === true || isPodReady(pod);
    (isReady ? subset.ready : subset.notReady).push(addressOf(service, pod));
  }
  const byIP = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);
  return [...subsets.values()].map(({ ports, ready, notReady }) => ({
    ...(ready.length === 0 ? {} : { addresses: ready.sort(byIP) }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.sort(byIP) }),
    ...(ports.length === 0 ? {} : { ports }),
  }));
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { name, namespace, uid } = pod.metadata;
  const hasHostname = (pod.spec.hostname ?? '') !== '' && pod.spec.subdomain === service.metadata.name;
  return {
    ip: pod.status.podIP!,
    ...(hasHostname ? { hostname: pod.spec.hostname } : {}),
    nodeName: pod.spec.nodeName,
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
