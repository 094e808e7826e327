/** Gives services their addresses and node ports, and takes them back. Mirrors registry/core/service/storage. */
import { familyOf, type IPFamily } from '../../api/groups/common/prefix.ts';
import { newInternalError, newInvalid } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import { endpoints, type Service } from '../../openapi/generated/core-v1.ts';
import type { Allocation, ResourceHooks } from '../registry/resource-hooks.ts';
import { AddressError, ClusterIPAllocator, type ClusterIPAllocatorOptions } from './cluster-ip-allocator.ts';
import { initIPFamilies, isKeptDualStack } from './ip-families.ts';
import { dropInternalTrafficPolicy, keepAllocated, normalizeClusterIPs } from './kept-values.ts';
import { healthCheckPortsOf, initNodePorts, nodePortsOf, updateNodePorts } from './node-ports.ts';
import { PortAllocator, PortOperation, type PortRange } from './port-allocator.ts';

export interface ServiceAllocatorOptions extends ClusterIPAllocatorOptions {
  /** What the cluster has ranges of, the default one first. */
  readonly families: readonly IPFamily[];
  readonly nodePorts: PortRange;
}

/** Addresses that a write takes, and those it gives back once it is done. */
interface Addresses {
  readonly taken: readonly string[];
  readonly freed: readonly string[];
}

export class ServiceAllocator implements ResourceHooks {
  readonly #options: ServiceAllocatorOptions;
  readonly #addresses: ClusterIPAllocator;
  readonly #ports: PortAllocator;

  constructor(options: ServiceAllocatorOptions) {
    this.#options = options;
    this.#addresses = new ClusterIPAllocator(options);
    this.#ports = new PortAllocator(options.nodePorts, options.random);
  }

  /** Takes the node ports of stored services: call once, before anything is allocated. */
  restore(): void {
    const { first, last } = this.#options.nodePorts;
    for (const object of this.#options.reader.list({ group: '', resource: 'services' })) {
      const { spec } = object as unknown as Service;
      for (const port of [...nodePortsOf(spec), ...healthCheckPortsOf(spec)])
        if (port >= first && port <= last && !this.#ports.has(port)) this.#ports.allocate(port);
    }
  }

  async allocate(
    object: UnknownObject,
    previous: UnknownObject | undefined,
    dryRun: boolean,
  ): Promise<Allocation> {
    const service = object as unknown as Service;
    const old = previous as unknown as Service | undefined;
    if (old !== undefined) keepAllocated(service, old);
    normalizeClusterIPs(service, old);
    dropInternalTrafficPolicy(service);
    initIPFamilies(service, old, this.#options.families);
    const addresses =
      old === undefined
        ? { taken: this.#reserveAll(service, dryRun), freed: [] }
        : this.#update(service, old, dryRun);
    const ports = new PortOperation(this.#ports, dryRun);
    try {
      if (old === undefined) initNodePorts(service, ports);
      else updateNodePorts(service, old, ports);
    } catch (error) {
      ports.revert();
      if (!dryRun) this.#endReservations(addresses.taken);
      throw error;
    }
    return dryRun ? NOTHING_TAKEN : this.#allocation(service, addresses, ports);
  }

  #allocation(service: Service, { taken, freed }: Addresses, ports: PortOperation): Allocation {
    const written: string[] = [];
    return {
      prepare: async () => {
        for (const ip of taken) {
          await this.#writeAddress(service, ip);
          written.push(ip);
        }
      },
      commit: async () => {
        this.#endReservations(taken);
        ports.commit();
        for (const ip of freed) await this.#addresses.release(ip);
      },
      revert: async () => {
        ports.revert();
        for (const ip of written) await this.#addresses.release(ip);
        this.#endReservations(taken);
      },
    };
  }

  async #writeAddress(service: Service, ip: string): Promise<void> {
    try {
      await this.#addresses.allocate(service, ip);
    } catch (error) {
      throw error instanceof AddressError ? refusal(service, ` ${ip}: ${error.message}`) : error;
    }
  }

  #endReservations(ips: readonly string[]): void {
    for (const ip of ips) this.#addresses.endReservation(ip);
  }

  async release(object: UnknownObject): Promise<void> {
    const { metadata, spec } = object as unknown as Service;
    // A new service of this name must not find the endpoints of the old one.
    await this.#options
      .client()
      .delete(endpoints, { namespace: metadata.namespace, name: metadata.name! })
      .catch(() => {});
    for (const ip of ownIPs(spec)) await this.#addresses.release(ip);
    for (const port of [...nodePortsOf(spec), ...healthCheckPortsOf(spec)]) this.#ports.release(port);
  }

  /** An address for each family that has none, or the one that was asked for. Returns those it reserved. */
  #reserveAll(service: Service, dryRun: boolean): readonly string[] {
    const { spec } = service;
    if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === 'None') return [];
    const families = spec.ipFamilies as IPFamily[];
    const wanted = families.map((_, index) => spec.clusterIPs?.[index] ?? '');
    spec.clusterIPs = wanted;
    const ips: string[] = [];
    try {
      for (const [index, family] of families.entries())
        ips.push(this.#reserve(service, family, wanted[index]!, dryRun));
    } catch (error) {
      if (!dryRun) this.#endReservations(ips);
      throw error;
    }
    spec.clusterIPs = ips;
    spec.clusterIP = ips[0];
    return ips;
  }

  #reserve(service: Service, family: IPFamily, wanted: string, dryRun: boolean): string {
    try {
      if (wanted === '') return this.#addresses.reserveNext(family, dryRun);
      this.#addresses.reserve(wanted, dryRun);
      return wanted;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      if (wanted !== '') throw refusal(service, ` ${wanted}: ${error.message}`);
      if (!error.isFull) throw refusal(service, `: ${error.message}`);
      const name = JSON.stringify(service.metadata.name ?? '');
      throw newInternalError(
        new Error(`failed to allocate a serviceIP for Service ${name}: ${error.message}`),
      );
    }
  }

  /** Addresses that come and go with the type, and with a second family. Mirrors updateClusterIPs. */
  #update(service: Service, old: Service, dryRun: boolean): Addresses {
    const { spec } = service;
    const before = old.spec;
    const nothing = { taken: [], freed: [] };
    if (isKeptDualStack(spec, before)) return nothing;
    if (before.type === 'ExternalName') return { taken: this.#reserveAll(service, dryRun), freed: [] };
    if (before.clusterIPs?.[0] === 'None') return nothing;
    if (spec.type === 'ExternalName') return { taken: [], freed: ownIPs(before) };
    const families = [before.ipFamilies?.length ?? 0, spec.ipFamilies?.length ?? 0].join(' to ');
    if (families === '1 to 2') {
      const [first = '', second = ''] = spec.clusterIPs ?? [];
      spec.clusterIPs = [first, second];
      const ip = this.#reserve(service, spec.ipFamilies![1] as IPFamily, second, dryRun);
      spec.clusterIPs = [first, ip];
      return { taken: [ip], freed: [] };
    }
    return families === '2 to 1' ? { taken: [], freed: before.clusterIPs?.slice(1) ?? [] } : nothing;
  }
}

const NOTHING_TAKEN: Allocation = {
  prepare: () => Promise.resolve(),
  commit: () => Promise.resolve(),
  revert: () => Promise.resolve(),
};

function refusal({ metadata, spec }: Service, what: string): Error {
  return newInvalid('', 'Service', metadata.name ?? '', [
    invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP${what}`),
  ]);
}

function ownIPs({ type, clusterIPs = [] }: Service['spec']): string[] {
  return type === 'ExternalName' ? [] : clusterIPs.filter((ip) => familyOf(ip) !== undefined);
}
