/** Which pods stand behind a service, for the Endpoints and EndpointSlice controllers alike. */
import { isPodReady } from '../runtime/pods.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { formatAddress, parseAddress } from '../../api/groups/common/prefix.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import type { Pod, Service, ServicePort } from '../../openapi/generated/core-v1.ts';
import type { Informer, Workqueue } from '../runtime/controller.ts';
import { indexByLabel, labelEntries, labelEntry, podsLabelled } from '../runtime/selected-pods.ts';

export const HEADLESS_LABEL = 'service.kubernetes.io/headless';
export const TRIGGER_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';
/** On an EndpointSlice: the service it is of. */
export const SERVICE_LABEL = 'kubernetes.io/service-name';
/** On an EndpointSlice: the controller that keeps it. */
export const SLICE_MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';

/** Enqueues a service when it changes, and when a pod it selects, or selected, changes. */
export function watchServicePods(queue: Workqueue, services: Informer<Service>, pods: Informer<Pod>): void {
  const enqueueService = (service: KubeObject): void => queue.add(keyOf(service));
  indexBySelector(services);
  indexByLabel(pods);
  services.addHandler({ added: enqueueService, updated: enqueueService, deleted: enqueueService });
  const servicesOf = (pod: Pod): ReadonlySet<Service> => {
    const found = new Set<Service>();
    for (const pin of labelEntries(pod.metadata.namespace, pod.metadata.labels))
      for (const service of services.byIndex(SELECTOR_INDEX, pin))
        if (selects(service, pod)) found.add(service);
    return found;
  };
  const enqueueAll = (found: Iterable<Service>): void => {
    for (const service of found) enqueueService(service);
  };
  pods.addHandler({
    added: (pod) => enqueueAll(servicesOf(pod)),
    updated: (pod, old) => {
      const isChanged = matters(pod, old);
      const isMoved = mayMove(pod, old);
      if (!isChanged && !isMoved) return;
      const now = servicesOf(pod);
      const before = isMoved ? servicesOf(old) : now;
      enqueueAll([...now].filter((service) => isChanged || !before.has(service)));
      enqueueAll([...before].filter((service) => !now.has(service)));
    },
    deleted: (pod) => enqueueAll(servicesOf(pod)),
  });
}

/** Services by one label of their selector, in their namespace. */
const SELECTOR_INDEX = 'selector label';

function indexBySelector(services: Informer<Service>): void {
  services.addIndex(SELECTOR_INDEX, (service) => {
    const pin = pinOf(service);
    return pin === undefined ? [] : [pin];
  });
}

function pinOf({ metadata, spec }: Service): string | undefined {
  const [key] = Object.keys(spec.selector ?? {}).sort();
  return key === undefined ? undefined : labelEntry(metadata.namespace, key, spec.selector![key]!);
}

/** Pods that the service may select, found by a label; an empty selector takes all of the namespace. */
function candidates(service: Service, pods: Informer<Pod>): readonly Pod[] {
  const pin = pinOf(service);
  return pin === undefined ? pods.list(service.metadata.namespace) : podsLabelled(pods, pin);
}

function selects({ spec }: Service, pod: Pod): boolean {
  if (spec.selector === undefined) return false;
  const labels = pod.metadata.labels ?? {};
  return Object.entries(spec.selector).every(([key, value]) => labels[key] === value);
}

/** Most status updates of a pod change nothing an endpoint shows. Mirrors podEndpointsChanged. */
function matters(pod: Pod, old: Pod): boolean {
  return (
    (pod.metadata.deletionTimestamp === undefined) !== (old.metadata.deletionTimestamp === undefined) ||
    pod.spec.nodeName !== old.spec.nodeName ||
    !equalJSON(pod.status.podIPs, old.status.podIPs) ||
    isPodTerminal(pod) !== isPodTerminal(old) ||
    isPodReady(pod) !== isPodReady(old)
  );
}

/** Whether other services may have the pod now. */
function mayMove(pod: Pod, old: Pod): boolean {
  return (
    !equalJSON(pod.metadata.labels, old.metadata.labels) ||
    pod.spec.hostname !== old.spec.hostname ||
    pod.spec.subdomain !== old.spec.subdomain
  );
}

/** The pods that the service selects, in order of their names. */
export function selectedBy(service: Service, pods: Informer<Pod>): Pod[] {
  return candidates(service, pods)
    .filter((pod) => selects(service, pod))
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
}

/** Whether a pod is an endpoint at all. Mirrors ShouldPodBeInEndpoints. */
export function isEndpoint(pod: Pod, includesTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false;
  if ((pod.status.podIP ?? '') === '' && (pod.status.podIPs ?? []).length === 0) return false;
  return includesTerminating || pod.metadata.deletionTimestamp === undefined;
}

/** The name a pod has in the domain of the service. */
export function hostnameIn({ metadata }: Service, { spec }: Pod): string | undefined {
  const hasName = (spec.hostname ?? '') !== '' && spec.subdomain === metadata.name;
  return hasName ? spec.hostname : undefined;
}

/** Addresses of a pod of one family, in canonical form. */
export function podAddresses({ status }: Pod, family: string): string[] {
  return (status.podIPs ?? []).flatMap(({ ip }) => {
    const address = parseAddress(ip);
    return address?.family === family ? [formatAddress(address)] : [];
  });
}

/** Neither an address of its own nor that of a name. */
export function isWithoutIP({ spec }: Service): boolean {
  return (spec.clusterIP ?? '') === '' || spec.clusterIP === 'None';
}

/** The number behind a service port on this pod; a name is looked up among its container ports. */
export function findPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  const protocol = port.protocol ?? 'TCP';
  const restartable = (pod.spec.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  for (const container of [...pod.spec.containers, ...restartable]) {
    const found = container.ports?.find(
      ({ name, protocol: own }) => name === target && (own ?? 'TCP') === protocol,
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}
