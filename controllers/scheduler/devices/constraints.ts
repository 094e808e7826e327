/** What the devices of a claim are to have in common, or apart. */
import { equalJSON } from '../../../api/machinery/equality.ts';
import type { DeviceAttribute, DeviceConstraint } from '../../../openapi/generated/resource-v1.ts';
import type { PooledDevice } from './pools.ts';
import type { DeviceRequestFacts } from './requests.ts';

export class Constraint {
  readonly #requests: ReadonlySet<string>;
  readonly #attribute: string;
  readonly #isDistinct: boolean;
  readonly #values: DeviceAttribute[] = [];

  constructor({ requests, matchAttribute, distinctAttribute }: DeviceConstraint) {
    this.#requests = new Set(requests);
    this.#attribute = matchAttribute ?? distinctAttribute ?? '';
    this.#isDistinct = matchAttribute === undefined;
  }

  /** Whether the device may join those already there; if so it has. */
  add(request: DeviceRequestFacts, device: PooledDevice): boolean {
    if (!this.#concerns(request)) return true;
    const value = attributeOf(device, this.#attribute);
    if (value === undefined) return false;
    const fits = this.#isDistinct
      ? !this.#values.some((other) => equalJSON(other, value))
      : this.#values.length === 0 || equalJSON(this.#values[0], value);
    if (fits) this.#values.push(value);
    return fits;
  }

  /** Takes the device out again that was added last. */
  remove(request: DeviceRequestFacts): void {
    if (this.#concerns(request)) this.#values.pop();
  }

  #concerns({ parent, name, fullName }: DeviceRequestFacts): boolean {
    return this.#requests.size === 0 || this.#requests.has(parent ?? name) || this.#requests.has(fullName);
  }
}

/** By its full name, or without the domain when that is the driver's. */
function attributeOf({ device, slice }: PooledDevice, name: string): DeviceAttribute | undefined {
  const { attributes = {} } = device;
  const slash = name.indexOf('/');
  const isDrivers = slash !== -1 && name.slice(0, slash) === slice.spec.driver;
  return attributes[name] ?? (isDrivers ? attributes[name.slice(slash + 1)] : undefined);
}
