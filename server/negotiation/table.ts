/** Tables and PartialObjectMetadata: the forms of objects that `kubectl get` and metadata clients ask for. */
import type { TableContext, TableDefinition } from '../../api/definition.ts';
import type { Clock } from '../../api/machinery/clock.ts';
import { newBadRequest } from '../../api/machinery/errors.ts';
import { goQuote } from '../../api/machinery/go-format.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import type { Exchange } from '../exchange.ts';
import type { ResultObject } from '../registry/interface.ts';
import { outlineOf, type Outline } from '../registry/outline.ts';
import type { Transform } from './accept.ts';
import type { ObjectForm } from './form.ts';
import { formatCells } from './table-cells.ts';

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

type RowItem = Pick<ResultObject, 'bytes' | 'object' | 'outline'>;

export interface TableRequest {
  readonly definition: TableDefinition;
  readonly version: Transform['version'];
  readonly include: IncludeObject;
  readonly context: TableContext;
  /** Later events of a watch leave the columns out. */
  readonly withColumns: boolean;
}

/** Of a whole table, of objects in this form, as the query asks for it. */
export function newTableRequest(
  { query }: Exchange,
  clock: Clock,
  form: ObjectForm,
  version: Transform['version'],
): TableRequest {
  return {
    definition: form.table!,
    version,
    include: includeObjectOf(query),
    context: { nowMs: clock.now() },
    withColumns: true,
  };
}

/** Compact JSON of a table; `metadata` is that of the list, or of the one object. */
export function formatTable(request: TableRequest, metadata: object, items: readonly RowItem[]): string {
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

function formatRow(request: TableRequest, item: RowItem): string {
  const outline = outlineOfItem(item);
  const cells = formatCells(item, request.definition, request.context, () => outline.object);
  return `{${cells},"object":${formatRowObject(request, item, outline)}}`;
}

function outlineOfItem(item: RowItem): Outline {
  return item.outline?.() ?? outlineOf(item.object);
}

function formatRowObject({ include, version }: TableRequest, item: RowItem, outline: Outline): string {
  if (include === 'None') return 'null';
  return include === 'Object' ? item.bytes.toString('utf8') : formatPartial(outline.metadata, version);
}

/** JSON of the metadata of an object as an object of its own. */
function formatPartial(metadata: string, version: Transform['version']): string {
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}}`;
}

/** Compact JSON of a list of metadata; `metadata` is that of the list. */
export function formatPartialList(
  version: Transform['version'],
  metadata: object,
  items: readonly RowItem[],
): string {
  const partials = items.map((item) => formatPartial(outlineOfItem(item).metadata, version)).join(',');
  return (
    `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}",` +
    `"metadata":${stringifyJSON(metadata)},"items":[${partials}]}`
  );
}
