/** Equality of JSON data. */

/**
 * Whether two values are the same JSON: order of object keys does not matter, members that are `undefined` count as
 * absent. Objects in canonical form (quantities normal, empty lists dropped) compare as upstream's semantic equality.
 */
export function equalJSON(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalJSON(item, b[index]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let count = 0;
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue;
    if (!Object.hasOwn(right, key) || !equalJSON(left[key], right[key])) return false;
    count++;
  }
  for (const key of Object.keys(right)) {
    if (right[key] !== undefined) count--;
  }
  return count === 0;
}
