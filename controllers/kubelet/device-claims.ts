/** Whether the claims of a pod let it use their devices. Mirrors kubelet cm/dra manager.go prepareResources. */
import type { Client } from '../../api/machinery/client.ts';
import { isNotFound } from '../../api/machinery/errors.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { resourceClaims } from '../../openapi/generated/resource-v1.ts';
import { deviceClaimNames, isReservedFor } from '../scheduler/devices/pod-claims.ts';

/** Upstream's words for what keeps the pod's devices from being prepared; undefined when nothing does. */
export async function deviceProblemOf(client: Client, pod: Pod): Promise<string | undefined> {
  const { namespace, name: podName, uid } = pod.metadata;
  const { names, isMissing } = deviceClaimNames(pod);
  const extended = pod.status.extendedResourceClaimStatus?.resourceClaimName;
  const all = [...names.map(({ name }) => name), ...(extended === undefined ? [] : [extended])];
  if (isMissing)
    return failed(`list ResourceClaims: pod "${namespace}/${podName}": ResourceClaim not created yet`);
  for (const name of all) {
    try {
      const claim = await client.get(resourceClaims, { namespace, name });
      if (isReservedFor(claim, pod)) continue;
      const of = `ResourceClaim ${name} (${claim.metadata.uid})`;
      return failed(`pod ${podName} (${uid}) is not allowed to use ${of}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return failed(`fetch ResourceClaim ${name}: ${(error as Error).message}`);
    }
  }
  return undefined;
}

function failed(why: string): string {
  return `Failed to prepare dynamic resources: prepare dynamic resources: ${why}`;
}
