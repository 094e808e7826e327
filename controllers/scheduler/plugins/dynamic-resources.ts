/** Devices for the claims of a pod. Mirrors plugins/dynamicresources. */
import { keyOf } from '../../../api/machinery/object-meta.ts';
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import type { ResourceClaim } from '../../../openapi/generated/resource-v1.ts';
import type { DeviceCaches } from '../devices/caches.ts';
import { EXTENDED_CLAIM_ANNOTATION } from '../devices/claim-writer.ts';
import { DeviceRun } from '../devices/device-run.ts';
import { deviceClaimNames, deviceClaimsOf } from '../devices/pod-claims.ts';
import { alternativesOf } from '../devices/requests.ts';
import { unresolvable, type Plugin, type PluginRun } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';

const DYNAMIC_RESOURCES = 'DynamicResources';

export const dynamicResources: Plugin = {
  name: DYNAMIC_RESOURCES,
  preEnqueue: (pod, { devices }) => {
    if ((pod.spec.resourceClaims ?? []).length === 0) return undefined;
    const claims = deviceClaimsOf(pod, devices.claims);
    return typeof claims === 'string' ? claims : undefined;
  },
  prepare: (info, { devices }) => {
    const { pod } = info;
    const resources = extendedResourcesOf(info, devices);
    if (resources.length === 0 && (pod.spec.resourceClaims ?? []).length === 0) return NO_CLAIMS;
    const claims = deviceClaimsOf(pod, devices.claims);
    if (typeof claims === 'string') return rejected(claims);
    const problem = claims.map((claim) => problemOf(claim, devices)).find((each) => each !== undefined);
    if (problem !== undefined) return rejected(problem);
    if (resources.length === 0 && claims.length === 0) return NO_CLAIMS;
    const leftOver = resources.length === 0 ? undefined : extendedClaimOf(pod, devices);
    return new DeviceRun({ pod, claims, resources, leftOver, devices });
  },
  mayHelp: (pod, event) => {
    switch (event.kind) {
      case 'device-claim-changed':
        return isHelpedBy(pod, event.claim, event.old);
      case 'devices-changed':
      case 'node-added':
      case 'node-updated':
        return true;
      default:
        return false;
    }
  },
};

/** A pod that no device is looked for. */
const NO_CLAIMS: PluginRun = {
  postFilter: () => ({ message: 'no new claims to deallocate', isDone: false }),
};

function rejected(reason: string): PluginRun {
  return { ...NO_CLAIMS, rejection: unresolvable(DYNAMIC_RESOURCES, reason) };
}

/** Freed devices may be for anybody; else only changes of the pod's own claims matter. */
function isHelpedBy(pod: Pod, claim: ResourceClaim, old: ResourceClaim | undefined): boolean {
  if (old?.status?.allocation !== undefined && claim.status?.allocation === undefined) return true;
  const isOwn =
    claim.metadata.namespace === pod.metadata.namespace &&
    deviceClaimNames(pod).names.some(({ name }) => name === claim.metadata.name);
  return isOwn && (old === undefined || old.status !== claim.status);
}

/** Names of what the pod asks for that a class of devices stands for. */
function extendedResourcesOf({ requests }: PodInfo, { extended }: DeviceCaches): string[] {
  if (requests.scalars.size === 0) return [];
  return [...requests.scalars]
    .filter(([name, amount]) => amount > 0 && extended.classFor(name) !== undefined)
    .map(([name]) => name);
}

/** Why nothing can be done about the claim on any node. */
function problemOf(claim: ResourceClaim, devices: DeviceCaches): string | undefined {
  if (claim.status?.allocation !== undefined) return undefined;
  if (devices.allocated.isPending(claim.metadata.uid!))
    return `resource claim ${keyOf(claim)} is in the process of being allocated`;
  for (const request of claim.spec.devices?.requests ?? [])
    for (const { fullName, className } of alternativesOf(request))
      if (devices.classes.get(className) === undefined)
        return `request ${fullName}: device class ${className} does not exist`;
  return undefined;
}

/** Made for the pod when it was to be bound, which then failed. */
function extendedClaimOf({ metadata }: Pod, { claims }: DeviceCaches): ResourceClaim | undefined {
  return claims
    .list(metadata.namespace)
    .find(
      (claim) =>
        claim.metadata.annotations?.[EXTENDED_CLAIM_ANNOTATION] === 'true' &&
        claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid),
    );
}
