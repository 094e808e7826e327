/** What is written into a claim about the devices found for it. Mirrors the end of structured Allocate. */
import type { NodeSelector, NodeSelectorRequirement } from '../../../openapi/generated/core-v1.ts';
import { equalJSON } from '../../../api/machinery/equality.ts';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
} from '../../../openapi/generated/resource-v1.ts';
import type { ChosenDevice, ClaimAllocation } from './allocation.ts';

/** `newShareID` gives a UID for each share of a device. */
export function allocationResultOf(
  allocation: ClaimAllocation,
  node: string,
  newShareID: () => string,
): AllocationResult {
  const results = allocation.devices.map((device) => resultOf(device, newShareID));
  const config = [...classConfigs(allocation), ...claimConfigs(allocation)];
  const nodeSelector = nodeSelectorOf(allocation.devices, node);
  return {
    devices: { results, ...(config.length === 0 ? {} : { config }) },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
}

function resultOf(
  { request, slice, device, consumedCapacity }: ChosenDevice,
  newShareID: () => string,
): DeviceRequestAllocationResult {
  const { bindingConditions, bindingFailureConditions } = device;
  return {
    request: request.fullName,
    driver: slice.spec.driver,
    pool: slice.spec.pool.name,
    device: device.name,
    ...(request.adminAccess ? { adminAccess: true } : {}),
    ...(request.tolerations === undefined ? {} : { tolerations: [...request.tolerations] }),
    ...(bindingConditions === undefined ? {} : { bindingConditions }),
    ...(bindingFailureConditions === undefined ? {} : { bindingFailureConditions }),
    ...(consumedCapacity === undefined ? {} : { shareID: newShareID() }),
    ...(consumedCapacity === undefined || Object.keys(consumedCapacity).length === 0
      ? {}
      : { consumedCapacity }),
  };
}

/** A class's configuration once, with all requests that use the class. */
function classConfigs({ taken }: ClaimAllocation): DeviceAllocationConfiguration[] {
  const byClass = new Map<string, DeviceAllocationConfiguration[]>();
  for (const { request, deviceClass } of taken) {
    const name = deviceClass.metadata.name!;
    const known = byClass.get(name);
    if (known !== undefined) for (const config of known) config.requests!.push(request.fullName);
    else {
      const configs = deviceClass.spec.config ?? [];
      byClass.set(
        name,
        configs.map((config) => ({ source: 'FromClass', requests: [request.fullName], ...config })),
      );
    }
  }
  return [...byClass.values()].flat();
}

/** The claim's own, as far as it is for requests and alternatives that were taken. */
function claimConfigs({ claim, taken }: ClaimAllocation): DeviceAllocationConfiguration[] {
  return (claim.spec.devices?.config ?? []).flatMap((config) => {
    const { requests = [] } = config;
    const made: DeviceAllocationConfiguration = { source: 'FromClaim', ...config };
    if (requests.length === 0) return [made];
    return taken
      .filter(
        ({ request }) =>
          requests.includes(request.parent ?? request.name) || requests.includes(request.fullName),
      )
      .map(() => made);
  });
}

/** Nodes that reach all the devices; undefined for every node. */
function nodeSelectorOf(devices: readonly ChosenDevice[], node: string): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = [];
  const matchExpressions: NodeSelectorRequirement[] = [];
  for (const { slice, device } of devices) {
    const { nodeName, nodeSelector } = slice.spec.perDeviceNodeSelection === true ? device : slice.spec;
    if (nodeName !== undefined || device.bindsToNode === true) {
      const byName = { key: 'metadata.name', operator: 'In', values: [node] };
      return { nodeSelectorTerms: [{ matchFields: [byName] }] };
    }
    const [term] = nodeSelector?.nodeSelectorTerms ?? [];
    addNew(matchFields, term?.matchFields);
    addNew(matchExpressions, term?.matchExpressions);
  }
  if (matchFields.length === 0 && matchExpressions.length === 0) return undefined;
  return {
    nodeSelectorTerms: [
      {
        ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
        ...(matchFields.length === 0 ? {} : { matchFields }),
      },
    ],
  };
}

function addNew(to: NodeSelectorRequirement[], from: readonly NodeSelectorRequirement[] | undefined): void {
  for (const requirement of from ?? [])
    if (!to.some((known) => equalJSON(known, requirement))) to.push(requirement);
}
