/** The text form of label selectors, `?labelSelector=`. Mirrors apimachinery labels/selector.go Parse. */
import { invalid } from './field-errors.ts';
import { compareText } from './go-format.ts';
import {
  aggregate,
  newRequirement,
  SelectorError,
  type LabelOperator,
  type LabelRequirement,
} from './label-requirement.ts';
import { checkQualifiedName } from './names.ts';

/** The requirements of a selector; '' has none. Throws SelectorError. */
export function parseRequirements(text: string): LabelRequirement[] {
  return new Parser(text).parse();
}

const SYMBOLS = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'] as const;

type TokenKind = 'end' | 'identifier' | 'in' | 'notin' | (typeof SYMBOLS)[number];

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  const word = /[^ \t\r\n=!(),><\0]+/y;
  let position = 0;
  for (;;) {
    while (' \t\r\n'.includes(text.charAt(position)) && position < text.length) position++;
    if (position >= text.length || text[position] === '\0') break;
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, position));
    if (symbol !== undefined) {
      tokens.push({ kind: symbol, text: symbol });
      position += symbol.length;
      continue;
    }
    word.lastIndex = position;
    const found = word.exec(text)?.[0] ?? text.charAt(position);
    tokens.push({ kind: found === 'in' || found === 'notin' ? found : 'identifier', text: found });
    position += found.length;
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

const OPERATORS: Readonly<Partial<Record<TokenKind, LabelOperator>>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const next = this.#peek();
      if (next.kind === 'end') return requirements;
      if (next.kind !== 'identifier' && next.kind !== '!') {
        throw new SelectorError(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const separator = this.#take();
      if (separator.kind === 'end') return requirements;
      if (separator.kind !== ',') {
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`);
      }
      const after = this.#peek();
      if (after.kind !== 'identifier' && after.kind !== '!') {
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  /** The next token where `in` and `notin` are plain words. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#position, this.#tokens.length - 1)]!;
    return token.kind === 'in' || token.kind === 'notin' ? { ...token, kind: 'identifier' } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#position++;
    return token;
  }

  #requirement(): LabelRequirement {
    try {
      return this.#requirementParts();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      throw new SelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  #requirementParts(): LabelRequirement {
    let token = this.#take();
    const negated = token.kind === '!';
    if (negated) token = this.#take();
    if (token.kind !== 'identifier') {
      throw new SelectorError(`found '${token.text}', expected: identifier`);
    }
    const key = token.text;
    const keyErrors = checkQualifiedName(key);
    if (keyErrors.length > 0) {
      throw new SelectorError(aggregate([invalid('<nil>', key, keyErrors.join('; '))]));
    }
    const next = this.#peek().kind;
    if (negated) return newRequirement(key, '!', []);
    if (next === 'end' || next === ',') return newRequirement(key, 'exists', []);
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : this.#exactValue();
    return newRequirement(key, operator, [...values].sort(compareText));
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#position++]!;
    const operator = OPERATORS[token.kind];
    if (operator !== undefined) return operator;
    throw new SelectorError(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #values(): Set<string> {
    const open = this.#take();
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ')') {
      this.#take();
      return new Set(['']);
    }
    if (first.kind !== 'identifier' && first.kind !== ',') {
      throw new SelectorError(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values = this.#valueList();
    if (this.#take().kind !== ')') throw new SelectorError(`found '${first.text}', expected: ')'`);
    return values;
  }

  /** Up to the closing parenthesis, which stays. An empty place between commas is the empty value. */
  #valueList(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const token = this.#take();
      const next = this.#peek();
      if (token.kind === 'identifier') {
        values.add(token.text);
        if (next.kind === ')') return values;
        if (next.kind !== ',') throw new SelectorError(`found '${next.text}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (values.size === 0) values.add('');
        if (next.kind === ')') return values.add('');
        if (next.kind === ',') {
          this.#take();
          values.add('');
        }
      } else throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
    }
  }

  #exactValue(): Set<string> {
    const next = this.#peek();
    if (next.kind === 'end' || next.kind === ',') return new Set(['']);
    const token = this.#take();
    if (token.kind === 'identifier') return new Set([token.text]);
    throw new SelectorError(`found '${token.text}', expected: identifier`);
  }
}
