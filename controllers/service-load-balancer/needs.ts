/** What services want of load balancers, and which nodes stand behind those. Mirrors cloud-provider's service controller. */
import { equalJSON } from '../../api/machinery/equality.ts';
import { isBeingDeleted } from '../../api/machinery/object-meta.ts';
import type { Node, Service } from '../../openapi/generated/core-v1.ts';

export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';
const EXCLUDED_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
/** Set by cluster autoscalers. */
const DOOMED_TAINT = 'ToBeDeletedByClusterAutoscaler';
/** Texts that Go reads as false. */
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** One with a class is another controller's. */
export function wantsBalancer({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.loadBalancerClass === undefined;
}

export function hasFinalizer({ metadata }: Service): boolean {
  return metadata.finalizers?.includes(FINALIZER) === true;
}

/** Addresses a service has by its status; '' for those that are host names. */
export function addressesOf({ status }: Service): string[] {
  return (status.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
}

/** Whether a balancer is to be taken away. */
export function needsCleanup(service: Service): boolean {
  return hasFinalizer(service) && (isBeingDeleted(service) || service.spec.type !== 'LoadBalancer');
}

/** Whether a change makes a difference to the balancer. */
export function needsUpdate(old: Service, service: Service): boolean {
  if (wantsBalancer(old) !== wantsBalancer(service)) return true;
  return wantsBalancer(service) && !equalJSON(conditionsOf(old), conditionsOf(service));
}

function conditionsOf({ metadata, spec }: Service): unknown {
  return [
    metadata.uid,
    metadata.annotations,
    spec.ports,
    spec.sessionAffinity,
    spec.sessionAffinityConfig,
    spec.loadBalancerIP,
    spec.loadBalancerSourceRanges,
    spec.externalIPs,
    spec.externalTrafficPolicy,
    spec.healthCheckNodePort,
    spec.ipFamilies?.length,
  ];
}

/** Whether balancers may send to the node. */
export function isIncluded({ metadata }: Node): boolean {
  const excluded = metadata.labels?.[EXCLUDED_LABEL];
  return excluded === undefined || FALSE.includes(excluded);
}

/** The nodes balancers send to, as what they are told apart by. */
export function hostsOf(nodes: readonly Node[]): string[] {
  return nodes
    .filter(
      (node) =>
        !isBeingDeleted(node) &&
        isIncluded(node) &&
        node.spec.taints?.some(({ key }) => key === DOOMED_TAINT) !== true,
    )
    .map(({ metadata, spec }) => `${metadata.name} ${spec.providerID ?? ''}`)
    .sort();
}
