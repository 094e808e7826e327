/** Makes EndpointSlices of the Endpoints that users write for services without a selector. Mirrors endpointslicemirroring. */
import { SERVICE_LABEL, SLICE_MANAGED_BY_LABEL } from '../endpoints/service-pods.ts';
import { equalJSON } from '../../api/machinery/equality.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { controllerReference, keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import {
  endpoints,
  services,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
} from '../../openapi/generated/core-v1.ts';
import { endpointSlices, type Endpoint, type EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import type { ControllerContext, ControllerDefinition, RunningController } from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';

const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const MANAGED_BY = 'endpointslicemirroring-controller.k8s.io';
/** Addresses of one subset that are mirrored. */
const ADDRESSES_MAX = 1000;
const INDEX = 'mirrored service';

export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpointslice-mirroring-controller',
  aliases: ['endpointslicemirroring'],
  description: {
    does: 'Mirrors Endpoints that no controller keeps, of services without a selector, in EndpointSlices.',
    watches: ['endpoints', 'endpointslices', 'services'],
    writes: ['endpointslices'],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('endpointslicemirroring-controller') };
  const serviceInformer = context.informer(services);
  const endpointsInformer = context.informer(endpoints);
  const slices = context.informer(endpointSlices);
  slices.addIndex(INDEX, (slice) => {
    const key = mirroredKey(slice);
    return key === undefined ? [] : [key];
  });
  const reconciler = createReconciler({
    name: 'endpointslice-mirroring',
    context,
    workers: 5,
    reconcile: async (key) => {
      const source = endpointsInformer.get(key);
      const service = serviceInformer.get(key);
      const isMirrored =
        source !== undefined &&
        isCustom(source) &&
        service !== undefined &&
        service.spec.selector === undefined;
      await write(context, source, isMirrored ? wantedSlices(source) : [], slices.byIndex(INDEX, key));
    },
  });
  const enqueue = (object: KubeObject): void => reconciler.queue.add(keyOf(object));
  endpointsInformer.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });
  serviceInformer.addHandler({
    added: enqueue,
    updated: (service, old) => {
      if (!equalJSON(service.spec.selector, old.spec.selector)) enqueue(service);
    },
    deleted: enqueue,
  });
  const sliceChanged = (slice: EndpointSlice): void => {
    const key = mirroredKey(slice);
    if (key !== undefined) reconciler.queue.add(key);
  };
  slices.addHandler({ updated: sliceChanged, deleted: sliceChanged });
  return reconciler;
}

function mirroredKey({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.[SLICE_MANAGED_BY_LABEL] === MANAGED_BY
    ? `${metadata.namespace}/${metadata.labels[SERVICE_LABEL]}`
    : undefined;
}

function isCustom({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP_LABEL] !== 'true' && metadata.annotations?.[LEADER_ANNOTATION] === undefined;
}

type Content = Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>;

/** One slice for each subset and family of addresses. */
function wantedSlices({ subsets = [] }: Endpoints): Content[] {
  return subsets.flatMap((subset) =>
    (['IPv4', 'IPv6'] as const).flatMap((addressType): Content[] => {
      const ofFamily = ({ ip }: EndpointAddress): boolean => ip.includes(':') === (addressType === 'IPv6');
      const all = [
        ...(subset.addresses ?? []).filter(ofFamily).map((address) => endpointOf(address, true)),
        ...(subset.notReadyAddresses ?? []).filter(ofFamily).map((address) => endpointOf(address, false)),
      ].slice(0, ADDRESSES_MAX);
      return all.length === 0 ? [] : [{ addressType, endpoints: all, ports: portsOf(subset) }];
    }),
  );
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function portsOf({ ports = [] }: EndpointSubset): EndpointSlice['ports'] {
  return ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    protocol,
    port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
}

async function write(
  { client }: ControllerContext,
  source: Endpoints | undefined,
  wanted: readonly Content[],
  existing: readonly EndpointSlice[],
): Promise<void> {
  const free = existing.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  for (const content of wanted) {
    const same = free.findIndex(
      (slice) => slice.addressType === content.addressType && equalJSON(slice.ports ?? [], content.ports),
    );
    const slice = same < 0 ? undefined : free.splice(same, 1)[0];
    const labels = labelsOf(source!);
    if (slice === undefined) {
      await client
        .create(endpointSlices, {
          metadata: {
            generateName: `${source!.metadata.name}-`,
            namespace: source!.metadata.namespace,
            labels,
            ownerReferences: [controllerReference(source!, { apiVersion: 'v1', kind: 'Endpoints' })],
          },
          ...content,
        })
        .catch((error: unknown) => {
          if (!isNamespaceTerminating(error) && !isNotFound(error)) throw error;
        });
    } else if (!equalJSON(slice.endpoints, content.endpoints) || !equalJSON(slice.metadata.labels, labels)) {
      await client.update(endpointSlices, { ...slice, metadata: { ...slice.metadata, labels }, ...content });
    }
  }
  for (const { metadata } of free) {
    const target = { namespace: metadata.namespace, name: metadata.name! };
    await client
      .delete(endpointSlices, target, { preconditions: { uid: metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
  }
}

function labelsOf({ metadata }: Endpoints): Record<string, string> {
  return { ...metadata.labels, [SERVICE_LABEL]: metadata.name!, [SLICE_MANAGED_BY_LABEL]: MANAGED_BY };
}
