/** Which node ports a service gets, keeps and gives back. Mirrors registry/core/service/storage alloc.go. */
import { newInternalError, newInvalid } from '../../api/machinery/errors.ts';
import { path } from '../../api/machinery/field-path.ts';
import { invalid } from '../../api/machinery/field-errors.ts';
import type { Service, ServiceSpec } from '../../openapi/generated/core-v1.ts';
import { PortError, type PortOperation } from './port-allocator.ts';

const PORTS = path('spec', 'ports');

function hasNodePorts({ type }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer';
}

/** Whether ports are allocated unasked. */
export function wantsNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** Every node port but that of health checks. */
export function nodePortsOf({ ports = [] }: ServiceSpec): number[] {
  return ports.flatMap(({ nodePort = 0 }) => (nodePort === 0 ? [] : [nodePort]));
}

export function healthCheckPortsOf(spec: ServiceSpec): number[] {
  const port = spec.healthCheckNodePort ?? 0;
  return needsHealthCheck(spec) && port !== 0 ? [port] : [];
}

/** Ports of a new service; two of the same number share their node port. Throws 422, or 500 when none is left. */
export function initNodePorts(service: Service, operation: PortOperation): void {
  const { spec } = service;
  if (hasNodePorts(spec)) {
    const given = new Map<number, number>();
    (spec.ports ?? []).forEach((port, index) => {
      if ((port.nodePort ?? 0) === 0 && !wantsNodePorts(spec)) return;
      const shared = given.get(port.port);
      if (shared === undefined) {
        const wanted = spec.ports!.find((other) => other.port === port.port && (other.nodePort ?? 0) !== 0);
        if (wanted === undefined) port.nodePort = nextPort(operation);
        else {
          takePort(service, operation, index, wanted.nodePort!);
          port.nodePort = wanted.nodePort!;
        }
        given.set(port.port, port.nodePort);
      } else if ((port.nodePort ?? 0) === 0) port.nodePort = shared;
      else if (port.nodePort !== shared) takePort(service, operation, index, port.nodePort!);
    });
  }
  if (needsHealthCheck(spec)) initHealthCheckPort(spec, operation);
}

/** Ports of a changed service. Throws as {@link initNodePorts}. */
export function updateNodePorts(service: Service, old: Service, operation: PortOperation): void {
  if (hasNodePorts(old.spec) && !hasNodePorts(service.spec))
    for (const port of nodePortsOf(old.spec)) operation.releaseLater(port);
  if (hasNodePorts(service.spec)) changePorts(service, old, operation);
  const before = needsHealthCheck(old.spec);
  const after = needsHealthCheck(service.spec);
  if (!before && after) initHealthCheckPort(service.spec, operation);
  else if (before && !after) operation.releaseLater(old.spec.healthCheckNodePort ?? 0);
}

function changePorts(service: Service, old: Service, operation: PortOperation): void {
  const { spec } = service;
  const before = new Set(nodePortsOf(old.spec));
  const taken = new Set<number>();
  (spec.ports ?? []).forEach((port, index) => {
    const wanted = port.nodePort ?? 0;
    if (wanted === 0) {
      if (wantsNodePorts(spec)) port.nodePort = nextPort(operation);
      return;
    }
    if (before.has(wanted) || taken.has(wanted)) return;
    takePort(service, operation, index, wanted);
    taken.add(wanted);
  });
  const after = new Set(nodePortsOf(spec));
  for (const port of before) if (!after.has(port)) operation.releaseLater(port);
}

function takePort({ metadata }: Service, operation: PortOperation, index: number, port: number): void {
  try {
    operation.allocate(port);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    const found = invalid(PORTS.index(index).child('nodePort'), port, error.message);
    throw newInvalid('', 'Service', metadata.name ?? '', [found]);
  }
}

function nextPort(operation: PortOperation): number {
  try {
    return operation.allocateNext();
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    throw newInternalError(new Error(`failed to allocate a nodePort: ${error.message}`));
  }
}

/** Where a load balancer asks whether the node has endpoints of the service. */
function initHealthCheckPort(spec: ServiceSpec, operation: PortOperation): void {
  const wanted = spec.healthCheckNodePort ?? 0;
  try {
    if (wanted === 0) spec.healthCheckNodePort = operation.allocateNext();
    else operation.allocate(wanted);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    const what =
      wanted === 0
        ? `failed to allocate a HealthCheck NodePort 0: ${error.message}`
        : `failed to allocate requested HealthCheck NodePort ${wanted}: ${error.message}`;
    throw newInternalError(new Error(what));
  }
}
