/** Errors of compiling, in cel-go's words and marks. */

/** What an engine found wrong, and where: an offset into the expression. */
export interface CompileProblem {
  readonly message: string;
  readonly offset: number;
}

const EXPECTED =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

export const UNEXPECTED_END = `Syntax error: mismatched input '<EOF>' expecting ${EXPECTED}`;

/** The line of the place, a mark under it, and where that is: lines and columns count from 1. */
export function describeProblem(expression: string, { message, offset }: CompileProblem): string {
  const before = expression.slice(0, offset);
  const lines = before.split('\n');
  const column = lines.at(-1)!.length;
  const line = expression.split('\n')[lines.length - 1]!;
  return `ERROR: <input>:${lines.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

/** A type as messages name it: `map<string, dyn>` is `map(string, any)`. */
export function goTypeName(type: string, any = 'any'): string {
  return type
    .replaceAll(/\bdyn\b/g, any)
    .replaceAll('<', '(')
    .replaceAll('>', ')')
    .replaceAll(/^null$/g, 'null_type');
}
