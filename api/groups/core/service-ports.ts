/** Ports of services. Mirrors ValidateService of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { duplicate, forbidden, required } from '../../machinery/field-errors.ts';
import type { ServicePort } from '../../../openapi/generated/core-v1.ts';
import {
  addDNSLabel,
  addPortNumber,
  addPortNumberOrName,
  addQualifiedName,
  addRequiredSupported,
  type Findings,
} from '../common/findings.ts';
import { duplicateInternal } from '../common/internal-json.ts';
import { PROTOCOLS } from './containers.ts';

export function addPorts(errors: Findings, at: FieldPath, ports: readonly ServicePort[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at.index(index);
    const { name = '', appProtocol } = port;
    if (name !== '') {
      addDNSLabel(errors, place.child('name'), name);
      if (names.has(name)) errors.push(duplicate(place.child('name'), name));
      names.add(name);
    } else if (ports.length > 1) errors.push(required(place.child('name')));
    addPortNumber(errors, place.child('port'), port.port ?? 0);
    addRequiredSupported(errors, place.child('protocol'), port.protocol, PROTOCOLS);
    addPortNumberOrName(errors, place.child('targetPort'), port.targetPort);
    if (appProtocol !== undefined) addQualifiedName(errors, place.child('appProtocol'), appProtocol);
  });
}

export function addPortConflicts(
  errors: Findings,
  at: FieldPath,
  ports: readonly ServicePort[],
  type: string,
): void {
  if (type === 'ClusterIP')
    ports.forEach(({ nodePort = 0 }, index) => {
      if (nodePort !== 0)
        errors.push(
          forbidden(at.index(index).child('nodePort'), "may not be used when `type` is 'ClusterIP'"),
        );
    });
  const nodePorts = new Set<string>();
  ports.forEach(({ protocol, nodePort = 0 }, index) => {
    const key = `${protocol}/${nodePort}`;
    if (nodePort === 0) return;
    if (nodePorts.has(key)) errors.push(duplicate(at.index(index).child('nodePort'), nodePort));
    nodePorts.add(key);
  });
  const numbers = new Set<string>();
  ports.forEach(({ protocol, port }, index) => {
    const key = `${protocol}/${port}`;
    if (numbers.has(key)) errors.push(duplicateInternal(at.index(index), 'ServicePort', { protocol, port }));
    numbers.add(key);
  });
}
