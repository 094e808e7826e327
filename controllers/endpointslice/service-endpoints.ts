/** What a service wants in its slices: its pods as endpoints, by the ports they resolve to. Mirrors endpointslice/utils.go. */
import type { Node, Pod, Service } from '../../openapi/generated/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../openapi/generated/discovery-v1.ts';
import { sortSlicePorts } from '../endpoints/port-order.ts';
import {
  findPort,
  HEADLESS_LABEL,
  hostnameIn,
  isEndpoint,
  isWithoutIP,
  podAddresses,
  SERVICE_LABEL,
  SLICE_MANAGED_BY_LABEL,
} from '../endpoints/service-pods.ts';
import { isPodReady } from '../runtime/pods.ts';
import { endpointKey, portMapKey } from './slice-draft.ts';

export const MANAGED_BY = 'endpointslice-controller.k8s.io';
const ZONE_LABEL = 'topology.kubernetes.io/zone';
const RESERVED = new Set([SERVICE_LABEL, SLICE_MANAGED_BY_LABEL, HEADLESS_LABEL]);

/** Endpoints of one set of ports, by their keys. */
export interface Wanted {
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** By the key of the ports. A pod on a node that does not exist is left out, and `problems` says so. */
export function wantedEndpoints(
  service: Service,
  selected: readonly Pod[],
  family: string,
  nodeOf: (name: string) => Node | undefined,
  problems: string[],
): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const pod of selected) {
    if (!isEndpoint(pod, true)) continue;
    const ports = portsOf(service, pod);
    const key = portMapKey(ports);
    let group = wanted.get(key);
    if (group === undefined) wanted.set(key, (group = { ports, endpoints: new Map() }));
    const nodeName = pod.spec.nodeName ?? '';
    const node = nodeOf(nodeName);
    if (node === undefined && service.spec.publishNotReadyAddresses !== true) {
      const { namespace, name } = service.metadata;
      problems.push(
        `skipping Pod ${pod.metadata.name} for Service ${namespace}/${name}: Node ${nodeName} Not Found`,
      );
      continue;
    }
    const addresses = podAddresses(pod, family);
    if (addresses.length === 0) continue;
    const endpoint = endpointOf(service, pod, node, addresses);
    group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return wanted;
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports = (service.spec.ports ?? []).flatMap((port): EndpointPort[] => {
    const number = findPort(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
  return sortSlicePorts(ports);
}

function endpointOf(service: Service, pod: Pod, node: Node | undefined, addresses: string[]): Endpoint {
  const { name, namespace, uid } = pod.metadata;
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isPodReady(pod);
  const zone = node?.metadata.labels?.[ZONE_LABEL] ?? '';
  const hostname = hostnameIn(service, pod);
  return {
    addresses,
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone === '' ? {} : { zone }),
  };
}

function withoutReserved(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !RESERVED.has(key)));
}

/** Labels of the service's slices: its own and those of the controller. */
export function sliceLabels(service: Service): Record<string, string> {
  return {
    ...withoutReserved(service.metadata.labels),
    ...(isWithoutIP(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_LABEL]: service.metadata.name!,
    [SLICE_MANAGED_BY_LABEL]: MANAGED_BY,
  };
}

/** Whether labels came, went or changed that are not the controller's own. */
export function labelsDiffer(
  one: Readonly<Record<string, string>> | undefined,
  other: Readonly<Record<string, string>> | undefined,
): boolean {
  const entries = (labels: typeof one): string =>
    JSON.stringify(Object.entries(withoutReserved(labels)).sort(([a], [b]) => (a < b ? -1 : 1)));
  return entries(one) !== entries(other);
}
