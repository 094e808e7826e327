/** Tables and PartialObjectMetadata: the forms of objects that `kubectl get` and metadata clients ask for. */
import type { TableContext, TableDefinition } from '../../api/definition.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { ResultObject } from '../registry/interface.ts';
import type { Transform } from './accept.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** The `includeObject` parameter. Throws 400 on a value upstream does not know. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw newBadRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${goQuote(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** The metadata of an object as an object of its own. */
export function partialMetadata(object: UnknownObject, version: Transform['version']): UnknownObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

export interface TableRequest {
  readonly definition: TableDefinition;
  readonly version: Transform['version'];
  readonly include: IncludeObject;
  readonly context: TableContext;
  /** Later events of a watch leave the columns out. */
  readonly withColumns: boolean;
}

/** Compact JSON of a table; `metadata` is that of the list, or of the one object. */
export function formatTable(
  request: TableRequest,
  metadata: object,
  items: readonly Pick<ResultObject, 'bytes' | 'object'>[],
): string {
  const columns = request.withColumns ? formatColumns(request.definition) : 'null';
  const rows = items.map((item) => formatRow(request, item)).join(',');
  return (
    `{"kind":"Table","apiVersion":"meta.k8s.io/${request.version}","metadata":${stringifyJSON(metadata)},` +
    `"columnDefinitions":${columns},"rows":[${rows}]}`
  );
}

const formattedColumns = new WeakMap<TableDefinition, string>();

function formatColumns(definition: TableDefinition): string {
  let text = formattedColumns.get(definition);
  if (text === undefined) {
    text = stringifyJSON(
      definition.columns.map(({ name, type, format = '', description, priority }) => ({
        name,
        type,
        format,
        description,
        priority,
      })),
    );
    formattedColumns.set(definition, text);
  }
  return text;
}

function formatRow(request: TableRequest, item: Pick<ResultObject, 'bytes' | 'object'>): string {
  const { definition, context } = request;
  const cells = stringifyJSON(definition.cells(item.object, context));
  const conditions = definition.conditions?.(item.object) ?? [];
  const middle = conditions.length === 0 ? '' : `,"conditions":${stringifyJSON(conditions)}`;
  return `{"cells":${cells}${middle},"object":${formatRowObject(request, item)}}`;
}

function formatRowObject(
  { include, version }: TableRequest,
  item: Pick<ResultObject, 'bytes' | 'object'>,
): string {
  if (include === 'None') return 'null';
  return include === 'Object'
    ? item.bytes.toString('utf8')
    : stringifyJSON(partialMetadata(item.object, version));
}
