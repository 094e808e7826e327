/** Services. Addresses and ports are allocated by the server. Mirrors registry/core/service and validateService. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import type { Service, ServiceSpec } from '../../../openapi/generated/core-v1.ts';
import {
  addEach,
  addLabels,
  addPortNumber,
  addQualifiedName,
  addRequiredSupported,
  type Findings,
} from '../common/findings.ts';
import { addCIDR, addEndpointIP, addIP, parseIP } from '../common/ip.ts';
import { addClusterIPChanges, addClusterIPs, isHeadless } from './service-ips.ts';
import { HINTS, TOPOLOGY_MODE, SOURCE_RANGES, serviceWarnings, statusWarnings } from './service-warnings.ts';
import { addPorts, addPortConflicts } from './service-ports.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITIES = ['ClientIP', 'None'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const AFFINITY_SECONDS = 10800;
const AFFINITY_SECONDS_MAX = 86400;
const AT = path('spec');

export const service = defineBehaviour<Service>({
  setDefaults: ({ spec, status }) => {
    if (spec === undefined) return;
    spec.sessionAffinity ||= 'None';
    if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
    if (
      spec.sessionAffinity === 'ClientIP' &&
      spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
    )
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
    spec.type ||= 'ClusterIP';
    for (const port of spec.ports ?? []) {
      port.protocol ||= 'TCP';
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
        port.targetPort = port.port ?? 0;
    }
    if (isExternal(spec)) spec.externalTrafficPolicy ||= 'Cluster';
    if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type))
      spec.internalTrafficPolicy ??= 'Cluster';
    if (spec.type !== 'LoadBalancer') return;
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of status?.loadBalancer?.ingress ?? [])
      if ((ingress.ip ?? '') !== '') ingress.ipMode ??= 'VIP';
  },
  prepareForUpdate: (object, old) => dropDependentFields(object, old),
  validate: (object) => {
    const errors: Findings = [];
    addService(errors, object, undefined);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    addClusterIPChanges(errors, object.spec, old.spec);
    addLoadBalancerClass(errors, object.spec, old.spec);
    if (needsHealthCheck(old.spec) && needsHealthCheck(object.spec))
      if ((object.spec.healthCheckNodePort ?? 0) !== (old.spec.healthCheckNodePort ?? 0))
        errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
    addService(errors, object, old);
    return errors;
  },
  validateStatusUpdate: (object, old) => {
    const errors: Findings = [];
    addLoadBalancerStatus(errors, object, old);
    return errors;
  },
  warnings: (object, _old, subresource) =>
    subresource === '' ? serviceWarnings(object) : statusWarnings(object),
});

function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function isExternal({ type, externalIPs }: ServiceSpec): boolean {
  if (type === 'LoadBalancer' || type === 'NodePort') return true;
  return type === 'ClusterIP' && (externalIPs ?? []).length > 0;
}

const hasNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';

/** What the new type does not have goes with the old one, unless it was changed on purpose. */
function dropDependentFields(object: Service, old: Service): void {
  const { spec } = object;
  const before = old.spec;
  const isSame = (name: keyof ServiceSpec): boolean => equalJSON(spec[name], before[name]);
  if (before.type !== 'ExternalName' && spec.type === 'ExternalName') {
    if (isSame('clusterIP') && isSame('clusterIPs')) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (isSame('ipFamilies')) delete spec.ipFamilies;
    if (isSame('ipFamilyPolicy')) delete spec.ipFamilyPolicy;
  }
  const oldPorts = new Set((before.ports ?? []).map(({ nodePort }) => nodePort ?? 0));
  const areKept = (spec.ports ?? []).every(({ nodePort = 0 }) => nodePort === 0 || oldPorts.has(nodePort));
  if (hasNodePorts(before) && !hasNodePorts(spec) && areKept)
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (needsHealthCheck(before) && !needsHealthCheck(spec) && isSame('healthCheckNodePort'))
    delete spec.healthCheckNodePort;
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (isSame('allocateLoadBalancerNodePorts')) delete spec.allocateLoadBalancerNodePorts;
    if (isSame('loadBalancerClass')) delete spec.loadBalancerClass;
  }
  if (isExternal(before) && !isExternal(spec) && isSame('externalTrafficPolicy'))
    delete spec.externalTrafficPolicy;
  if (spec.type !== 'LoadBalancer' && object.status !== undefined)
    object.status = { ...object.status, loadBalancer: {} };
}

function addService(errors: Findings, { spec, metadata }: Service, old: Service | undefined): void {
  const ports = spec.ports ?? [];
  const { type = '' } = spec;
  addTopologyMode(errors, metadata.annotations);
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName')
    errors.push(required(AT.child('ports')));
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    const text = `may not be set to 'None' for ${type} services`;
    errors.push(invalid(AT.child('clusterIPs').index(0), 'None', text));
  }
  if (type === 'ExternalName') addExternalName(errors, spec);
  addPorts(errors, AT.child('ports'), ports);
  addLabels(errors, AT.child('selector'), spec.selector);
  addRequiredSupported(errors, AT.child('sessionAffinity'), spec.sessionAffinity, AFFINITIES);
  addAffinityConfig(errors, AT.child('sessionAffinityConfig'), spec);
  addClusterIPs(errors, spec, old?.spec.clusterIPs ?? []);
  spec.externalIPs?.forEach((ip, index) => {
    const place = AT.child('externalIPs').index(index);
    if (addIP(errors, place, ip, old?.spec.externalIPs)) addEndpointIP(errors, place, ip);
  });
  addRequiredSupported(errors, AT.child('type'), type, TYPES);
  addPortConflicts(errors, AT.child('ports'), ports, type);
  addSourceRanges(errors, spec, metadata.annotations, old);
  const isBalanced = type === 'LoadBalancer';
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced)
    errors.push(
      forbidden(AT.child('allocateLoadBalancerNodePorts'), "may only be used when `type` is 'LoadBalancer'"),
    );
  if (isBalanced && spec.allocateLoadBalancerNodePorts === undefined)
    errors.push(required('allocateLoadBalancerNodePorts'));
  addLoadBalancerClass(errors, spec, undefined);
  addTrafficPolicies(errors, spec);
  const { trafficDistribution } = spec;
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution))
    errors.push(notSupported(AT.child('trafficDistribution'), trafficDistribution, DISTRIBUTIONS));
}

type Annotations = Readonly<Record<string, string>> | undefined;

function addTopologyMode(errors: Findings, annotations: Annotations): void {
  const mode = annotations?.[TOPOLOGY_MODE];
  const hints = annotations?.[HINTS];
  if (mode === undefined || hints === undefined || mode === hints) return;
  const text = `must match annotations[${HINTS}] when both are specified`;
  errors.push(invalid(path('metadata', 'annotations').key(TOPOLOGY_MODE), mode, text));
}

function addExternalName(errors: Findings, spec: ServiceSpec): void {
  const text = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) errors.push(forbidden(AT.child('clusterIPs'), text));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(forbidden(AT.child('ipFamilies'), text));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden(AT.child('ipFamilyPolicy'), text));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  const place = AT.child('externalName');
  if (name === '') errors.push(required(place));
  else addEach(errors, place, name, checkDNS1123Subdomain(name));
}

function addAffinityConfig(errors: Findings, at: FieldPath, spec: ServiceSpec): void {
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'None') {
    if (config !== undefined) errors.push(forbidden(at, 'must not be set when session affinity is None'));
    return;
  }
  if (spec.sessionAffinity !== 'ClientIP') return;
  const text = 'when session affinity type is ClientIP';
  const seconds = config?.clientIP?.timeoutSeconds;
  const place = at.child('clientIP', 'timeoutSeconds');
  if (config === undefined) errors.push(required(at, text));
  else if (config.clientIP === undefined) errors.push(required(at.child('clientIP'), text));
  else if (seconds === undefined) errors.push(required(place, text));
  else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX)
    errors.push(invalid(place, seconds, `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`));
}

function addSourceRanges(
  errors: Findings,
  { loadBalancerSourceRanges = [], type }: ServiceSpec,
  annotations: Annotations,
  old: Service | undefined,
): void {
  const text = "may only be used when `type` is 'LoadBalancer'";
  const known = (old?.spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
  if (loadBalancerSourceRanges.length > 0) {
    const place = AT.child('LoadBalancerSourceRanges');
    if (type !== 'LoadBalancer') errors.push(forbidden(place, text));
    loadBalancerSourceRanges.forEach((range, index) =>
      addCIDR(errors, place.index(index), range.trim(), known),
    );
    return;
  }
  const value = annotations?.[SOURCE_RANGES];
  if (value === undefined) return;
  const place = path('metadata', 'annotations').key(SOURCE_RANGES);
  if (type !== 'LoadBalancer') errors.push(forbidden(place, text));
  if (value === old?.metadata.annotations?.[SOURCE_RANGES] || value.trim() === '') return;
  for (const range of value.split(',')) addCIDR(errors, place, range.trim());
}

function addLoadBalancerClass(errors: Findings, spec: ServiceSpec, old: ServiceSpec | undefined): void {
  const name = spec.loadBalancerClass;
  const place = AT.child('loadBalancerClass');
  const isBalanced = spec.type === 'LoadBalancer';
  if (old?.type === 'LoadBalancer' && isBalanced && old.loadBalancerClass !== name)
    errors.push(invalid(place, name, 'may not change once set'));
  if (name === undefined) return;
  if (isBalanced) addQualifiedName(errors, place, name);
  else errors.push(forbidden(place, "may only be used when `type` is 'LoadBalancer'"));
}

function addTrafficPolicies(errors: Findings, spec: ServiceSpec): void {
  const external = spec.externalTrafficPolicy ?? '';
  const place = AT.child('externalTrafficPolicy');
  if (isExternal(spec)) addRequiredSupported(errors, place, external, POLICIES);
  else if (external !== '')
    errors.push(invalid(place, external, 'may only be set for externally-accessible services'));
  const port = spec.healthCheckNodePort ?? 0;
  const health = AT.child('healthCheckNodePort');
  if (!needsHealthCheck(spec)) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (port !== 0) errors.push(invalid(health, port, text));
  } else if (port === 0) errors.push(required(health));
  else addPortNumber(errors, health, port);
  const internal = spec.internalTrafficPolicy;
  const internalPlace = AT.child('internalTrafficPolicy');
  if (internal !== undefined && !POLICIES.includes(internal))
    errors.push(notSupported(internalPlace, internal, POLICIES));
  const needsInternal = ['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type ?? '');
  if (internal === undefined && needsInternal) errors.push(required(internalPlace));
}

const IP_MODES = ['Proxy', 'VIP'];

function addLoadBalancerStatus(errors: Findings, { status, spec }: Service, old: Service): void {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const at = path('status', 'loadBalancer', 'ingress');
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    errors.push(forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'"));
    return;
  }
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip || []);
  ingress.forEach(({ ip = '', ipMode, hostname = '' }, index) => {
    const place = at.index(index);
    if (ip !== '') addIP(errors, place.child('ip'), ip, known);
    if (ipMode === undefined) {
      if (ip !== '') errors.push(required(place.child('ipMode'), 'must be specified when `ip` is set'));
    } else if (ip === '')
      errors.push(forbidden(place.child('ipMode'), 'may not be specified when `ip` is not set'));
    else if (!IP_MODES.includes(ipMode)) errors.push(notSupported(place.child('ipMode'), ipMode, IP_MODES));
    if (hostname === '') return;
    addEach(errors, place.child('hostname'), hostname, checkDNS1123Subdomain(hostname));
    if (parseIP(hostname) !== undefined)
      errors.push(invalid(place.child('hostname'), hostname, 'must be a DNS name, not an IP address'));
  });
}
