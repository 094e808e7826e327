/** A slice as a controller wants it, and how it becomes a write. Mirrors endpointslice/utils.go. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { controllerReference, type KubeObject } from '../../api/machinery/object-meta.ts';
import type { Draft } from '../../api/machinery/client.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../openapi/generated/discovery-v1.ts';

/** Longest name that a dash and five letters fit behind. */
const NAME_MAX = 253;

export interface SliceDraft {
  /** The stored slice that takes this content; undefined for a new one. */
  base: EndpointSlice | undefined;
  readonly addressType: string;
  readonly ports: EndpointPort[];
  endpoints: Endpoint[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SliceChanges {
  readonly toCreate: SliceDraft[];
  readonly toUpdate: SliceDraft[];
  readonly toDelete: EndpointSlice[];
}

/** A draft that changes a stored slice in its endpoints. */
export function draftOf(
  base: EndpointSlice,
  endpoints: Endpoint[],
  labels: Readonly<Record<string, string>> = base.metadata.labels ?? {},
): SliceDraft {
  const { addressType, ports, metadata } = base;
  return {
    base,
    addressType,
    ports: ports ?? [],
    endpoints,
    labels,
    annotations: metadata.annotations ?? {},
  };
}

/** What is to be deleted takes what is to be created instead, where it may: a write less. */
export function recycle(changes: SliceChanges, mayTake: (slice: EndpointSlice) => boolean): void {
  const { toCreate, toUpdate, toDelete } = changes;
  for (let index = 0; index < toDelete.length && toCreate.length > 0;) {
    const slice = toDelete[index]!;
    const draft = toCreate.at(-1)!;
    if (slice.addressType !== draft.addressType || !mayTake(slice)) {
      index++;
      continue;
    }
    toCreate.pop();
    toDelete.splice(index, 1);
    draft.base = slice;
    toUpdate.push(draft);
  }
}

/** The object a draft is written as. `trigger` goes into annotations, or out of them. */
export function sliceOf(
  { base, addressType, ports, endpoints, labels, annotations }: SliceDraft,
  owner: KubeObject,
  gvk: { readonly apiVersion: string; readonly kind: string },
): Draft<EndpointSlice> {
  const name = owner.metadata.name!;
  const isOwned = base?.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true;
  const metadata = {
    ...(base?.metadata ?? {
      generateName: name.length < NAME_MAX ? `${name}-` : name,
      namespace: owner.metadata.namespace,
    }),
    ownerReferences: isOwned ? base!.metadata.ownerReferences : [controllerReference(owner, gvk)],
    labels: { ...labels },
    annotations: { ...annotations },
  };
  const filled = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);
  // Empty lists are null, as they are behind the protobuf of upstream's controllers.
  return { ...base, metadata, addressType, endpoints: filled(endpoints)!, ports: filled(ports) };
}

/** Endpoints of a slice, or of what is to become one; where there are none, a stored slice has null. */
export function endpointsOf({ endpoints }: Pick<EndpointSlice, 'endpoints'>): readonly Endpoint[] {
  return endpoints ?? [];
}

/** One key for equal ports. The ports are in their order already. */
export function portMapKey(ports: readonly EndpointPort[] | undefined): string {
  return JSON.stringify(
    (ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => [
      name,
      port,
      protocol,
      appProtocol,
    ]),
  );
}

/** What makes an endpoint the same one although its conditions or place differ. Mirrors hashEndpoint. */
export function endpointKey({ addresses = [], hostname = '', targetRef }: Endpoint): string {
  const inOrder = [...addresses].sort((a, b) => (a < b ? -1 : 1));
  return JSON.stringify([inOrder, hostname, targetRef?.namespace ?? '', targetRef?.name ?? '']);
}

/** Whether two of one key are equal. Hints do not count. Mirrors EndpointsEqualBeyondHash. */
export function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  const view = ({ nodeName, zone, conditions, targetRef }: Endpoint): unknown => ({
    nodeName,
    zone,
    conditions,
    targetRef: targetRef === undefined ? undefined : { ...targetRef, resourceVersion: undefined },
  });
  return equalJSON(view(one), view(other));
}
