/** Building blocks of tables: columns and cells that many kinds share. */
import type { TableColumn, TableContext, TableDefinition } from '../../definition.ts';
import { humanAge } from '../../machinery/human-duration.ts';
import type { KubeObject } from '../../machinery/object-meta.ts';

/** A column that is always shown. */
export function column(name: string, description: string, type: TableColumn['type'] = 'string'): TableColumn {
  return { name, type, description, priority: 0 };
}

/** A column that only `-o wide` shows. */
export function wide(name: string, description: string): TableColumn {
  return { ...column(name, description), priority: 1 };
}

export const NAME: TableColumn = {
  ...column('Name', 'Name of the object, unique among its kind in its namespace.'),
  format: 'name',
};

export const AGE: TableColumn = column('Age', 'Time since the object was created.');

export const CREATED_AT: TableColumn = column('Created At', 'Time the object was created.', 'date');

/** The last columns of kinds with a pod template, for `-o wide`. */
export const TEMPLATE_COLUMNS: readonly TableColumn[] = [
  wide('Containers', 'Names of the containers in the template.'),
  wide('Images', 'Images of the containers in the template.'),
];

export const SELECTOR: TableColumn = wide('Selector', 'Labels that select the pods.');

export function nameOf(object: KubeObject): string {
  return object.metadata.name ?? '';
}

export function ageOf(object: KubeObject, { nowMs }: TableContext): string {
  return humanAge(object.metadata.creationTimestamp, nowMs);
}

/** Names and images of containers, each joined by commas. */
export function containerCells(
  containers: readonly { readonly name: string; readonly image?: string }[] | undefined,
): [string, string] {
  const list = containers ?? [];
  return [list.map((item) => item.name).join(','), list.map((item) => item.image ?? '').join(',')];
}

/** The first items joined by commas, and how many more there are; `<unset>` without any. */
export function listWithMore(items: readonly string[], max: number): string {
  if (items.length === 0) return '<unset>';
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** Gives a table written for a precise type the general type that definitions hold. */
export function defineTable<T extends KubeObject>(table: TableDefinition<T>): TableDefinition {
  return table as unknown as TableDefinition;
}
