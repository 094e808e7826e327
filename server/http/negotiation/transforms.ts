/** Other views of objects: tables, and metadata only. */
import type { ResourceDefinition, TableColumn, TableDefinition } from '../../../api/definition.ts';
import { defaultTable } from '../../../api/groups/printing/index.ts';
import { newInvalid } from '../../../api/machinery/errors.ts';
import type { UnknownObject } from '../../../api/machinery/object-meta.ts';
import { invalid } from '../../../api/machinery/validation.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Reads `includeObject`. Throws 422 on another value. */
export function parseIncludeObject(text: string | null): IncludeObject {
  if (text === null || text === '') return 'Metadata';
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text;
  throw newInvalid('meta.k8s.io', 'TableOptions', '', [invalid('includeObject', text, 'must be one of None, Metadata, Object')]);
}

export interface TableRow {
  cells: (string | number | boolean | null)[];
  conditions?: { type: string; status: string; reason: string; message: string }[];
  object: unknown;
}

export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: Record<string, unknown>;
  columnDefinitions: { name: string; type: string; format: string; description: string; priority: number }[];
  rows: TableRow[];
}

export function tableOf(definition: ResourceDefinition): TableDefinition {
  return definition.behaviour.table ?? defaultTable;
}

export function newTable(table: TableDefinition, metadata: Record<string, unknown>, rows: TableRow[]): Table {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: table.columns.map(columnOf), rows };
}

function columnOf({ name, type, format = '', description, priority }: TableColumn): Table['columnDefinitions'][number] {
  return { name, type, format, description, priority };
}

export function tableRow(table: TableDefinition, object: UnknownObject, include: IncludeObject, nowMs: number): TableRow {
  const conditions = table.conditions?.(object) ?? [];
  return {
    cells: table.cells(object, { nowMs }),
    ...(conditions.length === 0 ? {} : { conditions }),
    object: include === 'None' ? null : include === 'Object' ? object : partialMetadata(object),
  };
}

/** The object's metadata, as a kind of its own. */
export function partialMetadata({ metadata }: UnknownObject): UnknownObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
