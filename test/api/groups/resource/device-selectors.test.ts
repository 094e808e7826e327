import { describe, expect, it } from 'vitest';
import { CelEvaluationError } from '../../../../api/machinery/cel/environment.ts';
import {
  compileDeviceSelector,
  deviceActivation,
  deviceMatches,
} from '../../../../api/groups/resource/device-selectors.ts';

const GPU = 'gpu.example.com';
const device = deviceActivation(GPU, {
  name: 'gpu-0',
  attributes: {
    model: { string: 'a100' },
    index: { int: 3 },
    healthy: { bool: true },
    driverVersion: { version: '1.2.3' },
    'other.org/name': { string: 'x' },
  },
  capacity: { memory: { value: '80Gi' } },
});
const A = `device.attributes["${GPU}"]`;
const C = `device.capacity["${GPU}"]`;

function ask(expression: string): boolean {
  const compiled = compileDeviceSelector(expression);
  if ('error' in compiled) throw new Error(compiled.error);
  return deviceMatches(compiled, device);
}

// What kube-scheduler's own compiler says of the same device.
describe('a device is chosen by', () => {
  it.each([
    [`device.driver == "${GPU}"`, true],
    [`${A}.model == "a100"`, true],
    [`${A}["index"] > 2`, true],
    [`${A}.index == "3"`, false],
    [`${A}.healthy`, true],
    [`device.attributes["other.org"].name == "x"`, true],
    ['"none" in device.attributes', false],
    [`"${GPU}" in device.attributes && "model" in ${A}`, true],
    ['has(device.attributes["none"].missing)', false],
    [`has(${A}.model)`, true],
    [`${A}.?missing.orValue("z") == "z"`, true],
    [`${C}.memory.isGreaterThan(quantity("40Gi"))`, true],
    [`${C}.memory.compareTo(quantity("80Gi")) == 0`, true],
    [`${A}.driverVersion.isGreaterThan(semver("1.0.0"))`, true],
    [`semver("1.2.3") == ${A}.driverVersion`, true],
    [`cel.bind(gpu, ${A}, gpu.healthy && gpu.index == 3)`, true],
    ['device.allowMultipleAllocations', false],
    [`device.attributes.exists(domain, domain == "${GPU}")`, true],
    [`${A}.model in ["a100", "h100"] && ${A}.model.lowerAscii().startsWith("a")`, true],
  ])('%s: %s', (expression, chosen) => {
    expect(ask(expression)).toBe(chosen);
  });
});

describe('an expression fails on a device when', () => {
  it.each([
    ['an attribute is absent', `${A}.missing == 3`, 'no such key: missing'],
    ['a whole domain is absent', 'device.attributes["none"].missing == 3', 'no such key: missing'],
    ['types do not fit', `${A}.index.startsWith("a")`, 'no such overload'],
    [
      'it gives no bool',
      `${A}.model`,
      "CEL result of type string could not be converted to bool: unsupported native conversion from string to 'bool'",
    ],
  ])('%s', (_when, expression, message) => {
    expect(() => ask(expression)).toThrow(new CelEvaluationError(message));
  });
});

describe('an expression is refused when', () => {
  it.each([
    ['it is no bool', '1', 'must evaluate to bool or the unknown type, not int'],
    [
      'it is a map',
      'device.attributes',
      'must evaluate to bool or the unknown type, not map(string, map(string, google.protobuf.Any))',
    ],
    [
      'it asks for a field that devices do not have',
      'device.foo',
      "compilation failed: ERROR: <input>:1:7: undefined field 'foo'\n | device.foo\n | ......^",
    ],
    [
      'it asks whether there is such a field',
      'has(device.foo)',
      "compilation failed: ERROR: <input>:1:4: undefined field 'foo'\n | has(device.foo)\n | ...^",
    ],
    [
      'a key has the wrong type',
      'device.attributes[1].a == 1',
      "compilation failed: ERROR: <input>:1:18: found no matching overload for '_[_]' applied to '(map(string, map(string, any)), int)'\n | device.attributes[1].a == 1\n | .................^",
    ],
    [
      'it ends too soon',
      'device.driver ==',
      "compilation failed: ERROR: <input>:1:17: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | device.driver ==\n | ................^",
    ],
  ])('%s', (_when, expression, error) => {
    expect(compileDeviceSelector(expression)).toEqual({ error });
  });
});
