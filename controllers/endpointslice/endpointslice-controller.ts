/** Keeps EndpointSlices of services with a selector, at most 100 endpoints a slice. */
import { isPodReady } from '../runtime/pods.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { pods, services, nodes, type Node, type Pod, type Service } from '../../openapi/generated/core-v1.ts';
import {
  endpointSlices,
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
} from '../../openapi/generated/discovery-v1.ts';
import {
  HEADLESS_LABEL,
  TRIGGER_ANNOTATION,
  SERVICE_LABEL,
  SLICE_MANAGED_BY_LABEL,
  findPort,
  podsWithTerminating,
  triggerTime,
  watchServicePods,
} from '../endpoints/service-pods.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  Informer,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const MANAGED_BY = 'endpointslice-controller.k8s.io';
const SERVICE_INDEX = 'endpointslice-service';
/** Upstream's --max-endpoints-per-slice. */
const ENDPOINTS_PER_SLICE = 100;

export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice-controller',
  aliases: ['endpointslice'],
  description: {
    does: 'Keeps the EndpointSlices of services with a selector: the addresses and conditions of their pods, 100 to a slice.',
    watches: ['endpointslices', 'nodes', 'pods', 'services'],
    writes: ['endpointslices'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('endpointslice-controller') };
  const serviceInformer = context.informer(services);
  const podInformer = context.informer(pods);
  const nodeInformer = context.informer(nodes);
  const slices = context.informer(endpointSlices);
  slices.addIndex(SERVICE_INDEX, ({ metadata }) =>
    metadata.labels?.[SLICE_MANAGED_BY_LABEL] === MANAGED_BY
      ? [`${metadata.namespace}/${metadata.labels[SERVICE_LABEL]}`]
      : [],
  );
  const reconciler = createReconciler({
    name: 'endpointslice',
    context,
    workers: 5,
    reconcile: async (key) => {
      const service = serviceInformer.get(key);
      // The garbage collector removes the slices of a service that is gone.
      if (
        service === undefined ||
        service.spec.type === 'ExternalName' ||
        service.spec.selector === undefined
      )
        return;
      const wanted = groupByPorts(service, podsWithTerminating(service, podInformer), nodeInformer);
      await write(context, service, wanted, slices.byIndex(SERVICE_INDEX, key), triggerTime(service, []));
    },
  });
  watchServicePods(reconciler.queue, serviceInformer, podInformer);
  const enqueueOwner = ({ metadata }: EndpointSlice): void => {
    if (metadata.labels?.[SLICE_MANAGED_BY_LABEL] === MANAGED_BY)
      reconciler.queue.add(`${metadata.namespace}/${metadata.labels[SERVICE_LABEL]}`);
  };
  slices.addHandler({ deleted: enqueueOwner });
  return reconciler;
}

interface Group {
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

/** Endpoints by the ports their pods resolve to; a service without pods still has one group. */
function groupByPorts(service: Service, selected: readonly Pod[], nodeInformer: Informer<Node>): Group[] {
  const groups = new Map<string, Group>();
  for (const pod of selected) {
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(service, pod, nodeInformer.get(pod.spec.nodeName ?? '')));
  }
  if (groups.size === 0) return [{ ports: [], endpoints: [] }];
  return [...groups.values()];
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port): EndpointPort[] => {
    const number = findPort(pod, port);
    if (number === undefined) return [];
    return [
      {
        name: port.name ?? '',
        protocol: port.protocol ?? 'TCP',
        port: number,
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
    ];
  });
}

function endpointOf(service: Service, pod: Pod, node: Node | undefined): Endpoint {
  const { name, namespace, uid } = pod.metadata;
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isPodReady(pod);
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const hasHostname = (pod.spec.hostname ?? '') !== '' && pod.spec.subdomain === service.metadata.name;
  return {
    addresses: [pod.status.podIP!],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hasHostname ? { hostname: pod.spec.hostname } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Fits what is wanted into the slices that are there, changing as few as possible. */
async function write(
  context: ControllerContext,
  service: Service,
  groups: readonly Group[],
  existing: readonly EndpointSlice[],
  trigger: string | undefined,
): Promise<void> {
  const labels = labelsOf(service);
  const free = existing.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  for (const group of groups) {
    for (let start = 0; start === 0 || start < group.endpoints.length; start += ENDPOINTS_PER_SLICE) {
      const endpoints = group.endpoints.slice(start, start + ENDPOINTS_PER_SLICE);
      // A slice with the same ports is reused first; an empty one takes any ports.
      const match = free.findIndex(
        (slice) => equalJSON(slice.ports ?? [], group.ports) || (slice.endpoints ?? []).length === 0,
      );
      const slice = match < 0 ? undefined : free.splice(match, 1)[0];
      await writeSlice(context, service, slice, { endpoints, ports: group.ports }, labels, trigger);
    }
  }
  for (const slice of free) {
    const target = { namespace: slice.metadata.namespace, name: slice.metadata.name! };
    await context.client
      .delete(endpointSlices, target, { preconditions: { uid: slice.metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }
}

async function writeSlice(
  context: ControllerContext,
  service: Service,
  slice: EndpointSlice | undefined,
  content: { readonly endpoints: Endpoint[]; readonly ports: EndpointPort[] },
  labels: Record<string, string>,
  trigger: string | undefined,
): Promise<void> {
  if (slice !== undefined) {
    const same =
      equalJSON(slice.endpoints ?? [], content.endpoints) &&
      equalJSON(slice.ports ?? [], content.ports) &&
      equalJSON(slice.metadata.labels, labels);
    if (!same)
      await context.client.update(endpointSlices, {
        ...slice,
        metadata: { ...slice.metadata, labels },
        ...content,
      });
    return;
  }
  const { name, namespace, uid } = service.metadata;
  await context.client
    .create(endpointSlices, {
      metadata: {
        generateName: `${name}-`,
        namespace,
        labels,
        ...(trigger === undefined ? {} : { annotations: { [TRIGGER_ANNOTATION]: trigger } }),
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Service',
            name: name!,
            uid: uid!,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType: service.spec.ipFamilies?.[0] ?? 'IPv4',
      ...content,
    })
    .catch((error: unknown) => {
      if (!isNamespaceTerminating(error) && !isNotFound(error)) throw error;
    });
}

function labelsOf(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    [SERVICE_LABEL]: service.metadata.name!,
    [SLICE_MANAGED_BY_LABEL]: MANAGED_BY,
    ...(service.spec.clusterIP === 'None' ? { [HEADLESS_LABEL]: '' } : {}),
  };
}
