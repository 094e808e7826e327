/** Hints by the annotation topology-mode: endpoints in proportion to the processors of zones. Mirrors endpointslice/topologycache. */
import type { EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { draftOf, endpointsOf, type SliceChanges, type SliceDraft } from './slice-draft.ts';
import { isReady, removeHints, withHints } from './traffic-distribution.ts';

/** How much more than its share a zone may have to bear. */
const OVERLOAD = 0.2;
const MODE = 'service.kubernetes.io/topology-mode';
const DEPRECATED_MODE = 'service.kubernetes.io/topology-aware-hints';

export interface HintEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled';
  readonly message: string;
}

export function hintsWanted(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const mode = annotations?.[DEPRECATED_MODE] ?? annotations?.[MODE];
  return mode === 'Auto' || mode === 'auto';
}

interface Share {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

type Counts = Map<string, number>;

function add(counts: Counts, zone: string, count = 1): void {
  counts.set(zone, (counts.get(zone) ?? 0) + count);
}

export class ZoneHints {
  readonly #ratios: () => ReadonlyMap<string, number> | undefined;
  /** Endpoints by zone, of services with hints, by address type. */
  readonly #byService = new Map<string, Map<string, Counts>>();
  readonly #populated = new Set<string>();

  constructor(ratios: () => ReadonlyMap<string, number> | undefined) {
    this.#ratios = ratios;
  }

  isPopulated(service: string): boolean {
    return this.#populated.has(service);
  }

  forget(service: string, addressType: string): void {
    const types = this.#byService.get(service);
    types?.delete(addressType);
    if (types?.size === 0) this.#byService.delete(service);
    this.#populated.delete(service);
  }

  /** Services with hints that leave some zone with too few endpoints. */
  overloaded(): string[] {
    const ratios = this.#ratios() ?? new Map<string, number>();
    return [...this.#byService]
      .filter(([, types]) => [...types.values()].some((counts) => isOverloaded(counts, ratios)))
      .map(([service]) => service);
  }

  /** Adds hints to what changes, and changes what needs other hints; without a way to, takes them away. */
  apply(
    service: string,
    addressType: string,
    changes: SliceChanges,
    unchanged: readonly EndpointSlice[],
  ): HintEvent[] {
    const disable = (why: string): HintEvent[] => {
      this.forget(service, addressType);
      removeHints(changes, unchanged);
      return [disabled(why, addressType)];
    };
    const ratios = this.#ratios();
    const all = [...changes.toCreate, ...changes.toUpdate, ...unchanged];
    const count = all.reduce((sum, each) => sum + endpointsOf(each).filter(isReady).length, 0);
    const shares = sharesOf(ratios, count);
    if (typeof shares === 'string') return disable(shares);
    const counts = countUnchanged(changes, unchanged, shares);
    const drafts = [...changes.toCreate, ...changes.toUpdate];
    for (const draft of drafts)
      for (const [index, endpoint] of draft.endpoints.entries()) {
        if (!isReady(endpoint)) continue;
        const { zone = '' } = endpoint;
        if (zone === '') return disable('One or more endpoints do not have a zone specified');
        add(counts, zone);
        draft.endpoints[index] = withHints(endpoint, { forZones: [{ name: zone }] });
      }
    redistribute(drafts, counts, transfersOf(shares, counts));
    if (counts.size === 0) return disable('No hints allocated for zones');
    const isNew = !this.#populated.has(service);
    this.#populated.add(service);
    const types = this.#byService.get(service) ?? new Map<string, Counts>();
    this.#byService.set(service, types.set(addressType, counts));
    const message = `Topology Aware Hints has been enabled, addressType: ${addressType}`;
    return isNew ? [{ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message }] : [];
  }
}

export function disabled(why: string, addressType: string): HintEvent {
  const message = `${why}, addressType: ${addressType}`;
  return { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message };
}

/** What each zone is to have of `count` endpoints, or why that cannot be. */
function sharesOf(
  ratios: ReadonlyMap<string, number> | undefined,
  count: number,
): ReadonlyMap<string, Share> | string {
  if (ratios === undefined)
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const numbers = `(${count} endpoints, ${ratios.size} zones)`;
  if (ratios.size > count) return `Insufficient number of endpoints ${numbers}`;
  const desired = [...ratios].map(([zone, ratio]) => {
    const share = ratio * count;
    return { zone, share, minimum: Math.ceil(share * (1 / (1 + OVERLOAD))) };
  });
  const total = desired.reduce((sum, { minimum }) => sum + minimum, 0);
  if (total > count)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  return new Map(
    desired.map(({ zone, share, minimum }) => [
      zone,
      { minimum, maximum: minimum + count - total, desired: Math.max(share, minimum) },
    ]),
  );
}

/** Counts hints of slices that stay; those that have to change become slices to update. */
function countUnchanged(
  changes: SliceChanges,
  unchanged: readonly EndpointSlice[],
  shares: ReadonlyMap<string, Share>,
): Counts {
  const counts: Counts = new Map();
  for (const slice of unchanged) {
    const own = hintsOf(slice, counts, shares);
    if (own === undefined) changes.toUpdate.push(draftOf(slice, [...endpointsOf(slice)]));
    else for (const [zone, count] of own) add(counts, zone, count);
  }
  return counts;
}

/** Undefined when the slice lacks hints, has some of a zone that needs none, or too many of one. */
function hintsOf(
  slice: EndpointSlice,
  before: Counts,
  shares: ReadonlyMap<string, Share>,
): Counts | undefined {
  const own: Counts = new Map();
  for (const endpoint of endpointsOf(slice).filter(isReady)) {
    const zones = endpoint.hints?.forZones ?? [];
    if (zones.length === 0 || zones.some(({ name }) => !shares.has(name))) return undefined;
    for (const { name } of zones) add(own, name);
  }
  const isTooMany = [...own].some(
    ([zone, count]) => count + (before.get(zone) ?? 0) > shares.get(zone)!.maximum,
  );
  return isTooMany ? undefined : own;
}

interface Transfers {
  readonly giving: Counts;
  readonly receiving: Counts;
}

/** How many endpoints zones with too many give to zones with too few. */
function transfersOf(shares: ReadonlyMap<string, Share>, counts: Counts): Transfers {
  const surplus: Counts = new Map();
  const lack: Counts = new Map();
  for (const [zone, { desired }] of shares) {
    const difference = (counts.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) lack.set(zone, -difference);
  }
  const transfers: Transfers = { giving: new Map(), receiving: new Map() };
  for (;;) {
    const [from, give] = most(surplus);
    const [to, take] = most(lack);
    if (give < 0.5 || take < 0.5 || (give < 1 && take < 1)) return transfers;
    add(transfers.giving, from);
    add(transfers.receiving, to);
    add(surplus, from, -1);
    add(lack, to, -1);
  }
}

function most(counts: Counts): readonly [string, number] {
  let found: readonly [string, number] = ['', 0];
  for (const entry of counts) if (entry[1] > found[1]) found = entry;
  return found;
}

function redistribute(drafts: readonly SliceDraft[], counts: Counts, { giving, receiving }: Transfers): void {
  for (const draft of drafts)
    for (const [index, endpoint] of draft.endpoints.entries()) {
      const from = endpoint.zone ?? '';
      const [to] = [...receiving].find(([, count]) => count > 0) ?? [];
      if (to === undefined) return;
      if (!isReady(endpoint) || (giving.get(from) ?? 0) === 0) continue;
      draft.endpoints[index] = withHints(endpoint, { forZones: [{ name: to }] });
      add(giving, from, -1);
      add(receiving, to, -1);
      add(counts, from, -1);
      add(counts, to);
    }
}

function isOverloaded(counts: Counts, ratios: ReadonlyMap<string, number>): boolean {
  if (counts.size === 0) return false;
  if (ratios.size === 0) return true;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...ratios].some(
    ([zone, ratio]) => (counts.get(zone) ?? 0) < Math.ceil(total * ratio * (1 / (1 + OVERLOAD))),
  );
}
