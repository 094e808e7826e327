/** Reads a KubeSchedulerConfiguration as strictly as kube-scheduler does. Mirrors cmd/kube-scheduler options/configfile.go. */
import { decodeObject } from '../../../api/machinery/codec.ts';
import { compareText, goQuote } from '../../../api/machinery/go-format.ts';
import type { StructSchema } from '../../../api/machinery/schema.ts';
import { ARGUMENT_SCHEMAS, CONFIGURATION_SCHEMA } from './schema.ts';
import type { PluginConfiguration, SchedulerConfiguration } from './types.ts';

const GROUP = 'kubescheduler.config.k8s.io';
const API_VERSION = `${GROUP}/v1`;
const KIND = 'KubeSchedulerConfiguration';

/** Throws upstream's error when it is no such configuration or has members that do not exist. */
export function decodeConfiguration(value: unknown, duplicates?: string): SchedulerConfiguration {
  const { kind = '', apiVersion = '' } = typeOf(value);
  if (kind === '') throw new Error(`Object 'Kind' is missing in '${JSON.stringify(value ?? '')}'`);
  if (apiVersion !== API_VERSION || kind !== KIND) throw notRegistered(kind, apiVersion);
  const findings = duplicates === undefined ? [] : [duplicates];
  const { object, unknownFields } = decodeObject(CONFIGURATION_SCHEMA, value);
  findings.push(...unknown(unknownFields));
  const configuration = object as unknown as SchedulerConfiguration;
  const nested: string[] = [];
  const profiles = configuration.profiles?.map((profile, i) => ({
    ...profile,
    pluginConfig: (profile.pluginConfig ?? []).map((each, j) => {
      const where = `decoding .profiles[${i}].pluginConfig[${j}]`;
      const decoded = decodeArguments(each, where);
      if (decoded.unknown.length > 0) {
        const inner = `decoding args for plugin ${each.name}: strict decoding error: ${decoded.unknown.join(', ')}`;
        nested.push(`${where}: strict decoding error: ${inner}`);
      }
      return { name: each.name, args: decoded.args };
    }),
  }));
  findings.push(...nested);
  if (findings.length > 0) throw new Error(`strict decoding error: ${findings.join(', ')}`);
  return { ...configuration, ...(profiles === undefined ? {} : { profiles }) };
}

const TYPE_META = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;

function typeOf(value: unknown): { readonly kind?: string; readonly apiVersion?: string } {
  if (typeof value === 'object') return value ?? {};
  const type = typeof value === 'boolean' ? 'bool' : typeof value;
  throw new Error(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go value of type ${TYPE_META}`,
  );
}

function notRegistered(kind: string, apiVersion: string): Error {
  return new Error(
    `no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
  );
}

function unknown(fields: readonly string[]): string[] {
  return fields.toSorted(compareText).map((each) => `unknown field ${goQuote(each)}`);
}

/** Arguments of plugins that are not known are taken as they are: the plugin will be missed when it is to run. */
function decodeArguments(
  { name, args = {} }: PluginConfiguration,
  where: string,
): { readonly args: object; readonly unknown: readonly string[] } {
  const schema = ARGUMENT_SCHEMAS.get(name);
  if (schema === undefined) return { args, unknown: [] };
  const { kind = `${name}Args`, apiVersion = API_VERSION } = typeOf(args);
  const isKnown =
    apiVersion === API_VERSION && [...ARGUMENT_SCHEMAS.keys(), ''].some((each) => kind === `${each}Args`);
  if (!isKnown)
    throw new Error(`${where}: decoding args for plugin ${name}: ${notRegistered(kind, apiVersion).message}`);
  if (kind !== `${name}Args`)
    throw new Error(
      `${where}: args for plugin ${name} were not of type ${name}Args.${GROUP}, got ${kind}.${GROUP}`,
    );
  return decodeStruct(schema, args, `${where}: decoding args for plugin ${name}`);
}

function decodeStruct(
  schema: StructSchema,
  value: object,
  where: string,
): { readonly args: object; readonly unknown: readonly string[] } {
  try {
    const { object, unknownFields } = decodeObject(schema, value);
    const { kind: _kind, apiVersion: _apiVersion, ...args } = object;
    return { args, unknown: unknown(unknownFields) };
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
}
