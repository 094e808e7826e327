/** Makes EndpointSlices of the Endpoints that users write for services without a selector. Mirrors endpointslicemirroring. */
import { isNamespaceTerminating } from '../../api/machinery/errors.ts';
import { keyOf, type KubeObject } from '../../api/machinery/object-meta.ts';
import { endpoints, services, type Endpoints, type Service } from '../../openapi/generated/core-v1.ts';
import { endpointSlices, type EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { ManagedSlices } from '../endpointslice/managed-slices.ts';
import { recycle, sliceOf, type SliceChanges, type SliceDraft } from '../endpointslice/slice-draft.ts';
import { serviceKeyOf } from '../endpointslice/slice-tracker.ts';
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
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #slices: ManagedSlices;
  readonly #reconciler: Reconciler;

  constructor(context: ControllerContext) {
    const ownWrites = new OwnWrites(context, endpoints, [endpointSlices]);
    this.#recorder = context.recorder('endpoint-slice-mirroring-controller');
    this.#services = context.informer(services);
    this.#endpoints = context.informer(endpoints);
    this.#slices = new ManagedSlices({ ...context, client: ownWrites.client }, MANAGED_BY, (key) =>
      this.#reconciler.queue.add(key),
    );
    this.#reconciler = createReconciler({
      name: 'endpointslice-mirroring',
      context,
      workers: 5,
      retries: RETRIES,
      ownWrites,
      reconcile: (key) => this.#slices.during(key, () => this.#reconcile(key)),
    });
    this.#watch();
  }

  start(): void {
    this.#slices.start();
    // Slices of Endpoints that went while nobody looked.
    for (const slice of this.#slices.list()) this.#reconciler.queue.add(serviceKeyOf(slice));
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

  async #reconcile(key: string): Promise<void> {
    const source = this.#endpoints.get(key);
    const service = this.#services.get(key);
    const existing = this.#slices.ofService(key);
    if (
      source === undefined ||
      !isMirrored(source) ||
      service === undefined ||
      service.spec.selector !== undefined
    ) {
      for (const slice of existing) await this.#slices.delete(slice);
      this.#slices.forget(key);
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
        await this.#slices.create(objectOf(draft));
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        throw error;
      }
    }
    for (const draft of toUpdate) await this.#slices.update(objectOf(draft));
    for (const slice of toDelete) await this.#slices.delete(slice);
  }
}

/** Neither kept out by its label nor what leaders are elected by. */
function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[SKIP_LABEL] !== 'true' && metadata.annotations?.[LEADER_ANNOTATION] === undefined;
}
