import { sortedKeys } from '../../api/machinery/json.ts';

/** JSON text with the keys of every object sorted: the same for equal values. Members that are undefined are left out. */
export function sortedJSON(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(sortedJSON).join(',')}]`;
  const object = value as Record<string, unknown>;
  const members = sortedKeys(object).filter((key) => object[key] !== undefined);
  return `{${members.map((key) => `${JSON.stringify(key)}:${sortedJSON(object[key])}`).join(',')}}`;
}
