/**
 * Looks after the pairs of a service's address and its IPAddress: makes what is missing and clears away what leads nowhere.
 * Part of the API server upstream, and so not to be switched off. Mirrors ipallocator/controller/repairip.go.
 */
import { familyOf, formatAddress, parseAddress } from '../../api/groups/common/prefix.ts';
import { parseTime } from '../../api/machinery/clock.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import { keyOf } from '../../api/machinery/object-meta.ts';
import { services, type Service } from '../../openapi/generated/core-v1.ts';
import {
  ipAddresses,
  serviceCIDRs,
  type IPAddress,
  type ServiceCIDR,
} from '../../openapi/generated/networking-v1.ts';
import type {
  ControllerContext,
  ControllerDefinition,
  EventRecorder,
  Informer,
  Result,
  RunningController,
} from '../runtime/controller.ts';
import { createReconciler } from '../runtime/reconciler.ts';
import { together } from '../runtime/together.ts';
import { hasOwnLabels, isManagedAddress, newIPAddress } from '../service-cidr/ip-addresses.ts';
import { havingAddress } from '../service-cidr/service-cidrs.ts';

/** The longest a request that makes a service may take: its address is there before it. */
const REQUEST_MS_MAX = 60_000;
/** Time for a failed request to take its address back. */
const REVERT_MS = 5000;

export const ipRepairController: ControllerDefinition = {
  name: 'ipallocator-repair-controller',
  description: {
    does: 'Part of the API server: makes IPAddresses that services lack, deletes those that belong to none, and tells of addresses that cannot be kept. It always runs.',
    watches: ['ipaddresses', 'servicecidrs', 'services'],
    writes: ['ipaddresses'],
    events: [
      'ClusterIPAlreadyAllocated',
      'ClusterIPNotAllocated',
      'ClusterIPOutOfRange',
      'IPAddressNotAllocated',
      'IPAddressWrongReference',
    ],
  },
  setup: (context) => new IPRepair({ ...context, client: context.client.as('system:apiserver') }).reconcilers,
};

class IPRepair {
  readonly reconcilers: RunningController;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #addresses: Informer<IPAddress>;
  readonly #ranges: Informer<ServiceCIDR>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorder('ipallocator-repair-controller');
    this.#services = context.informer(services);
    this.#addresses = context.informer(ipAddresses);
    this.#ranges = context.informer(serviceCIDRs);
    const byService = createReconciler({
      name: 'ip repair services',
      context,
      workers: 5,
      reconcile: (key) => this.#syncService(key),
    });
    const byAddress = createReconciler({
      name: 'ip repair addresses',
      context,
      workers: 5,
      reconcile: (name) => this.#syncAddress(name),
    });
    const serviceChanged = (service: Service): void => byService.queue.add(keyOf(service));
    this.#services.addHandler({
      added: serviceChanged,
      updated: (service, old) => {
        if (String(service.spec.clusterIPs) !== String(old.spec.clusterIPs)) serviceChanged(service);
      },
    });
    const addressChanged = ({ metadata }: IPAddress): void => byAddress.queue.add(metadata.name!);
    this.#addresses.addHandler({
      added: addressChanged,
      updated: addressChanged,
      deleted: ({ spec }) => {
        // Upstream finds out with its next resync.
        const { namespace, name } = spec?.parentRef ?? {};
        if (this.#services.get(`${namespace}/${name}`) !== undefined)
          byService.queue.add(`${namespace}/${name}`);
      },
    });
    this.reconcilers = together([byService, byAddress]);
  }

  async #syncService(key: string): Promise<void> {
    const service = this.#services.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return;
    for (const clusterIP of ownIPs(service)) await this.#syncClusterIP(service, clusterIP);
  }

  async #syncClusterIP(service: Service, clusterIP: string): Promise<void> {
    const { namespace, name } = service.metadata;
    const ip = formatAddress(parseAddress(clusterIP)!);
    const shown = `[${familyOf(ip)}]`;
    const warn = (reason: string, message: string): void =>
      this.#recorder.event(service, 'Warning', reason, message, { action: 'ClusterIPAllocation' });
    if (havingAddress(this.#ranges.list(), ip).length === 0) {
      const why = 'is not within any configured Service CIDR; please recreate service';
      warn('ClusterIPOutOfRange', `Cluster IP ${shown}: ${ip} ${why}`);
      return;
    }
    const address = this.#addresses.get(ip) ?? (await this.#find(ip));
    if (address === undefined) {
      if (!(await this.#isCurrent(service))) return;
      warn('ClusterIPNotAllocated', `Cluster IP ${shown}: ${ip} is not allocated; repairing`);
      await this.#context.client.create(ipAddresses, newIPAddress(ip, service));
      return;
    }
    const parent = this.#parentOf(address);
    if (parent === undefined) {
      const where = `for Service ${namespace}/${name} has a wrong reference; repairing`;
      warn('ClusterIPNotAllocated', `the ClusterIP ${shown}: ${ip} ${where}`);
      await this.#recreate(address, service);
      return;
    }
    if (keyOf(parent) !== keyOf(service) && ownIPs(parent).includes(ip)) {
      const why = 'was assigned to multiple services; please recreate service';
      warn('ClusterIPAlreadyAllocated', `Cluster IP ${shown}:${ip} ${why}`);
    }
    if (!hasOwnLabels(address)) await this.#recreate(address, service);
  }

  /** The service an IPAddress is of; undefined when there is none. */
  #parentOf({ spec }: IPAddress): Service | undefined {
    const { group = '', resource, namespace, name } = spec?.parentRef ?? {};
    return group === '' && resource === 'services' ? this.#services.get(`${namespace}/${name}`) : undefined;
  }

  async #find(ip: string): Promise<IPAddress | undefined> {
    try {
      return await this.#context.client.get(ipAddresses, { name: ip });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return undefined;
    }
  }

  /** A service that was deleted gave its address back, and the cache may not know yet. */
  async #isCurrent({ metadata }: Service): Promise<boolean> {
    try {
      const target = { namespace: metadata.namespace, name: metadata.name! };
      return (await this.#context.client.get(services, target)).metadata.uid === metadata.uid;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return false;
    }
  }

  async #recreate({ metadata }: IPAddress, service: Service): Promise<void> {
    await this.#remove(metadata.name!);
    await this.#context.client.create(ipAddresses, newIPAddress(metadata.name!, service));
  }

  async #remove(name: string): Promise<void> {
    await this.#context.client.delete(ipAddresses, { name }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  async #syncAddress(name: string): Promise<Result | undefined> {
    const address = this.#addresses.get(name);
    if (address === undefined || !isManagedAddress(address)) return undefined;
    const { group = '', resource, namespace, name: parentName } = address.spec?.parentRef ?? { name: '' };
    const warn = (reason: string, message: string): void =>
      this.#recorder.event(address, 'Warning', reason, message, { action: 'IPAddressAllocation' });
    if (group !== '' || resource !== 'services') {
      const shown = `&ParentReference{Group:${group},Resource:${resource ?? ''},Namespace:${namespace ?? ''},Name:${parentName},}`;
      const what = `appears to have been modified, not referencing a Service ${shown}: cleaning up`;
      warn('IPAddressNotAllocated', `IPAddress ${name} ${what}`);
      await this.#remove(name);
      return undefined;
    }
    const madeMs = parseTime(address.metadata.creationTimestamp!);
    const ageMs = this.#context.clock.now() - madeMs;
    const service = this.#services.get(`${namespace}/${parentName}`);
    const of = `for Service ${namespace}/${parentName}`;
    if (service === undefined) {
      if (ageMs <= REQUEST_MS_MAX) return later(REQUEST_MS_MAX - ageMs + 1);
      warn('IPAddressNotAllocated', `IPAddress: ${name} ${of} appears to have leaked: cleaning up`);
      await this.#remove(name);
      return undefined;
    }
    if (ownIPs(service).includes(name)) return undefined;
    if (service.spec.type === 'ExternalName' && ageMs < REQUEST_MS_MAX) return later(REQUEST_MS_MAX - ageMs);
    if (madeMs > parseTime(service.metadata.creationTimestamp!) && ageMs < REVERT_MS) return later(REVERT_MS);
    warn('IPAddressWrongReference', `IPAddress: ${name} ${of} has a wrong reference; cleaning up`);
    await this.#remove(name);
    return undefined;
  }
}

/** Nobody waits for it: as a rule the service is there by then. */
function later(requeueAfterMs: number): Result {
  return { requeueAfterMs, recurring: true };
}

function ownIPs({ spec }: Service): string[] {
  return (spec.clusterIPs ?? []).filter((ip) => familyOf(ip) !== undefined);
}
