/**
 * Writes openapi/generated: the TypeScript types of every built-in kind, made by openapi-typescript from the facts, and
 * one module per group version with short names and resource tokens. `npm run generate`; CI checks that it changes nothing.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString, type SchemaObject } from 'openapi-typescript';
import resources from './facts/resources.json' with { type: 'json' };
import types from './facts/types.json' with { type: 'json' };
import type { ResourceFacts } from './facts/schema.ts';
import { typeSchemas } from './type-schemas.ts';

const FOLDER = join(import.meta.dirname, 'generated');
const HEADER = `/* Made by openapi/generate.ts from the facts of Kubernetes ${types.kubernetes}. Do not edit. */\n`;

const ast = await openapiTS(
  {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: types.kubernetes },
    paths: {},
    components: { schemas: typeSchemas(types) as Record<string, SchemaObject> },
  },
  { silent: true },
);
for (const name of readdirSync(FOLDER)) rmSync(join(FOLDER, name));
writeFileSync(join(FOLDER, 'schemas.ts'), HEADER + astToString(ast));

/** Definition names by module, for example `core-v1`: everything of one Go package. */
const modules = new Map<string, string[]>();
for (const name of Object.keys(types.types)) {
  const file = moduleName(types.types[name]!.package);
  if (file !== undefined) modules.set(file, [...(modules.get(file) ?? []), name]);
}
for (const [file, names] of modules) writeFileSync(join(FOLDER, `${file}.ts`), moduleText(file, names));

/** `k8s.io/api/core/v1` is `core-v1`; undefined for packages of scalars. */
function moduleName(packagePath: string): string | undefined {
  const match = /^k8s\.io\/(?:api|.*\/pkg\/apis|apimachinery\/pkg\/apis)\/([a-z]+)\/(v\w+)$/.exec(
    packagePath,
  );
  return match === null ? undefined : `${match[1]}-${match[2]}`;
}

function moduleText(file: string, names: readonly string[]): string {
  const lines = names.map((name) => `export type ${name.split('.').at(-1)} = Schemas['${name}'];`);
  const tokens = resources.groups.flatMap((group) =>
    group.resources.flatMap((resource) =>
      resource.versions
        .filter(({ type }) => moduleName(types.types[type]!.package) === file)
        .map(({ name }) => tokenText(group.name, name, resource)),
    ),
  );
  const imports = ["import type { components } from './schemas.ts';"];
  if (tokens.length > 0)
    imports.unshift("import type { ResourceType } from '../../api/machinery/client.ts';");
  return `${HEADER}${imports.join('\n')}\n\ntype Schemas = components['schemas'];\n\n${lines.join('\n')}\n${tokens.length > 0 ? '\n' : ''}${tokens.join('')}`;
}

function tokenText(group: string, version: string, { plural, kind, scope }: ResourceFacts): string {
  const namespaced = scope === 'Namespaced';
  return (
    `export const ${tokenName(kind, plural)}: ResourceType<${kind}> = ` +
    `{ group: '${group}', version: '${version}', resource: '${plural}', kind: '${kind}', namespaced: ${namespaced} };\n`
  );
}

/** `configmaps` of ConfigMap is `configMaps`: the kind in camel case with the plural's ending. */
function tokenName(kind: string, plural: string): string {
  const camel = kind.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase());
  let common = 0;
  while (common < camel.length && camel[common]!.toLowerCase() === plural[common]) common++;
  return camel.slice(0, common) + plural.slice(common);
}
