/** Indented JSON for people. */

/** User agents that get indented JSON unless they say otherwise. */
const HUMAN_AGENT = /^(?:curl|Wget|Mozilla\/5\.0)/;

/** Whether the answer is indented: as `pretty` says, else for browsers and curl. */
export function wantsPretty(query: URLSearchParams, userAgent: string | null): boolean {
  const pretty = query.get('pretty');
  if (pretty !== null && pretty !== '') return /^(?:1|t|T|TRUE|true|True)$/.test(pretty);
  return userAgent !== null && HUMAN_AGENT.test(userAgent);
}

/** Compact JSON with two-space indentation, as Go's MarshalIndent writes it. The text of values is not touched. */
export function indentJSON(compact: string): string {
  let out = '';
  let depth = 0;
  let at = 0;
  const newline = (): string => `\n${'  '.repeat(depth)}`;
  while (at < compact.length) {
    const character = compact[at]!;
    if (character === '"') {
      const end = endOfString(compact, at);
      out += compact.slice(at, end);
      at = end;
      continue;
    }
    at++;
    if (character === '{' || character === '[') {
      if (compact[at] === '}' || compact[at] === ']') {
        out += character + compact[at]!;
        at++;
      } else {
        depth++;
        out += character + newline();
      }
    } else if (character === '}' || character === ']') {
      depth--;
      out += newline() + character;
    } else if (character === ',') out += character + newline();
    else if (character === ':') out += ': ';
    else out += character;
  }
  return out;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"' || at >= text.length) return at + 1;
  }
}
