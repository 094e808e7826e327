/** Devices that annotations of a node say it has. */
import { formatQuantity, tryParseQuantity } from '../../api/machinery/quantity.ts';
import { parseSemver } from '../../api/machinery/semver.ts';
import type { Node } from '../../openapi/generated/core-v1.ts';
import type { Device, DeviceAttribute } from '../../openapi/generated/resource-v1.ts';

/** Followed by the name of the driver. */
const DEVICES_ANNOTATION_PREFIX = 'devices.kubemu.io/';
/** Devices of one driver on one node. */
const DEVICES_MAX = 1024;

/** By driver; a text says what is wrong with the annotation. */
export function declaredDevices({ metadata }: Node): ReadonlyMap<string, readonly Device[] | string> {
  return new Map(
    Object.entries(metadata.annotations ?? {})
      .filter(([name]) => name.startsWith(DEVICES_ANNOTATION_PREFIX))
      .map(([name, value]) => [name.slice(DEVICES_ANNOTATION_PREFIX.length), parseDevices(value)]),
  );
}

/** `4`, or `4,model=a100,memory=40Gi`: how many, and what each of them is. Quantities with a suffix are capacities. */
export function parseDevices(text: string): readonly Device[] | string {
  const [number = '', ...properties] = text.split(',').map((part) => part.trim());
  const count = /^\d+$/.test(number) ? Number(number) : NaN;
  if (!(count <= DEVICES_MAX)) return `"${number}" is no number of devices from 0 to ${DEVICES_MAX}`;
  const attributes: Record<string, DeviceAttribute> = {};
  const capacity: Record<string, { value: string }> = {};
  for (const property of properties) {
    const [, name, value] = /^([A-Za-z_]\w{0,31})=(.{1,64})$/.exec(property) ?? [];
    if (name === undefined || value === undefined) return `"${property}" is not of the form name=value`;
    const quantity = /\d[A-Za-z]{1,2}$/.test(value) ? tryParseQuantity(value) : undefined;
    if (quantity === undefined) attributes[name] = attributeOf(value);
    else capacity[name] = { value: formatQuantity(quantity) };
  }
  return Array.from({ length: count }, (_, index) => ({
    name: `device-${index}`,
    attributes: { ...attributes, index: { int: index } },
    ...(Object.keys(capacity).length === 0 ? {} : { capacity }),
  }));
}

function attributeOf(value: string): DeviceAttribute {
  if (value === 'true' || value === 'false') return { bool: value === 'true' };
  if (/^-?\d{1,15}$/.test(value)) return { int: Number(value) };
  return parseSemver(value) === undefined ? { string: value } : { version: value };
}
