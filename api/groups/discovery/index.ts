/** Endpoint slices. Mirrors pkg/apis/discovery/validation and registry/discovery/endpointslice strategy.go. */
import { defineBehaviour, type GroupBehaviours } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkLabelValue,
  checkQualifiedName,
} from '../../machinery/names.ts';
import {
  duplicate,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooMany,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import { validateLabels } from '../../machinery/label-validation.ts';
import type {
  Endpoint,
  EndpointHints,
  EndpointPort,
  EndpointSlice,
} from '../../../openapi/generated/discovery-v1.ts';
import { addCanonicalIP, addEndpointIP, addIP, ipWarnings, isIPv6, parseIP } from '../common/ip.ts';
import { isAbsent, validateEach } from '../common/text.ts';

const ADDRESS_TYPES = new Set(['IPv4', 'IPv6', 'FQDN']);
const PROTOCOLS = new Set(['TCP', 'UDP', 'SCTP']);
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20000;
const ENDPOINTS_MAX = 1000;
const HINTS_MAX = 8;
const TOPOLOGY_MAX = 16;
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const OWN_MANAGERS = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

const endpointSlice = defineBehaviour<EndpointSlice>({
  setDefaults: ({ ports }) => {
    for (const port of ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  prepareForCreate: dropTopology,
  prepareForUpdate: (object, old) => {
    if (equalJSON(object.endpoints, old.endpoints)) return;
    // Topology that is dropped still counts as a change.
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    dropTopology(object);
  },
  generationView: ({ addressType, endpoints, ports, metadata }) => ({
    addressType,
    endpoints,
    ports,
    labels: metadata.labels,
  }),
  validate: (object) => validateSlice(object, undefined),
  validateUpdate: (object, old) => [
    ...validateSlice(object, old),
    ...validateImmutable('addressType', object.addressType, old.addressType),
  ],
  warnings: (object, old) => {
    const isNewFQDN = old === undefined && object.addressType === 'FQDN';
    const managedBy = object.metadata.labels?.[MANAGED_BY] ?? '';
    const warnings = isNewFQDN ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
    return OWN_MANAGERS.includes(managedBy) ? warnings : [...warnings, ...addressWarnings(object)];
  },
});

/** The topology of v1beta1 cannot be written through v1. */
function dropTopology({ endpoints }: EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology;
}

function addressWarnings({ endpoints }: EndpointSlice): string[] {
  return (endpoints ?? []).flatMap(({ addresses }, index) =>
    (addresses ?? []).flatMap((address, place) =>
      ipWarnings(path('endpoints').index(index).child('addresses').index(place), address),
    ),
  );
}

function validateSlice(object: EndpointSlice, old: EndpointSlice | undefined): FieldError[] {
  const { addressType = '' } = object;
  const errors: FieldError[] = [];
  if (addressType === '') errors.push(required('addressType'));
  else if (!ADDRESS_TYPES.has(addressType))
    errors.push(notSupported('addressType', addressType, ADDRESS_TYPES));
  errors.push(...validatePorts(object.ports ?? []));
  // Endpoints that stay as they are may have been valid once.
  if (old !== undefined && equalJSON(object.endpoints, old.endpoints)) return errors;
  return [...errors, ...validateEndpoints(object.endpoints ?? [], addressType)];
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  const place = path('ports');
  if (ports.length > PORTS_MAX) return [tooMany(place, ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return validateEach(ports, place, ({ name = '', protocol, appProtocol }, at) => {
    const errors: FieldError[] = [];
    if (name !== '') errors.push(...invalidEach(at.child('name'), name, checkDNS1123Label(name)));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (protocol === undefined) errors.push(required(at.child('protocol')));
    else if (!PROTOCOLS.has(protocol)) errors.push(notSupported(at.child('protocol'), protocol, PROTOCOLS));
    if (appProtocol !== undefined)
      errors.push(...invalidEach(at.child('appProtocol'), appProtocol, checkQualifiedName(appProtocol)));
    return errors;
  });
}

function validateEndpoints(endpoints: readonly Endpoint[], addressType: string): FieldError[] {
  const place = path('endpoints');
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany(place, endpoints.length, ENDPOINTS_MAX)];
  return validateEach(endpoints, place, (endpoint, at) => {
    const { addresses, nodeName, deprecatedTopology = {}, hostname, hints } = endpoint;
    const errors = validateAddresses(addresses ?? [], addressType, at.child('addresses'));
    if (!isAbsent(nodeName))
      errors.push(...invalidEach(at.child('nodeName'), nodeName, checkDNS1123Subdomain(nodeName)));
    const topology = at.child('deprecatedTopology');
    const count = Object.keys(deprecatedTopology).length;
    if (count > TOPOLOGY_MAX) errors.push(tooMany(topology, count, TOPOLOGY_MAX));
    errors.push(...validateLabels(deprecatedTopology, topology));
    if (!isAbsent(hostname))
      errors.push(...invalidEach(at.child('hostname'), hostname, checkDNS1123Label(hostname)));
    return hints === undefined ? errors : [...errors, ...validateHints(hints, at.child('hints'))];
  });
}

function validateAddresses(addresses: readonly string[], addressType: string, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(at, addresses.length, ADDRESSES_MAX));
  for (const [index, address] of addresses.entries()) {
    const place = at.index(index);
    if (addressType === 'FQDN') errors.push(...validateFQDN(address, place));
    else if (addressType === 'IPv4' || addressType === 'IPv6')
      errors.push(...validateAddress(address, addressType, at, place));
  }
  return errors;
}

function validateAddress(
  address: string,
  addressType: 'IPv4' | 'IPv6',
  list: FieldPath,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (addressType === 'IPv4') addIP(errors, at, address);
  else addCanonicalIP(errors, at, address);
  if (errors.length > 0) return errors;
  if (isIPv6(parseIP(address)!) !== (addressType === 'IPv6'))
    errors.push(invalid(list, address, `must be an ${addressType} address`));
  addEndpointIP(errors, at, address);
  return errors;
}

/** Mirrors apimachinery util/validation IsFullyQualifiedDomainName. */
function validateFQDN(name: string, at: FieldPath): FieldError[] {
  if (name === '') return [required(at)];
  const plain = name.endsWith('.') ? name.slice(0, -1) : name;
  const texts = checkDNS1123Subdomain(plain);
  if (texts.length > 0) return [invalid(at, plain, texts.join(','))];
  const labels = plain.split('.');
  if (labels.length < 2)
    return [invalid(at, plain, 'should be a domain with at least two segments separated by dots')];
  return labels.flatMap((label) => {
    const found = checkDNS1123Label(label);
    return found.length > 0 ? [invalid(at, label, found.join(','))] : [];
  });
}

function validateHints({ forZones, forNodes }: EndpointHints, at: FieldPath): FieldError[] {
  const zones = validateHintList(forZones ?? [], at.child('forZones'), checkLabelValue);
  if ((forZones ?? []).length > HINTS_MAX) return zones;
  return [...zones, ...validateHintList(forNodes ?? [], at.child('forNodes'), checkDNS1123Subdomain)];
}

function validateHintList(
  hints: readonly { readonly name: string }[],
  at: FieldPath,
  check: (name: string) => string[],
): FieldError[] {
  if (hints.length > HINTS_MAX) return [tooMany(at, hints.length, HINTS_MAX)];
  const names = new Set<string>();
  return validateEach(hints, at, ({ name }, place) => {
    const errors = names.has(name) ? [duplicate(place.child('name'), name)] : [];
    names.add(name);
    return [...errors, ...invalidEach(place.child('name'), name, check(name))];
  });
}

/** Behaviours of the group discovery.k8s.io by plural name. */
export const discoveryBehaviours: GroupBehaviours = { endpointslices: endpointSlice };
