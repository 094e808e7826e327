/** The order upstream gives ports and subsets: that of the hashes of what Go prints of them. Mirrors k8s.io/utils/dump ForHash. */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../openapi/generated/core-v1.ts';
import type { EndpointPort as SlicePort } from '../../openapi/generated/discovery-v1.ts';
import { fnv128a } from './go-hash.ts';

function textPointer(value: string | undefined): string {
  return `(*string)${value ?? '<nil>'}`;
}

function portFields({ name = '', port, protocol = 'TCP', appProtocol }: EndpointPort): string {
  return `{Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol} AppProtocol:${textPointer(appProtocol)}}`;
}

function printSlicePort({ name = '', port, protocol = 'TCP', appProtocol }: SlicePort): string {
  return `(v1.EndpointPort){Name:(*string)${name} Protocol:(*v1.Protocol)${protocol} Port:(*int32)${port} AppProtocol:${textPointer(appProtocol)}}`;
}

function printAddress({ ip, hostname = '', nodeName, targetRef }: EndpointAddress): string {
  const { kind = '', namespace = '', name = '', uid = '' } = targetRef ?? {};
  const target =
    targetRef === undefined
      ? '<nil>'
      : `{Kind:(string)${kind} Namespace:(string)${namespace} Name:(string)${name} UID:(types.UID)${uid} APIVersion:(string) ResourceVersion:(string) FieldPath:(string)}`;
  return `{IP:(string)${ip} Hostname:(string)${hostname} NodeName:${textPointer(nodeName)} TargetRef:(*v1.ObjectReference)${target}}`;
}

function printSubset({ addresses, notReadyAddresses, ports }: EndpointSubset): string {
  const list = (type: string, items: readonly string[] | undefined): string =>
    `([]v1.${type})${items === undefined ? '<nil>' : `[${items.join(' ')}]`}`;
  const ready = list('EndpointAddress', addresses?.map(printAddress));
  const notReady = list('EndpointAddress', notReadyAddresses?.map(printAddress));
  return `(v1.EndpointSubset){Addresses:${ready} NotReadyAddresses:${notReady} Ports:${list('EndpointPort', ports?.map(portFields))}}`;
}

function byHash<T>(items: readonly T[], print: (item: T) => string): T[] {
  if (items.length < 2) return [...items];
  const hashed = items.map((item) => ({ item, hash: fnv128a(print(item)) }));
  return hashed.sort((x, y) => (x.hash < y.hash ? -1 : 1)).map(({ item }) => item);
}

export function sortPorts(ports: readonly EndpointPort[]): EndpointPort[] {
  return byHash(ports, (port) => `(v1.EndpointPort)${portFields(port)}`);
}

export function sortSlicePorts(ports: readonly SlicePort[]): SlicePort[] {
  return byHash(ports, printSlicePort);
}

export function sortSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  return byHash(subsets, printSubset);
}
