/** Paths to fields as error messages name them: `spec.containers[0].env[KEY]`. */

/** An immutable path; every method returns a longer one. */
export class FieldPath {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** A field of a struct; several names go one level down each. */
  child(...names: string[]): FieldPath {
    const tail = names.length === 1 ? names[0]! : names.join('.');
    return new FieldPath(this.#text === '' ? tail : `${this.#text}.${tail}`);
  }

  /** An element of a list. */
  index(index: number): FieldPath {
    return new FieldPath(`${this.#text}[${index}]`);
  }

  /** A value of a map. */
  key(key: string): FieldPath {
    return new FieldPath(`${this.#text}[${key}]`);
  }

  toString(): string {
    return this.#text;
  }
}

/** Starts a path: `path('spec', 'template')`. Without names: the root, from which `child` starts afresh. */
export function path(...names: string[]): FieldPath {
  return new FieldPath(names.join('.'));
}
