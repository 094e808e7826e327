/** Services. Addresses and ports are allocated by the server. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkPortName,
  checkPortNumber,
} from '../../machinery/names.ts';
import {
  duplicate,
  invalid,
  invalidEach,
  notSupported,
  required,
  validateLabels,
} from '../../machinery/validation.ts';
import type { Service, ServicePort } from '../../../openapi/generated/core-v1.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const AFFINITIES = ['ClientIP', 'None'];
const AFFINITY_SECONDS = 10800;

export const service = defineBehaviour<Service>({
  setDefaults: ({ spec }) => {
    spec.sessionAffinity ??= 'None';
    if (spec.sessionAffinity === 'ClientIP')
      spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
    else delete spec.sessionAffinityConfig;
    spec.type ??= 'ClusterIP';
    for (const port of spec.ports ?? []) {
      port.protocol ??= 'TCP';
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
        port.targetPort = port.port;
    }
    if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
    if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  },
  validate,
  validateUpdate: (object, old) => {
    const errors: FieldError[] = [];
    const before = old.spec.clusterIP ?? '';
    const isKept = old.spec.type !== 'ExternalName' && object.spec.type !== 'ExternalName' && before !== '';
    if (isKept && !equalJSON(object.spec.clusterIPs ?? [], old.spec.clusterIPs ?? [])) {
      errors.push(invalid('spec.clusterIPs[0]', object.spec.clusterIPs ?? [], 'may not change once set'));
    }
    return [...errors, ...validate(object)];
  },
});

function validate({ spec }: Service): FieldError[] {
  const at = path('spec');
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  const isHeadless = spec.clusterIP === 'None';
  if (ports.length === 0 && !isHeadless && spec.type !== 'ExternalName')
    errors.push(required(at.child('ports')));
  if (spec.type === 'LoadBalancer' && isHeadless)
    errors.push(
      invalid(at.child('clusterIPs').index(0), 'None', "may not be set to 'None' for LoadBalancer services"),
    );
  if (spec.type === 'NodePort' && isHeadless)
    errors.push(
      invalid(at.child('clusterIPs').index(0), 'None', "may not be set to 'None' for NodePort services"),
    );
  if (spec.type === 'ExternalName') {
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') errors.push(required(at.child('externalName')));
    else
      errors.push(...invalidEach(at.child('externalName'), spec.externalName, checkDNS1123Subdomain(name)));
  }
  const names = new Set<string>();
  ports.forEach((port, index) =>
    validatePort(port, at.child('ports').index(index), ports.length > 1, names, errors),
  );
  errors.push(...validateDuplicatePorts(ports));
  errors.push(...validateLabels(spec.selector, at.child('selector')));
  if (!AFFINITIES.includes(spec.sessionAffinity ?? ''))
    errors.push(notSupported(at.child('sessionAffinity'), spec.sessionAffinity ?? '', AFFINITIES));
  if (!TYPES.includes(spec.type ?? '')) errors.push(notSupported(at.child('type'), spec.type ?? '', TYPES));
  return errors;
}

function validatePort(
  port: ServicePort,
  at: ReturnType<typeof path>,
  needsName: boolean,
  names: Set<string>,
  errors: FieldError[],
): void {
  const name = port.name ?? '';
  if (needsName && name === '') errors.push(required(at.child('name')));
  else if (name !== '') {
    errors.push(...invalidEach(at.child('name'), name, checkDNS1123Label(name)));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
  }
  errors.push(...invalidEach(at.child('port'), port.port, checkPortNumber(port.port)));
  if (!PROTOCOLS.includes(port.protocol ?? ''))
    errors.push(notSupported(at.child('protocol'), port.protocol ?? '', PROTOCOLS));
  const { targetPort } = port;
  if (typeof targetPort === 'number')
    errors.push(...invalidEach(at.child('targetPort'), targetPort, checkPortNumber(targetPort)));
  else if (targetPort !== undefined)
    errors.push(...invalidEach(at.child('targetPort'), targetPort, checkPortName(targetPort)));
}

function validateDuplicatePorts(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap(({ protocol, port }, index) => {
    const key = `${protocol}/${port}`;
    const again = seen.has(key);
    seen.add(key);
    return again ? [duplicate(path('spec', 'ports').index(index), { protocol, port })] : [];
  });
}
