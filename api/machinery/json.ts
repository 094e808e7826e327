/**
 * JSON as the API server reads and writes it: duplicate keys are found, whole numbers stay exact, nothing in the input can
 * reach a prototype, and errors are worded as Go's encoding/json words them.
 */

/** Deepest nesting that is read. Go reads ten times as deep; here everything that walks an object must fit the stack. */
const JSON_DEPTH_MAX = 1000;

export interface ParsedJSON {
  /** Objects are plain; integers beyond 2^53 are bigint. */
  readonly value: unknown;
  /** Paths of keys that stood twice in one object, for example `spec.containers[0].name`; the last one won. */
  readonly duplicates: readonly string[];
}

/** The input is no JSON. The message is Go's. */
export class JSONError extends Error {
  override readonly name = 'JSONError';
}

/** Reads one JSON value with nothing behind it. Throws a {@link JSONError}. */
export function parseJSON(text: string): ParsedJSON {
  const reader = new Reader(text);
  const value = reader.document();
  return { value, duplicates: reader.duplicates };
}

const enum Char {
  Tab = 9,
  Newline = 10,
  Return = 13,
  Space = 32,
  Quote = 34,
  Comma = 44,
  Minus = 45,
  Zero = 48,
  Nine = 57,
  Colon = 58,
  OpenBracket = 91,
  Backslash = 92,
  CloseBracket = 93,
  OpenBrace = 123,
  CloseBrace = 125,
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids these in strings
const PLAIN_STRING = /[^"\\\u0000-\u001f]*"/y;

class Reader {
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;
  readonly #path: (string | number)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #value(): unknown {
    this.#space();
    const code = this.#text.charCodeAt(this.#at);
    switch (code) {
      case Char.OpenBrace:
        return this.#object();
      case Char.OpenBracket:
        return this.#array();
      case Char.Quote:
        return this.#string();
      default:
        if (code === Char.Minus || (code >= Char.Zero && code <= Char.Nine)) return this.#number();
        return this.#literal();
    }
  }

  #object(): Record<string, unknown> {
    this.#enter();
    const object: Record<string, unknown> = {};
    this.#space();
    if (this.#text.charCodeAt(this.#at) === Char.CloseBrace) {
      this.#leave();
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== Char.Quote)
        throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== Char.Colon) throw this.#unexpected('after object key');
      this.#at++;
      this.#path.push(key);
      if (Object.hasOwn(object, key)) this.duplicates.push(formatPath(this.#path));
      const value = this.#value();
      this.#path.pop();
      setMember(object, key, value);
      if (this.#separator(Char.CloseBrace, 'after object key:value pair')) return object;
    }
  }

  #array(): unknown[] {
    this.#enter();
    const array: unknown[] = [];
    this.#space();
    if (this.#text.charCodeAt(this.#at) === Char.CloseBracket) {
      this.#leave();
      return array;
    }
    for (;;) {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
      if (this.#separator(Char.CloseBracket, 'after array element')) return array;
    }
  }

  /** Reads a comma or the closing character; true when the container ended. */
  #separator(close: Char, where: string): boolean {
    this.#space();
    const code = this.#text.charCodeAt(this.#at);
    if (code === close) {
      this.#leave();
      return true;
    }
    if (code !== Char.Comma) throw this.#unexpected(where);
    this.#at++;
    return false;
  }

  #enter(): void {
    this.#at++;
    if (++this.#depth > JSON_DEPTH_MAX) throw new JSONError('exceeded max depth');
  }

  #leave(): void {
    this.#at++;
    this.#depth--;
  }

  #string(): string {
    const start = this.#at;
    PLAIN_STRING.lastIndex = start + 1;
    if (PLAIN_STRING.test(this.#text)) {
      this.#at = PLAIN_STRING.lastIndex;
      return this.#text.slice(start + 1, this.#at - 1);
    }
    return this.#escapedString(start);
  }

  #escapedString(start: number): string {
    let at = start + 1;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (Number.isNaN(code)) throw this.#end();
      if (code === Char.Quote) break;
      if (code < Char.Space) {
        this.#at = at;
        throw this.#unexpected('in string literal');
      }
      if (code === Char.Backslash) {
        at++;
        const escape = this.#text[at];
        if (escape === undefined) throw this.#end();
        this.#at = at;
        if (escape === 'u') {
          for (let i = 1; i <= 4; i++) {
            this.#at = at + i;
            if (!/[0-9a-fA-F]/.test(this.#text[at + i] ?? ''))
              throw this.#unexpected('in \\u hexadecimal character escape');
          }
          at += 4;
        } else if (!'"\\/bfnrt'.includes(escape)) {
          throw this.#unexpected('in string escape code');
        }
      }
      at++;
    }
    this.#at = at + 1;
    const parsed: unknown = JSON.parse(this.#text.slice(start, this.#at));
    return parsed as string;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) {
      this.#at++;
      throw this.#unexpected('in numeric literal');
    }
    const literal = this.#text.slice(this.#at, NUMBER.lastIndex);
    this.#at = NUMBER.lastIndex;
    const value = Number(literal);
    if (Number.isSafeInteger(value) || !/^-?\d+$/.test(literal)) {
      if (!Number.isFinite(value))
        throw new JSONError(`json: cannot unmarshal number ${literal} into Go value of type float64`);
      return value;
    }
    return BigInt(literal);
  }

  #literal(): boolean | null {
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
      if (this.#text[this.#at] === word[0]) {
        let same = 1;
        while (same < word.length && this.#text[this.#at + same] === word[same]) same++;
        this.#at += same;
        throw this.#unexpected(`in literal ${word} (expecting '${word[same]}')`);
      }
    }
    throw this.#unexpected('looking for beginning of value');
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== Char.Space && code !== Char.Newline && code !== Char.Return && code !== Char.Tab) return;
      this.#at++;
    }
  }

  #unexpected(where: string): JSONError {
    if (this.#at >= this.#text.length) return this.#end();
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    const shown =
      character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`;
    return new JSONError(`invalid character ${shown} ${where}`);
  }

  #end(): JSONError {
    return new JSONError('unexpected end of JSON input');
  }
}

/** Assigns a member even when it is called `__proto__`. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** Keys in the order of their UTF-8 bytes, as Go sorts them. */
export function sortedKeys(object: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(object);
  if (keys.length < 2) return keys;
  const ascii = keys.every((key) => !/[^ -~]/.test(key));
  return ascii ? keys.sort() : keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** `['spec', 'containers', 0, 'name']` is `spec.containers[0].name`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

const HTML_CHARACTERS = Object.keys(HTML_ESCAPES);

/** Compact JSON as Go's encoding/json writes it: `<`, `>` and `&` escaped, bigint as a number. */
export function stringifyJSON(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Only numbers beyond 2^53 cannot be written by the platform.
    text = stringifyExact(value);
  }
  // Looking for single characters takes a tenth of the time of an expression.
  return HTML_CHARACTERS.some((character) => text.includes(character))
    ? text.replaceAll(/[<>&\u2028\u2029]/g, (character) => HTML_ESCAPES[character]!)
    : text;
}

function stringifyExact(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringifyExact).join(',')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringifyExact(member)}`).join(',')}}`;
}
