/** Tables of networking.k8s.io and discovery.k8s.io. Mirrors pkg/printers/internalversion/printers.go. */
import type { EndpointSlice } from '../../../openapi/generated/discovery-v1.ts';
import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from '../../../openapi/generated/networking-v1.ts';
import { formatGroupResource } from '../../machinery/gvk.ts';
import { formatLabelSelector } from '../../machinery/labels.ts';
import { AGE, ageOf, column, defineTable, listWithMore, NAME, nameOf } from './columns.ts';
import { loadBalancerAddresses } from './core.ts';

const SHOWN_MAX = 3;

/** Rules without a host count among those that are not shown, as upstream counts. */
function ingressHosts({ spec }: Ingress): string {
  const rules = spec.rules ?? [];
  const hosts: string[] = [];
  let hasMore = false;
  for (const { host } of rules) {
    if (hosts.length === SHOWN_MAX) hasMore = true;
    if (!hasMore && (host ?? '') !== '') hosts.push(host!);
  }
  if (hosts.length === 0) return '*';
  return hasMore ? `${hosts.join(',')} + ${rules.length - SHOWN_MAX} more...` : hosts.join(',');
}

export const ingressTable = defineTable<Ingress>({
  columns: [
    NAME,
    column('Class', 'Ingress class.'),
    column('Hosts', 'Hosts of the rules.'),
    column('Address', 'Addresses of the load balancer.'),
    column('Ports', 'Ports that are open.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.ingressClassName ?? '<none>',
    ingressHosts(object),
    loadBalancerAddresses(object.status.loadBalancer?.ingress),
    (object.spec.tls ?? []).length === 0 ? '80' : '80, 443',
    ageOf(object, context),
  ],
});

function ingressParameters({ spec }: IngressClass): string {
  if (spec.parameters === undefined) return '<none>';
  const { kind, apiGroup, name } = spec.parameters;
  return apiGroup === undefined ? `${kind}/${name}` : `${kind}.${apiGroup}/${name}`;
}

export const ingressClassTable = defineTable<IngressClass>({
  columns: [
    NAME,
    column('Controller', 'Who serves the class.'),
    column('Parameters', 'Object with further parameters.'),
    AGE,
  ],
  cells(object, context) {
    const isDefault = object.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
    return [
      isDefault ? `${nameOf(object)} (default)` : nameOf(object),
      object.spec.controller ?? '',
      ingressParameters(object),
      ageOf(object, context),
    ];
  },
});

export const networkPolicyTable = defineTable<NetworkPolicy>({
  columns: [NAME, column('Pod-Selector', 'Labels of the pods it is for.'), AGE],
  cells: (object, context) => [
    nameOf(object),
    formatLabelSelector(object.spec.podSelector ?? {}),
    ageOf(object, context),
  ],
});

export const serviceCIDRTable = defineTable<ServiceCIDR>({
  columns: [NAME, column('CIDRs', 'Ranges of service addresses.'), AGE],
  cells: (object, context) => [nameOf(object), (object.spec.cidrs ?? []).join(','), ageOf(object, context)],
});

function parentOf({ spec }: IPAddress): string {
  if (spec.parentRef === undefined) return '<none>';
  const { group, resource, namespace, name } = spec.parentRef;
  const parts = [formatGroupResource({ group: group ?? '', resource: resource ?? '' }).toLowerCase()];
  if ((namespace ?? '') !== '') parts.push(namespace!);
  return [...parts, name ?? ''].join('/');
}

export const ipAddressTable = defineTable<IPAddress>({
  columns: [NAME, column('ParentRef', 'Object the address was given to.')],
  cells: (object) => [nameOf(object), parentOf(object)],
});

export const endpointSliceTable = defineTable<EndpointSlice>({
  columns: [
    NAME,
    column('AddressType', 'IPv4, IPv6 or FQDN.'),
    column('Ports', 'Ports of the endpoints.'),
    column('Endpoints', 'Addresses of the endpoints.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.addressType,
    listWithMore(
      (object.ports ?? []).map(({ port, name }) => String(port ?? name ?? '*')),
      SHOWN_MAX,
    ),
    listWithMore(
      (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []),
      SHOWN_MAX,
    ),
    ageOf(object, context),
  ],
});
