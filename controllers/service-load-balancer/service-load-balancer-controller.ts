/** Gives services of type LoadBalancer an address, as a cloud would. Mirrors cloud-provider's service controller. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { nodes, services, type Node, type Service } from '../../openapi/generated/core-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Reconciler,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { AddressPool, isOurs, NETWORKS } from './address-pool.ts';
import {
  addressesOf,
  FINALIZER,
  hasFinalizer,
  hostsOf,
  isIncluded,
  needsCleanup,
  needsUpdate,
  wantsBalancer,
} from './needs.ts';

/** Stands for the nodes in the queue; keys of services have a slash. */
const NODES = 'nodes';
const RETRIES = { initialMs: 5_000, maxMs: 300_000, count: Infinity };

export const serviceLoadBalancerController: ControllerDefinition = {
  name: 'service-lb-controller',
  aliases: ['service'],
  description: {
    does: `Gives services of type LoadBalancer (without a class of their own) an address of each of their IP families, of ${NETWORKS.IPv4} and ${NETWORKS.IPv6}, takes it back, and tells of nodes that come and go behind it.`,
    watches: ['nodes', 'services'],
    writes: ['services/status'],
    events: [
      'DeletedLoadBalancer',
      'DeletingLoadBalancer',
      'EnsuredLoadBalancer',
      'EnsuringLoadBalancer',
      'SyncLoadBalancerFailed',
      'UnAvailableLoadBalancer',
      'UpdatedLoadBalancer',
    ],
  },
  setup: (context) => new ServiceLoadBalancerController(context).reconciler,
};

class ServiceLoadBalancerController {
  readonly reconciler: Reconciler;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #addresses = new AddressPool();
  /** Services whose balancers are to be made, or made anew, by key. */
  readonly #due = new Set<string>();
  /** What each balancer was last told of nodes. */
  readonly #hosts = new Map<string, readonly string[]>();

  constructor(base: ControllerContext) {
    const context = { ...base, client: base.client.as('service-controller') };
    this.#context = context;
    this.#recorder = context.recorder('service-controller');
    this.#services = context.informer(services);
    this.#nodes = context.informer(nodes);
    this.reconciler = createReconciler({
      name: 'service-lb',
      context,
      workers: 1,
      retries: RETRIES,
      reconcile: async (key) => (key === NODES ? this.#tellOfNodes() : this.#reconcile(key)),
    });
    this.#listen();
  }

  #listen(): void {
    const enqueue = (service: Service): void => this.reconciler.queue.add(keyOf(service));
    this.#services.addHandler({
      added: (service) => {
        this.#note(service);
        // One that was made before the process stopped is left as it is.
        if (!hasFinalizer(service) || addressesOf(service).length === 0) this.#due.add(keyOf(service));
        if (wantsBalancer(service) || needsCleanup(service)) enqueue(service);
      },
      updated: (service, old) => {
        this.#note(service);
        if (needsUpdate(old, service)) this.#due.add(keyOf(service));
        if (needsUpdate(old, service) || needsCleanup(service)) enqueue(service);
      },
      deleted: (service) => {
        this.#addresses.release(keyOf(service));
        this.#due.delete(keyOf(service));
        this.#hosts.delete(keyOf(service));
      },
    });
    const nodesChanged = (): void => this.reconciler.queue.add(NODES);
    this.#nodes.addHandler({
      added: nodesChanged,
      updated: (node, old) => {
        const isSame = isIncluded(node) === isIncluded(old) && node.spec.providerID === old.spec.providerID;
        if (!isSame) nodesChanged();
      },
      deleted: nodesChanged,
    });
  }

  #note(service: Service): void {
    for (const ip of addressesOf(service)) if (ip !== '') this.#addresses.hold(ip, keyOf(service));
  }

  async #reconcile(key: string): Promise<void> {
    const service = this.#services.get(key);
    if (service === undefined) return;
    try {
      if (needsCleanup(service)) await this.#remove(key, service);
      else if (wantsBalancer(service)) await this.#ensure(key, service);
    } catch (error) {
      if (isNotFound(error)) return;
      const message = `Error syncing load balancer: ${(error as Error).message}`;
      this.#event(service, 'Warning', 'SyncLoadBalancerFailed', message);
      throw error;
    }
  }

  async #ensure(key: string, service: Service): Promise<void> {
    const hosts = hostsOf(this.#nodes.list());
    if (!this.#hosts.has(key)) this.#hosts.set(key, hosts);
    if (!this.#due.has(key)) return;
    this.#event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    if (!hasFinalizer(service)) await this.#patch(service, { metadata: { finalizers: [FINALIZER] } });
    this.#hosts.set(key, hosts);
    if (hosts.length === 0) this.#warnOfNoNodes(service);
    const before = addressesOf(service);
    // What somebody else wrote stays.
    if (!before.some((ip) => !isOurs(ip))) await this.#giveAddresses(key, service, before);
    this.#due.delete(key);
  }

  async #giveAddresses(key: string, service: Service, before: readonly string[]): Promise<void> {
    const ips = this.#addresses.choose(key, service, before);
    if (ips === undefined) throw new Error('failed to ensure load balancer: no address is free');
    this.#addresses.release(key);
    for (const ip of ips) this.#addresses.hold(ip, key);
    this.#event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
    if (equalJSON(ips, before)) return;
    const ingress = ips.map((ip) => ({ ip, ipMode: 'VIP' }));
    await this.#patch(service, { status: { loadBalancer: { ingress } } });
  }

  async #remove(key: string, service: Service): Promise<void> {
    if (this.#addresses.isHolder(key))
      this.#event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    await this.#patch(service, { metadata: { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } });
    this.#addresses.release(key);
    this.#due.delete(key);
    this.#hosts.delete(key);
    this.#event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
    if (addressesOf(service).length > 0)
      await this.#patch(service, { status: { loadBalancer: { ingress: null } } });
  }

  /** Balancers are told of the nodes there are now. */
  #tellOfNodes(): void {
    const hosts = hostsOf(this.#nodes.list());
    for (const [key, before] of this.#hosts) {
      this.#hosts.set(key, hosts);
      const service = this.#services.get(key);
      if (service === undefined || !wantsBalancer(service) || equalJSON(before, hosts)) continue;
      if (hosts.length === 0) this.#warnOfNoNodes(service);
      else this.#event(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
    }
  }

  #warnOfNoNodes(service: Service): void {
    const message = 'There are no available nodes for LoadBalancer';
    this.#event(service, 'Warning', 'UnAvailableLoadBalancer', message);
  }

  /** Of status and metadata both, through the subresource. */
  async #patch({ metadata: { namespace, name, uid } }: Service, change: object): Promise<void> {
    const { metadata = {}, ...rest } = change as { readonly metadata?: object };
    const body = { ...rest, metadata: { uid, ...metadata } };
    await this.#context.client.patch(
      services,
      { namespace, name: name! },
      { type: 'strategic', body },
      { subresource: 'status' },
    );
  }

  #event(service: Service, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event(service, type, reason, message);
  }
}
