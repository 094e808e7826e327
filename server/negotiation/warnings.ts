/** Warning headers. Mirrors apiserver endpoints/filters/warning.go: limits, and what is cut once they are passed. */

const TOTAL_RUNES_MAX = 4096;
const TRUNCATED_RUNES_MAX = 256;

/** The value of the Warning header for the texts, each once; undefined without any. */
export function warningHeader(texts: readonly string[]): string | undefined {
  if (texts.length === 0) return undefined;
  const usable = [...new Set(texts)].filter((text) => text !== '' && !/[\p{Cc}]/u.test(text));
  if (usable.length === 0) return undefined;
  const total = usable.reduce((sum, text) => sum + Array.from(text).length, 0);
  return (total > TOTAL_RUNES_MAX ? truncated(usable) : usable)
    .map((text) => `299 - ${quoted(text)}`)
    .join(', ');
}

function truncated(texts: readonly string[]): string[] {
  const kept: string[] = [];
  let written = 0;
  for (const text of texts) {
    if (written >= TOTAL_RUNES_MAX) break;
    const runes = Array.from(text).slice(0, TRUNCATED_RUNES_MAX);
    written += runes.length;
    kept.push(runes.join(''));
  }
  return kept;
}

/** A quoted-string; header values are Latin-1 on the wire, so other text goes out as its UTF-8 bytes. */
function quoted(text: string): string {
  const escaped = `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return Buffer.from(escaped, 'utf8').toString('latin1');
}
