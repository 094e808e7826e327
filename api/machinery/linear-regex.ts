/** Regular expressions in RE2's syntax, matched in time linear in the text: no pattern can hold the process up. */

/** Tells whether a code point is one of those a place in the pattern takes. */
type CharTest = (codePoint: number) => boolean;

type Node =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly test: Assertion }
  | { readonly kind: 'concat' | 'alternate'; readonly nodes: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    };

/** Of the code points before and after a place; -1 stands for the end of the text. */
type Assertion = (before: number, after: number) => boolean;

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** RE2 repeats nothing more often than this. */
const REPEAT_MAX = 1000;
/** Steps of a program; counted repetitions multiply them. */
const PROGRAM_LENGTH_MAX = 20_000;
const NEWLINE = 10;

const CLASSES: Readonly<Record<string, CharTest>> = {
  d: (c) => c >= 48 && c <= 57,
  s: (c) => c === 9 || c === 10 || c === 12 || c === 13 || c === 32,
  w: isWord,
};
const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  // oxlint-disable-next-line no-control-regex -- the class is all of ASCII
  ascii: /[\x00-\x7F]/,
  blank: /[\t ]/,
  // oxlint-disable-next-line no-control-regex -- the class is control characters
  cntrl: /[\x00-\x1F\x7F]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};
const ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

function isWord(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || (c >= 97 && c <= 122);
}

class PatternParser {
  readonly #text: readonly string[];
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false };

  constructor(pattern: string) {
    this.#text = Array.from(pattern);
  }

  parse(): Node {
    const node = this.#alternation();
    if (this.#at < this.#text.length) this.#fail('unexpected )');
    return node;
  }

  #fail(why: string): never {
    throw new Error(`error parsing regexp: ${why}: \`${this.#text.join('')}\``);
  }

  #eat(text: string): boolean {
    if (this.#text.slice(this.#at, this.#at + text.length).join('') !== text) return false;
    this.#at += text.length;
    return true;
  }

  #alternation(): Node {
    const flags = this.#flags;
    const nodes = [this.#concatenation()];
    while (this.#eat('|')) nodes.push(this.#concatenation());
    this.#flags = flags;
    return nodes.length === 1 ? nodes[0]! : { kind: 'alternate', nodes };
  }

  #concatenation(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')')
      nodes.push(this.#repetition(this.#atom()));
    return { kind: 'concat', nodes };
  }

  #repetition(node: Node): Node {
    const range = this.#range();
    if (range === undefined) return node;
    const repeated: Node = { kind: 'repeat', node, ...range, lazy: this.#eat('?') };
    if (this.#range() !== undefined) this.#fail('invalid nested repetition operator');
    return repeated;
  }

  #range(): { readonly min: number; readonly max: number } | undefined {
    if (this.#eat('*')) return { min: 0, max: Infinity };
    if (this.#eat('+')) return { min: 1, max: Infinity };
    if (this.#eat('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 12).join(''));
    if (counted === null) return undefined;
    const [all, low, more, high] = counted;
    const min = Number(low);
    const max = more === undefined ? min : high === '' ? Infinity : Number(high);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX) || max < min)
      this.#fail('invalid repeat count');
    this.#at += all.length;
    return { min, max };
  }

  #atom(): Node {
    const char = this.#text[this.#at++]!;
    const { m, s } = this.#flags;
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'char', test: this.#folded(this.#class()) };
      case '.':
        return { kind: 'char', test: s ? () => true : (c) => c !== NEWLINE };
      case '^':
        return { kind: 'assert', test: (before) => before === -1 || (m && before === NEWLINE) };
      case '$':
        return { kind: 'assert', test: (_before, after) => after === -1 || (m && after === NEWLINE) };
      case '*':
      case '+':
      case '?':
        return this.#fail('missing argument to repetition operator');
      case '\\':
        return this.#escape();
      default:
        return this.#literal(char.codePointAt(0)!);
    }
  }

  #literal(code: number): Node {
    return { kind: 'char', test: this.#folded((c) => c === code) };
  }

  /** The test for either case, under the flag i. */
  #folded(test: CharTest): CharTest {
    if (!this.#flags.i) return test;
    return (c) => {
      const char = String.fromCodePoint(c);
      return test(c) || test(char.toLowerCase().codePointAt(0)!) || test(char.toUpperCase().codePointAt(0)!);
    };
  }

  #group(): Node {
    if (this.#eat('?')) {
      const rest = this.#text.slice(this.#at, this.#at + 80).join('');
      const name = /^P?<\w+>/.exec(rest);
      const flags = /^([imsU]*)(-[imsU]+)?([:)])/.exec(rest);
      if (name !== null) this.#at += name[0].length;
      else if (flags === null) this.#fail('invalid or unsupported Perl syntax');
      else {
        this.#at += flags[0].length;
        const outer = this.#flags;
        this.#setFlags(flags[1]!, flags[2] ?? '');
        if (flags[3] === ')') return { kind: 'concat', nodes: [] };
        const inner = this.#alternation();
        this.#flags = outer;
        return this.#closed(inner);
      }
    }
    return this.#closed(this.#alternation());
  }

  #setFlags(on: string, off: string): void {
    const is = (flag: keyof Flags): boolean =>
      on.includes(flag) || (this.#flags[flag] && !off.includes(flag));
    this.#flags = { i: is('i'), m: is('m'), s: is('s') };
  }

  #closed(node: Node): Node {
    if (!this.#eat(')')) this.#fail('missing closing )');
    return node;
  }

  #escape(): Node {
    const char = this.#text[this.#at];
    if (char === 'b' || char === 'B') {
      this.#at++;
      const isBoundary: Assertion = (before, after) => isWord(before) !== isWord(after);
      return { kind: 'assert', test: char === 'b' ? isBoundary : (...ends) => !isBoundary(...ends) };
    }
    if (this.#eat('A')) return { kind: 'assert', test: (before) => before === -1 };
    if (this.#eat('z')) return { kind: 'assert', test: (_before, after) => after === -1 };
    const set = this.#escapedClass();
    if (set !== undefined) return { kind: 'char', test: this.#folded(set) };
    return this.#literal(this.#escapedChar());
  }

  /** `\d`, `\pL`, `\p{Greek}` and their opposites, behind the backslash. */
  #escapedClass(): CharTest | undefined {
    const char = this.#text[this.#at] ?? '';
    const plain = CLASSES[char.toLowerCase()];
    if (plain !== undefined) {
      this.#at++;
      return char === char.toLowerCase() ? plain : (c) => !plain(c);
    }
    if (char !== 'p' && char !== 'P') return undefined;
    const match = /^[pP](?:\{(\^?)(\w+)\}|(\w))/.exec(this.#text.slice(this.#at, this.#at + 40).join(''));
    if (match === null) return this.#fail('invalid character class range');
    this.#at += match[0].length;
    const test = this.#unicodeClass(match[2] ?? match[3]!);
    return (char === 'P') === (match[1] === '^') ? test : (c) => !test(c);
  }

  #unicodeClass(name: string): CharTest {
    for (const property of [name, `Script=${name}`]) {
      try {
        const pattern = new RegExp(`^\\p{${property}}$`, 'u');
        return (c) => pattern.test(String.fromCodePoint(c));
      } catch {
        // Not a category, maybe a script.
      }
    }
    return this.#fail('invalid character class range');
  }

  #escapedChar(): number {
    const char = this.#text[this.#at++];
    if (char === undefined) return this.#fail('trailing backslash at end of expression');
    const code = ESCAPES[char];
    if (code !== undefined) return code;
    if (char === 'x') {
      const rest = this.#text.slice(this.#at, this.#at + 10).join('');
      const hex = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
      if (hex === null) return this.#fail('invalid escape sequence');
      this.#at += hex[0].length;
      return parseInt(hex[1] ?? hex[2]!, 16);
    }
    if (/[\w]/.test(char)) return this.#fail('invalid escape sequence');
    return char.codePointAt(0)!;
  }

  #class(): CharTest {
    const isNegated = this.#eat('^');
    const tests: CharTest[] = [];
    for (let isFirst = true; isFirst || this.#text[this.#at] !== ']'; isFirst = false) {
      if (this.#at >= this.#text.length) this.#fail('missing closing ]');
      tests.push(this.#classItem());
    }
    this.#at++;
    return (c) => tests.some((test) => test(c)) !== isNegated;
  }

  #classItem(): CharTest {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at, this.#at + 14).join(''));
    if (posix !== null) {
      const pattern = POSIX[posix[2]!] ?? this.#fail('invalid character class range');
      this.#at += posix[0].length;
      return (c) => pattern.test(String.fromCodePoint(c)) !== (posix[1] === '^');
    }
    if (this.#text[this.#at] === '\\') {
      this.#at++;
      const set = this.#escapedClass();
      if (set !== undefined) return set;
      this.#at--;
    }
    const low = this.#classChar();
    if (this.#text[this.#at] !== '-' || [']', undefined].includes(this.#text[this.#at + 1]))
      return (c) => c === low;
    this.#at++;
    const high = this.#classChar();
    if (high < low) this.#fail('invalid character class range');
    return (c) => c >= low && c <= high;
  }

  #classChar(): number {
    if (this.#eat('\\')) return this.#escapedChar();
    return this.#text[this.#at++]!.codePointAt(0)!;
  }
}

/** A step of the machine. Of a split the first way is preferred. */
type Step =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly test: Assertion }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

function compile(node: Node, program: Step[]): void {
  if (program.length > PROGRAM_LENGTH_MAX) throw new Error('error parsing regexp: expression too large');
  switch (node.kind) {
    case 'char':
    case 'assert':
      program.push(node);
      return;
    case 'concat':
      for (const each of node.nodes) compile(each, program);
      return;
    case 'alternate':
      compileAlternatives(node.nodes, program);
      return;
    case 'repeat':
      for (let i = 0; i < node.min; i++) compile(node.node, program);
      compileOptional(node, program);
  }
}

function compileAlternatives(nodes: readonly Node[], program: Step[]): void {
  const exits: { to: number }[] = [];
  nodes.forEach((node, i) => {
    const isLast = i === nodes.length - 1;
    const split: Step = { kind: 'split', first: program.length + 1, second: 0 };
    if (!isLast) program.push(split);
    compile(node, program);
    if (isLast) return;
    const exit: Step = { kind: 'jump', to: 0 };
    program.push(exit);
    exits.push(exit);
    split.second = program.length;
  });
  for (const exit of exits) exit.to = program.length;
}

/** What a repetition may take beyond its minimum. */
function compileOptional({ node, min, max, lazy }: Extract<Node, { kind: 'repeat' }>, program: Step[]): void {
  const [enter, leave] = lazy ? (['second', 'first'] as const) : (['first', 'second'] as const);
  const splits: Extract<Step, { kind: 'split' }>[] = [];
  const start = program.length;
  for (let i = max === Infinity ? 0 : min; i < (max === Infinity ? 1 : max); i++) {
    const split: Step = { kind: 'split', first: 0, second: 0 };
    splits.push(split);
    program.push(split);
    split[enter] = program.length;
    compile(node, program);
  }
  if (max === Infinity) program.push({ kind: 'jump', to: start });
  for (const split of splits) split[leave] = program.length;
}

/** Where a match begins and ends, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Thread {
  readonly step: number;
  readonly start: number;
}

export class LinearRegex {
  readonly #program: Step[] = [];

  /** Throws an Error that says what is wrong with the pattern. */
  constructor(pattern: string) {
    compile(new PatternParser(pattern).parse(), this.#program);
    this.#program.push({ kind: 'match' });
  }

  /** Whether any part of the text matches. */
  test(text: string): boolean {
    return this.find(text) !== undefined;
  }

  /** The leftmost match that begins at `from` or later, the one a backtracking matcher would find. */
  find(text: string, from = 0): Span | undefined {
    let threads: Thread[] = [];
    let found: Span | undefined;
    let before = from === 0 ? -1 : text.codePointAt(from - 1)!;
    for (let at = from; ;) {
      const after = at < text.length ? text.codePointAt(at)! : -1;
      const next: Thread[] = [];
      const seen = new Set<number>();
      for (const { step, start } of threads) this.#follow(step, start, before, after, seen, next);
      if (found === undefined) this.#follow(0, at, before, after, seen, next);
      threads = [];
      for (const { step, start } of next) {
        const current = this.#program[step]!;
        if (current.kind === 'match') {
          found = { start, end: at };
          break;
        }
        if (current.kind === 'char' && after !== -1 && current.test(after))
          threads.push({ step: step + 1, start });
      }
      if (after === -1 || (found !== undefined && threads.length === 0)) return found;
      at += after > 0xffff ? 2 : 1;
      before = after;
    }
  }

  /** Adds the threads that a step leads to without taking a character. */
  #follow(
    first: number,
    start: number,
    before: number,
    after: number,
    seen: Set<number>,
    into: Thread[],
  ): void {
    const waiting = [first];
    while (waiting.length > 0) {
      const step = waiting.pop()!;
      if (seen.has(step)) continue;
      seen.add(step);
      const current = this.#program[step]!;
      if (current.kind === 'split') waiting.push(current.second, current.first);
      else if (current.kind === 'jump') waiting.push(current.to);
      else if (current.kind === 'assert') {
        if (current.test(before, after)) waiting.push(step + 1);
      } else into.push({ step, start });
    }
  }
}
