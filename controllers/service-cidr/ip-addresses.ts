/** IPAddress objects as the API server makes them for services. Mirrors registry/core/service/ipallocator. */
import { familyOf } from '../../api/groups/common/prefix.ts';
import type { Draft } from '../../api/machinery/client.ts';
import type { Service } from '../../openapi/generated/core-v1.ts';
import type { IPAddress } from '../../openapi/generated/networking-v1.ts';

const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
const MANAGED_BY = 'ipallocator.k8s.io';

export function isManagedAddress({ metadata }: IPAddress): boolean {
  return metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
}

export function hasOwnLabels(address: IPAddress): boolean {
  const { name = '', labels } = address.metadata;
  return isManagedAddress(address) && labels?.[FAMILY_LABEL] === familyOf(name);
}

export function newIPAddress(name: string, { metadata }: Service): Draft<IPAddress> {
  return {
    metadata: { name, labels: { [FAMILY_LABEL]: familyOf(name)!, [MANAGED_BY_LABEL]: MANAGED_BY } },
    spec: {
      parentRef: { group: '', resource: 'services', namespace: metadata.namespace, name: metadata.name! },
    },
  };
}
