/** Which pods stand behind a service, for the Endpoints and EndpointSlice controllers alike. */
import { isPodReady } from '../runtime/pods.ts';
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
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
  const enqueueFor = (pod: Pod): void => {
    for (const pin of labelEntries(pod.metadata.namespace, pod.metadata.labels)) {
      for (const service of services.byIndex(SELECTOR_INDEX, pin))
        if (selects(service, pod)) enqueueService(service);
    }
  };
  pods.addHandler({
    added: enqueueFor,
    updated: (pod, old) => {
      if (!matters(pod, old)) return;
      enqueueFor(pod);
      if (pod.metadata.labels !== old.metadata.labels) enqueueFor(old);
    },
    deleted: enqueueFor,
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

/** Most status updates of a pod change nothing an endpoint shows. */
function matters(pod: Pod, old: Pod): boolean {
  const view = (each: Pod): string =>
    JSON.stringify([
      each.metadata.labels,
      each.metadata.deletionTimestamp !== undefined,
      each.spec.nodeName,
      each.status.podIPs,
      each.status.phase,
      isPodReady(each),
    ]);
  return view(pod) !== view(old);
}

/** The live pods with an address that the service selects, in order of their names. */
export function podsOfService(service: Service, pods: Informer<Pod>): Pod[] {
  return candidates(service, pods)
    .filter((pod) => selects(service, pod) && (pod.status.podIP ?? '') !== '' && !isPodTerminal(pod))
    .filter(
      (pod) => service.spec.publishNotReadyAddresses === true || pod.metadata.deletionTimestamp === undefined,
    )
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
}

/** All of the above and those that are being deleted: EndpointSlices show them as terminating. */
export function podsWithTerminating(service: Service, pods: Informer<Pod>): Pod[] {
  return candidates(service, pods)
    .filter((pod) => selects(service, pod) && (pod.status.podIP ?? '') !== '' && !isPodTerminal(pod))
    .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
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

/** When the newest of the changes behind an endpoints object happened. */
export function triggerTime(service: Service, pods: readonly Pod[]): string | undefined {
  const times = pods.flatMap(
    (pod) =>
      pod.status.conditions
        ?.filter(({ type }) => type === 'Ready')
        .map((condition) => condition.lastTransitionTime) ?? [],
  );
  times.push(service.metadata.creationTimestamp);
  return times
    .filter((time) => time !== undefined && time !== null)
    .sort()
    .at(-1);
}
