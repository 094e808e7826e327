/** What is told of services that are valid. Mirrors registry/core/service and pkg/api/service/warnings.go. */
import { path } from '../../machinery/field-path.ts';
import type { Service } from '../../../openapi/generated/core-v1.ts';
import { cidrWarnings, ipWarnings } from '../common/ip.ts';

const AT = path('spec');
export const HINTS = 'service.kubernetes.io/topology-aware-hints';
export const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';
export const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/** Mirrors GetWarningsForService. */
export function serviceWarnings({ spec, metadata }: Service): string[] {
  const warnings: string[] = [];
  const externalIPs = spec.externalIPs ?? [];
  const isNone = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  const isNamed = spec.type === 'ExternalName';
  const balancerIP = spec.loadBalancerIP ?? '';
  const addIPs = (list: string, ips: readonly string[]): void =>
    ips.forEach((ip, index) => warnings.push(...ipWarnings(AT.child(list).index(index), ip)));
  if (metadata.annotations?.[HINTS] !== undefined)
    warnings.push(`annotation ${HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`);
  if ((spec.clusterIP ?? '') !== '' && spec.clusterIP !== 'None') addIPs('clusterIPs', spec.clusterIPs ?? []);
  if (isNone) {
    if (balancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None')
      warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  addIPs('externalIPs', externalIPs);
  if (externalIPs.length > 0 && !isNone && !isNamed)
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  if (balancerIP !== '') warnings.push(...ipWarnings(AT.child('loadBalancerIP'), balancerIP));
  spec.loadBalancerSourceRanges?.forEach((range, index) =>
    warnings.push(...cidrWarnings(AT.child('loadBalancerSourceRanges').index(index), range)),
  );
  if (isNamed && externalIPs.length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (!isNamed && (spec.externalName ?? '') !== '')
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === 'PreferClose')
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

export function statusWarnings({ status }: Service): string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }, index) =>
    ip === '' ? [] : ipWarnings(path('status', 'loadBalancer', 'ingress').index(index), ip),
  );
}
