import type { GroupBehaviours } from '../../definition.ts';
import { ipAddress, serviceCIDR } from './addresses.ts';
import { ingressClass } from './ingress-class.ts';
import { ingress } from './ingress.ts';
import { networkPolicy } from './network-policy.ts';

/** Behaviours of the group networking.k8s.io by plural name. */
export const networkingBehaviours: GroupBehaviours = {
  ingressclasses: ingressClass,
  ingresses: ingress,
  ipaddresses: ipAddress,
  networkpolicies: networkPolicy,
  servicecidrs: serviceCIDR,
};
