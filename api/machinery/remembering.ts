/** Answers kept by one function; when there are more, all are forgotten. */
const REMEMBERED_MAX = 4096;
/** Characters of a text; longer ones do not recur and would fill memory. */
const REMEMBERED_LENGTH_MAX = 256;

/**
 * `make`, which must be pure and not answer undefined, without making again what it made lately. For what recurs in object after
 * object, such as times and quantities.
 */
export function remembering<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (typeof key === 'string' && key.length > REMEMBERED_LENGTH_MAX) return make(key);
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(key, value);
    }
    return value;
  };
}
