/** Gives services of type LoadBalancer an address, as a cloud would. Mirrors cloud-provider's service controller. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { structuredCopy, type Client } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { services, type LoadBalancerIngress, type Service } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { AddressPool, isOurs, NETWORKS } from './address-pool.ts';

const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
export const serviceLoadBalancerController: ControllerDefinition = {
  name: 'service-lb-controller',
  aliases: ['service'],
  description: {
    does: `Gives services of type LoadBalancer (without a class of their own) an address of each of their IP families, of ${NETWORKS.IPv4} and ${NETWORKS.IPv6}, and takes it back.`,
    watches: ['services'],
    writes: ['services', 'services/status'],
    events: [
      'DeletedLoadBalancer',
      'DeletingLoadBalancer',
      'EnsuredLoadBalancer',
      'EnsuringLoadBalancer',
      'SyncLoadBalancerFailed',
    ],
  },
  setup,
};

function setup(base: ControllerContext): RunningController {
  const context = { ...base, client: base.client.as('service-controller') };
  const informer = context.informer(services);
  const addresses = new AddressPool();
  const balancers = new Balancers(context.client, context.recorder('service-controller'), addresses);
  const reconciler = createReconciler({
    name: 'service-lb',
    context,
    workers: 1,
    reconcile: async (key) => {
      const service = informer.get(key);
      if (service === undefined) return;
      try {
        if (wantsBalancer(service)) await balancers.ensure(service);
        else if (hasFinalizer(service)) await balancers.remove(service);
      } catch (error) {
        // Gone in between.
        if (!isNotFound(error)) throw error;
      }
    },
  });
  const changed = (service: Service): void => {
    const key = keyOf(service);
    for (const { ip } of service.status.loadBalancer?.ingress ?? [])
      if (ip !== undefined) addresses.hold(ip, key);
    if (service.spec.type === 'LoadBalancer' || hasFinalizer(service)) reconciler.queue.add(key);
  };
  const deleted = (service: Service): void => addresses.release(keyOf(service));
  informer.addHandler({ added: changed, updated: changed, deleted });
  return reconciler;
}

class Balancers {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #addresses: AddressPool;

  constructor(client: Client, recorder: EventRecorder, addresses: AddressPool) {
    this.#client = client;
    this.#recorder = recorder;
    this.#addresses = addresses;
  }

  async ensure(service: Service): Promise<void> {
    const current = await this.#hold(service);
    const before = current.status.loadBalancer?.ingress ?? [];
    // What somebody else wrote stays.
    if (before.some(({ ip = '' }) => !isOurs(ip))) return;
    const held = before.map(({ ip }) => ip!);
    const key = keyOf(service);
    const ips = this.#addresses.choose(key, current, held);
    if (ips === undefined) {
      const message = 'Error syncing load balancer: failed to ensure load balancer: no address is free';
      this.#recorder.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
      return;
    }
    if (equalJSON(ips, held)) return;
    for (const ip of held) this.#addresses.giveBack(ip);
    for (const ip of ips) this.#addresses.hold(ip, key);
    await this.#writeIngress(
      current,
      ips.map((ip) => ({ ip, ipMode: 'VIP' })),
    );
    this.#recorder.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  /** Puts the finalizer on the service, if it does not have it. */
  async #hold(service: Service): Promise<Service> {
    if (hasFinalizer(service)) return service;
    const changed = structuredCopy(service);
    changed.metadata.finalizers = [...(changed.metadata.finalizers ?? []), FINALIZER];
    this.#recorder.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    return this.#client.update(services, changed);
  }

  async remove(service: Service): Promise<void> {
    this.#recorder.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    const isServed = (service.status.loadBalancer?.ingress ?? []).length > 0;
    const current = isServed ? await this.#writeIngress(service, undefined) : service;
    const changed = structuredCopy(current);
    changed.metadata.finalizers = changed.metadata.finalizers?.filter((each) => each !== FINALIZER);
    await this.#client.update(services, changed);
    this.#addresses.release(keyOf(service));
    this.#recorder.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  #writeIngress(service: Service, ingress: LoadBalancerIngress[] | undefined): Promise<Service> {
    const loadBalancer = ingress === undefined ? {} : { ingress };
    const status = { ...service.status, loadBalancer };
    return this.#client.update(services, { ...service, status }, { subresource: 'status' });
  }
}

function hasFinalizer({ metadata }: Service): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

function wantsBalancer({ metadata, spec }: Service): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    spec.type === 'LoadBalancer' &&
    spec.loadBalancerClass === undefined
  );
}
