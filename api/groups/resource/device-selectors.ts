/** Expressions that choose devices. Mirrors dynamic-resource-allocation cel/compile.go. */
import type { CelEnvironment, CelProgram } from '../../machinery/cel/environment.ts';
import { CelEvaluationError } from '../../machinery/cel/environment.ts';
import { newCelEnvironment } from '../../machinery/cel/cel-js.ts';
import { goTypeName } from '../../machinery/cel/messages.ts';
import { CelQuantity, CelSemver, DefaultingMap, type CelMap } from '../../machinery/cel/values.ts';
import { parseQuantity } from '../../machinery/quantity.ts';
import { parseSemver } from '../../machinery/semver.ts';
import type { Device, DeviceAttribute } from '../../../openapi/generated/resource-v1.ts';

const DEVICE = 'kubernetes.DRADevice';
const COST_MAX = 1_000_000;
const PROGRAMS_MAX = 1024;

/** A compiled selector, or upstream's words for why it is none. */
export type DeviceSelectorProgram = { readonly program: CelProgram } | { readonly error: string };

let environment: CelEnvironment | undefined;
const programs = new Map<string, DeviceSelectorProgram>();

/** Made when first asked for: most clusters have no devices. */
function environmentOf(): CelEnvironment {
  environment ??= newCelEnvironment({
    types: {
      [DEVICE]: {
        driver: 'string',
        allowMultipleAllocations: 'bool',
        attributes: 'map<string, map<string, dyn>>',
        capacity: 'map<string, map<string, kubernetes.Quantity>>',
      },
    },
    variables: { device: DEVICE },
  });
  return environment;
}

export function compileDeviceSelector(expression: string): DeviceSelectorProgram {
  let compiled = programs.get(expression);
  if (compiled !== undefined) return compiled;
  compiled = compile(expression);
  if (programs.size >= PROGRAMS_MAX) programs.clear();
  programs.set(expression, compiled);
  return compiled;
}

function compile(expression: string): DeviceSelectorProgram {
  const compiled = environmentOf().compile(expression);
  if ('error' in compiled) return { error: `compilation failed: ${compiled.error}` };
  const { type, program } = compiled;
  if (type === 'bool' || type === 'dyn') return { program };
  const name = goTypeName(type, 'google.protobuf.Any');
  return { error: `must evaluate to bool or the unknown type, not ${name}` };
}

/** What expressions see of a device. It is made once for all expressions that are asked of the device. */
export function deviceActivation(driver: string, device: Device): { readonly device: unknown } {
  const attributes = byDomain(device.attributes, driver, attributeValue);
  const capacity = byDomain(device.capacity, driver, ({ value }) => new CelQuantity(parseQuantity(value)));
  const allowMultipleAllocations = device.allowMultipleAllocations === true;
  return {
    device: environmentOf().object(DEVICE, { driver, allowMultipleAllocations, attributes, capacity }),
  };
}

const EMPTY: CelMap = new Map();

/** Names without a domain are the driver's; a domain without names is an empty map. */
function byDomain<T>(
  values: Readonly<Record<string, T>> | undefined,
  driver: string,
  valueOf: (value: T) => unknown,
): CelMap {
  const domains = new Map<string, Map<string, unknown>>();
  for (const [name, value] of Object.entries(values ?? {})) {
    const slash = name.indexOf('/');
    const domain = slash === -1 ? driver : name.slice(0, slash);
    let names = domains.get(domain);
    if (names === undefined) domains.set(domain, (names = new Map()));
    names.set(name.slice(slash + 1), valueOf(value));
  }
  return new DefaultingMap(domains, EMPTY);
}

function attributeValue({ int, bool, string, version }: DeviceAttribute): unknown {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  const parsed = version === undefined ? undefined : parseSemver(version);
  if (parsed === undefined) throw new CelEvaluationError('unsupported attribute value');
  return new CelSemver(parsed);
}

/** Whether the device is one of those chosen. Throws {@link CelEvaluationError} with upstream's words. */
export function deviceMatches(
  { program }: { readonly program: CelProgram },
  activation: { readonly device: unknown },
): boolean {
  const value = program.evaluate(activation, COST_MAX);
  if (typeof value === 'boolean') return value;
  const type = typeof value === 'bigint' ? 'int' : typeof value;
  throw new CelEvaluationError(
    `CEL result of type ${type} could not be converted to bool: unsupported native conversion from ${type} to 'bool'`,
  );
}
