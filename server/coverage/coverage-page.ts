/** docs/reference/coverage.md, from the definitions and from what the routes say. */
import type { ResourceDefinition, SubresourceDefinition } from '../../api/definition.ts';
import { formatGroupVersion } from '../../api/machinery/gvk.ts';
import { PATCH_CONTENT_TYPES } from '../registry/patching.ts';
import { PROTOBUF_TYPE } from '../negotiation/accept.ts';
import { formOf } from '../negotiation/form.ts';
import { handlerOf } from '../routes.ts';
import { PARAMETERS } from './parameters.ts';

const HEAD = `# Coverage of the API

Made by \`npm run generate\` from the definitions; \`test/server/coverage.test.ts\` drives every cell against a server.

Bodies come in JSON and YAML, and in protobuf where the table says so; answers in the same, in watches as well (YAML aside).
Every kind that can be read is also to be had as PartialObjectMetadata. CBOR is refused with 415 and 406, as by a server
with that gate off. A subresource in ~~strikes~~ exists upstream and is refused here by name, with 501.

Patches: ${[...Object.keys(PATCH_CONTENT_TYPES), 'application/apply-patch+yaml'].map((type) => `\`${type}\``).join(', ')}.
`;

/** Whether a verb of a subresource is answered; others get a 501 that names it. */
export function isServed(
  definition: ResourceDefinition,
  subresource: SubresourceDefinition,
  verb: string,
): boolean {
  return handlerOf(definition, subresource, verb, { createVirtual: NEVER }) !== undefined;
}

const NEVER = (): never => {
  throw new Error('only looked at, never called');
};

export function formatCoverage(definitions: readonly ResourceDefinition[]): string {
  const kinds = [
    [
      'Kind',
      'Resource',
      'Versions',
      'Scope',
      'Verbs',
      'Subresources',
      'Protobuf',
      'Table',
      'Field selectors',
    ],
    ...definitions.map(kindRow),
  ];
  const parameters = [
    ['Parameter', 'Verbs', 'Values', 'Refused'],
    ...PARAMETERS.map(({ name, verbs, values, refused }) => [
      `\`${name}\``,
      verbs.join(', '),
      values,
      refused === undefined ? '' : String(refused.code),
    ]),
  ];
  return `${HEAD}\n## Kinds\n\n${formatTable(kinds)}\n\n## Parameters\n\n${formatTable(parameters)}\n`;
}

function kindRow(definition: ResourceDefinition): string[] {
  const { group, names, versions, namespaced, verbs, subresources, behaviour } = definition;
  const form = formOf(definition, versions[0]!);
  return [
    names.kind,
    `\`${names.plural}\``,
    versions.map(({ name }) => formatGroupVersion(group, name)).join(', '),
    namespaced ? 'namespace' : 'cluster',
    verbs.join(', '),
    subresources.map((subresource) => formatSubresource(definition, subresource)).join('; '),
    form.offer.types.includes(PROTOBUF_TYPE) ? 'yes' : 'no',
    form.table === undefined ? 'no' : String(form.table.columns.length),
    Object.keys(behaviour.fieldSelectors ?? {}).join(', '),
  ];
}

function formatSubresource(definition: ResourceDefinition, subresource: SubresourceDefinition): string {
  const { name, verbs } = subresource;
  const served = verbs.filter((verb) => isServed(definition, subresource, verb));
  return served.length === 0 ? `~~${name}~~` : `${name} (${served.join(', ')})`;
}

/** Columns are as wide as their widest cell, as the formatter of the repository leaves them. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
