/** Gives services their cluster IPs and node ports, and takes them back. Mirrors registry/core/service/storage alloc.go. */
import { newInvalid, newInternalError, StatusError } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { randomInt, type Random } from '../../api/machinery/random.ts';
import { invalid } from '../../api/machinery/validation.ts';
import type { Service, ServicePort } from '../../openapi/generated/core-v1.ts';
import type { ObjectReader } from '../admission/reader.ts';
import type { ResourceHooks } from '../registry/resource-registry.ts';
import { IPRange, parseIPv4 } from './ip-range.ts';

/** Default of --service-node-port-range. */
const NODE_PORTS = { first: 30000, last: 32767 } as const;

export class ServiceAllocator implements ResourceHooks {
  readonly range: IPRange;
  readonly #random: Random;
  /** Taken node ports as `TCP/30080`. */
  readonly #ports = new Set<string>();

  constructor(cidr: string, random: Random) {
    this.range = new IPRange(cidr);
    this.#random = random;
  }

  /** Takes what stored services hold: call once, before anything is allocated. */
  restore(reader: ObjectReader): void {
    for (const object of reader.list({ group: '', resource: 'services' })) {
      const service = object as unknown as Service;
      for (const ip of ownIPs(service)) this.range.take(ip);
      for (const port of [...nodePortsOf(service), healthPortOf(service)])
        if (port !== undefined) this.#ports.add(port);
    }
  }

  allocate(object: UnknownObject, old: UnknownObject | undefined, dryRun: boolean): () => void {
    const service = object as unknown as Service;
    const before = old as unknown as Service | undefined;
    const taken: (() => void)[] = [];
    const freed: (() => void)[] = [];
    const undo = (): void => {
      for (const release of taken) release();
    };
    try {
      if (before !== undefined) keepAllocated(service, before);
      this.#allocateIP(service, before, taken, freed);
      this.#allocatePorts(service, before, taken, freed);
      this.#allocateHealthPort(service, before, taken, freed);
    } catch (error) {
      undo();
      throw error;
    }
    if (dryRun) undo();
    else for (const free of freed) free();
    return dryRun ? () => {} : undo;
  }

  release(object: UnknownObject): void {
    const service = object as unknown as Service;
    for (const ip of ownIPs(service)) this.range.release(ip);
    for (const port of [...nodePortsOf(service), healthPortOf(service)])
      if (port !== undefined) this.#ports.delete(port);
  }

  #allocateIP(
    service: Service,
    old: Service | undefined,
    taken: (() => void)[],
    freed: (() => void)[],
  ): void {
    const { spec } = service;
    const held = old === undefined ? [] : ownIPs(old);
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      for (const ip of held) freed.push(() => this.range.release(ip));
      return;
    }
    spec.ipFamilyPolicy ??=
      spec.clusterIP === 'None' && spec.selector === undefined ? 'RequireDualStack' : 'SingleStack';
    spec.ipFamilies ??= spec.ipFamilyPolicy === 'RequireDualStack' ? ['IPv4', 'IPv6'] : ['IPv4'];
    if (spec.ipFamilies[0] !== 'IPv4' && spec.clusterIP !== 'None') {
      throw this.#invalid(service, [
        invalid('spec.ipFamilies[0]', spec.ipFamilies[0], 'not configured on this cluster'),
      ]);
    }
    const wanted = spec.clusterIP || spec.clusterIPs?.[0] || '';
    if (wanted === 'None') {
      spec.clusterIP = 'None';
      spec.clusterIPs = ['None'];
      return;
    }
    const ip = wanted === '' ? this.#nextIP() : wanted;
    if (!held.includes(ip)) {
      this.#checkIP(service, ip);
      this.range.take(ip);
      taken.push(() => this.range.release(ip));
    }
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
  }

  #nextIP(): string {
    const ip = this.range.next(this.#random);
    if (ip === undefined) throw newInternalError(new Error('failed to allocate a serviceIP: range is full'));
    return ip;
  }

  #checkIP(service: Service, ip: string): void {
    // Whether it is an address at all is for validation to say.
    if (parseIPv4(ip) === undefined) return;
    const fail = (why: string): StatusError =>
      this.#invalid(service, [
        invalid('spec.clusterIPs', service.spec.clusterIPs ?? [ip], `failed to allocate IP ${ip}: ${why}`),
      ]);
    if (!this.range.contains(ip)) throw fail(`the provided network does not contain the provided IP`);
    if (this.range.isTaken(ip)) throw fail('provided IP is already allocated');
  }

  #allocatePorts(
    service: Service,
    old: Service | undefined,
    taken: (() => void)[],
    freed: (() => void)[],
  ): void {
    const held = new Set(old === undefined ? [] : nodePortsOf(old));
    const needed =
      service.spec.type === 'NodePort' ||
      (service.spec.type === 'LoadBalancer' && service.spec.allocateLoadBalancerNodePorts !== false);
    (service.spec.ports ?? []).forEach((port, index) => {
      if (!needed && service.spec.type !== 'LoadBalancer') delete port.nodePort;
      if ((port.nodePort ?? 0) === 0) {
        if (!needed) return;
        port.nodePort = this.#nextPort(port);
      }
      const key = portKey(port);
      if (held.delete(key)) return;
      this.#checkPort(service, port, index);
      this.#ports.add(key);
      taken.push(() => this.#ports.delete(key));
    });
    for (const key of held) freed.push(() => this.#ports.delete(key));
  }

  /** Where a load balancer asks whether the node has endpoints of the service. */
  #allocateHealthPort(
    service: Service,
    old: Service | undefined,
    taken: (() => void)[],
    freed: (() => void)[],
  ): void {
    const { spec } = service;
    const held = old === undefined ? undefined : healthPortOf(old);
    if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') {
      const given = spec.healthCheckNodePort ?? 0;
      spec.healthCheckNodePort = given === 0 ? (old?.spec.healthCheckNodePort ?? 0) : given;
      if (spec.healthCheckNodePort === 0) spec.healthCheckNodePort = this.#nextPort({ port: 0 });
      const key = healthPortOf(service)!;
      if (key === held) return;
      if (this.#ports.has(key)) {
        const why = 'provided port is already allocated';
        throw this.#invalid(service, [invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, why)]);
      }
      this.#ports.add(key);
      taken.push(() => this.#ports.delete(key));
    } else {
      delete spec.healthCheckNodePort;
    }
    if (held !== undefined) freed.push(() => this.#ports.delete(held));
  }

  #nextPort(port: ServicePort): number {
    const count = NODE_PORTS.last - NODE_PORTS.first + 1;
    const start = randomInt(this.#random, count);
    for (let i = 0; i < count; i++) {
      const candidate = NODE_PORTS.first + ((start + i) % count);
      if (!this.#ports.has(portKey({ ...port, nodePort: candidate }))) return candidate;
    }
    throw newInternalError(new Error('failed to allocate a nodePort: range is full'));
  }

  #checkPort(service: Service, port: ServicePort, index: number): void {
    const path = `spec.ports[${index}].nodePort`;
    const number = port.nodePort!;
    if (number < NODE_PORTS.first || number > NODE_PORTS.last) {
      const why = `provided port is not in the valid range. The range of valid ports is ${NODE_PORTS.first}-${NODE_PORTS.last}`;
      throw this.#invalid(service, [invalid(path, number, why)]);
    }
    if (this.#ports.has(portKey(port)))
      throw this.#invalid(service, [invalid(path, number, 'provided port is already allocated')]);
  }

  #invalid(service: Service, errors: Parameters<typeof newInvalid>[3]): StatusError {
    return newInvalid('', 'Service', service.metadata.name ?? '', errors);
  }
}

/** A PUT that leaves out addresses and ports keeps those it has. Mirrors patchAllocatedValues. */
function keepAllocated({ spec }: Service, { spec: old }: Service): void {
  const hasIP = (type: string | undefined): boolean => type !== 'ExternalName';
  if (hasIP(spec.type) && hasIP(old.type)) {
    if ((spec.clusterIP ?? '') === '' && (spec.clusterIPs ?? []).length === 0) {
      spec.clusterIP = old.clusterIP;
      spec.clusterIPs = old.clusterIPs;
    }
    spec.ipFamilies ??= old.ipFamilies;
    spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
  }
  const hasPorts = (type: string | undefined): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (!hasPorts(spec.type) || !hasPorts(old.type)) return;
  for (const port of spec.ports ?? []) {
    if ((port.nodePort ?? 0) !== 0) continue;
    const before = old.ports?.find(
      (other) => other.port === port.port && (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    if (before?.nodePort !== undefined) port.nodePort = before.nodePort;
  }
}

function ownIPs({ spec }: Service): string[] {
  return [...new Set([...(spec.clusterIPs ?? []), spec.clusterIP ?? ''])].filter(
    (ip) => ip !== '' && ip !== 'None',
  );
}

function nodePortsOf({ spec }: Service): string[] {
  return (spec.ports ?? []).filter(({ nodePort = 0 }) => nodePort !== 0).map(portKey);
}

function healthPortOf({ spec }: Service): string | undefined {
  const nodePort = spec.healthCheckNodePort ?? 0;
  return nodePort === 0 ? undefined : portKey({ port: 0, nodePort });
}

function portKey({ protocol, nodePort }: ServicePort): string {
  return `${protocol ?? 'TCP'}/${nodePort}`;
}
