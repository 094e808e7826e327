/** What strict field validation finds in a body, in the order of the body, as upstream reports it. */
import { goQuote } from '../../api/machinery/go-format.ts';
import { formatPath } from '../../api/machinery/json.ts';

/**
 * Texts for unknown and duplicate fields. `value` is the parsed body, `duplicates` the paths of keys that stood twice, or
 * the one text of the YAML reader. A field that is unknown is not told to be a duplicate as well.
 */
export function strictFindings(
  value: unknown,
  unknownFields: readonly string[],
  duplicates: readonly string[] | string,
): string[] {
  if (unknownFields.length === 0 && duplicates.length === 0) return [];
  const twice = typeof duplicates === 'string' ? [] : duplicates;
  const unknown = new Set(unknownFields);
  const isInsideUnknown = (path: string): boolean =>
    unknownFields.some(
      (field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`),
    );
  const texts = new Map<string, string>();
  for (const field of unknown) texts.set(field, `unknown field ${goQuote(field)}`);
  for (const field of new Set(twice)) {
    if (!isInsideUnknown(field)) texts.set(field, `duplicate field ${goQuote(field)}`);
  }
  const order = pathsInOrder(value, texts);
  const fromYAML = typeof duplicates === 'string' ? [duplicates] : [];
  return [...fromYAML, ...order.map((path) => texts.get(path)!)];
}

/** The wanted paths in the order in which they stand in the value; those that are not found come last. */
function pathsInOrder(value: unknown, wanted: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  const path: (string | number)[] = [];
  const walk = (member: unknown): void => {
    if (typeof member !== 'object' || member === null) return;
    const keys: Iterable<string | number> = Array.isArray(member) ? member.keys() : Object.keys(member);
    for (const key of keys) {
      path.push(key);
      const text = formatPath(path);
      if (wanted.has(text)) found.add(text);
      walk((member as Record<string | number, unknown>)[key]);
      path.pop();
    }
  };
  walk(value);
  return [...found, ...[...wanted.keys()].filter((text) => !found.has(text))];
}
