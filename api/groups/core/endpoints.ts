/** Endpoints. Mirrors registry/core/endpoint and ValidateEndpoints of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain } from '../../machinery/names.ts';
import { required } from '../../machinery/field-errors.ts';
import type { EndpointAddress, EndpointPort, Endpoints } from '../../../openapi/generated/core-v1.ts';
import {
  addDNSLabel,
  addEach,
  addPortNumber,
  addQualifiedName,
  addRequiredSupported,
  type Findings,
} from '../common/findings.ts';
import { addEndpointIP, addIP, ipWarnings } from '../common/ip.ts';
import { PROTOCOLS } from './containers.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const LISTS = ['addresses', 'notReadyAddresses'] as const;
const AT = path('subsets');

export const endpoints = defineBehaviour<Endpoints>({
  setDefaults: ({ subsets = [] }) => {
    for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP';
  },
  validate: validateSubsets,
  validateUpdate: (object, old) => (equalJSON(object.subsets, old.subsets) ? [] : validateSubsets(object)),
  warnings: ({ metadata, subsets = [] }) => {
    if (metadata.labels?.[MANAGED_BY] === 'endpoint-controller') return [];
    return subsets.flatMap((subset, index) =>
      LISTS.flatMap((list) =>
        (subset[list] ?? []).flatMap(({ ip = '' }, place) =>
          ipWarnings(AT.index(index).child(list).index(place).child('ip'), ip),
        ),
      ),
    );
  },
});

function validateSubsets({ subsets = [] }: Endpoints): FieldError[] {
  const errors: Findings = [];
  subsets.forEach((subset, index) => {
    const place = AT.index(index);
    if (LISTS.every((list) => (subset[list] ?? []).length === 0))
      errors.push(required(place, 'must specify `addresses` or `notReadyAddresses`'));
    for (const list of LISTS)
      subset[list]?.forEach((address, at) => addAddress(errors, place.child(list).index(at), address));
    const ports = subset.ports ?? [];
    ports.forEach((port, at) => addPort(errors, place.child('ports').index(at), port, ports.length > 1));
  });
  return errors;
}

function addAddress(errors: Findings, at: FieldPath, { ip = '', hostname, nodeName }: EndpointAddress): void {
  addIP(errors, at.child('ip'), ip);
  if ((hostname ?? '') !== '') addDNSLabel(errors, at.child('hostname'), hostname!);
  if (nodeName !== undefined)
    addEach(errors, at.child('nodeName'), nodeName, checkDNS1123Subdomain(nodeName));
  addEndpointIP(errors, at.child('ip'), ip);
}

function addPort(errors: Findings, at: FieldPath, port: EndpointPort, needsName: boolean): void {
  const { name = '', appProtocol } = port;
  if (name !== '') addDNSLabel(errors, at.child('name'), name);
  else if (needsName) errors.push(required(at.child('name')));
  addPortNumber(errors, at.child('port'), port.port ?? 0);
  addRequiredSupported(errors, at.child('protocol'), port.protocol, PROTOCOLS);
  if (appProtocol !== undefined) addQualifiedName(errors, at.child('appProtocol'), appProtocol);
}
