/** Fits endpoints into slices, changing as few slices as possible. Mirrors endpointslice/reconciler.go. */
import type { Service } from '../../openapi/generated/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { labelsDiffer, sliceLabels, type Wanted } from './service-endpoints.ts';
import {
  draftOf,
  endpointKey,
  endpointsOf,
  portMapKey,
  sameEndpoint,
  type SliceChanges,
  type SliceDraft,
} from './slice-draft.ts';

/** Upstream's --max-endpoints-per-slice. */
const ENDPOINTS_PER_SLICE = 100;

export function isOwnedBy({ metadata }: EndpointSlice, service: Service): boolean {
  return (
    metadata.ownerReferences?.some(
      ({ uid, kind, apiVersion }) =>
        uid === service.metadata.uid && kind === 'Service' && apiVersion === 'v1',
    ) === true
  );
}

/** What is to be done to the slices of one family; a service without endpoints keeps one empty slice. */
export function planSlices(
  service: Service,
  existing: readonly EndpointSlice[],
  wanted: ReadonlyMap<string, Wanted>,
  addressType: string,
): SliceChanges {
  const changes: SliceChanges = { toCreate: [], toUpdate: [], toDelete: [] };
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    if (!isOwnedBy(slice, service)) {
      changes.toDelete.push(slice);
      continue;
    }
    const key = portMapKey(slice.ports);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  for (const [key, { ports, endpoints }] of wanted)
    fit(changes, service, byPorts.get(key) ?? [], new Map(endpoints), { ports, addressType });
  for (const [key, slices] of byPorts) if (!wanted.has(key)) changes.toDelete.push(...slices);
  if (existing.length === changes.toDelete.length && changes.toCreate.length === 0)
    addPlaceholder(changes, newDraft(service, { ports: [], addressType }));
  return changes;
}

interface SliceShape {
  readonly ports: EndpointPort[];
  readonly addressType: string;
}

function newDraft(service: Service, { ports, addressType }: SliceShape): SliceDraft {
  return {
    base: undefined,
    addressType,
    ports,
    endpoints: [],
    labels: sliceLabels(service),
    annotations: {},
  };
}

/** Keeps an empty slice that is there already. */
function addPlaceholder(changes: SliceChanges, placeholder: SliceDraft): void {
  const [only, ...more] = changes.toDelete;
  const isThere =
    only !== undefined &&
    more.length === 0 &&
    endpointsOf(only).length === 0 &&
    (only.ports ?? []).length === 0 &&
    only.addressType === placeholder.addressType &&
    sameLabels(only.metadata.labels ?? {}, placeholder.labels);
  if (isThere) changes.toDelete.pop();
  else changes.toCreate.push(placeholder);
}

function sameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => one[key] === other[key]);
}

/** Three steps: out with what is not wanted, fill slices that change anyway, then one other or new ones. */
function fit(
  changes: SliceChanges,
  service: Service,
  existing: readonly EndpointSlice[],
  missing: Map<string, Endpoint>,
  shape: SliceShape,
): void {
  const labels = sliceLabels(service);
  const changed: SliceDraft[] = [];
  const unchanged: EndpointSlice[] = [];
  for (const slice of existing) {
    const { kept, isUpdated } = keepWanted(slice, missing);
    if (isUpdated && kept.length === 0) changes.toDelete.push(slice);
    else if (isUpdated || labelsDiffer(slice.metadata.labels, service.metadata.labels))
      changed.push(draftOf(slice, kept, labels));
    else unchanged.push(slice);
  }
  for (const draft of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length))
    fill(draft, missing);
  while (missing.size > 0) {
    const slice = missing.size < ENDPOINTS_PER_SLICE ? sliceToFill(unchanged, missing.size) : undefined;
    if (slice === undefined) {
      const draft = newDraft(service, shape);
      fill(draft, missing);
      changes.toCreate.push(draft);
      continue;
    }
    unchanged.splice(unchanged.indexOf(slice), 1);
    const draft = draftOf(slice, [...endpointsOf(slice)]);
    fill(draft, missing);
    changed.push(draft);
  }
  changes.toUpdate.push(...changed);
}

/** Takes the wanted endpoints of a slice out of those that are missing. */
function keepWanted(
  slice: EndpointSlice,
  missing: Map<string, Endpoint>,
): { readonly kept: Endpoint[]; readonly isUpdated: boolean } {
  const kept: Endpoint[] = [];
  const before = endpointsOf(slice);
  let isUpdated = false;
  for (const endpoint of before) {
    const key = endpointKey(endpoint);
    const found = missing.get(key);
    if (found === undefined) continue;
    kept.push(found);
    missing.delete(key);
    if (!sameEndpoint(found, endpoint)) isUpdated = true;
  }
  return { kept, isUpdated: isUpdated || kept.length !== before.length };
}

function fill(draft: SliceDraft, missing: Map<string, Endpoint>): void {
  for (const [key, endpoint] of missing) {
    if (draft.endpoints.length >= ENDPOINTS_PER_SLICE) return;
    draft.endpoints.push(endpoint);
    missing.delete(key);
  }
}

/** The slice that comes closest to full with `count` more; an empty one never does. */
function sliceToFill(slices: readonly EndpointSlice[], count: number): EndpointSlice | undefined {
  let closest: EndpointSlice | undefined;
  let leastRoom = ENDPOINTS_PER_SLICE;
  for (const slice of slices) {
    const room = ENDPOINTS_PER_SLICE - count - endpointsOf(slice).length;
    if (room < 0 || room >= leastRoom) continue;
    leastRoom = room;
    closest = slice;
  }
  return closest;
}
