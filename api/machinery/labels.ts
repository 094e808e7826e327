/**
 * Label selectors: the text form of `?labelSelector=` and the object form of `metav1.LabelSelector`.
 * Mirrors apimachinery labels/selector.go Parse and meta/v1/helpers.go LabelSelectorAsSelector.
 */
import { compareText, goQuote } from './go-format.ts';
import { path as newPath, type FieldPath } from './field-path.ts';
import type { FieldError } from './errors.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';
import { invalid, type LabelSelectorObject } from './validation.ts';

export type { LabelSelectorObject };

/** `exists` and `!` take no values, `gt` and `lt` one integer, `in` and `notin` any number, the others one. */
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted when parsed from text. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** A selector that cannot be understood; the message is upstream's. */
export class SelectorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SelectorError';
  }
}

/** All requirements must hold. Sorted by key. */
export class LabelSelectorMatcher {
  readonly requirements: readonly LabelRequirement[];
  readonly #nothing: boolean;

  constructor(requirements: readonly LabelRequirement[], nothing = false) {
    this.requirements = [...requirements].sort((a, b) => compareText(a.key, b.key));
    this.#nothing = nothing;
  }

  /** True when every set of labels matches. */
  get empty(): boolean {
    return !this.#nothing && this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#nothing) return false;
    for (const requirement of this.requirements) {
      if (!requirementMatches(requirement, labels ?? {})) return false;
    }
    return true;
  }

  /** The value a label must have, when the selector pins it to one. */
  exactValue(label: string): string | undefined {
    const found = this.requirements.find((requirement) => requirement.key === label);
    if (found === undefined || !['=', '==', 'in'].includes(found.operator)) return undefined;
    return found.values.length === 1 ? found.values[0] : undefined;
  }

  /** Canonical text, as upstream's `Selector.String()`. */
  toString(): string {
    return this.requirements.map(formatRequirement).join(',');
  }
}

/** Matches no labels: what an absent `metav1.LabelSelector` means. */
const NOTHING = new LabelSelectorMatcher([], true);

function requirementMatches({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const left = value === undefined ? undefined : parseInt64(value);
      const right = values.length === 1 ? parseInt64(values[0]!) : undefined;
      if (left === undefined || right === undefined) return false;
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = [...values].sort(compareText).join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    default:
      return `${key}${operator}${list}`;
  }
}

/** Text of several errors together, as Go's aggregate prints them. */
function aggregate(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

/** Checks a requirement. Throws SelectorError. */
function newRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors = checkRequirement(newPath(), key, operator, values);
  if (errors.length > 0) throw new SelectorError(aggregate(errors));
  return { key, operator, values };
}

/** Mirrors labels.NewRequirement. */
export function checkRequirement(
  at: FieldPath,
  key: string,
  operator: LabelOperator,
  given: readonly string[] | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const values = given ?? [];
  const valuesAt = at.child('values');
  const keyErrors = checkQualifiedName(key);
  if (keyErrors.length > 0) errors.push(invalid(at.child('key'), key, keyErrors.join('; ')));
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) {
        errors.push(invalid(valuesAt, given, "for 'in', 'notin' operators, values set can't be empty"));
      }
      break;
    case 'exists':
    case '!':
      if (values.length > 0) {
        errors.push(invalid(valuesAt, values, 'values set must be empty for exists and does not exist'));
      }
      break;
    case 'gt':
    case 'lt':
      values.forEach((value, index) => {
        if (parseInt64(value) === undefined) {
          errors.push(
            invalid(valuesAt.index(index), value, "for 'Gt', 'Lt' operators, the value must be an integer"),
          );
        }
      });
      break;
    default:
  }
  values.forEach((value, index) => {
    const texts = checkLabelValue(value);
    if (texts.length > 0) errors.push(invalid(valuesAt.index(index).key(key), value, texts.join('; ')));
  });
  return errors;
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

/** Parses the text form; '' matches everything. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelSelectorMatcher {
  return new LabelSelectorMatcher(new Parser(text).parse());
}

/** A selector for exactly these labels. Nothing is checked; no labels match everything. */
export function selectorFromLabels(labels: Labels | undefined): LabelSelectorMatcher {
  return new LabelSelectorMatcher(
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })),
  );
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** A `metav1.LabelSelector`: absent matches nothing, empty matches everything. Throws SelectorError. */
export function selectorFromLabelSelector(selector: LabelSelectorObject | undefined): LabelSelectorMatcher {
  if (selector === undefined) return NOTHING;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    newRequirement(key, '=', [value]),
  );
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined;
    if (known === undefined) {
      throw new SelectorError(`${goQuote(operator)} is not a valid label selector operator`);
    }
    requirements.push(newRequirement(key, known, values ?? []));
  }
  return new LabelSelectorMatcher(requirements);
}

/** Text of a `metav1.LabelSelector` for people: `<none>` when it is absent or empty, `<error>` when it is not valid. */
export function formatLabelSelector(selector: LabelSelectorObject | undefined): string {
  try {
    const text = selectorFromLabelSelector(selector).toString();
    return text === '' ? '<none>' : text;
  } catch {
    return '<error>';
  }
}

/** Text of a plain map of labels, `a=1,b=2`, sorted; `<none>` when there are none. */
export function formatLabels(labels: Labels | undefined): string {
  const text = selectorFromLabels(labels).toString();
  return text === '' ? '<none>' : text;
}
