/** The slices that mirror Endpoints. Mirrors endpointslicemirroring/reconciler.go. */
import { parseAddress, formatAddress, type IPFamily } from '../../api/groups/common/prefix.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import type { EndpointAddress, Endpoints, EndpointSubset } from '../../openapi/generated/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { sortSlicePorts } from '../endpoints/port-order.ts';
import { SERVICE_LABEL, SLICE_MANAGED_BY_LABEL, TRIGGER_ANNOTATION } from '../endpoints/service-pods.ts';
import { repackSubsets } from '../endpoints/subsets.ts';
import {
  endpointKey,
  endpointsOf,
  portMapKey,
  sameEndpoint,
  type SliceChanges,
  type SliceDraft,
} from '../endpointslice/slice-draft.ts';

export const MANAGED_BY = 'endpointslicemirroring-controller.k8s.io';
const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** Addresses of one subset that are mirrored. Mirrors --mirroring-max-endpoints-per-subset. */
export const ADDRESSES_MAX = 1000;
const FAMILIES: readonly IPFamily[] = ['IPv4', 'IPv6'];

interface Wanted {
  readonly family: IPFamily;
  readonly ports: EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** What is to be done, and how many addresses are left out. */
export function planMirror(
  source: Endpoints,
  existing: readonly EndpointSlice[],
): { readonly changes: SliceChanges; readonly skipped: number } {
  const wanted = new Map<string, Wanted>();
  let skipped = 0;
  for (const subset of repackSubsets(source.subsets ?? [])) skipped += addSubset(wanted, subset);
  const byKey = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = `${slice.addressType}-${portMapKey(slice.ports)}`;
    byKey.set(key, [...(byKey.get(key) ?? []), slice]);
  }
  const changes: SliceChanges = { toCreate: [], toUpdate: [], toDelete: [] };
  for (const [key, each] of wanted) mirror(changes, source, byKey.get(key) ?? [], each);
  for (const [key, slices] of byKey) if (!wanted.has(key)) changes.toDelete.push(...slices);
  return { changes, skipped };
}

/** Returns how many addresses are too many. */
function addSubset(
  wanted: Map<string, Wanted>,
  { addresses = [], notReadyAddresses = [], ports: given = [] }: EndpointSubset,
): number {
  const ports = sortSlicePorts(
    given.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      protocol,
      port,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
  );
  const groups = FAMILIES.map((family) => {
    const key = `${family}-${portMapKey(ports)}`;
    const group = wanted.get(key) ?? { family, ports, endpoints: new Map<string, Endpoint>() };
    wanted.set(key, group);
    return group;
  });
  const all = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ];
  for (const { address, ready } of all.slice(0, ADDRESSES_MAX)) {
    const parsed = parseAddress(address.ip);
    const group = groups.find(({ family }) => family === parsed?.family);
    if (group === undefined) continue;
    const endpoint = endpointOf(address, formatAddress(parsed!), ready);
    group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return Math.max(0, all.length - ADDRESSES_MAX);
}

function endpointOf(
  { hostname, nodeName, targetRef }: EndpointAddress,
  ip: string,
  ready: boolean,
): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

/** One slice for each family and set of ports; more than one is one too many. */
function mirror(
  changes: SliceChanges,
  source: Endpoints,
  [first, ...more]: readonly EndpointSlice[],
  { family, ports, endpoints }: Wanted,
): void {
  if (endpoints.size === 0) {
    changes.toDelete.push(...(first === undefined ? [] : [first]), ...more);
    return;
  }
  changes.toDelete.push(...more);
  const draft: SliceDraft = {
    base: first,
    addressType: family,
    ports,
    endpoints: [...endpoints.values()].slice(0, ADDRESSES_MAX),
    labels: {
      ...source.metadata.labels,
      [SERVICE_LABEL]: source.metadata.name!,
      [SLICE_MANAGED_BY_LABEL]: MANAGED_BY,
    },
    annotations: ownAnnotations(source),
  };
  if (first === undefined) changes.toCreate.push(draft);
  else if (!isCurrent(first, source, draft, endpoints)) changes.toUpdate.push(draft);
}

function ownAnnotations({ metadata }: Endpoints): Record<string, string> {
  const {
    [TRIGGER_ANNOTATION]: _trigger,
    [LAST_APPLIED_ANNOTATION]: _applied,
    ...rest
  } = metadata.annotations ?? {};
  return rest;
}

function isCurrent(
  slice: EndpointSlice,
  source: Endpoints,
  draft: SliceDraft,
  wanted: ReadonlyMap<string, Endpoint>,
): boolean {
  const { metadata } = slice;
  const endpoints = endpointsOf(slice);
  const { [SERVICE_LABEL]: _service, [SLICE_MANAGED_BY_LABEL]: _manager, ...labels } = metadata.labels ?? {};
  const isOfFormer = metadata.ownerReferences?.some(
    ({ kind, name, uid }) =>
      kind === 'Endpoints' && name === source.metadata.name && uid !== source.metadata.uid,
  );
  return (
    endpoints.length === wanted.size &&
    endpoints.every((endpoint) => {
      const found = wanted.get(endpointKey(endpoint));
      return found !== undefined && sameEndpoint(found, endpoint);
    }) &&
    equalJSON(source.metadata.labels ?? {}, labels) &&
    equalJSON(draft.annotations, metadata.annotations ?? {}) &&
    isOfFormer !== true
  );
}
