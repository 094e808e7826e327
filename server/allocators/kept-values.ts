/** What a write leaves out is kept, so that the same manifest may be sent again. Mirrors registry/core/service/storage storage.go. */
import { equalJSON } from '../../api/machinery/equality.ts';
import type { Service, ServiceSpec } from '../../openapi/generated/core-v1.ts';
import { needsHealthCheck, nodePortsOf, wantsNodePorts } from './node-ports.ts';

/** Mirrors patchAllocatedValues. */
export function keepAllocated({ spec }: Service, { spec: old }: Service): void {
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName') {
    if ((spec.clusterIP ?? '') === '') spec.clusterIP = old.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && (old.clusterIPs ?? []).length > 0)
      spec.clusterIPs = [...old.clusterIPs!];
  }
  if (wantsNodePorts(spec) && wantsNodePorts(old)) keepNodePorts(spec, old);
  if (needsHealthCheck(spec) && needsHealthCheck(old) && (spec.healthCheckNodePort ?? 0) === 0)
    spec.healthCheckNodePort = old.healthCheckNodePort;
}

/** Ports go by their names; a number that another port has now is not given to its old one. */
function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const after = new Set(nodePortsOf(spec));
  const used = new Set(nodePortsOf(old).filter((port) => after.has(port)));
  const byName = new Map((old.ports ?? []).map(({ name = '', nodePort = 0 }) => [name, nodePort]));
  for (const port of spec.ports ?? []) {
    if ((port.nodePort ?? 0) !== 0) continue;
    const before = byName.get(port.name ?? '') ?? 0;
    if (before !== 0 && !used.has(before)) port.nodePort = before;
  }
}

/** Brings clusterIPs in line with clusterIP for clients that know only that. */
export function normalizeClusterIPs({ spec }: Service, old: Service | undefined): void {
  const { clusterIP = '', clusterIPs = [] } = spec;
  if (old === undefined) {
    if (clusterIP !== '' && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  const { clusterIP: oldIP = '', clusterIPs: oldIPs = [] } = old.spec;
  if (oldIP === clusterIP) {
    if (oldIPs.length > 0 && clusterIPs.length === 0) spec.clusterIPs = [...oldIPs];
    return;
  }
  if (!equalJSON(oldIPs, clusterIPs)) return;
  if (oldIP !== '' && clusterIP === '') delete spec.clusterIPs;
  else spec.clusterIPs = [clusterIP];
}

/** A name has no traffic of its own; what is no policy at all is for validation to say. Mirrors defaultOnReadInternalTrafficPolicy. */
export function dropInternalTrafficPolicy({ spec }: Service): void {
  const { type, internalTrafficPolicy = '' } = spec;
  if (type === 'ExternalName' && ['Cluster', 'Local'].includes(internalTrafficPolicy))
    delete spec.internalTrafficPolicy;
}
