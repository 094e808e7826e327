/** Devices, classes and claims to try the scheduler on. */
import type { Pod } from '../../../openapi/generated/core-v1.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceSlices,
  type Device,
  type DeviceClaim,
  type DeviceClass,
  type ExactDeviceRequest,
  type ResourceClaim,
  type ResourceSlice,
} from '../../../openapi/generated/resource-v1.ts';
import { NAMESPACE, type Harness } from '../harness.ts';

export const DRIVER = 'gpu.example.com';
export const CLASS = 'gpu';

/** A class for all devices of the driver. */
export async function createClass(
  { client, settle }: Harness,
  name = CLASS,
  spec: DeviceClass['spec'] = {},
): Promise<void> {
  const selectors = [{ cel: { expression: `device.driver == "${DRIVER}"` } }];
  await client.create(deviceClasses, { metadata: { name }, spec: { selectors, ...spec } });
  await settle();
}

export interface SliceShape extends Partial<ResourceSlice['spec']> {
  readonly name?: string;
}

/** A slice of a pool that is complete with it; on the node that the pool is named after unless said otherwise. */
export async function createSlice(
  { client, settle }: Harness,
  pool: string,
  devices: readonly (Device | string)[],
  { name = pool, ...spec }: SliceShape = {},
): Promise<void> {
  const isPlaced = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'].some(
    (key) => key in spec,
  );
  await client.create(resourceSlices, {
    metadata: { name },
    spec: {
      driver: DRIVER,
      pool: { name: pool, generation: 1, resourceSliceCount: 1 },
      ...(isPlaced ? {} : { nodeName: pool }),
      ...(devices.length === 0
        ? {}
        : { devices: devices.map((each) => (typeof each === 'string' ? { name: each } : each)) }),
      ...spec,
    },
  });
  await settle();
}

/** A claim of one request, or of what `devices` says. */
export async function createClaim(
  { client }: Harness,
  name: string,
  request: Partial<ExactDeviceRequest> = {},
  devices?: DeviceClaim,
): Promise<ResourceClaim> {
  const exactly = { deviceClassName: CLASS, ...request };
  return client.create(resourceClaims, {
    metadata: { name, namespace: NAMESPACE },
    spec: { devices: devices ?? { requests: [{ name: 'r', exactly }] } },
  });
}

/** What the spec of a pod says that uses the claims. */
export function usingClaims(...names: string[]): Partial<Pod['spec']> {
  return { resourceClaims: names.map((name) => ({ name, resourceClaimName: name })) };
}

/** `pool/device` of everything the claim has. */
export async function devicesOf({ get }: Harness, claim: string): Promise<string[]> {
  const { status } = await get(resourceClaims, claim);
  return (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`);
}
