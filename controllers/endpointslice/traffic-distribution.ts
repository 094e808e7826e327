/** Hints by the field trafficDistribution: traffic stays in its zone, or on its node. Mirrors endpointslice/trafficdist. */
import { equalJSON } from '../../api/machinery/equality.ts';
import type { Endpoint, EndpointHints, EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { draftOf, endpointsOf, type SliceChanges } from './slice-draft.ts';

const DISTRIBUTIONS = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode']);

export function isDistribution(distribution: string | undefined): distribution is string {
  return distribution !== undefined && DISTRIBUTIONS.has(distribution);
}

/** Gives every ready endpoint its hint; slices whose hints are wrong become slices to update. */
export function addDistributionHints(
  changes: SliceChanges,
  unchanged: readonly EndpointSlice[],
  distribution: string,
): void {
  const byNode = distribution === 'PreferSameNode';
  for (const slice of unchanged) {
    const isWrong = endpointsOf(slice).some(
      (endpoint) => isReady(endpoint) && !equalJSON(endpoint.hints, hintsOf(endpoint, byNode)),
    );
    if (isWrong) changes.toUpdate.push(draftOf(slice, [...endpointsOf(slice)]));
  }
  for (const draft of [...changes.toCreate, ...changes.toUpdate])
    draft.endpoints = draft.endpoints.map((endpoint) =>
      isReady(endpoint) ? withHints(endpoint, hintsOf(endpoint, byNode)) : endpoint,
    );
}

export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

export function withHints(endpoint: Endpoint, hints: EndpointHints | undefined): Endpoint {
  const { hints: _before, ...rest } = endpoint;
  return hints === undefined ? rest : { ...rest, hints };
}

function hintsOf({ zone, nodeName }: Endpoint, byNode: boolean): EndpointHints | undefined {
  const hints = {
    ...(zone === undefined ? {} : { forZones: [{ name: zone }] }),
    ...(byNode && nodeName !== undefined ? { forNodes: [{ name: nodeName }] } : {}),
  };
  return Object.keys(hints).length === 0 ? undefined : hints;
}

/** Takes hints out of everything that is written, and writes what has any. Mirrors RemoveHintsFromSlices. */
export function removeHints(changes: SliceChanges, unchanged: readonly EndpointSlice[]): void {
  for (const slice of unchanged) {
    const endpoints = [...endpointsOf(slice)];
    if (endpoints.some(({ hints }) => hints !== undefined)) changes.toUpdate.push(draftOf(slice, endpoints));
  }
  for (const draft of [...changes.toCreate, ...changes.toUpdate])
    draft.endpoints = draft.endpoints.map((endpoint) => withHints(endpoint, undefined));
}
