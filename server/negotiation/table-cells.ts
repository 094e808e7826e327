/** The cells of table rows, kept with what they show: from one write of an object to the next only its ages change. */
import type { TableContext, TableDefinition } from '../../api/definition.ts';
import { humanAge } from '../../api/machinery/human-duration.ts';
import { stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

/** JSON of the cells, and of the conditions if there are any, in two parts around the age of the object. */
interface KnownCells {
  readonly definition: TableDefinition;
  readonly creationTimestamp: string | undefined;
  readonly before: string;
  /** Absent: no cell depends on the time. */
  readonly after?: string;
}

const known = new WeakMap<object, KnownCells>();

/** Far enough ahead for every cell that depends on the time to be another one. */
const LATER_MS = 1000 * 86_400_000;

/**
 * Members `cells` and `conditions` of a row, as JSON. `item` stands for one state of one object for good; the object is asked for
 * when the cells are not known, or depend on the time in another way than by the age of the object.
 */
export function formatCells(
  item: object,
  definition: TableDefinition,
  context: TableContext,
  object: () => UnknownObject,
): string {
  const cells = known.get(item);
  if (cells?.definition === definition) {
    const { before, after, creationTimestamp } = cells;
    return after === undefined
      ? before
      : `${before}${JSON.stringify(humanAge(creationTimestamp, context.nowMs))}${after}`;
  }
  return formatAndKeep(item, definition, context, object());
}

function formatAndKeep(
  item: object,
  definition: TableDefinition,
  context: TableContext,
  object: UnknownObject,
): string {
  const now = definition.cells(object, context);
  const later = definition.cells(object, { nowMs: context.nowMs + LATER_MS });
  const texts = now.map((cell) => stringifyJSON(cell));
  const conditions = definition.conditions?.(object) ?? [];
  const end = conditions.length === 0 ? ']' : `],"conditions":${stringifyJSON(conditions)}`;
  const changing = now.flatMap((cell, index) => (cell === later[index] ? [] : [index]));
  const { creationTimestamp } = object.metadata;
  const [age] = changing;
  if (age === undefined) {
    known.set(item, { definition, creationTimestamp, before: `"cells":[${texts.join(',')}${end}` });
  } else if (changing.length === 1 && now[age] === humanAge(creationTimestamp, context.nowMs)) {
    const before = `"cells":[${texts
      .slice(0, age)
      .map((text) => `${text},`)
      .join('')}`;
    const after = `${texts
      .slice(age + 1)
      .map((text) => `,${text}`)
      .join('')}${end}`;
    known.set(item, { definition, creationTimestamp, before, after });
  }
  return `"cells":[${texts.join(',')}${end}`;
}
