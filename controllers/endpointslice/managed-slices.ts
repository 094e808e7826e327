import type { Client, Draft } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { endpointSlices, type EndpointSlice } from '../../openapi/generated/discovery-v1.ts';
import { SERVICE_LABEL, SLICE_MANAGED_BY_LABEL } from '../endpoints/service-pods.ts';
import type { ControllerContext, Informer } from '../runtime/controller.ts';
import { serviceKeyOf, SliceTracker } from './slice-tracker.ts';

/** The slices whose label says that one controller keeps them: read by service, written, and watched for what others do to them. */
export class ManagedSlices {
  readonly #client: Client;
  readonly #managedBy: string;
  readonly #index: string;
  readonly #informer: Informer<EndpointSlice>;
  readonly #tracker: SliceTracker;
  readonly #again: (serviceKey: string) => void;

  /** `again` is called with a service whose slices somebody else changed. */
  constructor(
    { client, informer }: Pick<ControllerContext, 'client' | 'informer'>,
    managedBy: string,
    again: (serviceKey: string) => void,
  ) {
    this.#client = client;
    this.#managedBy = managedBy;
    this.#index = `service of ${managedBy}`;
    this.#informer = informer(endpointSlices);
    this.#informer.addIndex(this.#index, (slice) => (this.#isManaged(slice) ? [serviceKeyOf(slice)] : []));
    this.#tracker = new SliceTracker(again);
    this.#again = again;
  }

  /** Of all services. */
  list(): EndpointSlice[] {
    return this.#informer.list().filter((slice) => this.#isManaged(slice));
  }

  /** By name. */
  ofService(serviceKey: string): EndpointSlice[] {
    return [...this.#informer.byIndex(this.#index, serviceKey)].sort((a, b) =>
      a.metadata.name! < b.metadata.name! ? -1 : 1,
    );
  }

  /** Takes what there is for one's own, and watches from now on. */
  start(): void {
    for (const slice of this.list()) this.#tracker.wrote(slice);
    this.#informer.addHandler({
      added: (slice) => {
        if (this.#isManaged(slice)) this.#tracker.changed(slice);
      },
      updated: (slice, old) => {
        const isMoved = slice.metadata.labels?.[SERVICE_LABEL] !== old.metadata.labels?.[SERVICE_LABEL];
        if (isMoved || this.#isManaged(slice) !== this.#isManaged(old))
          for (const each of [slice, old]) this.#again(serviceKeyOf(each));
        else if (this.#isManaged(slice)) this.#tracker.changed(slice);
      },
      deleted: (slice) => {
        if (this.#isManaged(slice)) this.#tracker.removed(slice);
      },
    });
  }

  /** Works on a service; what happens to its slices meanwhile is looked at afterwards. */
  during(serviceKey: string, work: () => Promise<void>): Promise<void> {
    return this.#tracker.during(serviceKey, work);
  }

  forget(serviceKey: string): void {
    this.#tracker.forget(serviceKey);
  }

  async create(slice: Draft<EndpointSlice>): Promise<void> {
    this.#tracker.wrote(await this.#client.create(endpointSlices, slice));
  }

  async update(slice: EndpointSlice): Promise<void> {
    this.#tracker.wrote(await this.#client.update(endpointSlices, slice));
  }

  async delete(slice: EndpointSlice): Promise<void> {
    const { namespace, name, uid } = slice.metadata;
    this.#tracker.deleted(slice);
    await this.#client
      .delete(endpointSlices, { namespace, name: name! }, { preconditions: { uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  #isManaged({ metadata }: EndpointSlice): boolean {
    return metadata.labels?.[SLICE_MANAGED_BY_LABEL] === this.#managedBy;
  }
}
