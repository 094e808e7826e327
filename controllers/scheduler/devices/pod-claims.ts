/** The claims of a pod. Mirrors resourceclaim.go of dynamic-resource-allocation. */
import { controllerOf } from '../../../api/machinery/object-meta.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { ResourceClaim } from '../../../openapi/generated/resource-v1.ts';

/** Whose claims the resource claim controller made, by the name the pod has for them. */
export interface PodClaimName {
  readonly name: string;
  /** Made from a template, for this pod alone. */
  readonly isGenerated: boolean;
}

/** Names of the claims that are known so far, and whether some are still to be made. */
export function deviceClaimNames({ spec, status }: Pod): {
  readonly names: readonly PodClaimName[];
  readonly isMissing: boolean;
} {
  const names: PodClaimName[] = [];
  let isMissing = false;
  for (const { name, resourceClaimName, resourceClaimTemplateName } of spec.resourceClaims ?? []) {
    if (resourceClaimName !== undefined) names.push({ name: resourceClaimName, isGenerated: false });
    else if (resourceClaimTemplateName !== undefined) {
      const made = status.resourceClaimStatuses?.find((each) => each.name === name);
      // A status without a name says that the pod needs no claim.
      if (made === undefined) isMissing = true;
      else if (made.resourceClaimName !== undefined)
        names.push({ name: made.resourceClaimName, isGenerated: true });
    }
  }
  return { names, isMissing };
}

/** The claims, or upstream's words for why the pod cannot be placed for now. */
export function deviceClaimsOf(
  pod: Pod,
  claims: { get(key: string): ResourceClaim | undefined },
): readonly ResourceClaim[] | string {
  const { namespace, name: podName } = pod.metadata;
  const { names, isMissing } = deviceClaimNames(pod);
  if (isMissing) return `pod "${namespace}/${podName}": ResourceClaim not created yet`;
  const found: ResourceClaim[] = [];
  for (const { name, isGenerated } of names) {
    const claim = claims.get(`${namespace}/${name}`);
    if (claim === undefined) return `resourceclaim.resource.k8s.io "${name}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim "${name}" is being deleted`;
    if (isGenerated && controllerOf(claim)?.uid !== pod.metadata.uid)
      return `ResourceClaim ${namespace}/${name} was not created for Pod ${namespace}/${podName} (Pod is not owner)`;
    found.push(claim);
  }
  return found;
}

export function isReservedFor(claim: ResourceClaim, { metadata }: Pod): boolean {
  return (claim.status?.reservedFor ?? []).some(({ uid }) => uid === metadata.uid);
}
