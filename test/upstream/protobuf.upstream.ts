/** Every type in JSON and in protobuf, as the module k8s.io/api ships them to hold its own code against: one from the other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builtInDefinitions } from '../../api/groups/index.ts';
import { builtInSchema } from '../../api/machinery/built-in-schemas.ts';
import { canonicalize, encodeObject } from '../../api/machinery/codec.ts';
import { decodeProtobuf } from '../../api/machinery/protobuf/decode.ts';
import { encodeProtobuf } from '../../api/machinery/protobuf/encode.ts';
import { decodeEnvelope, encodeEnvelope } from '../../api/machinery/protobuf/envelope.ts';
import type { StructSchema } from '../../api/machinery/schema.ts';
import { given } from './programs.ts';

/** Groups of other modules. */
const ELSEWHERE = ['apiextensions.k8s.io', 'apiregistration.k8s.io'];
const folder = join(given('KUBEMU_UPSTREAM_API'), 'testdata', 'HEAD');
/** `group.version.Kind`. */
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.pb'))
  .map((name) => name.slice(0, -'.pb'.length));
const known = names.filter((name) => schemaOf(name) !== undefined);

/** Undefined for types that kubemu does not have: those of versions that are served no more. */
function schemaOf(name: string): StructSchema | undefined {
  const [version, kind] = name.split('.').slice(-2);
  const group = name.startsWith('internal.') ? 'apiserverinternal' : name.split('.')[0];
  try {
    return builtInSchema(`io.k8s.api.${group}.${version}.${kind}`);
  } catch {
    return undefined;
  }
}

it('every kind that is served is among them', () => {
  const served = builtInDefinitions()
    .filter(({ group }) => !ELSEWHERE.includes(group))
    .flatMap(({ group, names: { kind }, versions }) =>
      versions.map(({ name }) => `${group === '' ? 'core' : group}.${name}.${kind}`),
    );
  expect(served.filter((name) => !known.includes(name))).toEqual([]);
});

it.each(known)('%s', (name) => {
  const schema = schemaOf(name)!;
  const bytes = readFileSync(join(folder, `${name}.pb`));
  const json: unknown = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const object = canonicalize(schema, json);
  const { apiVersion, kind, raw } = decodeEnvelope(bytes);
  const decoded = canonicalize(schema, { apiVersion, kind, ...decodeProtobuf(schema, raw) });
  expect(encodeObject(decoded).toString()).toBe(encodeObject(object).toString());
  const encoded = encodeEnvelope({ apiVersion, kind }, encodeProtobuf(schema, object));
  expect(Buffer.from(encoded).equals(bytes)).toBe(true);
});
