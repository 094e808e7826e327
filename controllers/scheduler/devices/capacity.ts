/** How much of a device that many may share a request takes. Mirrors structured/internal consumable_capacity.go. */
import {
  compareQuantity,
  formatQuantity,
  parseQuantity,
  wholeUnits,
  type Quantity,
} from '../../../api/machinery/quantity.ts';
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  Device,
  DeviceCapacity,
} from '../../../openapi/generated/resource-v1.ts';

/** Amounts of capacities by name, in nano. */
export type Consumption = ReadonlyMap<string, bigint>;

type Requests = Readonly<Record<string, string>> | undefined;

/** What the request takes of each capacity, as it is written; undefined when the device cannot give it. */
export function consumptionOf(
  device: Device,
  requests: Requests,
  taken: readonly (Consumption | undefined)[],
): Readonly<Record<string, string>> | undefined {
  const capacities = device.capacity ?? {};
  if (Object.keys(requests ?? {}).some((name) => capacities[name] === undefined)) return undefined;
  const consumed: Record<string, string> = {};
  for (const [name, capacity] of Object.entries(capacities)) {
    const amount = roundUp(requests?.[name], capacity);
    if (violates(amount, capacity.requestPolicy)) return undefined;
    const used = taken.reduce((sum, each) => sum + (each?.get(name) ?? 0n), amount.nano);
    if (used > parseQuantity(capacity.value).nano) return undefined;
    consumed[name] = formatQuantity(amount);
  }
  return consumed;
}

function roundUp(requested: string | undefined, { value, requestPolicy }: DeviceCapacity): Quantity {
  if (requested === undefined) return parseQuantity(requestPolicy?.default ?? value);
  const wanted = parseQuantity(requested);
  const { validRange, validValues } = requestPolicy ?? {};
  if (validRange?.min !== undefined) return roundUpToStep(wanted, validRange);
  return validValues?.map(parseQuantity).find((each) => compareQuantity(wanted, each) <= 0) ?? wanted;
}

function roundUpToStep(wanted: Quantity, range: CapacityRequestPolicyRange): Quantity {
  const min = parseQuantity(range.min);
  if (compareQuantity(wanted, min) < 0) return min;
  if (range.step === undefined) return wanted;
  const step = wholeUnits(parseQuantity(range.step));
  const start = wholeUnits(min);
  const steps = (wholeUnits(wanted) - start + step - 1n) / step;
  return { nano: (start + step * steps) * 1_000_000_000n, format: 'BinarySI' };
}

function violates(amount: Quantity, policy: CapacityRequestPolicy | undefined): boolean {
  if (policy === undefined) return false;
  const { validRange, validValues = [] } = policy;
  if (policy.default !== undefined && compareQuantity(amount, parseQuantity(policy.default)) === 0)
    return false;
  if (validRange !== undefined) return isOutside(amount, validRange);
  return (
    validValues.length > 0 && !validValues.some((each) => compareQuantity(amount, parseQuantity(each)) === 0)
  );
}

function isOutside(amount: Quantity, { min, max, step }: CapacityRequestPolicyRange): boolean {
  if (max !== undefined && compareQuantity(amount, parseQuantity(max)) > 0) return true;
  if (step === undefined) return false;
  const beyond = wholeUnits(amount) - wholeUnits(parseQuantity(min));
  return beyond % wholeUnits(parseQuantity(step)) !== 0n;
}
