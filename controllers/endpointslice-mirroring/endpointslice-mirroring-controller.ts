/** Makes EndpointSlices of the Endpoints that users write for services without a selector. Mirrors endpointslicemirroring. */
import type { Client } from '../../api/machinery/client.ts';
import { isNamespaceTerminating, isNotFound } from '../../api/machinery/errors.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import { endpoints, services, type Endpoints, type Service } from '../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { SERVICE_LABEL, SLICE_MANAGED_BY_LABEL } from '../endpoints/service-pods.ts';
import { recycle, sliceOf, type SliceChanges, type SliceDraft } from '../endpointslice/slice-draft.ts';
import { serviceKeyOf, SliceTracker } from '../endpointslice/slice-tracker.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
  RunningController,
} from '../runtime/controller.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { ADDRESSES_MAX, MANAGED_BY, planMirror } from './mirrored-slices.ts';

const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const INDEX = 'mirrored service';
const RETRIES = { initialMs: 1000, maxMs: 100_000, count: 15 } as const;
const ENDPOINTS_GVK = { apiVersion: 'v1', kind: 'Endpoints' } as const;

export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpointslice-mirroring-controller',
  aliases: ['endpointslicemirroring'],
  description: {
    does: 'Mirrors Endpoints that no controller keeps, of services without a selector, in EndpointSlices: one for each family and set of ports.',
    watches: ['endpoints', 'endpointslices', 'services'],
    writes: ['endpointslices'],
    events: ['TooManyAddressesToMirror'],
  },
  setup: (context) =>
    new MirroringController({ ...context, client: context.client.as('endpointslicemirroring-controller') }),
};

class MirroringController implements RunningController {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #reconciler: Reconciler;
  readonly #tracker: SliceTracker;

  constructor(context: ControllerContext) {
    const ownWrites = new OwnWrites(context, endpoints, [endpointSlices]);
    this.#client = ownWrites.client;
    this.#recorder = context.recorder('endpoint-slice-mirroring-controller');
    this.#services = context.informer(services);
    this.#endpoints = context.informer(endpoints);
    this.#slices = context.informer(endpointSlices);
    this.#slices.addIndex(INDEX, (slice) => (isManaged(slice) ? [serviceKeyOf(slice)] : []));
    this.#reconciler = createReconciler({
      name: 'endpointslice-mirroring',
      context,
      workers: 5,
      retries: RETRIES,
      ownWrites,
      reconcile: (key) => this.#tracker.during(key, () => this.#reconcile(key)),
    });
    this.#tracker = new SliceTracker((key) => this.#reconciler.queue.add(key));
    this.#watch();
  }

  start(): void {
    for (const slice of this.#slices.list()) if (isManaged(slice)) this.#tracker.wrote(slice);
    this.#watchSlices();
    this.#reconciler.start?.();
  }

  stop(): void | Promise<void> {
    return this.#reconciler.stop?.();
  }

  #watch(): void {
    const enqueue = (object: KubeObject): void => this.#reconciler.queue.add(keyOf(object));
    const endpointsChanged = (object: Endpoints): void => {
      if (isMirrored(object)) enqueue(object);
    };
    this.#endpoints.addHandler({
      added: endpointsChanged,
      updated: (object, old) => {
        if (isMirrored(object) || isMirrored(old)) enqueue(object);
      },
      deleted: endpointsChanged,
    });
    const serviceChanged = (service: Service): void => {
      if (service.spec.selector === undefined) enqueue(service);
    };
    this.#services.addHandler({
      added: serviceChanged,
      updated: (service, old) => {
        if ((service.spec.selector === undefined) !== (old.spec.selector === undefined)) enqueue(service);
      },
      deleted: serviceChanged,
    });
  }

  #watchSlices(): void {
    // Slices of Endpoints that went while nobody looked.
    for (const slice of this.#slices.list())
      if (isManaged(slice)) this.#reconciler.queue.add(serviceKeyOf(slice));
    this.#slices.addHandler({
      added: (slice) => {
        if (isManaged(slice)) this.#tracker.changed(slice);
      },
      updated: (slice, old) => {
        const isMoved = slice.metadata.labels?.[SERVICE_LABEL] !== old.metadata.labels?.[SERVICE_LABEL];
        if (isMoved || isManaged(slice) !== isManaged(old))
          for (const each of [slice, old]) this.#reconciler.queue.add(serviceKeyOf(each));
        else if (isManaged(slice)) this.#tracker.changed(slice);
      },
      deleted: (slice) => {
        if (isManaged(slice)) this.#tracker.removed(slice);
      },
    });
  }

  async #reconcile(key: string): Promise<void> {
    const source = this.#endpoints.get(key);
    const service = this.#services.get(key);
    const existing = [...this.#slices.byIndex(INDEX, key)].sort((a, b) =>
      a.metadata.name! < b.metadata.name! ? -1 : 1,
    );
    if (
      source === undefined ||
      !isMirrored(source) ||
      service === undefined ||
      service.spec.selector !== undefined
    ) {
      for (const slice of existing) await this.#delete(slice);
      this.#tracker.forget(key);
      return;
    }
    const { changes, skipped } = planMirror(source, existing);
    if (skipped > 0) {
      const message = `A max of ${ADDRESSES_MAX} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
      this.#recorder.event(source, 'Warning', 'TooManyAddressesToMirror', message);
    }
    recycle(changes, () => true);
    await this.#write(source, changes);
  }

  async #write(source: Endpoints, { toCreate, toUpdate, toDelete }: SliceChanges): Promise<void> {
    const objectOf = (draft: SliceDraft): EndpointSlice =>
      sliceOf(draft, source, ENDPOINTS_GVK) as EndpointSlice;
    for (const draft of source.metadata.deletionTimestamp === undefined ? toCreate : []) {
      try {
        this.#tracker.wrote(await this.#client.create(endpointSlices, objectOf(draft)));
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        throw error;
      }
    }
    for (const draft of toUpdate)
      this.#tracker.wrote(await this.#client.update(endpointSlices, objectOf(draft)));
    for (const slice of toDelete) await this.#delete(slice);
  }

  async #delete(slice: EndpointSlice): Promise<void> {
    const { namespace, name, uid } = slice.metadata;
    this.#tracker.deleted(slice);
    await this.#client
      .delete(endpointSlices, { namespace, name: name! }, { preconditions: { uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

function isManaged({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[SLICE_MANAGED_BY_LABEL] === MANAGED_BY;
}

/** Neither kept out by its label nor what leaders are elected by. */
function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP_LABEL] !== 'true' && metadata.annotations?.[LEADER_ANNOTATION] === undefined;
}
