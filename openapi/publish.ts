/**
 * OpenAPI documents made from definitions and schemas: version 3 per group version, and version 2 over all. Built-in and
 * custom kinds alike; descriptions are added where they are at hand.
 */
import type { DefinitionSet } from '../api/definition-set.ts';
import type { ResourceDefinition, VersionDefinition } from '../api/definition.ts';
import type { GroupVersionKind } from '../api/machinery/gvk.ts';
import { operationOf, parametersOf, type Operation } from './publish-operations.ts';
import { SchemaWriter } from './publish-schemas.ts';

/** Prose by definition name: of the type, and of its fields. */
export type Descriptions = Readonly<
  Record<string, { readonly description?: string; readonly fields?: Readonly<Record<string, string>> }>
>;

interface PathItem {
  parameters?: object[];
  [method: string]: unknown;
}

/** OpenAPI 3.0 documents by path (`api/v1`, `apis/apps/v1`). */
export function publishV3(definitions: DefinitionSet, descriptions: Descriptions): Map<string, object> {
  const documents = new Map<string, object>();
  for (const { name: group, versions, definitions: all } of definitions.groups()) {
    for (const version of versions) {
      const writer = new SchemaWriter('#/components/schemas/', descriptions, 3);
      const served = all.filter((definition) => definition.versions.some(({ name }) => name === version));
      const paths = pathsOf(served, version, writer, 3);
      documents.set(group === '' ? `api/${version}` : `apis/${group}/${version}`, {
        openapi: '3.0.0',
        info: { title: 'Kubernetes', version: 'unversioned' },
        paths,
        components: {
          schemas: writer.definitions(),
          securitySchemes: {
            BearerToken: {
              type: 'apiKey',
              description: 'Bearer Token authentication',
              name: 'authorization',
              in: 'header',
            },
          },
        },
      });
    }
  }
  return documents;
}

/** The OpenAPI 2.0 document. */
export function publishV2(definitions: DefinitionSet, descriptions: Descriptions): object {
  const writer = new SchemaWriter('#/definitions/', descriptions, 2);
  const paths: Record<string, PathItem> = {};
  for (const { versions, definitions: all } of definitions.groups()) {
    for (const version of versions) {
      const served = all.filter((definition) => definition.versions.some(({ name }) => name === version));
      Object.assign(paths, pathsOf(served, version, writer, 2));
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths,
    definitions: writer.definitions(),
    securityDefinitions: {
      BearerToken: {
        description: 'Bearer Token authentication',
        type: 'apiKey',
        name: 'authorization',
        in: 'header',
      },
    },
    security: [{ BearerToken: [] }],
  };
}

function pathsOf(
  definitions: readonly ResourceDefinition[],
  version: string,
  writer: SchemaWriter,
  release: 2 | 3,
): Record<string, PathItem> {
  const paths: Record<string, PathItem> = {};
  for (const definition of definitions) {
    const served = definition.versions.find(({ name }) => name === version)!;
    addPaths(paths, definition, served, writer, release);
  }
  return paths;
}

const COLLECTION_VERBS = { list: 'get', create: 'post', deletecollection: 'delete' } as const;
const ITEM_VERBS = { get: 'get', update: 'put', patch: 'patch', delete: 'delete' } as const;
const SUBRESOURCE_VERBS = { ...ITEM_VERBS, create: 'post' } as const;

function addPaths(
  paths: Record<string, PathItem>,
  definition: ResourceDefinition,
  version: VersionDefinition,
  writer: SchemaWriter,
  release: 2 | 3,
): void {
  const { group, names, namespaced, verbs } = definition;
  const root = group === '' ? `/api/${version.name}` : `/apis/${group}/${version.name}`;
  const base = namespaced ? `${root}/namespaces/{namespace}/${names.plural}` : `${root}/${names.plural}`;
  const gvk = { group, version: version.name, kind: names.kind };
  const body = writer.struct(version.schema, gvk);
  const list = verbs.includes('list')
    ? writer.list(version.schema, names.listKind, { ...gvk, kind: names.listKind })
    : undefined;
  const add = (
    path: string,
    parameters: readonly string[],
    methods: Readonly<Record<string, string>>,
    of: readonly string[],
    extra: Partial<Operation>,
  ): void => {
    const item: PathItem = {};
    for (const [verb, method] of Object.entries(methods)) {
      if (!of.includes(verb)) continue;
      item[method] = operationOf(
        {
          definition,
          version: version.name,
          verb,
          gvk,
          body,
          list,
          namespaced: parameters.includes('namespace'),
          ...extra,
        },
        release,
      );
    }
    if (Object.keys(item).length === 0) return;
    item.parameters = parametersOf(parameters, release);
    paths[path] = item;
  };
  const scope = namespaced ? ['namespace'] : [];
  add(base, scope, COLLECTION_VERBS, verbs, {});
  add(`${base}/{name}`, [...scope, 'name'], ITEM_VERBS, verbs, {});
  if (namespaced) add(`${root}/${names.plural}`, [], { list: 'get' }, verbs, { acrossNamespaces: true });
  for (const subresource of definition.subresources) {
    const kind: GroupVersionKind = subresource.kind ?? gvk;
    const schema = subresource.schema === undefined ? body : writer.struct(subresource.schema, kind);
    add(`${base}/{name}/${subresource.name}`, [...scope, 'name'], SUBRESOURCE_VERBS, subresource.verbs, {
      subresource: subresource.name,
      gvk: kind,
      body: schema,
    });
  }
}
