/**
 * Writes templates.json: pod templates with the hashes that Kubernetes has for them.
 * `node --import tsx test/golden/hashes/record.ts`, once per release; needs Go.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtInSchema } from '../../../api/machinery/built-in-schemas.ts';
import { canonicalize } from '../../../api/machinery/codec.ts';
import { randomInt, SeededRandom } from '../../../api/machinery/random.ts';
import shape from '../../../openapi/facts/template-shape.json' with { type: 'json' };
import { QUANTITIES, TEMPLATES, type HashCase, type TemplateCase } from './templates.ts';

const RANDOM_TEMPLATES = 40;
const DEPTH_MAX = 8;

const random = new SeededRandom('template hashes');
const chance = (share: number): boolean => randomInt(random, 1_000) < share * 1_000;
const pick = <T>(values: readonly T[]): T => values[randomInt(random, values.length)]!;

/** A value of a Go type, undefined for none. */
function invent(type: string, depth: number): unknown {
  if (type.startsWith('*')) return invent(type.slice(1), depth);
  if (type.startsWith('[]')) return several(depth, () => invent(type.slice(2), depth));
  if (type.startsWith('map[')) {
    const element = type.slice(type.indexOf(']') + 1);
    const keys = several(depth, () => pick(['app', 'é', 'a.b/c', 'Z', 'cpu', 'memory'])) as string[];
    return Object.fromEntries(keys.map((key) => [key, invent(element, depth)]));
  }
  if (type === 'string') return pick(['web', '', 'a b', 'ü<&>', '10']);
  if (type === 'bool') return chance(0.5);
  if (/^int\d+$/.test(type)) return pick([0, 1, 30, -1, 8080]);
  if (type === 'intstr.IntOrString') return pick([0, 80, 'http', '25%']);
  if (type === 'resource.Quantity') return pick(QUANTITIES);
  const known = shape.types[type];
  if (known === undefined) return undefined;
  return typeof known === 'string' ? invent(known, depth) : struct(type, depth);
}

function struct(type: string, depth: number): object {
  const members: Record<string, unknown> = {};
  for (const [, fieldType, json] of shape.types[type] as readonly (readonly [string, string, string])[]) {
    if (json === '') Object.assign(members, struct(fieldType, depth));
    else if (depth < DEPTH_MAX && chance(depth < 2 ? 0.6 : 0.3)) members[json] = invent(fieldType, depth + 1);
  }
  return members;
}

function several(depth: number, make: () => unknown): unknown[] {
  return Array.from({ length: randomInt(random, depth < 4 ? 3 : 2) }, make);
}

const schema = builtInSchema('io.k8s.api.core.v1.PodTemplateSpec');
const cases: TemplateCase[] = [...TEMPLATES];
for (let i = 1; i <= RANDOM_TEMPLATES; i++) {
  const template = canonicalize(schema, JSON.parse(JSON.stringify(struct('v1.PodTemplateSpec', 0))));
  cases.push({ name: `random ${i}`, template, ...(chance(0.3) ? { collisionCount: randomInt(random, 300) } : {}) });
}
const output = execFileSync('go', ['run', './template-hashes'], {
  cwd: join(import.meta.dirname, '..', '..', 'upstream'),
  input: JSON.stringify(cases.map(({ template, collisionCount }) => ({ template, collisionCount }))),
  stdio: ['pipe', 'pipe', 'inherit'],
});
const hashes = JSON.parse(output.toString()) as string[];
const recorded = cases.map((one, i): HashCase => ({ ...one, hash: hashes[i]! }));
writeFileSync(
  join(import.meta.dirname, 'templates.json'),
  `[\n${recorded.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`,
);
