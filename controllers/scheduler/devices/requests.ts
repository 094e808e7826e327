/** What claims ask for, request by request, and which devices that is. */
import {
  compileDeviceSelector,
  deviceActivation,
  deviceMatches,
} from '../../../api/groups/resource/device-selectors.ts';
import { keyOf } from '../../../api/machinery/object-meta.ts';
import type {
  Device,
  DeviceClass,
  DeviceRequest,
  DeviceSelector,
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
} from '../../../openapi/generated/resource-v1.ts';
import type { PooledDevice } from './pools.ts';

/** Devices cannot be chosen for a reason that is nobody's room: scheduling the pod fails with an error. */
export class AllocationError extends Error {}

/** A request, or one of the alternatives of a request. */
export interface DeviceRequestFacts {
  readonly name: string;
  /** Name of the request whose alternative this is. */
  readonly parent?: string;
  /** `name`, or `parent/name`. */
  readonly fullName: string;
  readonly className: string;
  readonly wantsAll: boolean;
  readonly count: number;
  readonly adminAccess: boolean;
  readonly selectors: readonly DeviceSelector[];
  readonly tolerations?: readonly DeviceToleration[];
  readonly capacity?: Readonly<Record<string, string>>;
}

/** The request's alternatives, the best first; one when it has none. */
export function alternativesOf({ name, exactly, firstAvailable = [] }: DeviceRequest): DeviceRequestFacts[] {
  if (exactly !== undefined) return [{ ...factsOf(exactly), name, fullName: name }];
  return firstAvailable.map((alternative) => ({
    ...factsOf(alternative),
    name: alternative.name,
    parent: name,
    fullName: `${name}/${alternative.name}`,
  }));
}

function factsOf(
  request: NonNullable<DeviceRequest['exactly']>,
): Omit<DeviceRequestFacts, 'name' | 'fullName'> {
  const { deviceClassName, allocationMode, count = 1, adminAccess, selectors = [], tolerations } = request;
  return {
    className: deviceClassName,
    wantsAll: allocationMode === 'All',
    count,
    adminAccess: adminAccess === true,
    selectors,
    ...(tolerations === undefined ? {} : { tolerations }),
    ...(request.capacity?.requests === undefined ? {} : { capacity: request.capacity.requests }),
  };
}

/** Results of expressions by device: devices never change, a new version is a new object. */
const answers = new WeakMap<Device, Map<string, boolean | Error>>();
const ANSWERS_MAX = 64;
const activations = new WeakMap<Device, { readonly device: unknown }>();

function ask({ device, slice }: PooledDevice, expression: string): boolean | Error {
  let known = answers.get(device);
  if (known === undefined) answers.set(device, (known = new Map()));
  let answer = known.get(expression);
  if (answer !== undefined) return answer;
  answer = evaluate(device, slice.spec.driver, expression);
  if (known.size >= ANSWERS_MAX) known.clear();
  known.set(expression, answer);
  return answer;
}

function evaluate(device: Device, driver: string, expression: string): boolean | Error {
  const compiled = compileDeviceSelector(expression);
  if ('error' in compiled) return new AllocationError(`CEL compile error: ${compiled.error}`);
  try {
    let activation = activations.get(device);
    if (activation === undefined) activations.set(device, (activation = deviceActivation(driver, device)));
    return deviceMatches(compiled, activation);
  } catch (error) {
    return new AllocationError(`CEL runtime error: ${(error as Error).message}`);
  }
}

/** Whether the class and the request choose the device. Throws {@link AllocationError} when an expression fails. */
export function isChosen(
  device: PooledDevice,
  request: DeviceRequestFacts,
  deviceClass: DeviceClass,
  claim: ResourceClaim,
): boolean {
  return (
    matchesAll(device, deviceClass.spec.selectors ?? [], () => `class ${deviceClass.metadata.name}`) &&
    matchesAll(device, request.selectors, () => `claim ${keyOf(claim)}`)
  );
}

function matchesAll(device: PooledDevice, selectors: readonly DeviceSelector[], of: () => string): boolean {
  return selectors.every(({ cel }, i) => {
    const answer = ask(device, cel?.expression ?? '');
    if (typeof answer === 'boolean') return answer;
    throw new AllocationError(`${of()}: selector #${i}: ${answer.message}`);
  });
}

/** Mirrors resourceclaim ToleratesTaint; which effects matter is the caller's to know. */
export function toleratesDeviceTaint(
  { key = '', operator = '', value = '', effect = '' }: DeviceToleration,
  taint: DeviceTaint,
): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return (
    operator === 'Exists' || ((operator === '' || operator === 'Equal') && value === (taint.value ?? ''))
  );
}

export function isKeptAway(device: Device, { tolerations = [] }: DeviceRequestFacts): boolean {
  return (device.taints ?? []).some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !tolerations.some((toleration) => toleratesDeviceTaint(toleration, taint)),
  );
}
