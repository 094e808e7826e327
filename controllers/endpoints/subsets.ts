/** Subsets of Endpoints in their canonical layout, and what is left of too many. Mirrors pkg/api/v1/endpoints and truncateEndpoints. */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../openapi/generated/core-v1.ts';
import { sortPorts, sortSubsets } from './port-order.ts';

/** More addresses than this are cut off, and an annotation says so. */
export const ADDRESSES_MAX = 1000;

interface Entry {
  readonly address: EndpointAddress;
  ready: boolean;
}

interface PortEntry {
  /** Undefined for addresses without a port. */
  readonly port: EndpointPort | undefined;
  readonly entries: Map<string, Entry>;
}

/** One subset for every set of addresses that have the same ports; sorted throughout. Not ready wins over ready. */
export function repackSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const byPort = new Map<string, PortEntry>();
  const addresses = new Map<string, EndpointAddress>();
  for (const { addresses: ready = [], notReadyAddresses: notReady = [], ports = [] } of subsets) {
    for (const port of ports.length === 0 ? [undefined] : ports) {
      const key = portKey(port);
      let found = byPort.get(key);
      if (found === undefined) byPort.set(key, (found = { port, entries: new Map() }));
      for (const address of ready) note(found.entries, addresses, address, true);
      for (const address of notReady) note(found.entries, addresses, address, false);
    }
  }
  const byAddresses = new Map<
    string,
    { readonly entries: readonly Entry[]; readonly ports: EndpointPort[] }
  >();
  for (const { port, entries } of byPort.values()) {
    const inOrder = [...entries].sort(([, a], [, b]) => compareAddresses(a.address, b.address));
    const key = inOrder.map(([each, { ready }]) => `${each}/${ready}`).join(' ');
    const group = byAddresses.get(key) ?? { entries: inOrder.map(([, entry]) => entry), ports: [] };
    byAddresses.set(key, group);
    if (port !== undefined) group.ports.push(port);
  }
  return sortSubsets(
    [...byAddresses.values()].map(({ entries, ports }) => subsetOf(entries, sortPorts(ports))),
  );
}

function portKey(port: EndpointPort | undefined): string {
  return port === undefined
    ? ''
    : JSON.stringify([port.name ?? '', port.port, port.protocol ?? 'TCP', port.appProtocol]);
}

function note(
  entries: Map<string, Entry>,
  addresses: Map<string, EndpointAddress>,
  address: EndpointAddress,
  ready: boolean,
): void {
  const key = `${address.ip}/${address.targetRef?.uid ?? ''}`;
  if (!addresses.has(key)) addresses.set(key, address);
  const entry = entries.get(key);
  if (entry === undefined) entries.set(key, { address: addresses.get(key)!, ready });
  else entry.ready &&= ready;
}

function compareAddresses(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1;
  return (a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1;
}

function subsetOf(entries: readonly Entry[], ports: readonly EndpointPort[]): EndpointSubset {
  const ready = entries.filter((entry) => entry.ready).map(({ address }) => address);
  const notReady = entries.filter((entry) => !entry.ready).map(({ address }) => address);
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports: [...ports] }),
  };
}

export function countAddresses(subsets: readonly EndpointSubset[]): { ready: number; notReady: number } {
  let ready = 0;
  let notReady = 0;
  for (const subset of subsets) {
    ready += subset.addresses?.length ?? 0;
    notReady += subset.notReadyAddresses?.length ?? 0;
  }
  return { ready, notReady };
}

/** At most 1,000 addresses: ready ones first, from every subset in proportion. */
export function truncateSubsets(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const { ready, notReady } = countAddresses(subsets);
  if (ready + notReady <= ADDRESSES_MAX) return subsets;
  const cutsReady = ready > ADDRESSES_MAX;
  const room = cutsReady ? ADDRESSES_MAX : ADDRESSES_MAX - ready;
  const total = cutsReady ? ready : notReady;
  let left = room;
  return subsets.map((subset) => {
    const { addresses, notReadyAddresses, ...rest } = subset;
    const all = (cutsReady ? addresses : notReadyAddresses) ?? [];
    const kept = all.slice(0, Math.min(Math.ceil((all.length / total) * room), left));
    left -= kept.length;
    const shown = kept.length === 0 ? undefined : kept;
    return cutsReady ? { ...rest, addresses: shown } : { ...rest, addresses, notReadyAddresses: shown };
  });
}
